//! How applications are told who asks: every preset, what the record knows, and how what is not ASCII is written.

use crate::support::{Gateway, H2, Message, Origin, Sso, World};

/// Every identity header some preset writes, and nothing else.
fn about_the_person(seen: &Message) -> Vec<(String, String)> {
    let names = [
        "x-auth-",
        "remote-",
        "x-forwarded-user",
        "x-forwarded-preferred",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x-webauth-",
        "x-who",
    ];
    let mut found: Vec<(String, String)> = seen.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    found.retain(|(name, _)| names.iter().any(|known| name.starts_with(known)));
    found.sort();
    found
}

/// Hana, whose record has a name, an address and groups, behind a gateway with these identity headers; and her token.
fn hana(identity_headers: &str) -> (Gateway, Origin, String) {
    let (origin, sso) = (Origin::start(), Sso::closed());
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let builder = World::builder(&origin, &sso)
        .toml("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"")
        .toml(&format!("[identity_headers]\n{identity_headers}"))
        .file(
            "members.csv",
            format!("id,name,email,hash,role,groups\nhana,김하나 100%,hana@example.kr,{hash},member,staff;교직원\nduri,,,{hash},,\n"),
        );
    let imported = builder.finish(&["users", "import", "members.csv"]);
    assert_eq!(imported.code, 0, "{}{}", imported.out, imported.err);
    let gateway = builder.start();
    let token = gateway.login("hana", "correct horse").access;
    (gateway, origin, token)
}

#[test]
fn every_preset_tells_what_the_record_knows() {
    let (name, groups) = ("%EA%B9%80%ED%95%98%EB%82%98 100%25", "staff,%EA%B5%90%EC%A7%81%EC%9B%90");
    let email = "hana@example.kr";
    for (settings, wanted) in [
        ("preset = \"remote\"", vec![("remote-email", email), ("remote-groups", groups), ("remote-name", name), ("remote-user", "hana")]),
        (
            "preset = \"forwarded\"",
            vec![
                ("x-forwarded-email", email),
                ("x-forwarded-groups", groups),
                ("x-forwarded-preferred-username", name),
                ("x-forwarded-user", "hana"),
            ],
        ),
        (
            "preset = \"auth-request\"",
            vec![
                ("x-auth-request-email", email),
                ("x-auth-request-groups", groups),
                ("x-auth-request-preferred-username", name),
                ("x-auth-request-user", "hana"),
            ],
        ),
        ("preset = \"webauth\"", vec![("x-webauth-user", "hana")]),
        ("preset = \"custom\"\nuser = \"X-Who\"\nname = \"X-Who-Name\"", vec![("x-who", "hana"), ("x-who-name", name)]),
        ("preset = \"webauth\"\nemail = \"X-WebAuth-Email\"", vec![("x-webauth-email", email), ("x-webauth-user", "hana")]),
    ] {
        let (gateway, origin, token) = hana(settings);
        assert_eq!(
            gateway.program().get("/").bearer(&token).with("X-WebAuth-User", "evil").with("Remote-User", "evil").send().status(),
            200
        );
        let wanted: Vec<(String, String)> = wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(about_the_person(&origin.last()), wanted, "{settings}");
        let mut h2 = H2::connect(gateway.address());
        let request = h2.request("GET", "/").header("authorization", format!("Bearer {token}")).header("remote_user", "evil");
        assert_eq!(h2.send(request, b"").status(), 200);
        assert_eq!(about_the_person(&origin.last()), wanted, "{settings} over h2");
    }
    let (gateway, origin, token) = hana("preset = \"x-auth\"");
    gateway.program().get("/").bearer(&token).send();
    let seen = origin.last();
    assert_eq!((seen.get("x-auth-name"), seen.get("x-auth-email"), seen.get("x-auth-groups")), (Some(name), Some(email), Some(groups)));
    assert_eq!((seen.get("x-auth-user"), seen.get("x-auth-provider")), (Some("hana"), Some("guests")));
    assert!(seen.get("x-auth-session").is_some_and(|session| session.len() == 22 || session.len() == 36));
    // Of whom nothing is known nothing is said.
    let duri = gateway.login("duri", "correct horse").access;
    gateway.program().get("/").bearer(&duri).with("X-Auth-Name", "evil").send();
    let seen = origin.last();
    assert_eq!(
        (seen.get("x-auth-user"), seen.get("x-auth-name"), seen.get("x-auth-email"), seen.get("x-auth-groups")),
        (Some("duri"), None, None, None)
    );
}

/// `mod_auth_openidc` ("also strip CR"): a name with a line break became a header of its own.
#[test]
fn l07_a_name_is_one_line_in_every_encoding() {
    for (encoding, name, groups) in [
        ("percent", "%EA%B9%80%ED%95%98%EB%82%98 100%25", "staff,%EA%B5%90%EC%A7%81%EC%9B%90"),
        ("utf8", "김하나 100%", "staff,교직원"),
        ("base64url", "6rmA7ZWY64KYIDEwMCU", "c3RhZmYs6rWQ7KeB7JuQ"),
    ] {
        let (gateway, origin, token) = hana(&format!("encoding = \"{encoding}\""));
        let mut h2 = H2::connect(gateway.address());
        let request = h2.request("GET", "/").header("authorization", format!("Bearer {token}"));
        assert_eq!(h2.send(request, b"").status(), 200);
        let over_h2 = origin.last();
        gateway.program().get("/").bearer(&token).send();
        for seen in [over_h2, origin.last()] {
            assert_eq!((seen.get("x-auth-name"), seen.get("x-auth-groups")), (Some(name), Some(groups)), "{encoding}");
        }
    }
    // A name that would break the line cannot come to be: neither from a file nor from a form.
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    for evil in ["a\r\nX-Auth-Groups: staff", "a\rb", "a\nb", "a\0b"] {
        let builder = World::builder(&Origin::closed(), &Sso::closed())
            .toml("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"open\"")
            .file("members.csv", format!("id,name,email,hash,role,groups\nhana,\"{evil}\",,{hash},,\n"));
        assert_ne!(builder.finish(&["users", "import", "members.csv"]).code, 0, "{evil:?}");
        let gateway = builder.start();
        let body = serde_json::json!({ "id": "duri", "password": "바다로 가는 기차 열두시", "name": evil });
        let answer = gateway.program().post("/.auth/api/signup").json(&body).send();
        assert!(matches!(answer.status(), 400 | 422), "{evil:?}: {}", answer.text());
    }
}
