//! A real browser at the door.

use std::process::Command;

use crate::support::{World, need};

/// Chromium asks for a guarded page and ends up at the login form.
#[test]
fn a_browser_is_led_through_the_login() {
    if !need("a_browser_is_led_through_the_login") {
        return;
    }
    let world = World::start();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("https://{}/grades?term=2", world.gateway.address()))
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("name=\"password\"") && page.contains("lang=\"ko\""), "{page}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.origin.connections(), 0);
}
