//! What administrators do: make, approve, reset, remove and block, by command and by API; and who is one.

use serde_json::json;

use crate::support::operator::{done, in_json, refused};
use crate::support::{Builder, Gateway, Message, Origin, Sso, World, munjigi};

const PASSWORD: &str = "바다로 가는 기차 열두시";
const ANOTHER: &str = "another long phrase 7";
const WHO: (&str, &str) = ("60241234", "pw-60241234");

fn with_guests(registration: &str) -> (Sso, Builder) {
    let sso = Sso::start();
    let guests =
        format!("[auth]\nproviders = [\"mju\", \"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"{registration}\"");
    let builder = World::builder(&Origin::start(), &sso).toml(&guests);
    (sso, builder)
}

fn log_in(gateway: &Gateway, id: &str, password: &str, provider: &str) -> Message {
    gateway.program().post("/login").json(&json!({ "id": id, "password": password, "provider": provider })).send()
}

fn sign_up(gateway: &Gateway, id: &str) -> Message {
    let body = json!({ "id": id, "password": PASSWORD, "name": "김하나", "email": "hana@example.kr" });
    gateway.program().post("/.auth/api/signup").json(&body).send()
}

/// Sets a password by a link, as its page does.
fn set_by_link(gateway: &Gateway, link: &str) -> Message {
    let (_, token) = link.split_once("/.auth/reset?token=").unwrap_or_else(|| panic!("{link}"));
    gateway.program().post("/.auth/api/reset").json(&json!({ "token": token, "new_password": ANOTHER })).send()
}

#[test]
fn an_operator_makes_an_account_and_its_owner_sets_the_password() {
    let (_sso, builder) = with_guests("closed");
    let gateway = builder.start();
    let added = in_json(&gateway, &["users", "add", "guests:boss", "--role", "admin", "--name", "김관리"]);
    assert_eq!((&added["role"], &added["account"], &added["subject"]), (&json!("admin"), &json!("active"), &json!("boss@guests")));
    let link = added["link"].as_str().unwrap();
    assert!(link.starts_with("https://gate.test/.auth/reset?token="), "{link}");
    assert_eq!(log_in(&gateway, "boss", "", "guests").status(), 400);
    assert_eq!(log_in(&gateway, "boss", PASSWORD, "guests").status(), 401);
    assert_eq!(set_by_link(&gateway, link).status(), 200);
    assert_eq!(set_by_link(&gateway, link).status(), 410, "it is good once");
    assert_eq!(log_in(&gateway, "boss", ANOTHER, "guests").status(), 200);
    refused(&gateway, &["users", "add", "guests:boss"], 3, "is known already");
    // Another link takes the place of one that got lost.
    let said = done(&gateway, &["users", "reset", "boss@guests"]);
    let (lost, again) = (said.lines().next().unwrap().to_owned(), in_json(&gateway, &["users", "reset", "boss@guests"]));
    assert!(said.contains("sets the password of guests:boss; it is good once and for a day"), "{said}");
    assert_eq!(set_by_link(&gateway, &lost).status(), 410);
    assert_eq!(set_by_link(&gateway, again["link"].as_str().unwrap()).status(), 200);
    refused(&gateway, &["users", "reset", WHO.0], 3, "is not known here");
    done(&gateway, &["users", "add", WHO.0]);
    refused(&gateway, &["users", "reset", WHO.0], 3, "has no account of Munjigi's own");
    assert!(!gateway.printed().contains("token="), "a link is a secret and stands in no log");
}

#[test]
fn an_operator_may_choose_the_password() {
    let (_sso, builder) = with_guests("closed");
    let gateway = builder.start();
    let add = |id: &str, typed: &str| crate::support::munjigi_fed(&gateway.path(""), &["users", "add", id, "--password", "--json"], typed);
    let weak = add("guests:boss", "password1\n");
    assert_eq!(weak.code, 2);
    assert!(weak.err.contains("guessed first"), "{}", weak.err);
    let made = add("guests:boss", &format!("{PASSWORD}\n"));
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(!made.out.contains("link"), "{}", made.out);
    assert_eq!(log_in(&gateway, "boss", PASSWORD, "guests").status(), 200);
    let elsewhere = add("mju:60240001", &format!("{PASSWORD}\n"));
    assert!(elsewhere.err.contains("has no account of Munjigi's own"), "{}", elsewhere.err);
    assert!(!gateway.printed().contains(PASSWORD));
}

#[test]
fn who_waits_is_approved() {
    let (_sso, builder) = with_guests("approval");
    let gateway = builder.start();
    assert_eq!(sign_up(&gateway, "hana").status(), 201);
    assert_eq!(sign_up(&gateway, "duri").status(), 201);
    done(&gateway, &["users", "add", WHO.0]);
    let table = done(&gateway, &["users", "list", "--awaiting"]);
    assert!(table.contains("guests:hana") && table.contains("awaiting approval") && table.ends_with("2 users"), "{table}");
    assert_eq!(log_in(&gateway, "hana", PASSWORD, "guests").status(), 401);
    assert_eq!(done(&gateway, &["users", "approve", "guests:hana"]), "guests:hana is approved");
    assert_eq!(log_in(&gateway, "hana", PASSWORD, "guests").status(), 200);
    assert_eq!(log_in(&gateway, "duri", PASSWORD, "guests").status(), 401);
    assert_eq!(done(&gateway, &["users", "approve", "guests:hana"]), "guests:hana was approved already");
    refused(&gateway, &["users", "approve", WHO.0], 3, "has no account of Munjigi's own");
    let trail = in_json(&gateway, &["audit", "--kind", "person_changed"]);
    assert!(trail["events"][0]["detail"].as_str().unwrap().starts_with("approved, by uid "), "{trail}");
}

#[test]
fn a_removed_and_blocked_id_comes_back_nowhere() {
    let (_sso, builder) = with_guests("open");
    let gateway = builder.start();
    sign_up(&gateway, "hana");
    assert_eq!(log_in(&gateway, "hana", PASSWORD, "guests").status(), 200);
    assert_eq!(log_in(&gateway, WHO.0, WHO.1, "mju").status(), 200);
    let said = done(&gateway, &["users", "remove", "guests:hana", "--keep-blocked"]);
    assert_eq!(said, "guests:hana is removed and kept blocked: 1 session ended");
    done(&gateway, &["users", "remove", WHO.0, "--keep-blocked"]);
    assert_eq!(sign_up(&gateway, "hana").refusal(), (409, "id_taken".to_owned()));
    assert_eq!(sign_up(&gateway, "HANA").refusal(), (409, "id_taken".to_owned()), "in no spelling");
    let by_sso = log_in(&gateway, WHO.0, WHO.1, "mju");
    assert_eq!(by_sso.refusal(), (403, "account_disabled".to_owned()));
    refused(&gateway, &["users", "add", WHO.0], 3, "is kept blocked");
    refused(&gateway, &["users", "show", WHO.0], 3, "is not known here");
    // Nothing names the two, what they tried since included.
    let trail = in_json(&gateway, &["audit"]);
    assert!(trail.to_string().contains("an id that is kept blocked") && trail.to_string().contains("mju:removed#"), "{trail}");
    assert!(!trail.to_string().contains(WHO.0) && !trail.to_string().contains("hana"), "{trail}");
    let gateway = gateway.killed_and_started();
    assert_eq!(log_in(&gateway, WHO.0, WHO.1, "mju").status(), 403);
    assert_eq!(done(&gateway, &["users", "unblock", WHO.0]), "mju:60241234 may come back");
    refused(&gateway, &["users", "unblock", WHO.0], 3, "is not blocked");
    assert_eq!(log_in(&gateway, WHO.0, WHO.1, "mju").status(), 200);
}

#[test]
fn administrators_stand_in_the_configuration_too() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let mut gateway =
        World::builder(&origin, &sso).toml("[[route]]\npath = \"/admins/\"\naccess = { roles = [\"admin\"] }\nupstream = \"app\"").start();
    let pair = gateway.login(WHO.0, WHO.1);
    let status = |gateway: &Gateway| gateway.program().get("/admins/").bearer(&pair.access).send().status();
    assert_eq!(status(&gateway), 403);
    gateway.configure("[auth]\nadmins = [\"mju:60241234\"]");
    gateway.reload("reloaded");
    assert_eq!(status(&gateway), 200, "from the next request on");
    assert_eq!(in_json(&gateway, &["users", "show", WHO.0])["role"], "admin");
    refused(&gateway, &["users", "role", WHO.0, "member"], 3, "is an administrator by the configuration");
    done(&gateway, &["users", "disable", WHO.0]);
    assert_eq!(status(&gateway), 401, "who is disabled is out, whatever the configuration says");
    gateway.configure("[auth]\nadmins = [\"60241234\"]");
    let finished = munjigi(&gateway.path(""), &["check", "-c", "gateway.toml"]);
    assert!(finished.code == 1 && finished.err.contains("names no person"), "{}", finished.err);
}
