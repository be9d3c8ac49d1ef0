//! Stories that need a program which is not everywhere. `cargo test` alone leaves them out and says so; `scripts/test`
//! sets `MUNJIGI_TEST_ALL`, and then a missing program is a failure.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Every story that needs programs, and the programs; what holds a `/` is a place in this repository. `need` refuses a
/// story that does not stand here, so that the list `cargo test` prints is complete.
pub const STORIES: &[(&str, &str)] = &[
    ("curl_from_login_to_logout", "curl"),
    ("curl_sees_why_its_upload_was_refused", "curl"),
    ("the_demo_prints_lines_that_work_when_pasted", "curl"),
    ("node_checks_it_with_the_code_of_the_docs", "node tests/browser/node_modules/jose"),
    ("the_shipped_log_rotation_loses_no_line", "logrotate"),
    ("stories_in_a_real_browser", BROWSER),
    ("people_with_accounts_of_their_own_in_a_real_browser", BROWSER),
    ("one_login_for_all_hosts_in_a_real_browser", BROWSER),
    ("an_administrator_in_a_real_browser", BROWSER),
    ("clocks_three_seconds_apart", "faketime"),
    ("an_operator_backs_up_with_the_sqlite_shell", "sqlite3"),
    ("nginx_asks_about_each_request", "nginx"),
    ("caddy_asks_about_each_request", "caddy"),
    ("the_wall_clock_is_set_back_and_forward", "faketime"),
];

/// What a story in a real browser needs.
const BROWSER: &str = "node chromium tests/browser/node_modules/playwright-core tests/browser/node_modules/axe-core";

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

/// Whether the system lets a story do this (mount, change a file's flags): a container's root may not do all that root may.
/// Unlike a missing program this is no failure anywhere, for nothing can be installed against it.
pub fn may(story: &str, what: &str, tried: &mut Command) -> bool {
    let may = tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !may {
        let _ = writeln!(std::io::stderr(), "left out: {story} (it may not {what} here)");
    }
    may
}

/// Whether all these programs are on the search path, and these places in the repository.
pub fn is_there(programs: &str) -> bool {
    let on_path = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Where servers are, which is not on everybody's path.
        std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).is_file())
    };
    let here = |place: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(place).exists();
    programs.split_whitespace().all(|program| if program.contains('/') { here(program) } else { on_path(program) })
}
