//! Every way to say no: a page for somebody at a browser, JSON for a program, and a sentence that helps.
//!
//! Assumed: the words `not_found`, `forbidden`, `upstream_unavailable`, `upstream_timeout`, `body_too_large`.

use crate::support::{Builder, Client, Message, Origin, RIGHT, Sso, World};

fn login_place(answer: &Message) -> Option<String> {
    let place = answer.get("location")?;
    (matches!(answer.status(), 302 | 303) && (place.starts_with("/login?") || place.starts_with("/.auth/login?"))).then(|| place.to_owned())
}

#[test]
fn a_browser_is_sent_to_the_login_and_a_program_is_told() {
    let world = World::start();
    let browser = || world.gateway.browser();
    let place = login_place(&browser().get("/grades?term=2&x=%2F").send()).expect("a browser is sent to the login");
    assert!(place.contains("next=/grades%3Fterm%3D2%26x%3D%252F"), "{place}");

    let programs = [
        ("fetch", browser().get("/x").instead("Sec-Fetch-Mode", "cors").send()),
        ("an image", browser().get("/x").instead("Sec-Fetch-Mode", "no-cors").instead("Sec-Fetch-Dest", "image").send()),
        ("jquery", world.gateway.program().get("/x").with("Accept", "text/html").with("X-Requested-With", "XMLHttpRequest").send()),
        ("json", world.gateway.program().get("/x").with("Accept", "application/json").send()),
        ("curl", world.gateway.program().get("/x").with("Accept", "*/*").send()),
        ("nothing said", world.gateway.program().get("/x").send()),
        (
            "a socket",
            world.gateway.program().get("/x").with("Upgrade", "websocket").with("Connection", "Upgrade").with("Accept", "text/html").send(),
        ),
    ];
    for (what, answer) in programs {
        assert_eq!(answer.refusal(), (401, "token_missing".to_owned()), "{what}");
    }
    // An old browser, without Sec-Fetch fields.
    assert!(login_place(&world.gateway.program().get("/x").with("Accept", "text/html,*/*;q=0.8").send()).is_some());
    assert_eq!(world.origin.connections(), 0);
}

#[test]
fn a_route_can_insist_on_one_way() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml(
            r#"
            [[route]]
            path = "/api"
            on_unauthenticated = "401"
            upstream = "app"

            [[route]]
            path = "/site"
            on_unauthenticated = "redirect"
            upstream = "app"
            "#,
        )
        .start();
    assert_eq!(gateway.browser().get("/api").send().status(), 401);
    assert!(login_place(&gateway.program().get("/site").send()).is_some());
}

#[test]
fn who_is_logged_in_but_not_meant_is_told_so() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml(
            r#"
            [[route]]
            path = "/staff"
            access = { groups = ["staff"] }
            upstream = "app"

            [[route]]
            path = "/mine"
            access = { users = ["mju:rightid"] }
            upstream = "app"
            "#,
        )
        .start();
    let token = gateway.login(RIGHT.0, RIGHT.1).access;
    let other = gateway.login("60241234", "pw-60241234").access;
    let ask = |path: &str, token: &str| gateway.program().get(path).bearer(token).send();
    assert_eq!(ask("/staff", &token).refusal(), (403, "forbidden".to_owned()));
    assert_eq!(ask("/mine", &other).status(), 403);
    assert_eq!(ask("/mine", &token).status(), 200);
    assert_eq!(origin.seen().len(), 1);
    // Without a login the answer is the login, not the refusal.
    assert_eq!(gateway.program().get("/staff").send().status(), 401);
}

#[test]
fn an_unknown_place_is_not_found() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = Builder::new().sso(&sso).upstream("app", &origin).toml("[[route]]\npath = \"/app\"\nupstream = \"app\"").start();
    assert_eq!(gateway.program().get("/elsewhere").send().refusal(), (404, "not_found".to_owned()));
    assert_eq!(gateway.program().get("/.auth/nothing-here").send().status(), 404);
    let page = gateway.browser().get("/elsewhere").send();
    assert_eq!(page.status(), 404);
    assert!(page.get("content-type").unwrap().starts_with("text/html") && page.text().contains("lang=\"ko\""));
}

#[test]
fn an_application_that_is_down_is_said_to_be_down() {
    let (origin, sso) = (Origin::closed(), Sso::start());
    let gateway = World::builder(&origin, &sso).start();
    assert_eq!(gateway.program().get("/open").send().refusal(), (502, "upstream_unavailable".to_owned()));
    let page = gateway.browser().get("/open").with("Accept-Language", "en").send();
    assert_eq!(page.status(), 502);
    assert!(page.text().contains("lang=\"en\""));
    // The address of the application is for the operator's log, not for the page.
    assert!(!page.text().contains(&origin.url()["http://".len()..]), "{}", page.text());
    gateway.process.logged(&origin.url()["http://".len()..]);
}

#[test]
fn an_application_that_does_not_answer_is_not_waited_for_for_ever() {
    let (origin, sso) = (Origin::silent(), Sso::start());
    let gateway = World::builder(&origin, &sso).toml("[upstream.app]\nresponse_timeout = \"200ms\"").start();
    assert_eq!(gateway.program().get("/open").send().refusal(), (504, "upstream_timeout".to_owned()));
}

#[test]
fn an_application_that_talks_nonsense_is_not_passed_on() {
    let nonsense: [&[u8]; 6] = [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 2000 Very OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ];
    for bytes in nonsense {
        let world = World::around(Origin::conversing(move |conversation| {
            conversation.request();
            conversation.say(bytes);
            conversation.hang_up();
        }));
        let answer = world.gateway.program().get("/open").send();
        assert_eq!(answer.status(), 502, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_body_over_the_limit_is_refused_and_not_passed_on() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml("[[route]]\npath = \"/small\"\naccess = \"public\"\nupstream = \"app\"\nmax_body = \"1k\"")
        .start();
    assert_eq!(gateway.program().post("/small").body("text/plain", vec![b'x'; 1024]).send().status(), 200);
    let answer = gateway.program().post("/small").body("text/plain", vec![b'x'; 1025]).send();
    assert_eq!(answer.refusal(), (413, "body_too_large".to_owned()));
    assert_eq!(origin.seen().len(), 1);
}

#[test]
fn own_endpoints_cannot_be_shadowed() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let shadowed = World::builder(&origin, &sso).toml("[[route]]\npath = \"/login\"\naccess = \"public\"\nupstream = \"app\"");
    let refused = shadowed.finish(&["run", "-c", "gateway.toml"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("/login") && refused.err.contains("aliases"), "the fault names the switch: {}", refused.err);

    let world = World::start();
    for path in ["/login", "/.auth/me", "/.well-known/jwks.json"] {
        world.gateway.program().get(path).send();
    }
    assert_eq!(world.origin.connections(), 0);
    assert_eq!(world.gateway.program().call("PUT", "/login").send().status(), 405);
}

#[test]
fn nothing_typed_comes_back_as_markup() {
    let world = World::start();
    let evil = "%3Cscript%3Ealert(1)%3C/script%3E";
    for target in
        [format!("/nowhere/{evil}"), format!("/login?next=/{evil}"), format!("/login?provider={evil}"), format!("/login?id=%22%3E{evil}")]
    {
        let browser = Client::browser(world.gateway.address());
        let page = browser.get(&target).send().text();
        assert!(!page.contains("<script>alert"), "{target}: {page}");
    }
}
