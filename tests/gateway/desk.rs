//! The administration's pages at the admin listener: who gets in, what they do, and what no other page can make them do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;

use crate::support::{Builder, Gateway, Message, Origin, Sso, World, munjigi, plainly};

const PASSWORD: &str = "바다로 가는 기차 열두시";
const ADMIN: (&str, &str) = ("60249999", "pw-60249999");
const WHO: (&str, &str) = ("60241234", "pw-60241234");

fn office() -> (Sso, Builder) {
    let sso = Sso::start();
    let builder = World::builder(&Origin::start(), &sso).toml(
        "[server]\nadmin = \"127.0.0.1:0\"\n[auth]\nadmins = [\"mju:60249999\"]\nproviders = [\"mju\", \"guests\"]\n\
         [provider.guests]\nkind = \"local\"\nregistration = \"approval\"",
    );
    (sso, builder)
}

/// A browser at the admin listener.
struct Visitor {
    address: SocketAddr,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// What a browser says of a form of the page's own.
const OWN: &str = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document";

impl Visitor {
    fn at(gateway: &Gateway) -> Self {
        let line = gateway.process.logged("administration, metrics and health on http://");
        Self { address: line.rsplit("http://").next().unwrap().parse().unwrap(), cookies: RefCell::default() }
    }

    fn send(&self, head: &str, body: &str) -> Message {
        let cookies: Vec<String> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let host = if head.contains("\r\nHost:") { String::new() } else { format!("\r\nHost: {}", self.address) };
        let length = body.len();
        let answer = plainly(
            self.address,
            &format!("{head}{host}\r\nConnection: close\r\nCookie: {}\r\nContent-Length: {length}\r\n\r\n{body}", cookies.join("; ")),
        );
        for line in answer.all("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict") && line.contains("Path=/.auth/admin"), "{line}");
            if line.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    fn get(&self, place: &str) -> Message {
        self.send(&format!("GET {place} HTTP/1.1\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html"), "")
    }

    fn post_as(&self, place: &str, from: &str, fields: &[(&str, &str)]) -> Message {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(&format!("POST {place} HTTP/1.1\r\n{from}\r\nContent-Type: application/x-www-form-urlencoded"), &body)
    }

    fn post(&self, place: &str, fields: &[(&str, &str)]) -> Message {
        self.post_as(place, OWN, fields)
    }

    fn log_in(&self, (id, password): (&str, &str)) -> Message {
        self.post("/.auth/admin/login", &[("id", id), ("password", password), ("provider", "mju")])
    }

    /// Presses a button on a member's page.
    fn press(&self, who: &str, fields: &[(&str, &str)]) -> Message {
        self.post(&format!("/.auth/admin/member?id={who}"), fields)
    }
}

fn clerk(gateway: &Gateway) -> Visitor {
    let visitor = Visitor::at(gateway);
    assert_eq!(visitor.log_in(ADMIN).status(), 303);
    visitor
}

fn log_in(gateway: &Gateway, id: &str, password: &str) -> u16 {
    let provider = if id.starts_with('6') { "mju" } else { "guests" };
    gateway.program().post("/login").json(&json!({ "id": id, "password": password, "provider": provider })).send().status()
}

fn sign_up(gateway: &Gateway, id: &str) {
    let body = json!({ "id": id, "password": PASSWORD, "name": "김하나", "email": "hana@example.kr" });
    assert_eq!(gateway.program().post("/.auth/api/signup").json(&body).send().status(), 201);
}

#[test]
fn only_administrators_get_in() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    let visitor = Visitor::at(&gateway);
    assert_eq!(visitor.get("/").get("location"), Some("/.auth/admin"));
    let sent = visitor.get("/.auth/admin/members?q=kim");
    assert_eq!((sent.status(), sent.get("location")), (303, Some("/.auth/admin/login?next=/.auth/admin/members%3Fq%3Dkim")));
    let page = visitor.get("/.auth/admin/login?next=/.auth/admin/members%3Fq%3Dkim");
    assert!(page.text().contains("value=\"/.auth/admin/members?q=kim\""), "{}", page.text());
    assert!(!page.text().contains("name=\"remember\""), "nobody is remembered here: {}", page.text());
    assert_eq!(visitor.log_in((ADMIN.0, "wrong")).status(), 401);
    let member = visitor.log_in(WHO);
    assert_eq!((member.status(), visitor.cookies.borrow().len()), (403, 0), "a member gets no cookie here");
    assert!(member.text().contains("href=\"/.auth/admin/login\""), "{}", member.text());
    assert!(munjigi(&gateway.path(""), &["sessions", "list"]).out.contains("nobody is logged in"), "and no session");
    let entered = visitor.post("/.auth/admin/login", &[("id", ADMIN.0), ("password", ADMIN.1), ("next", "https://evil.example/")]);
    assert_eq!((entered.status(), entered.get("location")), (303, Some("/.auth/admin")));
    for place in ["/.auth/admin", "/.auth/admin/members", "/.auth/admin/audit", "/.auth/admin/member?id=mju:60249999"] {
        let page = visitor.get(place);
        assert_eq!(page.status(), 200, "{place}");
        assert!(page.get("content-security-policy").unwrap().starts_with("default-src 'none'"), "{place}");
        assert!(page.get("cache-control") == Some("no-store") && page.get("x-request-id").is_some(), "{place}");
        assert!(page.body.len() < 20_000, "{place}: {}", page.body.len());
    }
    assert_eq!(visitor.get("/.auth/admin/nothing").status(), 404);
    assert_eq!(visitor.get("/.auth/admin/member?id=mju:60240000").status(), 404);
    // What is an administrator's no more shows nothing any more, at once; and logging out ends the session.
    let stale = Visitor { address: visitor.address, cookies: visitor.cookies.clone() };
    assert_eq!(visitor.post("/.auth/admin/logout", &[]).status(), 200);
    assert_eq!((visitor.cookies.borrow().len(), stale.get("/.auth/admin").status()), (0, 303));
    // Nothing of it is where applications are.
    for place in ["/.auth/admin", "/.auth/admin/members", "/.auth/admin/login"] {
        assert_eq!(gateway.browser().get(place).send().status(), 404, "{place}");
    }
}

#[test]
fn losing_the_role_or_the_account_acts_on_the_open_page() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    munjigi(&gateway.path(""), &["users", "add", "60240001", "--role", "admin"]);
    let second = Visitor::at(&gateway);
    assert_eq!(second.log_in(("60240001", "pw-60240001")).status(), 303);
    assert_eq!(second.get("/.auth/admin/members").status(), 200);
    assert_eq!(munjigi(&gateway.path(""), &["users", "role", "60240001", "member"]).code, 0);
    assert_eq!(second.get("/.auth/admin/members").status(), 403);
    assert_eq!(munjigi(&gateway.path(""), &["users", "role", "60240001", "admin"]).code, 0);
    assert_eq!(second.get("/.auth/admin/members").status(), 200);
    assert_eq!(munjigi(&gateway.path(""), &["users", "disable", "60240001"]).code, 0);
    assert_eq!(second.get("/.auth/admin/members").status(), 303);
}

/// The listener has no TLS and is reached by a browser that runs strangers' pages: none of them may press a button here.
#[test]
fn no_other_page_can_press_a_button() {
    let (_sso, builder) = office();
    // What applications' pages may do is not what this desk's may.
    let gateway = builder.toml("[auth]\ntrusted_origins = [\"https://app.example\"]").start();
    log_in(&gateway, WHO.0, WHO.1);
    let visitor = clerk(&gateway);
    let fields = [("do", "disable")];
    let place = format!("/.auth/admin/member?id=mju:{}", WHO.0);
    for from in [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: cross-site\r\nOrigin: https://app.example",
        "Origin: http://127.0.0.1:1",
        "Origin: https://app.example",
        "Origin: null",
        "Accept: text/html",
    ] {
        assert_eq!(visitor.post_as(&place, from, &fields).status(), 403, "{from}");
        assert_eq!(visitor.post_as("/.auth/admin/login", from, &[("id", ADMIN.0), ("password", ADMIN.1)]).status(), 403, "{from}");
        assert_eq!(visitor.post_as("/.auth/admin/logout", from, &[]).status(), 403, "{from}");
    }
    for host in ["evil.example", "localhost.evil.example", "gate.test"] {
        let asked = visitor.send(&format!("GET /.auth/admin HTTP/1.1\r\nHost: {host}\r\n{OWN}"), "");
        assert_eq!(asked.status(), 421, "{host}: a name that was made to lead here (DNS rebinding)");
    }
    let by_get = visitor.get(&format!("{place}&do=disable"));
    assert_eq!((by_get.status(), log_in(&gateway, WHO.0, WHO.1)), (200, 200), "a link changes nothing");
    // A token is no ticket to the pages, nor are the cookies of the other listener.
    let pair = gateway.login(ADMIN.0, ADMIN.1);
    let stranger = Visitor::at(&gateway);
    let bearer = format!("GET /.auth/admin HTTP/1.1\r\n{OWN}\r\nAuthorization: Bearer {}", pair.access);
    assert_eq!(stranger.send(&bearer, "").status(), 400);
    stranger.cookies.borrow_mut().insert("__Host-munjigi_access".to_owned(), pair.access);
    assert_eq!(stranger.get("/.auth/admin").status(), 303);
    assert_eq!(visitor.press(&format!("mju:{}", WHO.0), &fields).status(), 303, "its own page may");
    assert_eq!(log_in(&gateway, WHO.0, WHO.1), 403);
}

#[test]
fn a_desk_on_a_socket_file_is_asked_under_this_machines_names_too() {
    let (_sso, builder) = office();
    let gateway = builder.toml("[server]\nadmin = \"unix:admin.sock\"").start();
    let ask = |host: &str, place: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(gateway.path("admin.sock")).unwrap();
        write!(stream, "GET {place} HTTP/1.1\r\nHost: {host}\r\n{OWN}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!((ask("localhost:9901", "/.auth/admin"), ask("evil.example", "/.auth/admin")), ("303".to_owned(), "421".to_owned()));
    assert_eq!(ask("gateway", "/metrics"), "200", "programs may call it as they like");
}

#[test]
fn members_are_found_approved_changed_and_kept_out() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    for n in 0..45 {
        munjigi(&gateway.path(""), &["users", "add", &format!("602400{n:02}"), "--name", "홍길동"]);
    }
    sign_up(&gateway, "hana");
    let visitor = clerk(&gateway);
    // Forward to the last page and back to the first, each member once.
    let list = |place: &str| visitor.get(place).text();
    let link = |page: &str, mark: &str| {
        let end = page.find(&format!("{mark}</a>")).or_else(|| page.find(mark))?;
        let from = page[..end].rfind("href=\"")? + 6;
        let href = &page[from..from + page[from..].find('"')?];
        Some(href.replace("&#38;", "&").replace("&amp;", "&"))
    };
    let (mut seen, mut place) = (Vec::new(), "?".to_owned());
    loop {
        let page = list(&format!("/.auth/admin/members{place}"));
        seen.extend(page.match_indices("member?id=mju%3A").map(|(at, mark)| page[at + mark.len()..][..8].to_owned()));
        match link(&page, "다음 ›") {
            Some(next) => place = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 46, "{seen:?}");
    assert!(seen.is_sorted(), "{seen:?}");
    let back = list(&format!("/.auth/admin/members{}", link(&list(&format!("/.auth/admin/members{place}")), "‹ 이전").unwrap()));
    assert!(back.contains("mju%3A60240020") || back.contains("mju%3A60240019"), "{back}");
    assert!(list("/.auth/admin/members?last=1").contains("60249999"));
    assert!(list("/.auth/admin/members?q=60240044").contains("60240044"));
    assert!(list("/.auth/admin/members?q=nobody").contains("찾으시는 내용이 없습니다"));
    assert!(list("/.auth/admin/members").contains("모두 47명"));
    let waiting = list("/.auth/admin/members?awaiting=1");
    assert!(waiting.contains("hana@guests") && !waiting.contains("60240001"), "{waiting}");

    assert_eq!(log_in(&gateway, "hana", PASSWORD), 401);
    let done = visitor.press("guests:hana", &[("do", "approve")]);
    assert_eq!((done.status(), done.get("location")), (303, Some("/.auth/admin/member?id=guests%3Ahana&done=saved")));
    assert!(visitor.get(done.get("location").unwrap()).text().contains("저장했습니다"));
    assert_eq!(log_in(&gateway, "hana", PASSWORD), 200);
    visitor.press("guests:hana", &[("do", "save"), ("role", "member"), ("groups", "staff, 교직원")]);
    let page = list("/.auth/admin/member?id=guests:hana");
    assert!(page.contains("value=\"staff, 교직원\""), "{page}");
    assert_eq!(visitor.press("guests:hana", &[("do", "save"), ("role", "member"), ("groups", "a@b:c\u{1}")]).status(), 409);
    visitor.press("guests:hana", &[("do", "disable")]);
    assert_eq!(log_in(&gateway, "hana", PASSWORD), 403);
    visitor.press("guests:hana", &[("do", "enable")]);
    assert_eq!(log_in(&gateway, "hana", PASSWORD), 200);
    visitor.press("guests:hana", &[("do", "end-sessions")]);
    assert!(munjigi(&gateway.path(""), &["sessions", "list", "--user", "guests:hana"]).out.contains("nobody is logged in"));
    // Who it was, from where, under which request.
    let trail: serde_json::Value =
        serde_json::from_str(&munjigi(&gateway.path(""), &["audit", "--kind", "person_changed", "--json"]).out).unwrap();
    let newest = &trail["events"][0];
    assert_eq!((&newest["detail"], &newest["address"]), (&json!("enabled, by mju:60249999"), &json!("127.0.0.1")));
    assert!(newest["request"].is_string());
}

#[test]
fn the_password_is_asked_for_again() {
    let (_sso, builder) = office();
    // Renewed on the way: such a token is not fresh.
    let gateway = builder.toml("[auth]\naccess_ttl = \"15m\"").start();
    log_in(&gateway, WHO.0, WHO.1);
    let visitor = clerk(&gateway);
    let who = format!("mju:{}", WHO.0);
    // Removing somebody always asks.
    let asked = visitor.press(&who, &[("do", "remove"), ("keep_blocked", "on")]);
    assert_eq!(asked.status(), 200);
    let page = asked.text();
    for field in ["name=\"do\" value=\"remove\"", "name=\"keep_blocked\" value=\"on\"", "type=\"password\"", "60241234"] {
        assert!(page.contains(field), "{field}: {page}");
    }
    let wrong = visitor.press(&who, &[("do", "remove"), ("keep_blocked", "on"), ("password", "wrong")]);
    assert_eq!((wrong.status(), log_in(&gateway, WHO.0, WHO.1)), (403, 200));
    // A session whose token was renewed has to show the password for everything, and is fresh again then.
    let access = visitor.cookies.borrow_mut().remove("munjigi_desk_access").unwrap();
    assert_eq!(visitor.get("/.auth/admin").status(), 200);
    assert_ne!(visitor.cookies.borrow()["munjigi_desk_access"], access);
    let disable = visitor.press(&who, &[("do", "disable")]);
    assert!(disable.status() == 200 && disable.text().contains("type=\"password\""), "{}", disable.text());
    assert_eq!(log_in(&gateway, WHO.0, WHO.1), 200);
    assert_eq!(visitor.press(&who, &[("do", "disable"), ("password", ADMIN.1)]).status(), 303);
    assert_eq!(log_in(&gateway, WHO.0, WHO.1), 403);
    assert_eq!(visitor.press(&who, &[("do", "enable")]).status(), 303, "the password was given just now");
    let removed = visitor.press(&who, &[("do", "remove"), ("keep_blocked", "on"), ("password", ADMIN.1)]);
    assert_eq!(removed.get("location"), Some("/.auth/admin/members?done=removed"));
    assert_eq!(log_in(&gateway, WHO.0, WHO.1), 403);
    assert_eq!(visitor.get(&format!("/.auth/admin/member?id={who}")).status(), 404);
}

#[test]
fn nobody_locks_themselves_out() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    let visitor = clerk(&gateway);
    let own = format!("mju:{}", ADMIN.0);
    for fields in [&[("do", "disable")][..], &[("do", "remove"), ("password", ADMIN.1)], &[("do", "save"), ("role", "member")]] {
        assert_eq!(visitor.press(&own, fields).status(), 409, "{fields:?}");
    }
    let page = visitor.get(&format!("/.auth/admin/member?id={own}")).text();
    assert!(!page.contains("value=\"remove\"") && page.contains("설정 파일에서 관리자로 정한 회원입니다"), "{page}");
    assert_eq!(visitor.get("/.auth/admin").status(), 200);
}

#[test]
fn a_link_is_shown_once() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    sign_up(&gateway, "hana");
    let visitor = clerk(&gateway);
    let page = visitor.press("guests:hana", &[("do", "reset")]).text();
    let from = page.find("/.auth/reset?token=").unwrap_or_else(|| panic!("{page}"));
    let token: String = page[from + 19..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let set = json!({ "token": token, "new_password": "another long phrase 7" });
    assert!(!visitor.get("/.auth/admin/member?id=guests:hana").text().contains(&token));
    assert_eq!(gateway.program().post("/.auth/api/reset").json(&set).send().status(), 200);
    assert_eq!(visitor.press(&format!("mju:{}", ADMIN.0), &[("do", "reset")]).status(), 409);
    assert!(!gateway.printed().contains(&token));
}

#[test]
fn the_trail_is_read_by_person_kind_and_day() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    for _ in 0..25 {
        log_in(&gateway, WHO.0, WHO.1);
    }
    log_in(&gateway, "60240001", "wrong");
    let visitor = clerk(&gateway);
    let rows = |query: &str| visitor.get(&format!("/.auth/admin/audit?{query}")).text().matches("<tr><td").count();
    assert_eq!((rows(""), rows("person=60241234"), rows("person=mju:60240001")), (20, 20, 1));
    assert_eq!((rows("person=nobody"), rows("kind=login_refused"), rows("kind=person_removed")), (0, 1, 0));
    assert_eq!((rows("to=2020-01-01"), rows("from=2020-01-01"), rows("from=nonsense")), (0, 20, 20));
    let first = visitor.get("/.auth/admin/audit?person=60241234").text();
    let from = first.find("before=").unwrap() + 7;
    let number: String = first[from..].chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(rows(&format!("person=60241234&before={number}")), 5);
}

#[test]
fn the_overview_counts_what_happened() {
    let (_sso, builder) = office();
    let gateway = builder.start();
    let pair = gateway.login(WHO.0, WHO.1);
    log_in(&gateway, "60240001", "wrong");
    for _ in 0..3 {
        gateway.program().get("/protected").bearer(&pair.access).send();
    }
    let visitor = clerk(&gateway);
    // Confirmed when it is written down, and so is all that happened before.
    assert_eq!(munjigi(&gateway.path(""), &["users", "add", "60240077"]).code, 0);
    let page = visitor.get("/.auth/admin?lang=en").text();
    let tile = |name: &str| {
        let from = page.find(&format!("<dt>{name}</dt><dd>")).unwrap_or_else(|| panic!("{name}: {page}")) + name.len() + 13;
        page[from..].split('<').next().unwrap().to_owned()
    };
    assert_eq!((tile("Live sessions"), tile("Logins"), tile("Refusals")), ("2".to_owned(), "2".to_owned(), "1".to_owned()));
    assert!(tile("Account server (ms)").parse::<u64>().is_ok(), "{}", tile("Account server (ms)"));
    assert_eq!(page.matches("<figure>").count(), 3);
    assert!(page.contains("<th scope=\"row\">*/</th>") && page.contains("All other requests"), "{page}");
}
