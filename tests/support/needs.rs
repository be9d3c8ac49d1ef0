//! Stories that need a program which is not everywhere. `cargo test` alone leaves them out and says so; `scripts/test`
//! sets `MUNJIGI_TEST_ALL`, and then a missing program is a failure.

use std::io::Write as _;
use std::path::Path;

/// Every story that needs a program, and the program. `need` refuses a story that does not stand here, so that the list
/// `cargo test` prints is complete.
pub const STORIES: &[(&str, &str)] = &[
    ("curl_from_login_to_logout", "curl"),
    ("curl_sees_why_its_upload_was_refused", "curl"),
    ("the_demo_prints_lines_that_work_when_pasted", "curl"),
    ("a_browser_is_led_through_the_login", "chromium"),
    ("an_operator_backs_up_with_the_sqlite_shell", "sqlite3"),
];

/// Whether a story can be told here.
///
/// # Panics
/// When it cannot and `MUNJIGI_TEST_ALL` is set, or when the story is not listed.
pub fn need(story: &str) -> bool {
    let (_, program) = STORIES.iter().find(|(name, _)| *name == story).expect("the story stands in STORIES");
    let there = is_there(program);
    assert!(there || std::env::var_os("MUNJIGI_TEST_ALL").is_none(), "{story} needs {program}, which is not installed");
    if !there {
        // Past the test harness, which would keep a passing test's output to itself.
        let _ = writeln!(std::io::stderr(), "left out: {story} (needs {program}; scripts/test installs it)");
    }
    there
}

/// Whether a program is on the search path.
pub fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder: std::path::PathBuf| Path::new(&folder).join(program).is_file()))
}
