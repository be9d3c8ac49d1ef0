use std::sync::Arc;

use http::StatusCode;
use tokio::join;

use super::support::*;
use crate::upstream::{Breakage, SendError, Upstream};
use crate::web::RequestBody;

/// An upstream with one kept connection over a pipe, and an origin for new ones.
async fn kept() -> (Upstream, Peer<'static>, Origin) {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let peer = put_pipe(&upstream, 1024).await;
    (upstream, peer, origin)
}

#[tokio::test]
async fn what_was_read_and_not_answered_is_sent_again_if_it_may_be_done_twice() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let (upstream, mut stale, origin) = kept().await;
        let (answer, (first, second)) = join!(upstream.send(request(method, RequestBody::empty()), 0), async {
            let first = stale.head().await;
            drop(stale);
            let mut peer = origin.accept().await;
            let second = peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            (first, second)
        });
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
        assert_eq!(first, second, "the very same request");
        let counters = counters(&upstream);
        assert_eq!((counters.retried, counters.lost, counters.opened), (1, 0, 1));
    }
}

#[tokio::test]
async fn what_was_read_and_not_answered_is_not_sent_again_otherwise() {
    for method in ["POST", "PATCH", "TRACE", "BREW"] {
        let (upstream, mut stale, _origin) = kept().await;
        let (answer, ()) = join!(upstream.send(request(method, RequestBody::empty()), 0), async {
            stale.head().await;
            drop(stale);
        });
        assert!(matches!(answer, Err(SendError::Broken { cause: Breakage::Http(_), .. })), "{method}");
        let counters = counters(&upstream);
        assert_eq!((counters.retried, counters.lost, counters.opened), (0, 1, 0), "{method}");
    }
}

#[tokio::test]
async fn a_reset_is_an_end_like_any_other() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (answer, mut stream) = join!(upstream.send(get(), 0), async {
        let mut stream = origin.accept_raw().await;
        Peer::new(&mut stream).answer("").await;
        stream
    });
    answer.unwrap();
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        Peer::new(&mut stream).head().await;
        stream.set_zero_linger().unwrap();
        drop(stream);
        origin.accept().await.answer("again").await;
    });
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "again");
    assert_eq!(counters(&upstream).retried, 1);
}

#[tokio::test]
async fn no_get_is_lost_to_an_origin_that_closes_without_notice() {
    closing_without_notice().await;
}

/// Not how the data path runs, but nothing may depend on that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_tasks_move_between_threads() {
    closing_without_notice().await;
}

async fn closing_without_notice() {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 60;
    let origin = Origin::new().await;
    let upstream = Arc::new(upstream_at(&[origin.address]));
    let serving = tokio::spawn(async move {
        for connection in 0_usize.. {
            let mut peer = origin.accept().await;
            tokio::spawn(async move {
                for _ in 0..=connection % 5 {
                    let head = peer.head().await;
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    peer.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len())).await;
                }
            });
        }
    });
    let clients = (0..CLIENTS).map(|client| {
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            for number in 0..REQUESTS {
                let path = format!("/{client}/{number}");
                let mut request = get();
                *request.uri_mut() = path.parse().unwrap();
                let answer = within(upstream.send(request, client)).await.unwrap();
                assert_eq!(read(answer).await.unwrap().body, path, "each gets its own answer");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    serving.abort();
    let counters = counters(&upstream);
    assert_eq!((counters.lost, counters.failed, counters.in_flight), (0, 0, 0));
    assert!(counters.reused > 0);
}

#[tokio::test]
async fn a_body_is_never_sent_twice() {
    let (upstream, mut stale, _origin) = kept().await;
    let (mut client, body) = Client::new("content-length: 4").await;
    client.write("body").await;
    let (answer, ()) = join!(upstream.send(request("PUT", body), 0), async {
        stale.head().await;
        assert_eq!(stale.bytes(4).await, b"body");
        drop(stale);
    });
    assert!(matches!(answer, Err(SendError::Broken { .. })));
    assert_eq!(counters(&upstream).lost, 1);
}

#[tokio::test]
async fn what_was_not_written_is_sent_again_whatever_it_is() {
    let (upstream, stale, origin) = kept().await;
    let (mut client, body) = Client::new("content-length: 4").await;
    client.write("body").await;
    // Closed at the other end, but the connection has not had its turn to notice.
    drop(stale);
    assert_eq!(counters(&upstream).idle, 1);
    let (answer, ()) = join!(upstream.send(request("POST", body), 0), async {
        let mut peer = origin.accept().await;
        assert!(peer.head().await.starts_with("POST /path?query HTTP/1.1\r\n"));
        assert_eq!(peer.bytes(4).await, b"body");
        peer.write("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    });
    assert_eq!(answer.unwrap().status(), StatusCode::CREATED);
    let counters = counters(&upstream);
    assert_eq!((counters.reused, counters.retried, counters.lost, counters.opened), (1, 1, 0, 1));
}

#[tokio::test]
async fn after_one_stale_connection_the_others_are_not_tried() {
    let (upstream, stale, origin) = kept().await;
    let others = [put_pipe(&upstream, 1024).await, put_pipe(&upstream, 1024).await];
    drop((stale, others));
    let (answer, _peer) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.answer("fresh").await;
        peer
    });
    assert_eq!(read(answer.unwrap()).await.unwrap().body, "fresh");
    assert_eq!(counters(&upstream).retried, 1);
}

/// Two endpoints, of which the one that is asked first dies with the request: what the client gets, and how many connections
/// each took and requests it gave away.
async fn first_dies(method: &str) -> (Result<StatusCode, SendError>, [(u64, u64); 2]) {
    let origins = [Origin::new().await, Origin::new().await];
    let upstream = upstream_at(&origins.each_ref().map(|origin| origin.address));
    let serve = async {
        let (dying, other) = tokio::select! {
            mut peer = origins[0].accept() => { peer.head().await; (peer, &origins[1]) },
            mut peer = origins[1].accept() => { peer.head().await; (peer, &origins[0]) },
        };
        drop(dying);
        let mut peer = other.accept().await;
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    };
    let got = tokio::select! {
        got = upstream.send(request(method, RequestBody::empty()), 0) => got,
        got = async { serve.await; std::future::pending().await } => got,
    };
    let counted = |at: usize| {
        let counters = upstream.endpoints()[at].counters();
        (counters.opened, counters.retried)
    };
    (got.map(|answer| answer.status()), [counted(0), counted(1)])
}

#[tokio::test]
async fn what_may_be_done_twice_goes_to_another_endpoint_when_one_dies_under_it() {
    let (got, mut counted) = first_dies("GET").await;
    assert_eq!(got.unwrap(), StatusCode::OK);
    counted.sort_unstable();
    assert_eq!(counted, [(1, 0), (1, 1)]);
}

/// A killed application: its kept connection dies, and the new one, whose listener was still there.
#[tokio::test]
async fn a_kept_and_a_new_connection_may_die_before_it_goes_elsewhere() {
    let origins = [Origin::new().await, Origin::new().await];
    let upstream = upstream_at(&origins.each_ref().map(|origin| origin.address));
    let mut stale = put_pipe(&upstream, 1024).await;
    let serve = async {
        stale.head().await;
        drop(stale);
        let (mut dying, other) = tokio::select! {
            peer = origins[0].accept() => (peer, &origins[1]),
            peer = origins[1].accept() => (peer, &origins[0]),
        };
        dying.head().await;
        drop(dying);
        let mut peer = other.accept().await;
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    };
    let (got, ()) = join!(upstream.send(get(), 0), serve);
    assert_eq!(got.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_may_be_done_once_only_does_not() {
    let (got, mut counted) = first_dies("POST").await;
    assert!(matches!(got, Err(SendError::Broken { .. })));
    counted.sort_unstable();
    assert_eq!(counted, [(0, 0), (1, 0)]);
}

#[tokio::test]
async fn a_new_connection_that_dies_is_not_tried_again_at_the_same_endpoint() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.head().await;
    });
    assert!(matches!(answer, Err(SendError::Broken { cause: Breakage::Http(_), .. })));
    let counters = counters(&upstream);
    assert_eq!((counters.retried, counters.lost, counters.opened), (0, 0, 1));
}

#[tokio::test]
async fn the_second_time_is_the_last() {
    let (upstream, mut stale, origin) = kept().await;
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        stale.head().await;
        drop(stale);
        origin.accept().await.head().await;
    });
    assert!(matches!(answer, Err(SendError::Broken { .. })));
    let counters = counters(&upstream);
    assert_eq!((counters.retried, counters.opened), (1, 1));
}

#[tokio::test]
async fn a_bad_answer_on_a_kept_connection_is_not_asked_for_again() {
    let (upstream, mut stale, _origin) = kept().await;
    let (answer, ()) = join!(upstream.send(get(), 0), async {
        stale.head().await;
        stale.write("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    });
    assert!(matches!(answer, Err(SendError::Broken { .. })));
    assert_eq!(counters(&upstream).opened, 0);
}
