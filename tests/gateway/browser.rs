//! A real browser at the door: Debian's chromium, driven by the stories in `tests/browser/`.

use std::path::Path;
use std::process::Command;

use super::own_pages;
use crate::support::{Builder, Gateway, Message, Origin, Sso, World, need, text_answer};

/// Log in by keyboard without scripts, switch the language, fetch, two tabs, a form that meets an ended login, another
/// account, no cookies, a session on another device, log out. Every page of ours met on the way stands up to axe, fits 360
/// pixels and breaks no policy.
#[test]
fn stories_in_a_real_browser() {
    if !need("stories_in_a_real_browser") {
        return;
    }
    let (origin, sso) = (Origin::answering(application), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml("[[route]]\npath = \"/staff/\"\naccess = { users = [\"mju:60249999\"] }\nupstream = \"app\"")
        .start();
    tell("road.mjs", &gateway, &[]);
}

/// Sign up by keyboard without scripts, be told what is wrong, another password, a one-time link, leave.
#[test]
fn people_with_accounts_of_their_own_in_a_real_browser() {
    if !need("people_with_accounts_of_their_own_in_a_real_browser") {
        return;
    }
    let (origin, sso) = (Origin::answering(application), Sso::closed());
    let gateway = World::builder(&origin, &sso).toml(own_pages::WITH_FIELDS).start();
    let made = gateway.browser().post("/.auth/signup").form(&own_pages::typed("forgetful", "a password to forget 9")).send();
    assert_eq!(made.status(), 201, "{}", made.text());
    let link = own_pages::link(&gateway, "guests:forgetful", own_pages::tomorrow());
    tell("people.mjs", &gateway, &[&format!("https://{}/.auth/reset?token={link}", gateway.address())]);
}

/// One login for two hosts and back, in chromium, which holds every redirect behind a form against the page's policy.
#[test]
fn one_login_for_all_hosts_in_a_real_browser() {
    if !need("one_login_for_all_hosts_in_a_real_browser") {
        return;
    }
    let (origin, sso) = (Origin::answering(application), Sso::start());
    let hosts = ["wiki", "grades"].map(|name| format!("[[route]]\nhost = \"{name}.example\"\npath = \"/\"\nupstream = \"app\""));
    let builder = Builder::new().sso(&sso).upstream("app", &origin).toml("[server]\nportal = \"auth.example\"");
    let gateway = hosts.iter().fold(builder, |builder, host| builder.toml(host)).start();
    tell("portal.mjs", &gateway, &[]);
}

/// Tells one set of stories.
#[track_caller]
pub fn tell(stories: &str, gateway: &Gateway, more: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let mut command = Command::new("node");
    command.arg(stories).arg(format!("https://{}", gateway.address())).args(more).current_dir(folder);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    assert!(output.status.success(), "{told}");
}

/// A page that repeats the request it answers and has something to write.
pub fn application(request: &Message) -> Vec<u8> {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let body = request.text();
    let heard = format!("{} {}{}{}", request.method(), request.target(), if body.is_empty() { "" } else { " " }, body);
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Application</title><link rel=\"icon\" href=\"data:,\"><h1 id=\"heard\">{}</h1>\
         <img src=\"/picture.png\" alt=\"\"><form method=\"post\" action=\"/board\"><input id=\"text\" name=\"text\" aria-label=\"text\">\
         <button id=\"send\">Send</button></form></html>",
        plain(&heard)
    );
    text_answer(200, "text/html; charset=utf-8", &page)
}
