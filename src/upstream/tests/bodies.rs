use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::join;
use tokio::time::{Instant, sleep};

use super::support::*;
use crate::upstream::{SendError, Settings, UpstreamBodyError};
use crate::web::{BodyFault, RequestBody};

const SECOND: Duration = Duration::from_secs(1);

/// A second for the answer, three for a body that stands still.
fn impatient() -> Settings {
    Settings { response_timeout: SECOND, idle_timeout: 3 * SECOND, ..settings(vec![nowhere()]) }
}

#[tokio::test]
async fn bodies_go_out_as_they_came() {
    for (method, length) in [("POST", true), ("POST", false), ("GET", true), ("GET", false), ("DELETE", false)] {
        let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
        let announced = if length { "content-length: 4" } else { "transfer-encoding: chunked" };
        let (mut client, body) = Client::new(announced).await;
        client.write(if length { "body" } else { "4\r\nbody\r\n0\r\n\r\n" }).await;
        let (got, ()) = join!(upstream.send(request(method, body), 0), async {
            let head = peer.head().await;
            assert!(head.contains(announced), "{head}");
            let sent = peer.bytes(if length { 4 } else { 14 }).await;
            assert_eq!(sent, if length { &b"body"[..] } else { b"4\r\nbody\r\n0\r\n\r\n" });
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        });
        got.unwrap();
        assert_eq!(counters(&upstream).idle, 1, "{method} {announced}: the connection is kept");
    }
}

#[tokio::test]
async fn large_bodies_pass_both_ways_over_one_connection() {
    const SIZE: usize = 3 << 20;
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 16 * 1024).await;
    let upstream = Arc::new(upstream);
    let (mut client, body) = Client::new(&format!("content-length: {SIZE}")).await;
    let sent = sending(&upstream, request("POST", body));
    let (got, ()) = join!(async { read(sent.await.unwrap().unwrap()).await }, async {
        let upload = async { client.write(vec![b'u'; SIZE]).await };
        let echo = async {
            peer.head().await;
            assert!(peer.bytes(SIZE).await.iter().all(|byte| *byte == b'u'));
            peer.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")).await;
            peer.write(vec![b'd'; SIZE]).await;
        };
        join!(upload, echo);
    });
    let body = got.unwrap().body;
    assert_eq!(body.len(), SIZE);
    assert!(body.iter().all(|byte| *byte == b'd'));
    assert_eq!(counters(&upstream).idle, 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_in_time_is_given_up() {
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    let start = Instant::now();
    let (got, _) = join!(upstream.send(get(), 0), peer.head());
    assert!(matches!(got, Err(SendError::ResponseTimeout { within: SECOND, .. })));
    assert_eq!(start.elapsed().as_secs(), 1);
    peer.closed().await;
    assert_eq!(counters(&upstream).in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn informational_answers_do_not_buy_time() {
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    let start = Instant::now();
    let (got, ()) = join!(upstream.send(get(), 0), async {
        peer.head().await;
        for _ in 0..3 {
            sleep(SECOND / 4).await;
            peer.write("HTTP/1.1 102 Processing\r\n\r\n").await;
        }
    });
    assert!(matches!(got, Err(SendError::ResponseTimeout { .. })));
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_answer_begins_at_the_end_of_the_request() {
    for late in [false, true] {
        let (upstream, mut peer) = piped(impatient(), 1024).await;
        let upstream = Arc::new(upstream);
        let (mut client, body) = Client::new("content-length: 9").await;
        let sent = sending(&upstream, request("POST", body));
        peer.head().await;
        for _ in 0..9 {
            sleep(SECOND * 23 / 10).await;
            client.write("x").await;
            peer.bytes(1).await;
        }
        let end = Instant::now();
        if late {
            assert!(matches!(within(sent).await.unwrap(), Err(SendError::ResponseTimeout { .. })));
            assert!((1000..1010).contains(&end.elapsed().as_millis()), "{:?}", end.elapsed());
        } else {
            sleep(SECOND * 9 / 10).await;
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            within(sent).await.unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_stops_reading_is_given_up() {
    let (upstream, mut peer) = piped(impatient(), 64).await;
    let (mut client, body) = Client::new("content-length: 900000").await;
    client.write(vec![b'x'; 900_000]).await;
    let start = Instant::now();
    let (got, _) = join!(upstream.send(request("POST", body), 0), peer.head());
    assert!(matches!(got, Err(SendError::RequestStalled { .. })), "{got:?}");
    assert_eq!(start.elapsed().as_secs(), 3);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_body_that_breaks_is_the_clients_fault() {
    // Goes away.
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    let (mut client, body) = Client::new("content-length: 9").await;
    let (got, ()) = join!(upstream.send(request("POST", body), 0), async {
        client.write("half").await;
        peer.head().await;
        drop(client);
    });
    assert!(matches!(got, Err(SendError::RequestBody(BodyFault::Client))), "{got:?}");
    peer.closed().await;
    // Sends more than it may.
    let peer = put_pipe(&upstream, 1024).await;
    let (mut client, body, watch) = Client::start("transfer-encoding: chunked", 3, SECOND).await;
    client.write("4\r\nbody\r\n").await;
    let got = within(upstream.send(request("POST", body), 0)).await;
    assert!(matches!(got, Err(SendError::RequestBody(BodyFault::TooLarge))), "{got:?}");
    assert_eq!(watch.fault(), Some(BodyFault::TooLarge));
    peer.closed().await;
    // Stands still: longer than the endpoint may, but that is for the body to say.
    let mut peer = put_pipe(&upstream, 1024).await;
    let (_client, body, _) = Client::start("content-length: 9", 9, 20 * SECOND).await;
    let start = Instant::now();
    let (got, _) = join!(upstream.send(request("POST", body), 0), peer.head());
    assert!(matches!(got, Err(SendError::RequestBody(BodyFault::TooSlow))), "{got:?}");
    assert_eq!(start.elapsed().as_secs(), 20);
    assert_eq!(counters(&upstream).lost, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_breaks() {
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    let (got, ()) = join!(upstream.send(get(), 0), async {
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    });
    let mut body = got.unwrap().into_body();
    for _ in 0..3 {
        // Slow, but not still.
        sleep(SECOND).await;
        let (frame, ()) = join!(body.frame(), async {
            sleep(2 * SECOND).await;
            peer.write("1\r\nx\r\n").await;
        });
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "x");
    }
    let start = Instant::now();
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error, UpstreamBodyError::Idle { .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 3);
    assert!(body.frame().await.is_none());
    peer.closed().await;
    assert_eq!(counters(&upstream).idle, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_wait_for_the_rest_of_the_request() {
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    let (mut client, body) = Client::new("content-length: 4").await;
    let (got, ()) = join!(upstream.send(request("POST", body), 0), async {
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").await;
    });
    let (whole, ()) = join!(read(got.unwrap()), async {
        for _ in 0..4 {
            sleep(2 * SECOND).await;
            client.write("x").await;
            peer.bytes(1).await;
        }
        peer.write("echo").await;
    });
    assert_eq!(whole.unwrap().body, "echo");
    assert_eq!(counters(&upstream).idle, 1);
}

#[tokio::test(start_paused = true)]
async fn one_timer_serves_request_after_request() {
    let (upstream, mut peer) = piped(impatient(), 1024).await;
    for _ in 0..5 {
        let (got, ()) = join!(upstream.send(get(), 0), async {
            peer.head().await;
            sleep(SECOND * 9 / 10).await;
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await;
        });
        let (whole, ()) = join!(read(got.unwrap()), async {
            sleep(SECOND * 29 / 10).await;
            peer.write("ok").await;
        });
        assert_eq!(whole.unwrap().body, "ok");
        // Idle for longer than the timer was set for.
        sleep(5 * SECOND).await;
    }
    let counters = counters(&upstream);
    assert_eq!((counters.reused, counters.opened), (5, 0));
}

#[test]
fn what_a_request_carries_around_is_small() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let upstream = upstream_at(&["127.0.0.1:1".parse().unwrap()]);
    let future = assert_send(upstream.send(request("GET", RequestBody::empty()), 0));
    assert!(size_of_val(&future) <= 1600, "the future of a request has grown to {} bytes", size_of_val(&future));
    assert!(size_of::<crate::upstream::LeasedBody>() <= 192);
}
