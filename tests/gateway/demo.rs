//! `munjigi demo`: one command from nothing to a guarded application, and lines that work when they are pasted.
//!
//! Assumed: `demo --dir DIR --port 0` prints lines to standard output and says `ready` or names the gateway's URL there;
//! each curl line stands on a line of its own, begins with `curl`, and is meant for a POSIX shell; the lines are pasted
//! in their order into one shell. The second start is timed by the test from start to that line.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Origin, Process, need};

fn demo(dir: &Path, more: &[&str]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_munjigi"));
    command.args(["demo", "--port", "0", "--dir"]).arg(dir).args(more);
    Process::start(&mut command)
}

/// The gateway's URL out of what the demo printed.
#[track_caller]
fn url(process: &Process) -> String {
    let line = process.out.wait_for("https://").unwrap_or_else(|| panic!("no URL:\n{}\n{}", process.out.text(), process.err.text()));
    let url = &line[line.find("https://").unwrap()..];
    url.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).next().unwrap().trim_end_matches('/').to_owned()
}

#[test]
fn the_demo_prints_lines_that_work_when_pasted() {
    if !need("the_demo_prints_lines_that_work_when_pasted") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let process = demo(dir.path(), &[]);
    url(&process);
    // Everything it has to say is said once a request can be served.
    let curls = process.out.wait_until(|lines| {
        let curls: Vec<String> =
            lines.iter().map(|line| line.trim().trim_start_matches("$ ").to_owned()).filter(|line| line.contains("curl ")).collect();
        (curls.len() >= 5).then_some(curls)
    });
    let curls = curls.unwrap_or_else(|| panic!("no curl lines:\n{}", process.out.text()));
    let text = process.out.text();
    assert!(text.contains("rightId") && text.contains("rightPasswd"), "the accounts are missing:\n{text}");
    let script = format!("set -e\n{}\n", curls.join("\necho\n"));
    let ran = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{script}\n{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("logged_in_as") && said.contains("access_token"), "{script}\n{said}");
}

#[test]
fn the_second_start_is_quick() {
    let dir = tempfile::tempdir().unwrap();
    url(&demo(dir.path(), &[]));
    let before = Instant::now();
    url(&demo(dir.path(), &[]));
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

#[test]
fn the_demo_guards_ones_own_application() {
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    let process = demo(dir.path(), &["--upstream", &origin.url()]);
    let address = url(&process).rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], address));
    let program = crate::support::Client::program(address);
    assert_eq!(program.get("/protected").send().status(), 401);
    let answer = program.post("/login").json(&serde_json::json!({ "id": "rightId", "password": "rightPasswd" })).send();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(program.get("/protected").bearer(&token).send().status(), 200);
    assert!(origin.last().get("x-auth-user").is_some_and(|user| user.eq_ignore_ascii_case("rightId")));
}
