//! `munjigi users import` and `export`: a department's members come from the system before, with the passwords they have.

use serde_json::json;

use crate::support::{Builder, Origin, Sso, World};

/// "correct horse", as bcrypt makes it at cost 4.
const HASH: &str = "$2b$04$";

fn guests() -> Builder {
    World::builder(&Origin::start(), &Sso::closed())
        .toml("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\n[[route]]\npath = \"/staff\"\nupstream = \"app\"\naccess = { groups = [\"staff\"] }")
}

fn csv(hash: &str) -> String {
    format!("id,name,email,hash,role,groups\nHana,김하나,hana@example.kr,{hash},member,staff;교직원\nduri,,,{hash},,\n")
}

#[test]
fn members_log_in_with_the_passwords_they_have() {
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    assert!(hash.starts_with(HASH));
    let builder = guests().file("members.csv", csv(&hash));
    let looked = builder.finish(&["users", "import", "--dry-run", "members.csv"]);
    assert_eq!(looked.code, 0, "{}{}", looked.out, looked.err);
    assert!(looked.out.contains("2 accounts could be imported"), "{}", looked.out);
    let imported = builder.finish(&["users", "import", "members.csv"]);
    assert_eq!(imported.code, 0, "{}{}", imported.out, imported.err);
    let again = builder.finish(&["users", "import", "members.csv"]);
    assert_eq!(again.code, 1);
    assert!(
        again.err.contains("members.csv:2: hana has an account already") && again.err.contains("nothing was imported"),
        "{}",
        again.err
    );

    let gateway = builder.start();
    let pair = gateway.login("hana", "correct horse");
    assert_eq!(gateway.program().get("/staff").bearer(&pair.access).send().status(), 200, "the groups came along");
    let other = gateway.login("duri", "correct horse");
    assert_eq!(gateway.program().get("/staff").bearer(&other.access).send().status(), 403);
    let wrong = gateway.program().post("/login").json(&json!({ "id": "duri", "password": "correct hors" })).send();
    assert_eq!(wrong.status(), 401);

    // What is written can be read again; whoever logged in has a hash of ours by now.
    let builder = gateway.killed();
    let written = builder.finish(&["users", "export"]);
    assert_eq!(written.code, 0, "{}", written.err);
    let line = written.out.lines().find(|line| line.starts_with("hana,")).unwrap_or_else(|| panic!("{}", written.out));
    assert!(line.contains("김하나,hana@example.kr,\"$argon2id$v=19$m=19456,t=2,p=1$") && line.contains("staff"), "{line}");
    let elsewhere = guests().file("members.csv", format!("{}\n", written.out));
    assert_eq!(elsewhere.finish(&["users", "import", "members.csv"]).code, 0);
    elsewhere.start().login("hana", "correct horse");
}

/// Whoever was kept out stays out on the way from one store to another.
#[test]
fn disabled_and_awaiting_accounts_come_back_as_they_were() {
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let lines = format!("id,hash,status,disabled\nhana,{hash},active,no\nduri,{hash},awaiting,\nsena,{hash},,yes\n");
    let builder = guests().file("members.csv", lines);
    assert_eq!(builder.finish(&["users", "import", "members.csv"]).code, 0);
    let written = builder.finish(&["users", "export"]);
    for (id, end) in [("hana", ",active,no"), ("duri", ",awaiting,no"), ("sena", ",active,yes")] {
        assert!(written.out.lines().any(|line| line.starts_with(&format!("{id},")) && line.ends_with(end)), "{}", written.out);
    }
    let elsewhere = guests().file("members.csv", &written.out);
    assert_eq!(elsewhere.finish(&["users", "import", "members.csv"]).code, 0);
    let gateway = elsewhere.start();
    let log_in = |id: &str| gateway.program().post("/login").json(&json!({ "id": id, "password": "correct horse" })).send();
    assert_eq!(log_in("hana").status(), 200);
    assert!(log_in("duri").msg().contains("승인"), "{}", log_in("duri").msg());
    assert_eq!(log_in("sena").refusal(), (403, "account_disabled".to_owned()));
}

#[test]
fn one_bad_line_and_nothing_is_imported() {
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let builder = guests().file("members.csv", format!("{}two words,,,{hash},,\nset,,,plain-text-password,,\n", csv(&hash)));
    let refused = builder.finish(&["users", "import", "members.csv"]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("members.csv:4: ") && refused.err.contains("members.csv:5: "), "{}", refused.err);
    assert!(!refused.err.contains("plain-text-password"), "{}", refused.err);
    let gateway = builder.start();
    let answer = gateway.program().post("/login").json(&json!({ "id": "hana", "password": "correct horse" })).send();
    assert_eq!(answer.status(), 401);
}

#[test]
fn members_can_come_while_the_gateway_runs() {
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let gateway = guests().file("members.csv", csv(&hash)).start();
    let imported = crate::support::munjigi(gateway.path("").as_path(), &["users", "import", "members.csv"]);
    assert_eq!(imported.code, 0, "{}{}", imported.out, imported.err);
    gateway.login("hana", "correct horse");
    let none = World::builder(&Origin::closed(), &Sso::closed()).finish(&["users", "export"]);
    assert_eq!(none.code, 2, "{}", none.err);
}
