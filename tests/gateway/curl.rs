//! The sequence the README shows, with the program it shows it with.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{RIGHT, World, need};

/// What curl says to a request: the body, and behind it the status.
fn curl(dir: &Path, arguments: &[&str]) -> (u16, String) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--write-out", "\n%{http_code}"])
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (status.parse().unwrap(), body.to_owned())
}

#[test]
fn curl_from_login_to_logout() {
    if !need("curl_from_login_to_logout") {
        return;
    }
    let world = World::start();
    // The certificate the gateway made is good enough to be trusted by name.
    let port = world.gateway.address().port();
    let trust = ["--cacert", "certs/gateway.crt"].as_slice();
    for version in ["--http1.1", "--http2"] {
        let run = |arguments: &[&str]| {
            let answer = curl(&world.gateway.path(""), &[trust, &[version], arguments].concat());
            println!("$ curl {}\n{} {}", arguments.join(" "), answer.0, answer.1);
            answer
        };
        let to = |path: &str| format!("https://localhost:{port}{path}");
        let (login, protected, refresh, logout) = (to("/login"), to("/protected"), to("/refresh"), to("/logout"));
        assert_eq!(run(&[&protected]).0, 401);
        let body = json!({ "id": RIGHT.0, "password": RIGHT.1 }).to_string();
        let (status, answer) = run(&["-X", "POST", &login, "-H", "Content-Type: application/json", "-d", &body]);
        assert_eq!(status, 200, "{answer}");
        let tokens: Value = serde_json::from_str(&answer).unwrap();
        let bearer = |name: &str| format!("Authorization: Bearer {}", tokens[name].as_str().unwrap());
        let said = run(&[&protected, "-H", &bearer("access_token")]);
        assert_eq!((said.0, serde_json::from_str::<Value>(&said.1).unwrap()), (200, json!({ "logged_in_as": RIGHT.0 })));
        assert_eq!(run(&["-X", "POST", &refresh, "-H", &bearer("refresh_token")]).0, 200);
        assert!(matches!(run(&["-X", "POST", &logout, "-H", &bearer("access_token")]).0, 200 | 204));
        assert_eq!(run(&[&protected, "-H", &bearer("access_token")]).0, 401);
        assert_eq!(run(&["-X", "POST", &refresh, "-H", &bearer("refresh_token")]).0, 401);
        // The same with cookies, as a browser keeps them.
        let jar = ["-b", "jar.txt", "-c", "jar.txt"];
        let body = json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true }).to_string();
        let (status, answer) = run(&[&jar[..], &["-X", "POST", &login, "-H", "Content-Type: application/json", "-d", &body]].concat());
        assert_eq!((status, serde_json::from_str::<Value>(&answer).unwrap()), (200, json!({ "login": true })));
        assert_eq!(run(&[&jar[..], &[&protected]].concat()).0, 200);
    }
}
