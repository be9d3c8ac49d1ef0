use std::time::Duration;

use tokio::join;

use super::support::*;
use crate::upstream::Endpoints;
use crate::upstream::Upstream;
use crate::web::RequestBody;

#[tokio::test]
async fn a_connection_is_used_again_and_the_request_goes_out_as_it_is() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (answer, mut peer) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        assert_eq!(peer.answer("one").await, "GET /path?query HTTP/1.1\r\nhost: app.test\r\n\r\n");
        peer
    });
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "one");
    assert_eq!(counters(&upstream).idle, 1);
    let (answer, _) = join!(upstream.send(get(), 0), peer.answer("two"));
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "two");
    let counters = counters(&upstream);
    assert_eq!((counters.opened, counters.reused, counters.idle, counters.in_flight), (1, 1, 1, 0));
}

#[tokio::test]
async fn each_worker_has_connections_of_its_own() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    for worker in [0, 1] {
        let (answer, _peer) = join!(upstream.send(get(), worker), async {
            let mut peer = origin.accept().await;
            peer.answer("").await;
            peer
        });
        answer.unwrap();
    }
    assert_eq!(counters(&upstream).opened, 2);
}

#[tokio::test]
async fn endpoints_that_stay_keep_their_connections_over_a_reload() {
    let origin = Origin::new().await;
    let endpoints = Endpoints::new(1);
    let new = || Upstream::new(settings(vec![at(origin.address)]), &endpoints).unwrap();
    let old = new();
    let (answer, mut peer) = join!(old.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.answer("").await;
        peer
    });
    answer.unwrap();
    let reloaded = new();
    drop(old);
    let (answer, _) = join!(reloaded.send(get(), 0), peer.answer("again"));
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "again");
    assert_eq!(counters(&reloaded).opened, 1);
    assert_eq!(endpoints.all().len(), 1);
    drop(reloaded);
    peer.closed().await;
    assert!(endpoints.all().is_empty());
    assert_eq!(counters(&new()).opened, 0, "an endpoint nobody named any more starts anew");
}

#[tokio::test]
async fn the_endpoints_own_limit_is_honoured() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    tokio::time::pause();
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\nkeep-alive: timeout=3\r\ncontent-length: 0\r\n\r\n").await;
    });
    answer.unwrap();
    tokio::time::sleep(Duration::from_millis(1900)).await;
    assert_eq!(counters(&upstream).idle, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(counters(&upstream).idle, 0);
    peer.closed().await;
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_again_is_closed() {
    for head in [
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nkeep-alive: timeout=0\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
        let (answer, ()) = join!(upstream.send(get(), 0), async {
            peer.head().await;
            peer.write(head).await;
        });
        assert_eq!(read(answer.unwrap()).await.unwrap().body, "ok", "{head}");
        peer.closed().await;
        assert_eq!(counters(&upstream).idle, 0, "{head}");
    }
}

#[tokio::test]
async fn an_answer_without_length_ends_with_the_connection() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\n\r\nall of it").await;
        drop(peer);
    });
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "all of it");
    assert_eq!(counters(&upstream).idle, 0);
}

#[tokio::test]
async fn bytes_after_an_answer_never_reach_the_next_client() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    for (method, answer) in [
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"),
        ("GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 44\r\n\r\n"),
    ] {
        let origin = Origin::new().await;
        let upstream = upstream_at(&[origin.address]);
        let first = put_pipe_and_answer(&upstream, method, &format!("{answer}{EVIL}")).await;
        first.closed().await;
        let (second, _peer) = join!(upstream.send(get(), 0), async {
            let mut peer = origin.accept().await;
            peer.answer("mine").await;
            peer
        });
        assert_eq!(read(second.unwrap()).await.unwrap().body, "mine", "{answer}");
    }
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_spoil_an_idle_connection() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let mut first = put_pipe_and_answer(&upstream, "GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(counters(&upstream).idle, 1);
    // Written, but not yet seen by the connection when the next request takes it.
    first.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
    let (second, _peer) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.answer("mine").await;
        peer
    });
    assert_eq!(read(second.unwrap()).await.unwrap().body, "mine");
    assert_eq!(counters(&upstream).retried, 1);
}

async fn put_pipe_and_answer(upstream: &Upstream, method: &str, answer: &str) -> Peer<'static> {
    let mut peer = put_pipe(upstream, 1024).await;
    let (got, ()) = join!(upstream.send(request(method, RequestBody::empty()), 0), async {
        peer.head().await;
        peer.write(answer).await;
    });
    read(got.unwrap()).await.unwrap();
    peer
}
