//! The day the university closes the older login, the gateway goes on with the newer one by itself; and as long as the
//! older one answers, the newer one is left alone, since it ends the person's other session.

use munjigi::cli::demo::Generation;
use serde_json::json;

use crate::support::{Builder, Gateway, Message, Origin, Sso, University, World, claims, text_answer};

const BOTH: &str = "[auth]\nproviders = [\"mju\", \"mju-sso\"]";
const ID: &str = "60241234";
const PASSWORD: &str = "myongji-2024";

fn chained(first: &Sso, university: &University) -> Builder {
    university.asked_by(World::builder(&Origin::start(), first)).toml(BOTH)
}

fn try_login(gateway: &Gateway, password: &str) -> Message {
    gateway.program().post("/login").json(&json!({ "id": ID, "password": password })).send()
}

#[test]
fn the_newer_login_takes_over_when_the_older_one_is_gone() {
    let university = University::start();
    let gone: [(&str, Sso); 5] = [
        ("404", Sso::saying(text_answer(404, "text/html", "<h1>404</h1>"))),
        ("410", Sso::saying(text_answer(410, "text/plain", "gone"))),
        ("302", Sso::saying("HTTP/1.1 302 Found\r\nLocation: https://sso.mju.ac.kr/\r\nContent-Length: 0\r\n\r\n")),
        ("a page", Sso::saying(text_answer(200, "text/html", "<html>서비스가 종료되었습니다</html>"))),
        ("refused", Sso::closed()),
    ];
    for (what, first) in gone {
        let gateway = chained(&first, &university).start();
        let pair = gateway.login(ID, PASSWORD);
        // The session is that of the provider that said yes, in the same realm: the same person.
        assert_eq!(claims(&pair.access)["idp"], "mju-sso", "{what}");
        assert_eq!(claims(&pair.access)["sub"], ID, "{what}");
        assert_eq!(gateway.program().get("/protected").bearer(&pair.access).send().status(), 200, "{what}");
        assert_eq!(try_login(&gateway, "wrong").refusal(), (401, "login_refused".to_owned()), "{what}");
        let told = gateway.process.logged("next provider of the chain");
        assert!(told.contains("mju-sso"), "{told}");
        gateway.login(ID, PASSWORD);
        assert_eq!(gateway.printed().matches("next provider of the chain").count(), 1, "{what}: told once");
    }
}

#[test]
fn a_no_of_the_older_login_is_final() {
    let university = University::start();
    // It knows this id, and another password for it.
    let gateway = chained(&Sso::start(), &university).start();
    assert_eq!(try_login(&gateway, PASSWORD).refusal(), (401, "login_refused".to_owned()));
    // Not even a login that names the newer one gets a second place to guess at.
    let named = gateway.program().post("/login").json(&json!({ "id": ID, "password": PASSWORD, "provider": "mju-sso" })).send();
    assert_eq!(named.refusal(), (401, "login_refused".to_owned()));
    assert_eq!(university.asked(Generation::Second), 0);
    assert_eq!(claims(&gateway.login(ID, "pw-60241234").access)["idp"], "mju");
}

/// A password may have been judged when the answer is lost: only once that happens to everybody is the other one asked.
#[test]
fn a_lost_answer_moves_on_only_while_the_breaker_is_open() {
    let university = University::start();
    let broken = Sso::saying(text_answer(500, "text/plain", "oops"));
    let gateway = chained(&broken, &university).toml("[provider.mju]\nbreaker_failures = 2\nbreaker_pause = \"1h\"").start();
    assert_eq!(try_login(&gateway, PASSWORD).refusal(), (502, "provider_unavailable".to_owned()));
    assert_eq!(university.asked(Generation::Second), 0);
    // The second failure opens the breaker.
    assert_eq!(try_login(&gateway, PASSWORD).status(), 200);
    assert_eq!(try_login(&gateway, PASSWORD).status(), 200);
    assert_eq!(broken.attempts().len(), 2, "the one that rests is left alone");
}

#[test]
fn the_page_offers_one_login_and_says_when_no_link_answers() {
    let university = University::start();
    let once = "breaker_failures = 1\nbreaker_pause = \"1h\"";
    let rest = format!("[provider.mju]\n{once}\n[provider.mju-sso]\n{once}");
    let gateway = chained(&Sso::closed(), &university).toml(&rest).start();
    let page = || gateway.browser().get("/login").with("Accept-Language", "ko").send().text();
    let told = "응답하지 않";
    let before = page();
    assert!(!before.contains("mju-sso") && !before.contains(told), "{before}");
    gateway.login(ID, PASSWORD);
    assert!(!page().contains(told), "the second link still answers");
    university.fail(Generation::Second, Some(munjigi::cli::demo::Fault::NotFound));
    assert_eq!(try_login(&gateway, PASSWORD).status(), 502);
    assert!(page().contains(told), "{}", page());
}

#[test]
fn without_the_chain_each_is_offered_by_itself() {
    let university = University::start();
    let gateway = chained(&Sso::closed(), &university).toml("[auth]\nchain = \"off\"").start();
    assert_eq!(try_login(&gateway, PASSWORD).refusal(), (502, "provider_unavailable".to_owned()));
    let named = gateway.program().post("/login").json(&json!({ "id": ID, "password": PASSWORD, "provider": "mju-sso" })).send();
    assert_eq!(named.status(), 200, "{}", named.text());
    assert!(gateway.browser().get("/login").send().text().contains("mju-sso"));
}

#[test]
fn a_check_knows_the_chain() {
    let university = University::start();
    let builder = chained(&Sso::closed(), &university);
    assert_eq!(builder.finish(&["check", "-c", "gateway.toml"]).code, 0);
    let finished = builder.toml("[auth]\nchain = \"always\"").finish(&["check", "-c", "gateway.toml"]);
    assert_eq!(finished.code, 1);
    assert!(finished.err.contains("on-unavailable"), "{}", finished.err);
}
