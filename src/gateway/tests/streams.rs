use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::scene::{ACCESS, BOUND, HOUR, Jar, MINUTE, Plan, Scene};
use crate::base::Clock as _;
use crate::gateway::tunnel::Open;

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(BOUND, future).await.expect("done in time")
}

async fn scene() -> Scene {
    let mut plan = Plan::default();
    plan.sessions.idle = HOUR;
    plan.sessions.stream_grace = 5 * MINUTE;
    Scene::new(plan).await
}

/// An event stream that has begun.
async fn stream(scene: &Scene, token: &str) -> hyper::body::Incoming {
    let request = Request::get("/stream").header("host", "gate.test").header("authorization", format!("Bearer {token}"));
    let mut body = scene.send(request.body(http_body_util::Full::default()).unwrap()).await.into_body();
    assert_eq!(within(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "hello");
    body
}

fn websocket(request: http::request::Builder) -> Request<http_body_util::Full<bytes::Bytes>> {
    let request = request.header("host", "gate.test").header("connection", "upgrade").header("upgrade", "websocket");
    let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").header("sec-websocket-version", "13");
    request.body(http_body_util::Full::default()).unwrap()
}

/// Waits until as many streams are known as live.
async fn entered(scene: &Scene, count: usize) {
    within(async {
        while scene.shared.streams.count() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn streams_end_some_time_after_their_sessions_own_end() {
    let scene = scene().await;
    let login = scene.log_in("kim", &json!({})).await;
    let (access, refresh) = (login.text("access_token"), login.text("refresh_token"));
    let mut body = stream(&scene, &access).await;
    let request = websocket(Request::get("/ws").header("authorization", format!("Bearer {access}")));
    let answer = scene.send(request).await;
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut socket = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    entered(&scene, 2).await;
    assert_eq!(scene.shared.metrics.streams_open.get(), 2);

    let sweep = async || scene.shared.streams.sweep_once(&scene.shared.log, scene.clock.now()).await;
    // The token is over, the session is renewed: nothing ends.
    scene.clock.advance(50 * MINUTE);
    sweep().await;
    assert_eq!(scene.refresh(&refresh).await.status, StatusCode::OK);
    scene.clock.advance(64 * MINUTE);
    sweep().await;
    entered(&scene, 2).await;
    // An hour after its last use, and five minutes.
    scene.clock.advance(MINUTE);
    sweep().await;
    assert!(within(body.frame()).await.unwrap().is_err(), "the stream is visibly cut");
    let mut all = Vec::new();
    within(socket.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"\x81\x02hi\x88\x0f\x03\xf0session ended");
    drop((body, socket));
    entered(&scene, 0).await;
    within(async {
        while scene.shared.metrics.streams_open.get() != 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_memory_alone_knows_of_a_sessions_use_keeps_its_streams() {
    let scene = scene().await;
    let access = scene.log_in("kim", &json!({})).await.text("access_token");
    let _body = stream(&scene, &access).await;
    entered(&scene, 1).await;
    scene.clock.advance(14 * MINUTE);
    assert_eq!(scene.get(&access).await.status, StatusCode::OK);
    scene.clock.advance(60 * MINUTE + 4 * MINUTE);
    scene.shared.streams.sweep_once(&scene.shared.log, scene.clock.now()).await;
    assert!(scene.shared.streams.count() == 1, "74 minutes after the login, 64 after the last use");
}

#[tokio::test]
async fn a_handshake_that_renews_carries_the_cookie_in_its_101() {
    let scene = scene().await;
    let (mut jar, _) = Jar::logged_in(&scene, "kim", true).await;
    for lost in [false, true] {
        scene.clock.advance(11 * MINUTE);
        if lost {
            jar.lose(ACCESS);
        }
        let answer = scene.send(websocket(jar.request("GET", "/ws"))).await;
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()["cache-control"], "private, no-store");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with(ACCESS) && !cookie.contains("Max-Age=0"), "{cookie}");
    }
}

#[test]
fn a_stream_is_counted_while_it_is_open() {
    let gauge = prometheus_client::metrics::gauge::Gauge::default();
    let open = [Open::count(&gauge), Open::count(&gauge)];
    assert_eq!(gauge.get(), 2);
    drop(open);
    assert_eq!(gauge.get(), 0);
}
