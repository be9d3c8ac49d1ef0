//! The portal: one login for all hosts, on an origin that no application shares.

use serde_json::json;

use crate::support::{Builder, Client, Gateway, Message, Origin, RIGHT, Sso, World};

const ACCESS: &str = "__Host-munjigi_access";
const REFRESH: &str = "__Host-munjigi_refresh";
const MARK: &str = "__Host-munjigi_browser";
const PLACE: &str = "/grades/2026?term=2&x=%2F%2f&y=a+b";

/// One browser: cookies belong to hosts, so it has a jar for each.
struct Person {
    portal: Client,
    wiki: Client,
    grades: Client,
}

impl Person {
    fn new(gateway: &Gateway) -> Self {
        let at = |host| gateway.browser().host(host);
        Self { portal: at("auth.example"), wiki: at("wiki.example"), grades: at("grades.example") }
    }

    fn at(&self, host: &str) -> &Client {
        match host {
            "auth.example" => &self.portal,
            "wiki.example" => &self.wiki,
            "grades.example" => &self.grades,
            other => panic!("sent to {other}"),
        }
    }

    /// Opens an address and follows where it leads, as far as a page.
    #[track_caller]
    fn open(&self, url: &str) -> (String, Message) {
        let mut here = url.to_owned();
        for _ in 0..8 {
            let rest = here.strip_prefix("https://").unwrap_or_else(|| panic!("{here}"));
            let (host, path) = rest.split_at(rest.find('/').unwrap());
            let answer = self.at(host).get(path).send();
            let Some(next) = answer.get("location").filter(|_| answer.status() == 303) else { return (here, answer) };
            here = if next.starts_with('/') { format!("https://{host}{next}") } else { next.to_owned() };
        }
        panic!("{url} leads nowhere: {here}");
    }

    /// Fills in the login page one is led to from `url`, and goes on to the end.
    #[track_caller]
    fn log_in(&self, url: &str, who: (&str, &str)) -> (String, Message) {
        let (at, page) = self.open(url);
        assert!(at.starts_with("https://auth.example/.auth/login?"), "{at}");
        let (next, mark) = (hidden(&page, "next"), hidden(&page, "mark"));
        let form = [("id", who.0), ("password", who.1), ("next", next.as_str()), ("mark", mark.as_str())];
        let sent = self.portal.post("/login").form(&form).send();
        assert_eq!(sent.status(), 303, "{}", sent.text());
        self.open(&format!("https://auth.example{}", sent.get("location").unwrap()))
    }
}

/// The value of a form's field on a page.
#[track_caller]
fn hidden(page: &Message, name: &str) -> String {
    let text = page.text();
    let (_, behind) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {text}"));
    behind.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&")
}

fn builder(origin: &Origin, sso: &Sso) -> Builder {
    Builder::new()
        .sso(sso)
        .upstream("app", origin)
        .toml("[server]\nportal = \"auth.example\"")
        .toml("[[route]]\nhost = \"wiki.example\"\npath = \"/\"\nupstream = \"app\"")
        .toml("[[route]]\nhost = \"grades.example\"\npath = \"/\"\nupstream = \"app\"")
        .toml("[[route]]\nhost = \"grades.example\"\npath = \"/staff/\"\nupstream = \"app\"\naccess = { users = [\"mju:60249999\"] }")
        // Below this name there may be servers of others: no login is handed there.
        .toml("[[route]]\nhost = \"*.example\"\npath = \"/pub\"\nupstream = \"app\"\naccess = \"public\"")
        .toml("[[route]]\npath = \"/open\"\nupstream = \"app\"\naccess = \"public\"")
}

fn world() -> World {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = builder(&origin, &sso).start();
    World { origin, sso, gateway }
}

#[test]
fn one_login_serves_all_hosts_and_comes_back_to_the_exact_address() {
    let world = world();
    let person = Person::new(&world.gateway);
    let place = format!("https://wiki.example{PLACE}");
    let (at, page) = person.open(&place);
    assert!(at.starts_with("https://auth.example/.auth/login?next=https%3A//wiki.example/grades/2026%3Fterm"), "{at}");
    // Chromium holds every redirect behind a form against this.
    assert!(page.get("content-security-policy").unwrap().contains("form-action 'self' https://wiki.example;"));
    let (at, answer) = person.log_in(&place, RIGHT);
    assert_eq!((at.as_str(), answer.status()), (place.as_str(), 200));
    assert_eq!(world.origin.last().target(), PLACE);
    // The next host asks for nothing.
    let attempts = world.sso.attempts().len();
    let (at, answer) = person.open("https://grades.example/b?c=1");
    assert_eq!((at.as_str(), answer.status()), ("https://grades.example/b?c=1", 200));
    assert_eq!(world.sso.attempts().len(), attempts);
    // It is one session: who ends it on one host has ended it on all.
    let sessions = person.portal.get("/.auth/api/sessions").send().json()["sessions"].as_array().unwrap().len();
    assert_eq!(sessions, 1);
    assert_eq!(person.wiki.post("/logout").form(&[]).send().status(), 200);
    let (at, _) = person.open("https://grades.example/b");
    assert!(at.starts_with("https://auth.example/.auth/login?"), "{at}");
    let printed = world.gateway.printed();
    assert!(printed.contains("/.auth/enter?ticket=***&next=***"), "{printed}");
}

#[test]
fn a_ticket_is_good_once_on_one_host_and_in_one_browser() {
    let world = world();
    let person = Person::new(&world.gateway);
    person.log_in("https://wiki.example/a", RIGHT);
    // A way to the next host, stopped before its last step.
    let ticket = |person: &Person| {
        let away = person.grades.get("/login?next=/b").send();
        let away = away.get("location").unwrap().strip_prefix("https://auth.example").unwrap().to_owned();
        let back = person.portal.get(&away).send();
        back.get("location").unwrap().strip_prefix("https://grades.example").unwrap().to_owned()
    };
    let nobody = |answer: &Message, client: &Client| {
        assert_eq!((client.kept(ACCESS), client.kept(REFRESH)), (None, None), "{}", answer.text());
        assert_ne!(answer.get("location"), Some("/b"));
    };
    // Another browser: one that was never here, and one with a mark of its own (login CSRF).
    for marked in [false, true] {
        let stranger = Person::new(&world.gateway);
        if marked {
            stranger.open("https://grades.example/x");
            assert!(stranger.grades.kept(MARK).is_some());
        }
        let enter = ticket(&person);
        let answer = stranger.grades.get(&enter).send();
        nobody(&answer, &stranger.grades);
        assert_eq!(answer.status(), if marked { 303 } else { 400 });
        // It is used up all the same: its owner goes one more round, and in.
        let again = person.grades.get(&enter).send();
        assert_eq!(again.get("location"), Some("/login?next=/b"));
        nobody(&again, &person.grades);
    }
    // Another host of the same browser.
    let enter = ticket(&person);
    person.wiki.lose(ACCESS);
    person.wiki.lose(REFRESH);
    nobody(&person.wiki.get(&enter).send(), &person.wiki);
    // Twice: only the first is anybody.
    let enter = ticket(&person);
    assert_eq!(person.grades.get(&enter).send().get("location"), Some("/b"));
    assert!(person.grades.kept(ACCESS).is_some());
    let copy = world.gateway.browser().host("grades.example");
    copy.keep(MARK, &person.grades.kept(MARK).unwrap());
    nobody(&copy.get(&enter).send(), &copy);
    // The browser's own history leads on.
    assert_eq!(person.grades.get(&enter).send().get("location"), Some("/b"));
    // What was ended in between is carried nowhere.
    person.grades.lose(ACCESS);
    person.grades.lose(REFRESH);
    let enter = ticket(&person);
    assert_eq!(person.portal.post("/.auth/logout/all").form(&[]).send().status(), 200);
    nobody(&person.grades.get(&enter).send(), &person.grades);
}

/// Lesson 26 on the portal: nobody is sent to a host that no route names, and none gets a ticket.
#[test]
fn the_way_back_leads_to_hosts_of_ours_and_nowhere_else() {
    let world = world();
    let person = Person::new(&world.gateway);
    let mark = "0".repeat(64);
    let places = [
        "https://evil.example/",
        "https://wiki.example.evil.example/",
        "https://wiki.example@evil.example/",
        "https://evil.example\\@wiki.example/",
        "https://wiki.example:444/",
        "http://wiki.example/",
        "//wiki.example/",
        "/\\evil.example",
        "https://auth.example/",
        "https://wiki.example//evil.example",
        "https://wiki.example/.auth/enter?ticket=x",
        "javascript:alert(1)",
    ];
    for place in places {
        let form = [("id", RIGHT.0), ("password", RIGHT.1), ("next", place), ("mark", mark.as_str())];
        let sent = person.portal.post("/login").form(&form).send();
        assert_eq!((sent.status(), sent.get("location")), (303, Some("/")), "{place}");
        let quoted: String = place.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let known = person.portal.get(&format!("/login?next={quoted}&mark={mark}")).send();
        assert_eq!((known.status(), known.get("location")), (303, Some("/")), "{place}");
    }
    // Without a browser to bind it to there is no ticket.
    let unmarked = person.portal.get("/login?next=https%3A//wiki.example/").send();
    assert_eq!(unmarked.get("location"), Some("/"));
    // A host that is nobody's leads to the portal, and from there to no host.
    let odd = world.gateway.browser().host("odd.example");
    let away = odd.get("/login?next=/x").send();
    let away = away.get("location").unwrap().strip_prefix("https://auth.example").unwrap().to_owned();
    assert_eq!(person.portal.get(&away).send().get("location"), Some("/"));
}

#[test]
fn the_portal_is_no_applications_and_pages_that_act_are_nowhere_else() {
    let world = world();
    let person = Person::new(&world.gateway);
    for path in ["/open", "/x", "/staff/"] {
        assert_eq!(person.portal.get(path).send().status(), 404, "{path}");
    }
    assert_eq!(world.origin.connections(), 0);
    person.log_in("https://wiki.example/a", RIGHT);
    for page in ["/.auth/account", "/.auth/password", "/.auth/signup", "/.auth/reset?token=x"] {
        let sent = person.wiki.get(page).send();
        assert_eq!(sent.get("location"), Some(format!("https://auth.example{page}").as_str()));
        assert_eq!(person.wiki.post(page).form(&[("do", "withdraw"), ("password", RIGHT.1)]).send().status(), 404, "{page}");
    }
    let (at, page) = person.open("https://auth.example/");
    assert_eq!((at.as_str(), page.status()), ("https://auth.example/", 200));
    assert!(page.text().contains("value=\"withdraw\""), "{}", page.text());
    // A password that is typed on an application's host goes nowhere; a program's login does not need a page.
    let attempts = world.sso.attempts().len();
    let form = person.grades.post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1), ("next", "/b")]).send();
    assert_eq!((form.status(), form.get("location")), (303, Some("/login?next=/b")));
    assert_eq!(world.sso.attempts().len(), attempts);
    let program = world.gateway.program().host("grades.example").post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1 })).send();
    assert_eq!(program.status(), 200);
}

/// A refresh token that stands in the cookies of several hosts must not be taken for stolen when one of them uses it.
#[test]
fn a_script_that_refreshes_on_one_host_throws_nobody_out_on_another() {
    let world = world();
    let person = Person::new(&world.gateway);
    person.log_in("https://wiki.example/a", RIGHT);
    person.open("https://grades.example/b");
    let before = person.wiki.kept(REFRESH);
    for _ in 0..3 {
        assert_eq!(person.wiki.post("/refresh").send().status(), 204);
        assert_eq!(person.wiki.get("/a").send().status(), 200);
    }
    assert_eq!(person.wiki.kept(REFRESH), before);
    for client in [&person.grades, &person.portal] {
        client.lose(ACCESS);
        assert_eq!(client.post("/refresh").send().status(), 204);
    }
    assert_eq!(person.grades.get("/b").send().status(), 200);
}

#[test]
fn another_account_and_an_ended_login_go_the_same_way() {
    let world = world();
    let person = Person::new(&world.gateway);
    person.log_in("https://grades.example/b", RIGHT);
    let refused = person.grades.get("/staff/list?x=1").send();
    assert_eq!(refused.status(), 403);
    let (_, behind) = refused.text().split_once("href=\"/login?next").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let switch =
        format!("https://grades.example/login?next{}", behind.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&"));
    let (at, answer) = person.log_in(&switch, ("60249999", "pw-60249999"));
    assert_eq!((at.as_str(), answer.status()), ("https://grades.example/staff/list?x=1", 200));
    // What was written meets an ended login: a second tab logs in, and the first one goes on.
    person.grades.lose(ACCESS);
    person.grades.lose(REFRESH);
    assert_eq!(person.grades.post("/board").form(&[("text", "an hour's work")]).send().status(), 401);
    let (at, _) = person.open("https://grades.example/login?next=/.auth/logged-in");
    assert_eq!(at, "https://grades.example/.auth/logged-in");
    assert_eq!(person.grades.post("/board").form(&[("text", "an hour's work")]).send().status(), 200);
}

/// A browser that keeps nothing is told the cause, wherever on the way it shows.
#[test]
fn a_browser_without_cookies_goes_in_no_circle() {
    let world = world();
    let person = Person::new(&world.gateway);
    let (at, page) = person.open("https://wiki.example/a");
    let (next, mark) = (hidden(&page, "next"), hidden(&page, "mark"));
    let form = [("id", RIGHT.0), ("password", RIGHT.1), ("next", next.as_str()), ("mark", mark.as_str())];
    let sent = person.portal.post("/.auth/login").form(&form).send();
    let on = sent.get("location").unwrap().to_owned();
    // The portal's cookies are not kept.
    let lost = world.gateway.browser().host("auth.example").get(&on).with("Referer", &at).send();
    assert_eq!(lost.status(), 400);
    assert!(lost.text().contains("로그인 쿠키를 되돌려 보내지 않아"), "{}", lost.text());
    // The same address later, or from elsewhere, is the login page.
    assert_eq!(world.gateway.browser().host("auth.example").get(&on).send().status(), 200);
    // The application's are not.
    let back = person.portal.get(&on).send();
    let enter = back.get("location").unwrap().strip_prefix("https://wiki.example").unwrap();
    assert_eq!(world.gateway.browser().host("wiki.example").get(enter).send().status(), 400);
}

/// The administration beside the login: no application shares its origin.
#[test]
fn the_administration_is_at_the_portal_and_nowhere_else() {
    let gateway = builder(&Origin::start(), &Sso::start()).toml("[auth]\nadmins = [\"mju:60249999\"]").start();
    let (clerk, member) = (Person::new(&gateway), Person::new(&gateway));
    let (at, _) = clerk.open("https://auth.example/.auth/admin");
    assert!(at.starts_with("https://auth.example/login?next=/.auth/admin"), "{at}");
    member.log_in("https://wiki.example/a", ("60241234", "pw-60241234"));
    assert_eq!(member.portal.get("/.auth/admin").send().status(), 403);
    clerk.log_in("https://wiki.example/a", ("60249999", "pw-60249999"));
    for place in ["/.auth/admin", "/.auth/admin/members", "/.auth/admin/audit", "/.auth/admin/member?id=mju:60241234"] {
        assert_eq!(clerk.portal.get(place).send().status(), 200, "{place}");
        // Where an application is, one is shown the way, and nothing else.
        assert_eq!(clerk.wiki.get(place).send().get("location"), Some(&*format!("https://auth.example{place}")));
    }
    assert!(clerk.portal.get("/.auth/admin/members").send().text().contains("60241234"));
    let disable = |from: &str| {
        let call = clerk.portal.post("/.auth/admin/member?id=mju:60241234").form(&[("do", "disable")]);
        call.instead("Sec-Fetch-Site", from).send().status()
    };
    // Applications are same-site neighbours, and no more.
    assert_eq!((disable("same-site"), disable("cross-site")), (403, 403));
    assert_eq!(member.portal.get("/.auth/me").send().status(), 200);
    assert_eq!(disable("same-origin"), 303);
    assert_eq!(member.wiki.get("/a").send().status(), 303, "to the login");
}

/// A token in a header says nothing of who sits in front of the page.
#[test]
fn a_program_gets_no_administration_at_the_portal() {
    let gateway = builder(&Origin::start(), &Sso::start()).toml("[auth]\nadmins = [\"mju:60249999\"]").start();
    let program = gateway.program().host("auth.example");
    let answer = program.post("/login").json(&json!({ "id": "60249999", "password": "pw-60249999" })).send();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(program.get("/.auth/admin").bearer(&token).send().status(), 400);
}
