//! The stand-in against the public client that logs in to the real site: `mju-univ-auth`, unpatched.
//!
//! A stand-in and a provider written by the same hand could share a misunderstanding; this client cannot. It needs Python
//! and its package (`tests/python/mju_client.py` says how), so the story is left out where `MUNJIGI_MJU_CLIENT` does not
//! name an interpreter that has it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::cli::demo::{Delivery, PageFault, StandIn, StandInOptions};

/// The client, in a process of its own.
struct Client {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(python: &str, sso: &StandIn, ca: &std::path::Path) -> Self {
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/mju_client.py"))
            .env("MUNJIGI_SSO_PORT", sso.address().port().to_string())
            .env("REQUESTS_CA_BUNDLE", ca)
            .env("NO_PROXY", "*")
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("MUNJIGI_MJU_CLIENT names a Python interpreter");
        let (asks, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, asks, answers }
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.asks, "{what}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{what}: the client answered {line:?}"))
    }

    fn log_in(&mut self, id: &str, password: &str) -> Value {
        self.ask(&json!({ "id": id, "password": password }))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn real_client_logs_in_to_the_stand_in_and_is_refused_by_it() {
    let Ok(python) = std::env::var("MUNJIGI_MJU_CLIENT") else {
        let story = "real_client_logs_in_to_the_stand_in_and_is_refused_by_it";
        assert!(std::env::var_os("MUNJIGI_TEST_ALL").is_none(), "{story} needs MUNJIGI_MJU_CLIENT, which scripts/test sets");
        // Past the test harness, which would keep a passing test's output to itself.
        let _ = writeln!(std::io::stderr(), "left out: {story} (needs mju-univ-auth from PyPI; scripts/test installs it)");
        return;
    };
    let sso = StandIn::start(StandInOptions { tls: true, ..StandInOptions::default() }).await.unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    ca.as_file().write_all(sso.ca_pem().unwrap().as_bytes()).unwrap();
    // The stand-in lives on this runtime, so the client is waited for elsewhere.
    let story = move || {
        let mut client = Client::start(&python, &sso, ca.path());
        tell(&mut client, &sso);
    };
    tokio::task::spawn_blocking(story).await.unwrap();
}

fn tell(client: &mut Client, sso: &StandIn) {
    // A success says nothing more of the credentials; it has a session, and the service takes it.
    let good = json!({ "succeeded": true, "valid": null, "code": null, "message": "", "logged_in": true });
    assert_eq!(client.log_in("rightId", "rightPasswd"), good);
    assert_eq!(sso.sessions_of("rightId"), 1);

    let wrong = client.log_in("rightId", "wrongPasswd");
    assert_eq!((&wrong["succeeded"], &wrong["valid"], &wrong["logged_in"]), (&json!(true), &json!(false), &json!(false)));
    let says = |answer: &Value, words: &str| assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    says(&wrong, "아이디 또는 비밀번호가 일치하지 않습니다.");
    says(&client.log_in("lockedId", "lockedPasswd"), "잠긴 계정");
    says(&client.log_in("nobody", "x"), "일치하지 않습니다");

    // One session per account: the second login of the same person ends the first.
    assert_eq!(client.ask(&json!({ "still": 0 }))["logged_in"], true);
    assert_eq!(client.log_in("rightId", "rightPasswd"), good);
    assert_eq!(client.ask(&json!({ "still": 0 }))["logged_in"], false);
    assert_eq!(sso.sessions_ended_by_another(), 1);

    for delivery in [Delivery::Form, Delivery::Script, Delivery::LongWay] {
        sso.deliver(delivery);
        assert_eq!(client.log_in("60251111", "바다 + 하늘 & 100%")["logged_in"], true, "{delivery:?}");
    }
    sso.deliver(Delivery::Status);
    sso.change_pages(Some(PageFault::SmallKey));
    assert_eq!(client.log_in("60241234", "myongji-2024"), good);
    sso.change_pages(Some(PageFault::MissingToken));
    says(&client.log_in("60241234", "myongji-2024"), "c_r_t");
}
