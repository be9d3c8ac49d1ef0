//! The provider against servers that misbehave on the socket. What a well-behaved server can say wrongly is tested in
//! `answer`; the whole list of faults runs against the stand-in SSO in `cli::demo`.

use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::base::{SystemClock, Timestamp};
use crate::identity::UserId;
use crate::provider::{BreakerSettings, BreakerState, ReachSettings};

const PASSWORD: &str = "hunter2 비밀";

/// A server that reads one request per connection and lets `answer` do the rest; hands back what was asked.
async fn server<F, A>(answer: F) -> (Url, JoinHandle<()>)
where
    F: Fn(TcpStream, String) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/mju/userCheck.do", listener.local_addr().unwrap())).unwrap();
    let running = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = read_request(&mut stream).await;
            tokio::spawn(answer(stream, asked));
        }
    });
    (url, running)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&asked).into_owned();
        let length = text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if body.is_some_and(|body| body >= length.unwrap_or(0)) || stream.read_buf(&mut asked).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

fn provider(url: Url, change: impl FnOnce(&mut ReachSettings)) -> HttpForm {
    let mut settings = HttpFormSettings { url, ..HttpFormSettings::mju(ProviderName::new("mju").unwrap()) };
    settings.reach.total_timeout = Duration::from_secs(20);
    change(&mut settings.reach);
    HttpForm::new(settings, Arc::new(SystemClock::new())).unwrap()
}

fn login() -> Login {
    Login { user: UserId::parse("mju:60241234").unwrap(), password: PASSWORD.into() }
}

/// Asks a server that sends exactly these bytes and then closes.
async fn answer_to(bytes: &'static [u8]) -> Result<Verdict, ProviderFault> {
    let (url, running) = server(move |mut stream, _| async move {
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let answer = provider(url, |_| {}).check(login()).await;
    running.abort();
    if let Err(fault) = &answer {
        assert!(!fault.to_string().contains("hunter2"), "{fault}");
    }
    answer
}

#[tokio::test]
async fn it_asks_once_and_plainly() {
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let (url, _running) = server(move |mut stream, asked| {
        sender.send(asked).unwrap();
        async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"error\":\"0000\"}").await;
        }
    })
    .await;
    assert_eq!(provider(url, |_| {}).check(login()).await, Ok(Verdict::Right { notice: None }));
    let asked = asked.recv().await.unwrap();
    assert!(asked.starts_with("POST /mju/userCheck.do HTTP/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nid=60241234&passwrd=hunter2+%EB%B9%84%EB%B0%80"), "{asked}");
    let head = asked.to_ascii_lowercase();
    assert!(head.contains("user-agent: munjigi/") && !head.contains("accept-encoding") && !head.contains("cookie"), "{asked}");
}

#[tokio::test]
async fn answers_that_are_cut_or_closed_are_not_understood() {
    for bytes in [
        b"".as_slice(),
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"error\":\"0000\"}\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{\"error\":\"0000\"",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 16\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 16\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\nContent-Length: 17\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\n{\"error\":\"0000\"}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n{\"error\":\"0000\"}",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
    ] {
        let answer = answer_to(bytes).await;
        assert!(matches!(answer, Err(ProviderFault::NotUnderstood(_))), "{}: {answer:?}", String::from_utf8_lossy(bytes));
    }
    let whole_without_length = answer_to(b"HTTP/1.1 200 OK\r\n\r\n{\"error\":\"0000\"}").await;
    assert_eq!(whole_without_length, Ok(Verdict::Right { notice: None }));
}

#[tokio::test]
async fn a_login_that_moved_away_is_told_apart_and_never_followed() {
    let (trap, followed) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap(), tokio::spawn(async move { listener.accept().await.map(drop) }))
    };
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let head = format!("HTTP/1.1 {status}\r\nLocation: http://{trap}/?passwrd=hunter2\r\nContent-Length: 0\r\n\r\n");
        let answer = answer_to(Vec::leak(head.into_bytes())).await;
        assert!(matches!(&answer, Err(ProviderFault::Changed(why)) if why.contains("127.0.0.1")), "{answer:?}");
    }
    assert!(!followed.is_finished());
    for (head, refused) in [("404 Not Found", false), ("410 Gone", false), ("401 No", true), ("403 No", true), ("429 Slow", true)] {
        let bytes = format!("HTTP/1.1 {head}\r\nContent-Length: 16\r\n\r\n{{\"error\":\"0000\"}}");
        let answer = answer_to(Vec::leak(bytes.into_bytes())).await;
        assert!(matches!(answer, Err(ProviderFault::Refused(_))) == refused, "{answer:?}");
        assert!(matches!(answer, Err(ProviderFault::Changed(_))) != refused, "{answer:?}");
    }
}

#[tokio::test]
async fn silence_and_dripping_end_at_the_total_timeout() {
    let (silent, _a) = server(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let (dripping, _b) = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n").await;
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b" ").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    for url in [silent, dripping] {
        let limit = Duration::from_millis(300);
        assert_eq!(provider(url, |reach| reach.total_timeout = limit).check(login()).await, Err(ProviderFault::TimedOut(limit)));
    }
}

#[tokio::test]
async fn what_cannot_be_reached_says_why() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = provider(Url::parse(&format!("http://{closed}/")).unwrap(), |_| {}).check(login()).await;
    assert!(matches!(&refused, Err(ProviderFault::Unreachable(why)) if why.contains("refused")), "{refused:?}");

    // A server that speaks no TLS where TLS is wanted.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let answer = provider(url, |reach| reach.extra_ca = Some(ca())).check(login()).await;
    assert!(matches!(&answer, Err(ProviderFault::Unreachable(_))), "{answer:?}");
}

#[tokio::test]
async fn an_sso_that_keeps_failing_is_left_alone() {
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let (url, _running) = server(move |_closed_at_once, _| {
        sender.send(()).unwrap();
        async {}
    })
    .await;
    let provider = provider(url, |reach| reach.breaker = BreakerSettings { failures: 3, pause: Duration::from_secs(3600) });
    for _ in 0..3 {
        assert!(matches!(provider.check(login()).await, Err(ProviderFault::NotUnderstood(_))));
    }
    assert!(matches!(provider.check(login()).await, Err(ProviderFault::Resting { .. })));
    assert!(matches!(provider.breaker().unwrap().state(), BreakerState::Open { until } if until > Timestamp::default()));
    assert_eq!((0..5).filter_map(|_| asked.try_recv().ok()).count(), 3);
}

#[test]
fn the_preset_can_be_built() {
    let settings = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
    assert_eq!(settings.url.as_str(), "https://sso1.mju.ac.kr/mju/userCheck.do");
    let without_codes = HttpFormSettings { answer: AnswerRule { success: vec![], ..settings.answer.clone() }, ..settings };
    assert_eq!(HttpForm::new(without_codes, Arc::new(SystemClock::new())).map(drop), Err(SetupFault::NoSuccessCode));
}

/// A self-made CA, so that these tests need no certificates of the system.
fn ca() -> Vec<u8> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem().into_bytes()
}
