//! The university's login of today, by TLS to a stand-in that really decrypts; and `munjigi sso test`, which shows it.

use munjigi::cli::demo::{Fault, Generation, PageFault};

use crate::support::{Builder, Finished, Origin, Sso, University, World, claims};

const ID: &str = "60241234";
const PASSWORD: &str = "myongji-2024";

fn today(university: &University) -> Builder {
    university.asked_by(World::builder(&Origin::start(), &Sso::closed())).toml("[auth]\nproviders = [\"mju-sso\"]")
}

#[test]
fn a_person_logs_in_with_the_login_of_today() {
    let university = University::start();
    let gateway = today(&university).start();
    let pair = gateway.login(ID, PASSWORD);
    assert_eq!(claims(&pair.access)["idp"], "mju-sso");
    assert_eq!(gateway.program().get("/protected").bearer(&pair.access).send().status(), 200);
    let wrong = gateway.program().post("/login").json(&serde_json::json!({ "id": ID, "password": "very-secret-pw" })).send();
    assert_eq!(wrong.refusal(), (401, "login_refused".to_owned()));
    assert!(!gateway.printed().contains("very-secret-pw") && !gateway.printed().contains(PASSWORD));
}

#[test]
fn a_certificate_of_nobody_gets_no_password() {
    let university = University::start();
    let gateway = today(&university).without("provider.mju-sso.ca").start();
    let answer = gateway.program().post("/login").json(&serde_json::json!({ "id": ID, "password": PASSWORD })).send();
    assert_eq!(answer.refusal(), (502, "provider_unavailable".to_owned()));
    assert_eq!(university.asked(Generation::Second), 0);
}

#[track_caller]
fn tested(builder: &Builder, provider: &str, password: &str) -> Finished {
    let finished = builder.finish_fed(&["sso", "test", "--provider", provider, "-c", "gateway.toml"], &format!("{ID}\n{password}\n"));
    println!("$ munjigi sso test --provider {provider}   # exit code {}\n{}{}", finished.code, finished.out, finished.err);
    assert!(!finished.out.contains(password) && !finished.err.contains(password), "the password is shown");
    finished
}

#[track_caller]
fn says(finished: &Finished, code: i32, parts: &[&str]) {
    assert_eq!(finished.code, code, "{}\n{}", finished.out, finished.err);
    for part in parts {
        assert!(finished.out.contains(part), "{part:?} is missing:\n{}\n{}", finished.out, finished.err);
    }
}

#[test]
fn a_test_of_the_login_of_today_shows_each_step() {
    let university = University::start();
    let builder = today(&university);
    let good = tested(&builder, "mju-sso", PASSWORD);
    says(
        &good,
        0,
        &[
            " ms  GET https://localhost:",
            "the sign-in page: an RSA key of 2048 bits",
            "POST https://",
            "the password is right",
            "answer: yes",
        ],
    );
    assert!(good.out.contains("ended again"), "the session at the SSO is ended:\n{}", good.out);
    assert_eq!(university.sessions_of(ID), 0);
    says(&tested(&builder, "mju-sso", "wrong-password"), 4, &["answer: no: 아이디 또는 비밀번호가 일치하지 않습니다."]);

    for (fault, missing) in [(PageFault::MissingKey, "key"), (PageFault::MissingToken, "c_r_t"), (PageFault::MissingForm, "form")] {
        university.change_pages(Some(fault));
        says(&tested(&builder, "mju-sso", PASSWORD), 3, &["the page lacks", missing, "no answer: mju-sso is not what it was", "`parts`"]);
    }
    university.change_pages(None);
    university.fail_page(Some(Fault::NotFound));
    says(&tested(&builder, "mju-sso", PASSWORD), 3, &["-> 404", "is not what it was"]);
}

#[test]
fn a_test_of_the_older_login_shows_request_and_answer() {
    let sso = Sso::start();
    let builder = World::builder(&Origin::closed(), &sso);
    says(
        &tested(&builder, "mju", "pw-60241234"),
        0,
        &["as form, in id, passwrd", "/mju/userCheck.do -> 200", "application/json", "answer: yes"],
    );
    says(&tested(&builder, "mju", "other-password"), 4, &["answer: no: 아이디 또는 비밀번호가 다릅니다."]);
    let gone = World::builder(&Origin::closed(), &Sso::saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    says(&tested(&gone, "mju", "other-password"), 3, &["-> 404", "gone or moved"]);
}

#[test]
fn a_test_of_nothing_says_what_there_is() {
    let builder = World::builder(&Origin::closed(), &Sso::closed());
    let unknown = builder.finish_fed(&["sso", "test", "--provider", "mjv"], "a\nb\n");
    assert_eq!(unknown.code, 2, "{}", unknown.err);
    assert!(unknown.err.contains("it offers mju"), "{}", unknown.err);
    let mute = builder.finish_fed(&["sso", "test"], "60241234\n");
    assert_eq!(mute.code, 3, "{}", mute.err);
}
