//! The pages on which people make an account, set a password and leave, as a browser without a script sees them.

use std::sync::Arc;

use munjigi::base::{Timestamp, TokenId};
use munjigi::identity::UserId;
use munjigi::store::{Sqlite, Store, TokenHash, sqlite};

use serde_json::json;

use crate::support::{Builder, Client, Gateway, Message, Origin, Sso, World};

const PASSWORD: &str = "바다로 가는 기차 열두시";
const ANOTHER: &str = "another long phrase 7";

/// Accounts of our own, with a further question.
pub const WITH_FIELDS: &str = "[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"open\"\n\
    [[provider.guests.fields]]\nname = \"department\"\nlabel = \"학과\"\n[[provider.guests.fields]]\nname = \"phone\"\nlabel = \"전화번호\"\nrequired = false";

fn guests(registration: &str) -> Builder {
    World::builder(&Origin::start(), &Sso::closed())
        .toml(&format!("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"{registration}\""))
}

#[track_caller]
fn says(answer: &Message, status: u16, words: &str) {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert!(answer.text().contains(words), "{words}: {}", answer.text());
}

pub fn typed<'a>(id: &'a str, password: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("id", id),
        ("name", "김하나"),
        ("email", "hana@example.kr"),
        ("department", "컴퓨터공학과"),
        ("new_password", password),
        ("new_password_again", password),
    ]
}

fn signed_up(gateway: &Gateway, id: &str) -> Client {
    let browser = gateway.browser();
    says(&browser.post("/.auth/signup").form(&typed(id, PASSWORD)).send(), 201, "가입이 끝났습니다");
    assert_eq!(log_in(&browser, id, PASSWORD), 303);
    browser
}

fn log_in(browser: &Client, id: &str, password: &str) -> u16 {
    browser.post("/login").form(&[("id", id), ("password", password)]).send().status()
}

/// A link as an administrator's button makes it, put into the store beside the running gateway.
pub fn link(gateway: &Gateway, who: &str, good_until: Timestamp) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(sqlite::Settings::new(gateway.path("state/munjigi.db"))).unwrap());
    let secret = TokenId::random();
    assert!(runtime.block_on(store.put_reset(UserId::parse(who).unwrap(), TokenHash::of(&secret), good_until)).unwrap());
    secret.to_string()
}

pub fn tomorrow() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_secs(now.as_secs() + 86_400)
}

#[test]
fn somebody_signs_up_on_a_page_that_shows_every_rule() {
    let gateway = guests("open").start();
    let browser = gateway.browser();
    says(&browser.get("/login").send(), 200, "href=\"/.auth/signup\"");
    let page = browser.get("/.auth/signup").send();
    for rule in ["영문자와 숫자, ._-", "32자까지", "8자 이상"] {
        says(&page, 200, rule);
    }
    // All that is wrong is told at once, each beside its field; nothing typed is lost but the passwords.
    let wrong = [("id", "두 단어"), ("name", ""), ("email", "hana"), ("new_password", "hana"), ("new_password_again", "hama")];
    let refused = browser.post("/.auth/signup").form(&wrong).send();
    for words in ["쓸 수 없는 글자", "이름을 입력해", "이메일 주소를 확인", "너무 짧습니다", "서로 다릅니다", "value=\"두 단어\""]
    {
        says(&refused, 422, words);
    }
    assert_eq!(refused.text().matches("aria-invalid=\"true\"").count(), 5, "{}", refused.text());
    says(&browser.post("/.auth/signup").form(&typed("hana", "password1")).send(), 422, "흔히 쓰이거나");
    says(&browser.post("/.auth/signup").form(&typed("kimhanabada", "kimhanabada")).send(), 422, "흔히 쓰이거나");
    assert_eq!(log_in(&browser, "hana", "password1"), 401, "nothing was made on the way");

    says(&browser.post("/.auth/signup").form(&typed("Hana", PASSWORD)).send(), 201, "href=\"/login\"");
    let taken = browser.post("/.auth/signup").form(&typed("hana", ANOTHER)).send();
    says(&taken, 409, "사용할 수 없는 아이디");
    assert_eq!((log_in(&browser, "hana", ANOTHER), log_in(&browser, "hana", PASSWORD)), (401, 303));
    let foreign = browser.post("/.auth/signup").instead("Sec-Fetch-Site", "cross-site").form(&typed("duri", PASSWORD)).send();
    says(&foreign, 403, "다른 사이트");
    assert_eq!(log_in(&gateway.browser(), "duri", PASSWORD), 401);
}

#[test]
fn who_signs_up_on_the_way_somewhere_is_led_on_to_it() {
    let gateway = guests("open").start();
    let browser = gateway.browser();
    let wanted = "next=/grades%3Fterm%3D2%26x%3D%2526";
    says(&browser.get(&format!("/login?{wanted}")).send(), 200, &format!("href=\"/.auth/signup?{wanted}\""));
    let page = browser.get(&format!("/.auth/signup?{wanted}")).send();
    says(&page, 200, &format!("action=\"/.auth/signup?{wanted}\""));
    says(&page, 200, "?lang=en&#38;next=%2Fgrades%3Fterm%3D2%26x%3D%2526\"");
    let made = browser.post(&format!("/.auth/signup?{wanted}")).form(&typed("hana", PASSWORD)).send();
    says(&made, 201, &format!("href=\"/login?{wanted}\""));
    // Nowhere else.
    says(&browser.get("/.auth/signup?next=//evil.example").send(), 200, "action=\"/.auth/signup\"");
}

#[test]
fn people_are_asked_what_the_operator_wants_to_know() {
    let gateway = World::builder(&Origin::start(), &Sso::closed()).toml(WITH_FIELDS).start();
    let browser = gateway.browser();
    says(&browser.get("/.auth/signup").send(), 200, "학과</label>");
    says(&browser.get("/.auth/signup").send(), 200, "전화번호 <small>(선택)</small>");
    let mut form = typed("hana", PASSWORD);
    form[3].1 = " ";
    let refused = browser.post("/.auth/signup").form(&form).send();
    says(&refused, 422, "이 칸을 채워 주세요");
    assert_eq!(refused.text().matches("aria-invalid=\"true\"").count(), 1, "{}", refused.text());
    let json = json!({ "id": "duri", "password": PASSWORD, "name": "김두리", "email": "duri@example.kr" });
    assert_eq!(gateway.program().post("/.auth/api/signup").json(&json).send().refusal(), (422, "bad_field".to_owned()));
    form[3].1 = "컴퓨터공학과";
    says(&browser.post("/.auth/signup").form(&form).send(), 201, "가입이 끝났습니다");
    assert_eq!(log_in(&browser, "hana", PASSWORD), 303);
    says(&browser.get("/.auth/account").send(), 200, "<dt>학과</dt><dd>컴퓨터공학과</dd>");
    // What was answered goes from one store to another.
    let builder = gateway.killed();
    let written = builder.finish(&["users", "export"]);
    assert!(written.out.lines().next().unwrap().ends_with(",department,phone"), "{}", written.out);
    let elsewhere = World::builder(&Origin::start(), &Sso::closed()).toml(WITH_FIELDS).file("members.csv", &written.out);
    assert_eq!(elsewhere.finish(&["users", "import", "members.csv"]).code, 0);
    assert_eq!(elsewhere.finish(&["users", "export"]).out, written.out);
}

#[test]
fn who_may_sign_up_is_the_operators_choice() {
    let approval = guests("approval").start();
    let browser = approval.browser();
    says(&browser.get("/.auth/signup").send(), 200, "관리자가 승인하면");
    says(&browser.post("/.auth/signup").form(&typed("hana", PASSWORD)).send(), 201, "승인된 뒤에");
    says(&browser.post("/login").form(&[("id", "hana"), ("password", PASSWORD)]).send(), 401, "승인을 기다리는");
    let closed = guests("closed").start();
    let browser = closed.browser();
    assert!(!browser.get("/login").send().text().contains("/.auth/signup"));
    says(&browser.get("/.auth/signup").send(), 403, "회원 가입을 받지 않습니다");
    says(&browser.post("/.auth/signup").form(&typed("hana", PASSWORD)).send(), 403, "회원 가입을 받지 않습니다");
    let none = World::start();
    assert_eq!(none.gateway.browser().get("/.auth/signup").send().status(), 404);
}

#[test]
fn a_password_is_changed_on_a_page_and_other_devices_are_logged_out() {
    let gateway = guests("open").start();
    let (mine, other) = (signed_up(&gateway, "hana"), gateway.browser());
    assert_eq!(log_in(&other, "hana", PASSWORD), 303);
    says(&mine.get("/.auth/account").send(), 200, "href=\"/.auth/password\"");
    says(&mine.get("/.auth/password").send(), 200, "autocomplete=\"current-password\"");
    let change = |present: &str, new: &str, again: &str| {
        mine.post("/.auth/password").form(&[("password", present), ("new_password", new), ("new_password_again", again)]).send()
    };
    says(&change("not this one", ANOTHER, ANOTHER), 403, "비밀번호가 맞지 않습니다");
    says(&change(PASSWORD, ANOTHER, "another"), 422, "서로 다릅니다");
    says(&change(PASSWORD, "12345678", "12345678"), 422, "흔히 쓰이거나");
    assert_eq!(other.get("/mine").send().status(), 200);
    says(&change(PASSWORD, ANOTHER, ANOTHER), 200, "비밀번호를 바꿨습니다");
    assert_eq!(mine.get("/mine").send().status(), 200);
    let ended = other.get("/mine").send();
    assert_eq!(ended.get("location"), Some("/login?next=/mine&why=password_changed"));
    // The first login after it is told what became of the others.
    assert_eq!((log_in(&gateway.browser(), "hana", PASSWORD), log_in(&gateway.browser(), "hana", ANOTHER)), (401, 200));
    // Logged out, one is asked to log in and comes back to the page.
    assert_eq!(gateway.browser().get("/.auth/password").send().get("location"), Some("/login?next=/.auth/password"));
}

#[test]
fn a_one_time_link_sets_a_password_once_and_ends_every_session() {
    let gateway = guests("open").start();
    let mine = signed_up(&gateway, "hana");
    let stranger = gateway.browser();
    let secret = link(&gateway, "guests:hana", tomorrow());
    let page = stranger.get(&format!("/.auth/reset?token={secret}")).send();
    says(&page, 200, "<strong>hana</strong>");
    assert_eq!(page.get("referrer-policy"), Some("strict-origin"), "no other page learns the address");
    assert_eq!(page.get("cache-control"), Some("no-store"));
    // Looking used nothing up, and neither does a password that is refused.
    let set = |password: &str, again: &str| {
        let form = [("token", secret.as_str()), ("new_password", password), ("new_password_again", again)];
        stranger.post("/.auth/reset").form(&form).send()
    };
    says(&set("short", "short"), 422, "너무 짧습니다");
    says(&set(ANOTHER, "other"), 422, "서로 다릅니다");
    assert_eq!(mine.get("/mine").send().status(), 200);
    says(&set(ANOTHER, ANOTHER), 200, "모든 기기에서 로그아웃");
    assert_eq!(mine.get("/mine").send().get("location"), Some("/login?next=/mine&why=password_changed"));
    // The first login after it is told what became of the others.
    assert_eq!((log_in(&gateway.browser(), "hana", PASSWORD), log_in(&gateway.browser(), "hana", ANOTHER)), (401, 200));
    says(&set("yet another phrase 8", "yet another phrase 8"), 410, "더 이상 쓸 수 없는 링크");
    says(&stranger.get(&format!("/.auth/reset?token={secret}")).send(), 410, "더 이상 쓸 수 없는 링크");
    for none in ["", "?token=", "?token=x", "?token=6f2c1b7e-3c5d-4f0e-9a1b-2c3d4e5f6071"] {
        says(&stranger.get(&format!("/.auth/reset{none}")).send(), 410, "더 이상 쓸 수 없는 링크");
    }
    let late = link(&gateway, "guests:hana", Timestamp::from_secs(1_000_000));
    says(&stranger.get(&format!("/.auth/reset?token={late}")).send(), 410, "더 이상 쓸 수 없는 링크");
    let printed = gateway.printed();
    assert!(!printed.contains(&secret) && printed.contains("/.auth/reset?token=***"), "{printed}");
}

#[test]
fn who_leaves_is_gone_with_sessions_and_data() {
    let gateway = guests("open").start();
    let (mine, other) = (signed_up(&gateway, "hana"), gateway.browser());
    assert_eq!(log_in(&other, "hana", PASSWORD), 303);
    says(&mine.get("/.auth/account").send(), 200, "value=\"withdraw\"");
    says(&mine.post("/.auth/account").form(&[("do", "withdraw")]).send(), 200, "정말 탈퇴하시려면");
    says(&mine.post("/.auth/account").form(&[("do", "withdraw"), ("password", "a guess")]).send(), 403, "비밀번호가 맞지 않습니다");
    assert_eq!(other.get("/mine").send().status(), 200);
    let gone = mine.post("/.auth/account").form(&[("do", "withdraw"), ("password", PASSWORD)]).send();
    says(&gone, 200, "탈퇴가 끝났습니다");
    assert_eq!((mine.kept("__Host-munjigi_access"), mine.kept("__Host-munjigi_refresh")), (None, None));
    assert_eq!(other.get("/mine").send().status(), 303);
    // Nothing of the person is left in the store: not in the audit trail either.
    let builder = gateway.killed();
    let db = rusqlite::Connection::open(builder.dir().join("state/munjigi.db")).unwrap();
    // (The change log keeps the id for as long as tokens that name it could come back, and nothing else.)
    for (table, columns) in
        [("people", "id, name, email"), ("sessions", "user_id"), ("changes", "name, email"), ("audit", "user_id, detail")]
    {
        let held: i64 = db
            .query_row(
                &format!("SELECT count(*) FROM {table} WHERE concat_ws('|', {columns}) LIKE '%hana%' OR concat_ws('|', {columns}) LIKE '%김하나%'"),
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(held, 0, "{table}");
    }
    drop(db);
    assert_eq!(log_in(&builder.start().browser(), "hana", PASSWORD), 401);
}
