use tokio::join;

use super::support::*;
use crate::upstream::{Breakage, SendError, Upstream, UpstreamBodyError};
use crate::web::RequestBody;

/// What `send` says when the origin answers a GET with `answer` and then closes.
async fn answered(answer: &str) -> Result<Whole, SendError> {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (got, ()) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.write(answer).await;
    });
    let whole = read(got?).await;
    assert_eq!(counters(&upstream).in_flight, 0);
    Ok(whole.expect("a whole body"))
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    let many_lines = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    let one_long_line = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "y".repeat(65 * 1024));
    for answer in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 banana\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "<html>hello</html>\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname : value\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        &many_lines,
        &one_long_line,
    ] {
        let error = answered(answer).await.err();
        assert!(matches!(error, Some(SendError::Broken { cause: Breakage::Http(_), .. })), "{answer:.60?} {error:?}");
    }
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_none_either() {
    for (answer, length) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\nok", false),
    ] {
        let Err(SendError::Broken { cause, .. }) = answered(answer).await else { panic!("{answer:?} was taken") };
        let right = if length { matches!(cause, Breakage::ContentLength) } else { matches!(cause, Breakage::TransferEncoding) };
        assert!(right, "{answer:?} {cause:?}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (got, written) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.write("HTTP/1.1 200 OK\r\nx: ").await;
        peer.flood(&[b'y'; 8192]).await
    });
    assert!(matches!(got, Err(SendError::Broken { .. })));
    assert!(written < 64 << 20, "it was never cut");
}

#[tokio::test]
async fn informational_answers_that_nobody_asked_for_are_passed_over() {
    let whole = answered(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    )
    .await
    .unwrap();
    assert_eq!((whole.status, &*whole.body), (200, b"ok".as_slice()));
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_refused() {
    let error = answered("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await.err();
    assert!(matches!(error, Some(SendError::Broken { cause: Breakage::UnaskedUpgrade, .. })));
}

/// The body that breaks, and what came before.
async fn broken_body(upstream: &Upstream, origin: &Origin, answer: &str) -> UpstreamBodyError {
    let (got, ()) = join!(upstream.send(get(), 0), async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.write(answer).await;
    });
    read(got.unwrap()).await.err().unwrap_or_else(|| panic!("{answer:?} looks whole"))
}

#[tokio::test]
async fn a_body_that_breaks_does_not_look_whole() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let extensions = format!("2;{}", "x".repeat(20 * 1024));
    let trailers = format!("0\r\nx: {}\r\n\r\n", "y".repeat(65 * 1024));
    for body in ["content-length: 5\r\n\r\n", "content-length: 5\r\n\r\nhalf"] {
        let error = broken_body(&upstream, &origin, &format!("HTTP/1.1 200 OK\r\n{body}")).await;
        assert!(matches!(error, UpstreamBodyError::Broken { .. }), "{body:?}");
        assert!(error.to_string().contains(upstream.endpoints()[0].label()));
    }
    for body in
        ["", "2\r\nok\r\n", "2\r\no", "zz\r\nok\r\n", "2\r\nokay\r\n0\r\n\r\n", "0\r\n", "fffffffffffffffff\r\n", &extensions, &trailers]
    {
        let error = broken_body(&upstream, &origin, &format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}")).await;
        assert!(matches!(error, UpstreamBodyError::Broken { .. }), "{body:.60?}");
    }
    assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 0));
}

#[tokio::test]
async fn chunk_extensions_without_end_are_cut() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (got, written) = join!(
        async {
            let answer = upstream.send(get(), 0).await.unwrap();
            read(answer).await
        },
        async {
            let mut peer = origin.accept().await;
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;").await;
            peer.flood(&[b'x'; 8192]).await
        }
    );
    assert!(got.is_err());
    assert!(written < 64 << 20, "it was never cut");
}

#[tokio::test]
async fn trailers_pass() {
    let whole =
        answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n").await.unwrap();
    assert_eq!(whole.body, "ok");
    assert_eq!(whole.trailers.unwrap()["x-sum"], "7");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_is_passed_on_and_the_connection_closed() {
    for answer in [
        "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nmuch",
        "HTTP/1.1 413 Content Too Large\r\ntransfer-encoding: chunked\r\n\r\n4\r\nmuch\r\n0\r\n\r\n",
    ] {
        let (upstream, mut peer) = piped(settings(vec![nowhere()]), 1024).await;
        let (mut client, body) = Client::new("content-length: 1000").await;
        client.write("some").await;
        let (got, ()) = join!(upstream.send(request("POST", body), 0), async {
            peer.head().await;
            assert_eq!(peer.bytes(4).await, b"some");
            peer.write(answer).await;
        });
        let whole = read(got.unwrap()).await.unwrap();
        assert_eq!(whole.status, 413);
        assert_eq!(whole.body.len(), if answer.ends_with("\r\n\r\n") && !answer.contains("much") { 0 } else { 4 });
        peer.closed().await;
        assert_eq!((counters(&upstream).idle, counters(&upstream).in_flight), (0, 0));
    }
}

#[tokio::test]
async fn an_error_names_the_endpoint_and_nothing_of_the_request() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[origin.address]);
    let (got, ()) = join!(upstream.send(request("DELETE", RequestBody::empty()), 0), async {
        origin.accept().await.head().await;
    });
    let text = got.unwrap_err().to_string();
    assert!(text.contains(&format!("http://{}", origin.address)), "{text}");
    for secret in ["path", "query", "app.test", "DELETE"] {
        assert!(!text.contains(secret), "{text}");
    }
}
