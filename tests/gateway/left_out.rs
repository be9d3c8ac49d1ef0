//! What `cargo test` could not tell here, and why.

use crate::support::{STORIES, is_there, need};

/// Asks for every story once, so that each one that is left out is named even when only this test runs.
#[test]
fn stories_that_are_left_out_are_named() {
    let told = STORIES.iter().filter(|(story, _)| need(story)).count();
    println!("{told} of {} stories that need a program are told here", STORIES.len());
    for (story, program) in STORIES {
        assert_eq!(need(story), is_there(program), "{story}");
    }
}
