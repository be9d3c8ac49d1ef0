//! Which route takes a request, who may pass, and what is changed on the way.

use serde_json::json;

use crate::support::{Client, Gateway, H2, Origin, Sso, World, resigned};

/// A gateway with these routes and nothing else.
fn gateway(origin: &Origin, sso: &Sso, toml: &str) -> Gateway {
    crate::support::Builder::new().sso(sso).upstream("app", origin).toml(toml).start()
}

fn token(gateway: &Gateway, id: &str) -> String {
    gateway.login(id, &format!("pw-{id}")).access
}

#[test]
fn the_most_specific_route_wins_whatever_the_order() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let routes = [
        ("", "/", "any"),
        ("", "/a", "any-a"),
        ("", "=/a", "any-is-a"),
        ("*.test", "/", "below-test"),
        ("*.w.test", "/", "below-w"),
        ("x.w.test", "/only", "x"),
    ];
    let toml = |order: &mut dyn Iterator<Item = &(&str, &str, &str)>| -> String {
        let route = |(host, path, name): &(&str, &str, &str)| {
            let host = if host.is_empty() { String::new() } else { format!("host = \"{host}\"\n") };
            format!("[[route]]\n{host}path = \"{path}\"\naccess = \"public\"\nrespond = {{ body = \"{name}\" }}\n")
        };
        order.map(route).collect()
    };
    for text in [toml(&mut routes.iter()), toml(&mut routes.iter().rev())] {
        let gateway = gateway(&origin, &sso, &text);
        for (host, path, wanted) in [
            ("other.kr", "/", "any"),
            ("other.kr", "/a/", "any-a"),
            ("other.kr", "/a/b", "any-a"),
            ("other.kr", "/a", "any-is-a"),
            ("other.kr", "/ab", "any"),
            ("test", "/", "any"),
            ("b.test", "/a", "below-test"),
            ("w.test", "/", "below-test"),
            ("y.w.test", "/", "below-w"),
            ("x.w.test", "/only/1", "x"),
            ("X.W.Test.", "/other", "below-w"),
        ] {
            let answer = Client::program(gateway.address()).host(host).get(path).send();
            assert_eq!((answer.status(), answer.text().as_str()), (200, wanted), "{host}{path}");
        }
        let mut h2 = H2::connect(gateway.address());
        let request = http::Request::builder().version(http::Version::HTTP_2).uri("https://y.w.test/a");
        assert_eq!(h2.send(request, b"").text(), "below-w");
    }
}

const RULES: &str = r#"
    [groups]
    file = "groups"

    [[route]]
    path = "/"
    upstream = "app"

    [[route]]
    path = "/staff"
    access = { groups = ["staff"], users = ["mju:11112222"] }
    upstream = "app"

    [[route]]
    path = "/class-of-24"
    access = { id_prefix = ["mju:6024"] }
    upstream = "app"

    [[route]]
    path = "/read"
    access = { any = [{ methods = ["GET"] }, { all = [{ groups = ["staff"] }, { realms = ["mju"] }] }] }
    upstream = "app"

    [[route]]
    path = "/inside"
    access = { networks = ["10.0.0.0/8"], groups = ["staff"] }
    upstream = "app"

    [[route]]
    path = "/here"
    access = { networks = ["127.0.0.0/8"] }
    upstream = "app"

    [[route]]
    path = "/grades"
    access = { fresh = "5m" }
    upstream = "app"
"#;

fn ruled(origin: &Origin, sso: &Sso) -> Gateway {
    let builder = crate::support::Builder::new().sso(sso).upstream("app", origin);
    builder
        .file("groups", "# who works here\nstaff: mju:60240001\nstaff: mju:60230002 # two lines, one group\nempty:\n")
        .toml(RULES)
        .start()
}

#[test]
fn rules_say_who_passes_and_nobody_else_does() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = ruled(&origin, &sso);
    let (student, staff, named) = (token(&gateway, "60241234"), token(&gateway, "60230002"), token(&gateway, "11112222"));
    for (method, path, student_gets, staff_gets, named_gets) in [
        ("GET", "/", 200, 200, 200),
        ("GET", "/staff/x", 403, 200, 200),
        ("GET", "/class-of-24", 200, 403, 403),
        ("GET", "/read", 200, 200, 200),
        ("HEAD", "/read", 200, 200, 200),
        ("POST", "/read", 403, 200, 403),
        ("GET", "/inside", 403, 403, 403),
        ("GET", "/here", 200, 200, 200),
        ("GET", "/grades", 200, 200, 200),
    ] {
        for (who, token, wanted) in [("student", &student, student_gets), ("staff", &staff, staff_gets), ("named", &named, named_gets)] {
            let reached = origin.seen().len();
            let answer = gateway.program().call(method, path).bearer(token).with("X-HTTP-Method-Override", "GET").send();
            assert_eq!(answer.status(), wanted, "{method} {path} as {who}");
            assert_eq!(origin.seen().len() - reached, usize::from(wanted == 200), "{method} {path} as {who}");
        }
        assert_eq!(gateway.program().call(method, path).send().status(), 401, "{method} {path} as nobody");
    }
    gateway.program().get("/staff").bearer(&staff).send();
    assert_eq!(origin.last().get("x-auth-groups"), Some("staff"), "the file's groups are told to the application too");
}

#[test]
fn a_changed_file_of_groups_acts_at_the_reload() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = ruled(&origin, &sso);
    let token = token(&gateway, "60240001");
    assert_eq!(gateway.program().get("/staff").bearer(&token).send().status(), 200);
    std::fs::write(gateway.path("groups"), "staff: mju:60249999\n").unwrap();
    gateway.reload("reloaded");
    assert_eq!(gateway.program().get("/staff").bearer(&token).send().status(), 403);
    // A file with a fault changes nothing.
    std::fs::write(gateway.path("groups"), "staff: mju:60240001\nstaff mju:60240002\nother: 60240003\n").unwrap();
    gateway.reload("reload refused");
    assert_eq!(gateway.program().get("/staff").bearer(&token).send().status(), 403);
    let said = gateway.printed();
    assert!(said.contains("groups, line 2: no group") && said.contains("groups, line 3: \"60240003\" names no person"), "{said}");
}

#[test]
fn an_old_login_is_asked_for_again_where_a_fresh_one_is_wanted() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = ruled(&origin, &sso);
    let token = token(&gateway, "60241234");
    let now = crate::support::now();
    for (what, change) in [("old", json!({ "iat": now - 400, "nbf": now - 400 })), ("renewed", json!({ "fresh": false }))] {
        let stale = resigned(&token, &change);
        let answer = gateway.program().get("/grades").bearer(&stale).send();
        assert_eq!(answer.refusal(), (401, "fresh_token_required".to_owned()), "{what}");
        assert!(answer.get("www-authenticate").is_some_and(|text| text.contains("insufficient_user_authentication")), "{what}");
        assert_eq!(gateway.program().get("/").bearer(&stale).send().status(), 200, "{what}");
        let browser = gateway.browser();
        browser.keep("__Host-munjigi_access", &stale);
        let answer = browser.get("/grades?x=1").send();
        assert_eq!((answer.status(), answer.get("location")), (303, Some("/login?next=/grades%3Fx%3D1&switch=1")), "{what}");
        // Where it leads there is a form, although somebody is logged in.
        assert_eq!(browser.get("/login?next=%2Fgrades%3Fx%3D1&switch=1").send().status(), 200, "{what}");
    }
    assert_eq!(origin.seen().len(), 2);
}

#[test]
fn paths_and_headers_are_changed_on_the_way() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = gateway(
        &origin,
        &sso,
        r#"
        [security_headers]
        "X-Content-Type-Options" = "nosniff"

        [[route]]
        path = "/app"
        access = "public"
        upstream = "app"
        strip_prefix = "/app"
        add_prefix = "/v2"
        allow_empty_segments = true
        host_header = "app.internal:81"
        request_headers = { set = { "X-Api-Key" = "k" }, remove = ["Cookie"] }
        response_headers = { set = { "X-Frame-Options" = "DENY" }, remove = ["Content-Type"] }

        [[route]]
        path = "/bare"
        access = "public"
        upstream = "app"
        strip_prefix = "/bare"
        allow_empty_segments = true
        "#,
    );
    let answer = gateway
        .program()
        .get("/app/a%2Db/?q=%zz")
        .with("Cookie", "a=b")
        .with("X-Api-Key", "forged")
        .with("X-Forwarded-Prefix", "/evil")
        .send();
    let seen = origin.last();
    assert_eq!(seen.target(), "/v2/a-b/?q=%zz");
    assert_eq!((seen.get("host"), seen.all("x-api-key"), seen.get("cookie")), (Some("app.internal:81"), vec!["k"], None));
    assert_eq!((seen.get("x-forwarded-prefix"), seen.get("x-forwarded-host")), (Some("/app"), Some(&*gateway.address().to_string())));
    assert_eq!(
        (answer.get("x-frame-options"), answer.get("content-type"), answer.get("x-content-type-options")),
        (Some("DENY"), None, Some("nosniff"))
    );
    for (asked, forwarded) in
        [("/app", "/v2"), ("/app/", "/v2/"), ("/bare", "/"), ("/bare/", "/"), ("/bare/x", "/x"), ("/app//x", "/v2//x")]
    {
        assert_eq!(gateway.program().get(asked).send().status(), 200, "{asked}");
        assert_eq!(origin.last().target(), forwarded, "{asked}");
    }
    // Traefik CVE-2026-48020: what was left of the prefix was read anew.
    for path in ["/bare//evil.test/x", "/app/../x", "/app/%2e%2e/x", "/app%2fx", "/appx"] {
        let reached = origin.seen().len();
        let answer = gateway.program().get(path).send();
        assert!(matches!(answer.status(), 400 | 404), "{path}: {}", answer.status());
        assert_eq!(origin.seen().len(), reached, "{path}");
    }
}

#[test]
fn the_gateway_can_answer_by_itself() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = gateway(
        &origin,
        &sso,
        r#"
        [[route]]
        path = "=/robots.txt"
        access = "public"
        respond = { body = "User-agent: *\nDisallow: /\n" }

        [[route]]
        path = "/gone"
        access = "public"
        respond = { status = 410, body = "{}", content_type = "application/json" }

        [[route]]
        path = "/old"
        access = "public"
        redirect = { to = "https://new.test/base/", status = 302, keep_path = true }

        [[route]]
        path = "/secret"
        respond = { body = "for people who are logged in" }

        [[route]]
        path = "/"
        redirect = "/old"
        "#,
    );
    let program = gateway.program();
    let robots = program.get("/robots.txt").send();
    assert_eq!((robots.status(), robots.get("content-type"), robots.text().lines().count()), (200, Some("text/plain; charset=utf-8"), 2));
    let gone = program.get("/gone/x").send();
    assert_eq!((gone.status(), gone.get("content-type"), gone.text().as_str()), (410, Some("application/json"), "{}"));
    let old = program.get("/old/a?b=c").send();
    assert_eq!((old.status(), old.get("location")), (302, Some("https://new.test/base/old/a?b=c")));
    assert_eq!((program.get("/secret").send().status(), program.get("/").send().status()), (401, 401));
    let token = token(&gateway, "60241234");
    assert_eq!(program.get("/secret").bearer(&token).send().text(), "for people who are logged in");
    let root = program.get("/").bearer(&token).send();
    assert_eq!((root.status(), root.get("location")), (308, Some("/old")));
    assert_eq!(origin.connections(), 0);
}

/// Lesson 4: a preflight passes as nobody, scrubbed, and nothing else does.
#[test]
fn l04_a_preflight_passes_as_nobody_where_it_is_allowed() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = gateway(&origin, &sso, "[[route]]\npath = \"/\"\nupstream = \"app\"\npreflight = true");
    let token = token(&gateway, "60241234");
    let program = gateway.program();
    let preflight =
        |method: &str| program.call(method, "/api").with("Origin", "https://other.test").with("Access-Control-Request-Method", "PUT");
    let answer = preflight("OPTIONS").bearer(&token).with("X-Auth-User", "evil").with("Remote_User", "evil").send();
    assert_eq!(answer.status(), 200);
    let seen = origin.last();
    assert_eq!((seen.get("x-auth-user"), seen.get("authorization"), seen.get("origin")), (None, None, Some("https://other.test")));
    assert!(!String::from_utf8_lossy(&seen.head).contains("evil"));
    let reached = origin.seen().len();
    for method in ["GET", "POST", "HEAD", "FROB"] {
        assert_eq!(preflight(method).send().status(), 401, "{method}");
    }
    assert_eq!(program.call("OPTIONS", "/api").send().status(), 401, "no preflight");
    assert_eq!(preflight("OPTIONS").body("text/plain", "delete everything").send().status(), 401, "a preflight has no body");
    assert_eq!(origin.seen().len(), reached);
}

/// Lesson 17: HEAD is GET's, and a method nobody named is nobody's.
#[test]
fn l17_head_follows_get_and_unknown_methods_need_a_word() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let routes = "[[route]]\npath = \"/\"\naccess = \"public\"\nupstream = \"app\"\nmethods = [\"GET\"]\n\
                  [[route]]\npath = \"/\"\nupstream = \"app\"\nmethods = [\"POST\", \"FROB\"]";
    let gateway = gateway(&origin, &sso, routes);
    let token = token(&gateway, "60241234");
    for (method, nobody, somebody) in [
        ("GET", 200, 200),
        ("HEAD", 200, 200),
        ("POST", 401, 200),
        ("FROB", 401, 200),
        ("PUT", 405, 405),
        ("get", 405, 405),
        ("OPTIONS", 405, 405),
    ] {
        for (name, value) in [("Accept", "*/*"), ("X-HTTP-Method-Override", "GET"), ("X-Method-Override", "HEAD"), ("X-HTTP-Method", "GET")]
        {
            let program = gateway.program();
            let ask = || program.call(method, "/").with(name, value);
            assert_eq!((ask().send().status(), ask().bearer(&token).send().status()), (nobody, somebody), "{method} with {name}: {value}");
            let mut h2 = H2::connect(gateway.address());
            let request = h2.request(method, "/").header(name.to_ascii_lowercase(), value);
            assert_eq!(h2.send(request, b"").status(), nobody, "{method} with {name}: {value} over h2");
        }
        if somebody == 200 {
            assert_eq!(origin.last().method(), method, "the application gets the method that was judged");
        }
    }
    // HEAD under another rule than GET could tell what GET would not.
    let apart = "[[route]]\npath = \"/\"\nupstream = \"app\"\nmethods = [\"GET\"]\n\
                 [[route]]\npath = \"/\"\naccess = \"public\"\nupstream = \"app\"\nmethods = [\"HEAD\"]";
    let checked = crate::support::Builder::new().sso(&sso).upstream("app", &origin).toml(apart).finish(&["check"]);
    assert!(checked.code != 0 && checked.err.contains("another route has the same host, path and method"), "{}", checked.err);
}

/// Who has which role and is in which groups is looked up at each request, wherever it was written down.
#[test]
fn groups_and_roles_count_from_the_store_and_from_the_file() {
    let origin = Origin::start();
    let hash = bcrypt::hash("correct horse", 4).unwrap();
    let builder = World::builder(&origin, &Sso::closed())
        .toml("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\n[groups]\nfile = \"groups\"")
        .toml("[[route]]\npath = \"/staff\"\nupstream = \"app\"\naccess = { groups = [\"staff\"] }")
        .toml("[[route]]\npath = \"/both\"\nupstream = \"app\"\naccess = { all = [{ groups = [\"staff\"] }, { groups = [\"grades\"] }] }")
        .toml("[[route]]\npath = \"/rule\"\nupstream = \"app\"\naccess = { roles = [\"admin\"] }")
        .toml("[[route]]\npath = \"/here\"\nupstream = \"app\"\naccess = { claims = { idp = \"guests\" }, realms = [\"guests\"] }")
        .toml("[[route]]\npath = \"/there\"\nupstream = \"app\"\naccess = { claims = { idp = [\"mju\", \"else\"] } }")
        .file("groups", "grades: guests:hana guests:duri\nstaff: guests:duri\n")
        .file(
            "members.csv",
            format!("id,name,email,hash,role,groups\nhana,,,{hash},admin,staff\nduri,,,{hash},member,\nsena,,,{hash},,\n"),
        );
    let imported = builder.finish(&["users", "import", "members.csv"]);
    assert_eq!(imported.code, 0, "{}{}", imported.out, imported.err);
    let gateway = builder.start();
    for (id, staff, both, rule) in [("hana", 200, 200, 200), ("duri", 200, 200, 403), ("sena", 403, 403, 403)] {
        let token = gateway.login(id, "correct horse").access;
        let ask = |path: &str| gateway.program().get(path).bearer(&token).send().status();
        assert_eq!((ask("/staff"), ask("/both"), ask("/rule"), ask("/here"), ask("/there")), (staff, both, rule, 200, 403), "{id}");
    }
}

#[test]
fn a_body_of_an_answer_may_stand_still_as_long_as_its_route_says() {
    let origin = Origin::conversing(|talk| {
        talk.request_head();
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
        talk.some_bytes(1);
    });
    let gateway =
        gateway(&origin, &Sso::start(), "[[route]]\npath = \"/\"\naccess = \"public\"\nupstream = \"app\"\nidle_timeout = \"50ms\"");
    let mut tls = gateway.tls();
    tls.say("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(tls.answer_head().status(), 200);
    assert_eq!(tls.some_bytes(), b"half ");
    assert!(tls.some_bytes().is_empty(), "the rest never came, and the client sees the end of it");
    gateway.process.logged("stood still");
}

#[test]
fn a_route_has_limits_of_its_own() {
    let (silent, sso) = (Origin::silent(), Sso::start());
    let gateway = gateway(&silent, &sso, "[[route]]\npath = \"/\"\naccess = \"public\"\nupstream = \"app\"\nresponse_timeout = \"50ms\"");
    assert_eq!(gateway.program().get("/").send().refusal(), (504, "upstream_timeout".to_owned()));
}

#[test]
fn check_names_what_is_very_likely_not_meant() {
    let world = World::builder(&Origin::start(), &Sso::start()).toml(
        r#"
        [[route]]
        path = "/open/staff"
        upstream = "app"

        [[route]]
        path = "/never"
        methods = ["TRACE"]
        upstream = "app"

        [[route]]
        path = "/nobody"
        methods = ["GET"]
        access = { methods = ["POST"] }
        upstream = "app"
        "#,
    );
    let checked = world.finish(&["check"]);
    for wanted in ["stands above a guarded one (any host, /open/staff)", "CONNECT and TRACE", "have none in common"] {
        assert!(checked.err.contains(wanted), "{wanted:?} is not in {}", checked.err);
    }
}
