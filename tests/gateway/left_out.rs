//! What `cargo test` could not tell here, and why.

use crate::support::{STORIES, is_there, need};

/// Asks for every story once, so that each one that is left out is named even when only this test runs.
#[test]
fn stories_that_are_left_out_are_named() {
    for (story, program) in STORIES {
        assert_eq!(need(story), is_there(program), "{story}");
    }
}
