use std::time::Duration;

use super::scene::*;

/// A browser that is logged in at the portal and comes to the application's host with its ticket after `waiting`: where it is
/// sent, and whether it has the cookies.
async fn with_a_ticket_after(waiting: Duration) -> (String, bool) {
    let scene = Scene::new(Plan { portal: true, ..Plan::default() }).await;
    let (mut portal, _) = Jar::logged_in(&scene, "60241234", true).await;
    let mut app = Jar::default();
    let out = scene.ask(app.request("GET", "/login?next=/b").header("host", "app.test"), None).await;
    app.learn(&out);
    let there = place(&out, "https://gate.test");
    let back = portal.ask(&scene, "GET", &there).await;
    let enter = place(&back, "https://app.test");
    assert!(enter.starts_with("/.auth/enter?ticket="), "{enter}");
    scene.clock.advance(waiting);
    let entered = scene.ask(app.request("GET", &enter).header("host", "app.test"), None).await;
    app.learn(&entered);
    (place(&entered, ""), app.kept(ACCESS).is_some())
}

/// Where an answer leads, on that origin.
#[track_caller]
fn place(answer: &Answer, origin: &str) -> String {
    let location = answer.headers.get("location").unwrap_or_else(|| panic!("{} {:?}", answer.status, answer.body));
    location.to_str().unwrap().strip_prefix(origin).unwrap_or_else(|| panic!("{location:?}")).to_owned()
}

#[tokio::test]
async fn a_ticket_is_good_for_half_a_minute() {
    assert_eq!(with_a_ticket_after(Duration::from_secs(29)).await, ("/b".to_owned(), true));
    // One more round, which the portal answers with a new ticket.
    assert_eq!(with_a_ticket_after(Duration::from_secs(30)).await, ("/login?next=/b".to_owned(), false));
}
