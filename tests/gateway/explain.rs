//! `munjigi explain`: what would become of a request, decided by the code that decides.

use crate::support::{Builder, Finished, Origin, RIGHT, Sso, World};

fn built() -> Builder {
    World::builder(&Origin::start(), &Sso::start()).file("groups", "staff: mju:60230002\n").toml(
        r#"
        [groups]
        file = "groups"

        [[route]]
        host = "*.test"
        path = "/grades"
        access = { groups = ["staff"], networks = ["10.0.0.0/8"], fresh = "5m" }
        upstream = "app"
        strip_prefix = "/grades"
        "#,
    )
}

#[track_caller]
fn explain(builder: &Builder, arguments: &[&str], code: i32, wanted: &[&str]) -> Finished {
    let explained = builder.finish(&[&["explain"], arguments].concat());
    assert_eq!(explained.code, code, "{arguments:?}: {}{}", explained.out, explained.err);
    for line in wanted {
        assert!(explained.out.contains(line), "{line:?} is not in\n{}{}", explained.out, explained.err);
    }
    explained
}

#[test]
fn explain_tells_route_rule_and_headers_and_its_exit_code_the_decision() {
    let builder = built();
    let grades = "https://a.test/grades/1?x=%zz";
    let passes = explain(
        &builder,
        &["GET", grades, "--user", "60230002", "--from", "10.1.2.3", "--header", "X-Auth-User: evil"],
        0,
        &[
            "route    *.test/grades",
            "leads to upstream app",
            "who      60230002",
            "rule     yes   group staff",
            "rule     yes   from 10.0.0.0/8",
            "decision passes",
            "sent     /1?x=%zz",
            "sent     x-auth-user: 60230002",
            "sent     x-auth-groups: staff",
            "sent     x-forwarded-for: 10.1.2.3",
        ],
    );
    assert!(!passes.out.contains("evil") && !passes.out.to_lowercase().contains("bearer"), "{}", passes.out);
    explain(&builder, &["GET", grades, "--user", "60230002"], 5, &["rule     NO    from 10.0.0.0/8", "refused with 403 (forbidden)"]);
    explain(&builder, &["GET", grades, "--user", "60241234", "--from", "10.1.2.3"], 5, &["rule     NO    group staff"]);
    explain(&builder, &["GET", grades, "--user", "60241234", "--group", "staff", "--from", "10.1.2.3"], 0, &["decision passes"]);
    explain(&builder, &["GET", grades, "--user", "60230002", "--from", "10.1.2.3", "--renewed"], 4, &["fresh_token_required"]);
    explain(&builder, &["GET", grades], 4, &["nobody who is logged in", "refused with 401 (token_missing)"]);
    explain(&builder, &["GET", "https://b.kr/open/x"], 0, &["route    */open", "rule     yes public", "decision passes"]);
    explain(&builder, &["GET", "https://b.kr/open//x"], 6, &["refused with 400 (bad_path)"]);
    explain(&builder, &["GET", "https://b.kr/login"], 0, &["answers at this address itself"]);
    explain(&builder, &["GET", "https://b.kr/", "--token", "no.such.token"], 4, &["refused with 401 (token_"]);
    explain(&builder, &["GET", "https://b.kr/", "--user", "guests:1"], 2, &[]);
}

#[test]
fn explain_and_the_road_agree() {
    let world = World::start();
    let token = world.login().access;
    for (method, path) in [("GET", "/protected"), ("POST", "/open/x"), ("GET", "/open/%2e%2e/x"), ("GET", "/login"), ("TRACE", "/open")] {
        for token in [None, Some(&token), Some(&"a.b.c".to_owned())] {
            let program = world.gateway.program();
            let call = program.call(method, path);
            let status = if let Some(token) = token { call.bearer(token) } else { call }.send().status();
            let url = format!("https://{}{path}", world.gateway.address());
            let with_token: &[&str] = &token.map_or_else(Vec::new, |token| vec!["--token", token.as_str()]);
            let dir = world.gateway.path("");
            let explained = crate::support::munjigi(&dir, &[&["explain", method, &url], with_token].concat());
            let wanted = match status {
                200 | 303 => 0,
                401 => 4,
                403 => 5,
                _ => 6,
            };
            assert_eq!(explained.code, wanted, "{method} {path} was answered {status}: {}", explained.out);
        }
    }
    assert_eq!(world.sso.attempts(), [(RIGHT.0.to_owned(), RIGHT.1.to_owned())]);
}

/// What only the process knows: sessions that have ended, people of the store, and the configuration in place.
#[test]
fn the_running_gateway_explains_what_it_would_do() {
    let mut world = World::start();
    let token = world.login().access;
    let dir = world.gateway.path("");
    let explain = |arguments: &[&str]| {
        crate::support::munjigi(&dir, &[&["explain", "--running", "GET", "https://a.test/protected"], arguments].concat())
    };
    let passes = explain(&["--token", &token, "--header", "X-Auth-User: evil"]);
    assert_eq!(passes.code, 0, "{}{}", passes.out, passes.err);
    for line in
        ["route    */", "leads to upstream app", "decision passes", "sent     /protected", &format!("sent     x-auth-user: {}", RIGHT.0)]
    {
        assert!(passes.out.contains(line), "{line:?} is not in\n{}", passes.out);
    }
    assert!(!passes.out.contains("evil") && !passes.out.contains(&token), "{}", passes.out);
    assert_eq!(explain(&["--user", RIGHT.0]).code, 0);
    assert_eq!(explain(&[]).code, 4);
    let told: serde_json::Value = serde_json::from_str(&explain(&["--json"]).out).unwrap();
    assert_eq!((&told["refused"]["status"], &told["refused"]["word"]), (&401.into(), &"token_missing".into()));

    // A file that is not taken up yet explains nothing here.
    world.gateway.configure("[[route]]\npath = \"/protected\"\naccess = { groups = [\"staff\"] }\nupstream = \"app\"");
    assert_eq!(explain(&["--user", RIGHT.0]).code, 0);
    assert_eq!(crate::support::munjigi(&dir, &["explain", "GET", "https://a.test/protected", "--user", RIGHT.0]).code, 5);
    world.gateway.reload("reloaded");
    assert_eq!(explain(&["--user", RIGHT.0]).code, 5);
    let member = crate::support::munjigi(&dir, &["users", "groups", RIGHT.0, "staff"]);
    assert_eq!(member.code, 0, "{}", member.err);
    assert_eq!(explain(&["--user", RIGHT.0]).code, 0);
    assert_eq!(explain(&["--token", &token]).code, 0);

    assert_eq!(world.gateway.program().post("/logout").bearer(&token).send().status(), 200);
    let ended = explain(&["--token", &token]);
    assert!(ended.code == 4 && ended.out.contains("refused with 401"), "{}{}", ended.out, ended.err);
    assert_eq!(explain(&["--user", "no such id!"]).code, 2);
    assert_eq!(explain(&["--user", RIGHT.0, "--group", "staff"]).code, 2, "groups are those of the store");
    assert_eq!(world.origin.connections(), 0, "explaining forwards nothing");
    world.gateway.stop("TERM");
    assert_eq!(explain(&["--user", RIGHT.0]).code, 3);
}
