//! Operators' commands: a running gateway's sessions and people through its socket.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::support::operator::{done, in_json, refused};
use crate::support::{Gateway, Origin, Pair, Sso, World, mode, munjigi};

/// A student as the SSO knows them.
const WHO: (&str, &str) = ("60241234", "pw-60241234");

fn refusal(gateway: &Gateway, pair: &Pair) -> Value {
    let answer = gateway.program().get("/protected").bearer(&pair.access).send();
    if answer.status() == 200 { json!("passes") } else { answer.json()["reason"].clone() }
}

#[test]
fn the_socket_is_its_owners_alone() {
    let world = World::start();
    let socket = world.gateway.path("state/munjigi.sock");
    assert!(socket.metadata().unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0o600);
    let said = world.gateway.process.logged("operators' commands through");
    assert!(said.contains("munjigi.sock"), "{said}");
    // What a crash leaves behind is no obstacle.
    let gateway = world.gateway.killed_and_started();
    done(&gateway, &["sessions", "list"]);
}

#[test]
fn sessions_are_listed_and_ended() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    assert_eq!(done(&gateway, &["sessions", "list"]), "nobody is logged in");
    let (one, two) = (gateway.login(WHO.0, WHO.1), gateway.login(WHO.0, WHO.1));
    let other = gateway.login("60240001", "pw-60240001");
    let table = done(&gateway, &["sessions", "list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("SESSION ") && lines[0].contains("LAST SEEN"), "{table}");
    assert_eq!((lines.len(), lines[4]), (5, "3 sessions"), "{table}");
    let column = lines[0].find("USER").unwrap();
    assert!(lines[1..4].iter().all(|line| line[column..].starts_with("mju:6024")), "{table}");

    let told = in_json(&gateway, &["sessions", "list", "--user", WHO.0]);
    let sessions = told["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!((sessions[0]["user"].as_str(), sessions[0]["address"].as_str()), (Some("mju:60241234"), Some("127.0.0.1")));
    let id = sessions[0]["id"].as_str().unwrap();
    let said = done(&gateway, &["sessions", "end", id]);
    assert_eq!(said, format!("session {id} of mju:60241234 has ended"));
    let mut left = [refusal(&gateway, &one), refusal(&gateway, &two)];
    left.sort_by_key(Value::to_string);
    assert_eq!(left, ["administrator", "passes"]);
    refused(&gateway, &["sessions", "end", id], 3, "is not a live session");
    refused(&gateway, &["sessions", "end", "-_AAAAAAAAAAAAAAAAAAAA", "-c", "gateway.toml"], 3, "is not a live session");
    refused(&gateway, &["sessions", "end", "nonsense"], 2, "no session's id");
    assert_eq!(done(&gateway, &["sessions", "end", "--user", WHO.0]), "mju:60241234: 1 session ended");
    assert_eq!(refusal(&gateway, &other), "passes");
    assert_eq!(done(&gateway, &["logout-everybody"]), "everybody has to log in again: 1 session ended");
    assert_eq!(refusal(&gateway, &other), "administrator");
    gateway.login(WHO.0, WHO.1);
}

#[test]
fn long_lists_are_fetched_page_by_page() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    for n in 0..5 {
        gateway.login(&format!("6024000{n}"), &format!("pw-6024000{n}"));
    }
    let ids = |told: &Value, list: &str, name: &str| -> Vec<String> {
        told[list].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
    };
    let some = in_json(&gateway, &["users", "list", "--limit", "2"]);
    assert_eq!(
        (ids(&some, "users", "user"), &some["next"]),
        (vec!["mju:60240000".to_owned(), "mju:60240001".to_owned()], &json!("mju:60240001"))
    );
    assert!(done(&gateway, &["users", "list", "--limit", "2"]).ends_with("there are more; --limit fetches them"));
    assert_eq!(ids(&in_json(&gateway, &["users", "list", "40003"]), "users", "user"), ["mju:60240003"]);
    assert_eq!(ids(&in_json(&gateway, &["sessions", "list"]), "sessions", "id").len(), 5);
    let newest = in_json(&gateway, &["audit", "--limit", "3", "--kind", "login_accepted"]);
    assert_eq!(ids(&newest, "events", "user"), ["mju:60240004", "mju:60240003", "mju:60240002"]);
}

#[test]
fn disabling_acts_at_once_and_is_undone() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    refused(&gateway, &["users", "disable", WHO.0], 3, "nobody of that id has logged in yet");
    let pair = gateway.login(WHO.0, WHO.1);
    let said = done(&gateway, &["users", "disable", WHO.0]);
    assert!(said.starts_with("mju:60241234 is changed: 1 session ended\n") && said.contains("disabled"), "{said}");
    assert_eq!(refusal(&gateway, &pair), "disabled");
    assert_eq!(gateway.program().post("/refresh").bearer(&pair.refresh).send().status(), 401);
    let login = json!({ "id": WHO.0, "password": WHO.1 });
    assert_eq!(gateway.program().post("/login").json(&login).send().refusal(), (403, "account_disabled".to_owned()));
    assert!(done(&gateway, &["users", "disable", "mju:60241234"]).starts_with("mju:60241234 was so already"));
    // It outlives a crash.
    let gateway = gateway.killed_and_started();
    assert_eq!(gateway.program().post("/login").json(&login).send().status(), 403);
    done(&gateway, &["users", "enable", "60241234@mju"]);
    assert_eq!(refusal(&gateway, &pair), "disabled", "what ended stays ended");
    gateway.login(WHO.0, WHO.1);
}

#[test]
fn role_and_groups_hold_from_the_next_request_on() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway =
        World::builder(&origin, &sso).toml("[[route]]\npath = \"/staff/\"\naccess = { groups = [\"교직원\"] }\nupstream = \"app\"").start();
    let pair = gateway.login(WHO.0, WHO.1);
    let status = || gateway.program().get("/staff/").bearer(&pair.access).send().status();
    assert_eq!(status(), 403);
    done(&gateway, &["users", "groups", WHO.0, "교직원", "library"]);
    assert_eq!(status(), 200);
    assert_eq!(origin.last().all("x-auth-groups").len(), 1);
    done(&gateway, &["users", "groups", WHO.0, "--remove", "교직원", "--remove", "nothing"]);
    assert_eq!(status(), 403);
    assert_eq!(in_json(&gateway, &["users", "show", WHO.0])["groups"], json!(["library"]));
    done(&gateway, &["users", "groups", WHO.0, "--add", "교직원"]);
    assert_eq!(in_json(&gateway, &["users", "show", WHO.0])["groups"], json!(["library", "교직원"]));
    let told = in_json(&gateway, &["users", "groups", WHO.0, "-c", "gateway.toml", "--remove", "library"]);
    assert_eq!(told["groups"], json!(["교직원"]));
    done(&gateway, &["users", "groups", WHO.0, "--none"]);
    assert_eq!(in_json(&gateway, &["users", "show", WHO.0])["groups"], json!([]));
    refused(&gateway, &["users", "groups", WHO.0, "a", "--add", "b"], 2, "cannot be used with");
    refused(&gateway, &["users", "groups", WHO.0, "a,b"], 2, "is no group");
    refused(&gateway, &["users", "role", WHO.0, "king"], 2, "the roles are member, admin");
    assert_eq!(in_json(&gateway, &["users", "role", WHO.0, "admin"])["role"], "admin");
}

#[test]
fn somebody_is_entered_before_the_first_login() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let said = done(&gateway, &["users", "add", " 60241234 ", "--role", "admin", "--group", "staff", "--name", "홍길동"]);
    assert!(said.starts_with("mju:60241234 is entered\n") && said.contains("홍길동"), "{said}");
    refused(&gateway, &["users", "add", "mju:60241234"], 3, "mju:60241234 is known already");
    refused(&gateway, &["users", "add", "no body"], 2, "is nobody's id");
    let pair = gateway.login(WHO.0, WHO.1);
    let me = gateway.program().get("/.auth/me").bearer(&pair.access).send().json();
    assert_eq!((&me["role"], &me["groups"], &me["name"]), (&json!("admin"), &json!(["staff"]), &json!("홍길동")));
    let shown = done(&gateway, &["users", "show", WHO.0]);
    assert!(shown.starts_with("mju:60241234\n") && shown.contains("1 session"), "{shown}");
}

#[test]
fn removing_leaves_nothing_of_the_person() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let pair = gateway.login(WHO.0, WHO.1);
    done(&gateway, &["users", "role", WHO.0, "admin"]);
    assert_eq!(done(&gateway, &["users", "remove", WHO.0]), "mju:60241234 is removed: 1 session ended");
    assert_eq!(refusal(&gateway, &pair), "removed");
    refused(&gateway, &["users", "show", WHO.0], 3, "is not known here");
    let trail = in_json(&gateway, &["audit"]);
    let kinds: Vec<&str> = trail["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"person_removed") && kinds.contains(&"login_accepted"), "{kinds:?}");
    assert!(!trail.to_string().contains(WHO.0), "{trail}");
}

/// `60241234` is of the primary realm; where another realm has it too, nobody is hit by a slip.
#[test]
fn an_id_of_two_realms_must_be_said_whole() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let url = sso.url();
    let second = format!(
        "[auth]\nproviders = [\"mju\", \"guests\"]\n[provider.guests]\nkind = \"http-form\"\npreset = \"mju\"\nrealm = \"guests\"\nurl = \"{url}\""
    );
    let gateway = World::builder(&origin, &sso).toml(&second).start();
    let student = gateway.login(WHO.0, WHO.1);
    done(&gateway, &["users", "role", WHO.0, "member"]);
    done(&gateway, &["users", "add", "guests:60241234"]);
    for act in [["users", "disable", WHO.0], ["users", "remove", WHO.0], ["users", "show", WHO.0]] {
        refused(&gateway, &act, 3, "may be any of mju:60241234, guests:60241234; write which");
    }
    done(&gateway, &["users", "disable", "60241234@guests"]);
    assert_eq!(refusal(&gateway, &student), "passes");
    done(&gateway, &["users", "disable", "mju:60241234"]);
    assert_eq!(refusal(&gateway, &student), "disabled");
}

#[test]
fn what_operators_do_is_written_down() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    gateway.login(WHO.0, WHO.1);
    done(&gateway, &["users", "groups", WHO.0, "staff"]);
    done(&gateway, &["users", "disable", WHO.0]);
    done(&gateway, &["logout-everybody"]);
    let trail = in_json(&gateway, &["audit", "--since", "1h"]);
    let events = trail["events"].as_array().unwrap();
    let told: Vec<(&str, &str)> = events.iter().map(|event| (event["kind"].as_str().unwrap(), event["detail"].as_str().unwrap())).collect();
    let uid = gateway.path("state").metadata().unwrap().uid();
    assert_eq!(told[0], ("everybody_logged_out", format!("by uid {uid}").as_str()));
    assert_eq!(told[1], ("person_changed", format!("disabled, by uid {uid}").as_str()));
    assert_eq!(told[2], ("person_changed", format!("groups staff, by uid {uid}").as_str()));
    assert_eq!(in_json(&gateway, &["audit", "--kind", "person_changed", "--user", WHO.0])["events"].as_array().unwrap().len(), 2);
    assert_eq!(in_json(&gateway, &["audit", "--since", "2999-01-01"])["events"], json!([]));
    assert!(done(&gateway, &["audit"]).lines().next().unwrap().starts_with("TIME "));
    refused(&gateway, &["audit", "--kind", "nonsense"], 2, "the kinds are login_accepted");
    refused(&gateway, &["audit", "--since", "whenever"], 2, "is no moment");
}

#[test]
fn an_open_stream_ends_with_the_session() {
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let origin = Origin::conversing(move |conversation| {
        if conversation.request().is_some() {
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndata: 1\r\n");
            // Ends when the gateway hangs up.
            let _ = conversation.some_bytes(1);
            let _ = tell.lock().unwrap().send(());
        }
    });
    let world = World::around(origin);
    let pair = world.gateway.login(WHO.0, WHO.1);
    let mut tls = world.gateway.tls();
    tls.say(format!("GET /events HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer {}\r\n\r\n", pair.access));
    assert!(!tls.some_bytes().is_empty());
    let begun = std::time::Instant::now();
    done(&world.gateway, &["users", "disable", WHO.0]);
    while !tls.some_bytes().is_empty() {}
    let took = begun.elapsed();
    assert!(took.as_secs() < 5, "{took:?}, the command's own start included");
    told.recv_timeout(crate::support::PATIENCE).unwrap();
}

#[test]
fn without_a_gateway_a_command_says_so() {
    let mut world = World::start();
    let dir = world.gateway.path("");
    world.gateway.stop("TERM");
    for command in
        [&["sessions", "list"][..], &["users", "disable", "60241234"], &["logout-everybody"], &["audit"], &["users", "reset", "60241234"]]
    {
        let finished = munjigi(&dir, command);
        assert_eq!(finished.code, 3, "{command:?}");
        assert!(finished.err.contains("no gateway is running here") && finished.err.contains("munjigi.sock"), "{}", finished.err);
    }
    let elsewhere = munjigi(&dir, &["users", "list", "-c", "absent.toml"]);
    assert_eq!(elsewhere.code, 1);
    assert!(elsewhere.err.contains("absent.toml"), "{}", elsewhere.err);
}
