use http::{HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;

use super::support::*;
use crate::upstream::{Breakage, SendError};
use crate::web::RequestBody;

fn upgrade(method: &str, body: RequestBody) -> http::Request<RequestBody> {
    let mut request = request(method, body);
    request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
    request
}

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_from_the_first_one_on() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (got, head) = join!(upstream.send(upgrade("GET", RequestBody::empty()), 0), async {
        let head = peer.head().await;
        peer.write(format!("{SWITCH}first")).await;
        head
    });
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    let mut answer = got.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut tunnel = TokioIo::new(within(hyper::upgrade::on(&mut answer)).await.unwrap());
    let mut first = [0; 5];
    within(tunnel.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"first");
    tunnel.write_all(b"ping").await.unwrap();
    assert_eq!(peer.bytes(4).await, b"ping");
    peer.write("pong").await;
    let mut pong = [0; 4];
    within(tunnel.read_exact(&mut pong)).await.unwrap();
    assert_eq!(&pong, b"pong");
    let now = counters(&upstream);
    assert_eq!((now.in_flight, now.idle), (1, 0));
    drop(answer);
    assert_eq!(counters(&upstream).in_flight, 0);
    tunnel.write_all(b"more").await.unwrap();
    assert_eq!(peer.bytes(4).await, b"more", "the tunnel belongs to whoever took it");
    drop(tunnel);
    peer.closed().await;
}

#[tokio::test]
async fn a_tunnel_nobody_takes_is_closed() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (got, ()) = join!(upstream.send(upgrade("GET", RequestBody::empty()), 0), async {
        peer.head().await;
        peer.write(SWITCH).await;
    });
    drop(got.unwrap());
    peer.closed().await;
    assert_eq!(counters(&upstream).idle, 0);
}

#[tokio::test]
async fn any_other_answer_to_an_upgrade_is_an_answer() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (got, _) = join!(upstream.send(upgrade("GET", RequestBody::empty()), 0), peer.answer("no"));
    assert_eq!(read(got.unwrap()).await.unwrap().body, "no");
    assert_eq!(counters(&upstream).idle, 1);
}

#[tokio::test]
async fn a_switch_in_the_middle_of_a_request_is_refused() {
    let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
    let (_client, body) = Client::new("content-length: 9").await;
    let (got, ()) = join!(upstream.send(upgrade("POST", body), 0), async {
        peer.head().await;
        peer.write(SWITCH).await;
    });
    assert!(matches!(got, Err(SendError::Broken { cause: Breakage::UnaskedUpgrade, .. })));
    peer.closed().await;
}
