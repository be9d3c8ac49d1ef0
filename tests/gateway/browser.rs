//! A real browser at the door: Debian's chromium, driven by `tests/browser/stories.mjs`.

use std::path::Path;
use std::process::Command;

use crate::support::{Message, Origin, Sso, World, need, text_answer};

/// Log in by keyboard without scripts, switch the language, fetch, two tabs, a form that meets an ended login, another
/// account, no cookies, a session on another device, log out. Every page of ours met on the way stands up to axe, fits 360
/// pixels and breaks no policy.
#[test]
fn stories_in_a_real_browser() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if !need("stories_in_a_real_browser") {
        return;
    }
    let (origin, sso) = (Origin::answering(application), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml("[[route]]\npath = \"/staff/\"\naccess = { users = [\"mju:60249999\"] }\nupstream = \"app\"")
        .start();
    let output =
        Command::new("node").arg("stories.mjs").arg(format!("https://{}", gateway.address())).current_dir(&stories).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    assert!(output.status.success(), "{told}");
}

/// A page that repeats the request it answers and has something to write.
fn application(request: &Message) -> Vec<u8> {
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
