use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::join;

use super::support::*;

#[tokio::test]
async fn giving_up_before_the_answer_closes_the_connection() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let upstream = Arc::new(upstream);
    let sent = sending(&upstream, get());
    peer.head().await;
    assert_eq!(counters(&upstream).in_flight, 1);
    sent.abort();
    peer.closed().await;
    assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 0));
}

#[tokio::test]
async fn giving_up_while_sending_closes_the_connection() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 64).await;
    let upstream = Arc::new(upstream);
    let (mut client, body) = Client::new("content-length: 900000").await;
    client.write(vec![b'x'; 900_000]).await;
    let sent = sending(&upstream, request("POST", body));
    peer.head().await;
    sent.abort();
    peer.closed().await;
    assert_eq!(counters(&upstream).in_flight, 0);
}

#[tokio::test]
async fn dropping_an_answer_half_read_closes_the_connection() {
    for (head, rest) in [("content-length: 9", "half"), ("transfer-encoding: chunked", "4\r\nhalf\r\n")] {
        let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
        let (got, ()) = join!(upstream.send(get(), 0), async {
            peer.head().await;
            peer.write(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{rest}")).await;
        });
        let mut body = got.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        assert_eq!(counters(&upstream).in_flight, 1);
        drop(body);
        peer.closed().await;
        assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 0));
    }
}

#[tokio::test]
async fn dropping_an_answer_after_its_last_byte_keeps_the_connection() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (got, _) = join!(upstream.send(get(), 0), peer.answer("all"));
    let mut body = got.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "all");
    drop(body);
    assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_to_rest_is_closed() {
    // The whole request is with hyper and the whole answer is here, but the endpoint does not read the request's last bytes.
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 64).await;
    let (mut client, body) = Client::new("content-length: 2000").await;
    client.write(vec![b'x'; 2000]).await;
    let (got, ()) = join!(upstream.send(request("POST", body), 0), async {
        peer.head().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    });
    got.unwrap();
    assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 1));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 0));
    peer.closed().await;
}
