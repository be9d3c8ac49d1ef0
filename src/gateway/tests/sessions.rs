use http::StatusCode;
use serde_json::{Value, json};

use super::scene::{ACCESS, DAY, HOUR, Jar, MINUTE, Plan, REFRESH, Scene, key};
use crate::base::{Clock as _, SessionId};
use crate::gateway::{Rotation, SessionSettings};
use crate::store::EndReason;
use crate::token::KeySettings;

const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::UNAUTHORIZED;

async fn scene(change: impl FnOnce(&mut SessionSettings)) -> Scene {
    Scene::new(plan(change)).await
}

fn plan(change: impl FnOnce(&mut SessionSettings)) -> Plan {
    let mut plan = Plan::default();
    change(&mut plan.sessions);
    plan
}

/// A program's login: its access and its refresh token.
async fn tokens(scene: &Scene, wishes: &Value) -> (String, String) {
    let answer = scene.log_in("kim", wishes).await;
    (answer.text("access_token"), answer.text("refresh_token"))
}

fn session_of(token: &str) -> SessionId {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    SessionId::parse(claims["sid"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_that_keeps_its_refresh_token_stays_logged_in_for_the_whole_life_and_not_longer() {
    let scene = scene(|_| {}).await;
    let (_, refresh) = tokens(&scene, &json!({})).await;
    for _ in 0..29 {
        scene.clock.advance(DAY);
        let answer = scene.refresh(&refresh).await;
        assert_eq!((answer.status, answer.body.get("refresh_token")), (OK, None));
        assert_eq!(scene.get(&answer.text("access_token")).await.status, OK);
    }
    scene.clock.advance(DAY.saturating_sub(MINUTE));
    let last = scene.refresh(&refresh).await.text("access_token");
    assert_eq!(scene.get(&last).await.status, OK);
    // The last token does not outlive the session either.
    scene.clock.advance(MINUTE);
    assert_eq!((scene.get(&last).await.status, scene.refresh(&refresh).await.status), (NO, NO));
}

#[tokio::test]
async fn the_absolute_end_is_not_slid_past_by_rotation() {
    let scene = scene(|sessions| (sessions.rotation, sessions.absolute) = (Rotation::Always, 3 * DAY)).await;
    let (_, mut refresh) = tokens(&scene, &json!({})).await;
    for _ in 0..5 {
        scene.clock.advance(14 * HOUR);
        refresh = scene.refresh(&refresh).await.text("refresh_token");
    }
    scene.clock.advance(2 * HOUR);
    assert_eq!(scene.refresh(&refresh).await.status, NO);
}

#[tokio::test]
async fn when_refreshes_rotate() {
    // Rotation, whether the login asked for it, whether by cookie; whether it then rotates.
    let cases = [
        (Rotation::Cookies, false, false, false),
        (Rotation::Cookies, false, true, true),
        (Rotation::Cookies, true, false, true),
        (Rotation::Always, false, false, true),
        (Rotation::Always, false, true, true),
        (Rotation::Off, false, true, false),
        (Rotation::Off, false, false, false),
        (Rotation::Off, true, false, true),
        (Rotation::Off, true, true, true),
    ];
    for (rotation, asked, by_cookie, rotates) in cases {
        let scene = scene(|sessions| sessions.rotation = rotation).await;
        let login = scene.log_in("kim", &json!({ "rotate": asked, "cookies": by_cookie })).await;
        let rotated = if by_cookie {
            let mut jar = Jar::default();
            jar.learn(&login);
            let answer = jar.ask(&scene, "POST", "/refresh").await;
            assert_eq!((answer.status, &answer.body), (StatusCode::NO_CONTENT, &Value::Null));
            answer.cookies().iter().any(|(name, _, _)| name == REFRESH)
        } else {
            scene.refresh(&login.text("refresh_token")).await.body.get("refresh_token").is_some()
        };
        assert_eq!(rotated, rotates, "{rotation:?} {asked} {by_cookie}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_fetched_again_an_hour_later_over_a_restart_and_a_key_change() {
    let plan = || plan(|sessions| sessions.rotation = Rotation::Always);
    let scene = Scene::new(plan()).await;
    let (_, first) = tokens(&scene, &json!({})).await;
    let lost = scene.refresh(&first).await.text("refresh_token");
    scene.clock.advance(HOUR);
    let keys = vec![KeySettings { verify_only: true, ..key("k1") }, key("k2")];
    let scene = scene.another(Plan { keys, ..plan() }).await;
    let again = scene.refresh(&first).await;
    assert_eq!((again.status, again.text("refresh_token")), (OK, lost.clone()));
    // The access token sealed with it was past its end: this one is not.
    let access = again.text("access_token");
    assert_eq!(scene.get(&access).await.status, OK);
    // That use confirmed it, so the predecessor is good for the grace and no longer.
    scene.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(scene.refresh(&first).await.status, OK);
    scene.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(scene.refresh(&first).await.status, NO);
    assert_eq!((scene.get(&access).await.status, scene.refresh(&lost).await.status), (NO, NO), "the family is dead");
}

#[tokio::test]
async fn the_access_token_of_a_rotation_confirms_it_after_a_restart_too() {
    let plan = || plan(|sessions| sessions.rotation = Rotation::Always);
    let scene = Scene::new(plan()).await;
    let (_, first) = tokens(&scene, &json!({})).await;
    let access = scene.refresh(&first).await.text("access_token");
    let scene = scene.another(plan()).await;
    assert_eq!(scene.get(&access).await.status, OK);
    scene.clock.advance(MINUTE);
    assert_eq!(scene.refresh(&first).await.status, NO);
    let theft = scene.log_in("kim", &json!({})).await;
    assert_eq!(theft.text("last_session_ended"), EndReason::Theft.as_str());
}

#[tokio::test]
async fn the_access_token_from_before_a_rotation_confirms_nothing() {
    let scene = scene(|sessions| sessions.rotation = Rotation::Always).await;
    let (access, first) = tokens(&scene, &json!({})).await;
    let lost = scene.refresh(&first).await.text("refresh_token");
    assert_eq!(scene.get(&access).await.status, OK);
    scene.clock.advance(HOUR);
    assert_eq!(scene.refresh(&first).await.text("refresh_token"), lost);
}

#[tokio::test]
async fn unused_for_too_long_a_session_is_over_and_used_it_is_not() {
    let scene = scene(|sessions| sessions.idle = HOUR).await;
    let (mut access, refresh) = tokens(&scene, &json!({})).await;
    // Only access tokens are used for longer than the idle limit, in memory alone: nothing follows the log here.
    for _ in 0..20 {
        scene.clock.advance(10 * MINUTE);
        assert_eq!(scene.get(&access).await.status, OK);
        scene.clock.advance(4 * MINUTE);
        access = scene.refresh(&refresh).await.text("access_token");
    }
    scene.clock.advance(10 * MINUTE);
    assert_eq!(scene.get(&access).await.status, OK);
    scene.clock.advance(55 * MINUTE);
    assert_eq!(scene.refresh(&refresh).await.status, OK, "55 minutes after the last use, 65 after the last refresh");
    scene.clock.advance(HOUR + MINUTE);
    assert_eq!(scene.refresh(&refresh).await.status, NO);
}

#[tokio::test]
async fn a_browser_that_is_not_to_be_remembered_has_the_shorter_limit() {
    let scene = scene(|_| {}).await;
    for (remember, lives) in [(true, true), (false, false)] {
        let (mut jar, login) = Jar::logged_in(&scene, "kim", remember).await;
        assert!(login.cookies().iter().all(|(_, _, attributes)| attributes.contains("Max-Age") == remember), "{:?}", login.cookies());
        scene.clock.advance(13 * HOUR);
        assert_eq!(jar.ask(&scene, "GET", "/page").await.status == OK, lives, "{remember}");
    }
}

#[tokio::test]
async fn a_browser_in_use_lives_to_the_absolute_end_without_ever_refreshing() {
    let scene = scene(|sessions| sessions.absolute = 2 * DAY).await;
    let (mut jar, _) = Jar::logged_in(&scene, "kim", true).await;
    let refresh = jar.kept(REFRESH).unwrap().to_owned();
    let mut renewals = 0;
    for _ in 0..(2 * 24 * 20 - 1) {
        scene.clock.advance(3 * MINUTE);
        let answer = jar.ask(&scene, "GET", "/page").await;
        assert_eq!(answer.status, OK);
        if let [(name, _, attributes)] = &*answer.cookies() {
            assert_eq!(name, ACCESS);
            assert!(attributes.contains("HttpOnly") && attributes.contains("Secure"), "{attributes}");
            assert_eq!(answer.headers["cache-control"], "private, no-store");
            renewals += 1;
        } else {
            assert_eq!(answer.cookies(), []);
        }
    }
    // In the last third of fifteen minutes: every twelve or so.
    assert!((150..330).contains(&renewals), "{renewals}");
    assert_eq!(jar.kept(REFRESH), Some(&*refresh), "the refresh generation does not move");
    scene.clock.advance(3 * MINUTE);
    assert_eq!(jar.ask(&scene, "GET", "/page").await.status, NO);
}

#[tokio::test]
async fn tabs_that_wake_up_together_share_one_renewal() {
    let scene = scene(|_| {}).await;
    let (jar, _) = Jar::logged_in(&scene, "kim", true).await;
    let ask = async |jar: Jar| {
        let answer = scene.ask(jar.request("GET", "/page"), None).await;
        (answer.status, answer.cookies().into_iter().map(|(_, value, _)| value).collect::<Vec<_>>())
    };
    let mut expired = jar.clone();
    expired.lose(ACCESS);
    for (wait, jar) in [(11 * MINUTE, jar.clone()), (20 * MINUTE, jar), (MINUTE, expired)] {
        scene.clock.advance(wait);
        let tabs: Vec<_> = (0..20).map(|_| ask(jar.clone())).collect();
        let mut answers = futures(tabs).await;
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!((answers[0].0, answers[0].1.len()), (OK, 1));
    }
}

/// All of them at once.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(move |cx| {
        for (one, done) in &mut all {
            if done.is_none()
                && let std::task::Poll::Ready(output) = one.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if all.iter().all(|(_, done)| done.is_some()) {
            return std::task::Poll::Ready(all.iter_mut().filter_map(|(_, done)| done.take()).collect());
        }
        std::task::Poll::Pending
    })
    .await
}

#[tokio::test]
async fn a_shared_renewal_is_not_met_again_after_the_end_of_what_it_gave() {
    let scene = scene(|_| {}).await;
    for (remember, status) in [(true, OK), (false, NO)] {
        let (mut jar, _) = Jar::logged_in(&scene, "kim", remember).await;
        jar.lose(ACCESS);
        let renewed = scene.ask(jar.request("GET", "/page"), None).await.cookies();
        assert_eq!(renewed.len(), 1);
        // The clock is set forward within the seconds that renewals are shared for.
        scene.clock.advance(13 * HOUR);
        let later = scene.ask(jar.request("GET", "/page"), None).await;
        assert_eq!(later.status, status);
        assert_ne!(later.cookies(), renewed);
    }
}

#[tokio::test]
async fn the_oldest_session_makes_room() {
    let scene = scene(|sessions| sessions.per_user = Some(2)).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(tokens(&scene, &json!({})).await);
        scene.clock.advance(MINUTE);
    }
    assert_eq!((scene.get(&all[0].0).await.status, scene.refresh(&all[0].1).await.status), (NO, NO));
    for (access, refresh) in &all[1..] {
        assert_eq!((scene.get(access).await.status, scene.refresh(refresh).await.status), (OK, OK));
    }
    // Somebody else's do not count.
    assert_eq!(scene.log_in("lee", &json!({})).await.status, OK);
    assert_eq!(scene.get(&all[1].0).await.status, OK);
}

#[tokio::test]
async fn a_logout_works_with_an_expired_token_of_either_kind_of_session() {
    let scene = scene(|_| {}).await;
    let (access, refresh) = tokens(&scene, &json!({})).await;
    let (mut jar, _) = Jar::logged_in(&scene, "kim", true).await;
    let mut only_refresh = Jar::logged_in(&scene, "kim", true).await.0;
    only_refresh.lose(ACCESS);
    let kept = [jar.kept(REFRESH).unwrap().to_owned(), only_refresh.kept(REFRESH).unwrap().to_owned(), refresh];
    scene.clock.advance(HOUR);
    assert_eq!(scene.get(&access).await.status, NO);
    let by_header = http::Request::post("/logout").header("authorization", format!("Bearer {access}"));
    assert_eq!(scene.ask(by_header, None).await.status, OK);
    assert_eq!(jar.ask(&scene, "POST", "/logout").await.status, OK);
    assert_eq!(only_refresh.ask(&scene, "POST", "/logout").await.status, OK);
    for refresh in kept {
        assert_eq!(scene.refresh(&refresh).await.status, NO);
    }
    // A program that has nothing left but its refresh token.
    let (_, refresh) = tokens(&scene, &json!({})).await;
    scene.clock.advance(HOUR);
    let by_refresh = http::Request::post("/logout").header("authorization", format!("Bearer {refresh}"));
    assert_eq!((scene.ask(by_refresh, None).await.status, scene.refresh(&refresh).await.status), (OK, NO));
}

#[tokio::test]
async fn what_ended_stays_ended_whatever_the_clock_says() {
    let scene = scene(|_| {}).await;
    let (ended, living) = (tokens(&scene, &json!({})).await, tokens(&scene, &json!({})).await);
    let logout = http::Request::post("/logout").header("authorization", format!("Bearer {}", ended.0));
    assert_eq!(scene.ask(logout, None).await.status, OK);
    // A restart: the clock of a process never goes back by itself.
    let behind = scene.another(Plan::default()).await;
    let now = behind.clock.now();
    for jump in [HOUR, DAY] {
        behind.clock.advance(jump);
        assert_eq!((behind.get(&ended.0).await.status, behind.refresh(&ended.1).await.status), (NO, NO));
        // The living one's access token is over, and its refresh token is good.
        assert_eq!(behind.get(&living.0).await.status, NO);
        let access = behind.refresh(&living.1).await.text("access_token");
        assert_eq!(behind.get(&access).await.status, OK);
    }
    behind.clock.set(now.minus(HOUR));
    assert_eq!((behind.get(&ended.0).await.status, behind.refresh(&ended.1).await.status), (NO, NO));
    // A token from the future is not taken before its time; nothing is done to its session.
    assert_eq!(behind.get(&living.0).await.status, NO);
    let record = behind.shared.store.session(session_of(&living.0)).await.unwrap().unwrap();
    assert_eq!((record.ended, record.last_seen), (None, now.plus(HOUR + DAY)), "last seen does not go back");
    assert_eq!(behind.log_in("lee", &json!({})).await.status, OK);
    behind.clock.set(now);
    assert_eq!((behind.get(&living.0).await.status, behind.get(&ended.0).await.status), (OK, NO));
}
