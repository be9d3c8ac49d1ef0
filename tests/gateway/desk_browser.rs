//! An administrator in a real browser: Debian's chromium, driven by `tests/browser/desk.mjs`.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Origin, Sso, World, munjigi, need};

const NAMES: [&str; 8] = ["김명지", "이서연", "박지후", "최하은", "정도윤", "강서윤", "조은우", "윤지아"];

/// Approve, role and groups, disable, end logins, reset, remove, audit trail, overview: by keyboard and without scripts, at
/// 360 pixels and wide, in Korean and English, light and dark. Every page stands up to axe and breaks no policy.
#[test]
fn an_administrator_in_a_real_browser() {
    if !need("an_administrator_in_a_real_browser") {
        return;
    }
    let sso = Sso::start();
    let gateway = World::builder(&Origin::start(), &sso)
        .toml(
            "[server]\nadmin = \"127.0.0.1:0\"\n[auth]\nadmins = [\"mju:60249999\"]\nproviders = [\"mju\", \"guests\"]\n\
             [provider.guests]\nkind = \"local\"\nregistration = \"approval\"\n[pages]\nname = \"명지대학교 컴퓨터공학과\"",
        )
        .start();
    for (n, name) in NAMES.into_iter().cycle().take(40).enumerate() {
        let id = format!("602400{n:02}");
        let group = if n % 3 == 0 { "조교" } else { "학부생" };
        assert_eq!(munjigi(&gateway.path(""), &["users", "add", &id, "--name", name, "--group", group]).code, 0);
    }
    for (id, name) in [("hana", "김하나"), ("duri", "김두리")] {
        let body = json!({ "id": id, "password": "바다로 가는 기차 열두시", "name": name, "email": "guest@example.kr" });
        assert_eq!(gateway.program().post("/.auth/api/signup").json(&body).send().status(), 201);
    }
    for n in 0..30 {
        let password = if n % 5 == 4 { "wrong".to_owned() } else { format!("pw-602400{:02}", n % 20) };
        let body = json!({ "id": format!("602400{:02}", n % 20), "password": password });
        gateway.program().post("/login").json(&body).send();
        gateway.program().get("/open").send();
    }
    let line = gateway.process.logged("administration, metrics and health on http://");
    let desk = format!("http://{}", line.rsplit("http://").next().unwrap());
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let output = Command::new("node")
        .arg("desk.mjs")
        .arg(format!("https://{}", gateway.address()))
        .arg(desk)
        .current_dir(&stories)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    assert!(output.status.success(), "{told}");
}
