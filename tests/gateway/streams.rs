//! Websockets, event streams and downloads belong to a session, and end with it within a second.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Client, Conversation, Gateway, H2, Origin, RIGHT, Sso, Tls, World};

/// Within this much of the answer to a logout.
const SOON: Duration = Duration::from_secs(1);

/// An application that streams: events without end at `/events`, half a download at `/file`, and a websocket at `/ws` that
/// says `hi` and then returns what it is sent.
fn streaming() -> Origin {
    Origin::conversing(|conversation| {
        while let Some(request) = conversation.request_head() {
            match request.target() {
                "/events" => {
                    conversation
                        .say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
                    wait(conversation);
                }
                "/file" => {
                    conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
                    wait(conversation);
                }
                "/ws" => {
                    conversation.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi");
                    wait(conversation);
                }
                _ => conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            }
        }
    })
}

/// Until the gateway hangs up.
fn wait(conversation: &mut Conversation) {
    while !conversation.some_bytes(1024).is_empty() {}
}

fn begin(gateway: &Gateway, path: &str, fields: &str) -> Tls {
    let mut tls = gateway.tls();
    tls.say(format!("GET {path} HTTP/1.1\r\nHost: gate.test\r\n{fields}\r\n"));
    tls
}

fn handshake(token: &str) -> String {
    format!(
        "Authorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
}

/// An open websocket that has said `hi`.
fn websocket(gateway: &Gateway, token: &str) -> Tls {
    let mut socket = begin(gateway, "/ws", &handshake(token));
    assert_eq!(socket.answer_head().status(), 101);
    assert_eq!(socket.some_bytes_exactly(4).unwrap(), b"\x81\x02hi");
    socket
}

/// All that comes until the end.
fn rest(tls: &mut Tls) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match tls.some_bytes() {
            bytes if bytes.is_empty() => return all,
            bytes => all.extend(bytes),
        }
    }
}

const GOODBYE: &[u8] = b"\x88\x0f\x03\xf0session ended";

#[test]
fn streams_end_with_their_session_within_a_second() {
    let world = World::around(streaming());
    for everywhere in [false, true] {
        let pair = world.login();
        let bearer = format!("Authorization: Bearer {}\r\n", pair.access);
        let mut bodies: Vec<Tls> = ["/events", "/file"].map(|path| begin(&world.gateway, path, &bearer)).into();
        for body in &mut bodies {
            assert_eq!(body.answer_head().status(), 200);
            let begun = body.some_bytes();
            assert!(begun.windows(5).any(|bytes| bytes == b"hello"), "{begun:?}");
        }
        let mut sockets: Vec<Tls> = (0..3).map(|_| websocket(&world.gateway, &pair.access)).collect();
        let path = if everywhere { "/.auth/logout/all" } else { "/logout" };
        assert_eq!(world.gateway.program().post(path).bearer(&pair.access).send().status(), 200);
        let ended = Instant::now();
        for socket in &mut sockets {
            assert_eq!(rest(socket), GOODBYE);
        }
        for body in &mut bodies {
            let more = rest(body);
            // A last chunk would say that this was all.
            assert!(!more.ends_with(b"0\r\n\r\n"), "{more:?}");
        }
        assert!(ended.elapsed() < SOON, "{:?}", ended.elapsed());
    }
}

#[test]
fn streams_over_h2_are_reset() {
    let world = World::around(streaming());
    let pair = world.login();
    let mut h2 = H2::connect(world.gateway.address());
    for path in ["/events", "/file"] {
        let request = h2.request("GET", path).header("authorization", format!("Bearer {}", pair.access));
        h2.begin(request);
    }
    assert_eq!(world.gateway.program().post("/logout").bearer(&pair.access).send().status(), 200);
    let ended = Instant::now();
    for body in h2.rests() {
        assert!(body.is_err(), "it came to a proper end");
    }
    assert!(ended.elapsed() < SOON, "{:?}", ended.elapsed());
}

#[test]
fn other_sessions_streams_go_on_until_the_gateway_stops() {
    let (origin, sso) = (streaming(), Sso::start());
    let mut gateway = World::builder(&origin, &sso).toml("[server]\ndrain_timeout = \"100ms\"").start();
    let (ended, living) = (gateway.login(RIGHT.0, RIGHT.1), gateway.login(RIGHT.0, RIGHT.1));
    let (mut one, mut other) = (websocket(&gateway, &ended.access), websocket(&gateway, &living.access));
    gateway.program().post("/logout").bearer(&ended.access).send();
    assert_eq!(rest(&mut one), GOODBYE);
    gateway.process.signal("TERM");
    assert_eq!(rest(&mut other), b"\x88\x0c\x03\xe9going away");
    assert_eq!(gateway.process.finish().code, 0);
}

#[test]
fn a_websocket_of_a_browser_gets_its_renewed_cookie_with_the_101() {
    let world = World::around(streaming());
    let browser: Client = world.gateway.browser();
    assert_eq!(browser.post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1)]).send().status(), 303);
    let refresh = browser.kept("__Host-munjigi_refresh").unwrap();
    let fields = |site: &str| {
        let cookie = format!("Cookie: __Host-munjigi_refresh={refresh}\r\nSec-Fetch-Site: {site}\r\n");
        handshake("").replace("Authorization: Bearer \r\n", &cookie)
    };
    let answer = begin(&world.gateway, "/ws", &fields("same-origin")).answer_head();
    assert_eq!(answer.status(), 101);
    assert!(answer.get("set-cookie").unwrap().starts_with("__Host-munjigi_access="), "{:?}", answer.fields);
    assert_eq!(answer.get("cache-control"), Some("private, no-store"));
    let strange = begin(&world.gateway, "/ws", &fields("cross-site")).answer_head();
    assert_eq!((strange.status(), strange.get("set-cookie")), (403, None));
}

/// How many clients open them side by side: one after the other, a thousand handshakes are nearly all of the story's time.
const OPENING: usize = 8;

/// From the logout to the close of many websockets; `MUNJIGI_WEBSOCKETS` says how many.
#[test]
fn many_websockets_of_one_session_close_at_once() {
    let count: usize = std::env::var("MUNJIGI_WEBSOCKETS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let world = World::around(streaming());
    let pair = world.login();
    let began = Instant::now();
    let share = |opener: usize| (opener..count).step_by(OPENING);
    let mut sockets: Vec<Tls> = thread::scope(|scope| {
        let open = |opener| share(opener).map(|_| websocket(&world.gateway, &pair.access)).collect::<Vec<_>>();
        let opening: Vec<_> = (0..OPENING).map(|opener| scope.spawn(move || open(opener))).collect();
        opening.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let opened = began.elapsed();
    let ready = Barrier::new(count + 1);
    let (mut asked, mut answered, mut closed) = (began, began, Vec::new());
    thread::scope(|scope| {
        let waiting: Vec<_> = sockets
            .iter_mut()
            .map(|socket| {
                let ready = &ready;
                let wait = move || {
                    ready.wait();
                    assert_eq!(rest(socket), GOODBYE);
                    Instant::now()
                };
                thread::Builder::new().stack_size(128 * 1024).spawn_scoped(scope, wait).unwrap()
            })
            .collect();
        ready.wait();
        asked = Instant::now();
        assert_eq!(world.gateway.program().post("/logout").bearer(&pair.access).send().status(), 200);
        answered = Instant::now();
        closed = waiting.into_iter().map(|one| one.join().unwrap()).collect::<Vec<Instant>>();
    });
    closed.sort();
    let at = |percent: usize| closed[(closed.len() - 1) * percent / 100];
    let since = |moment: Instant| [50, 99, 100].map(|percent| at(percent).saturating_duration_since(moment));
    let before = closed.iter().filter(|closed| **closed <= answered).count();
    println!(
        "{count} websockets, opened in {opened:?}; the logout was answered after {:?}, {before} were closed by then; \
         p50, p99 and last after its request {:?}, after its answer {:?}",
        answered - asked,
        since(asked),
        since(answered)
    );
    let last = at(100).saturating_duration_since(answered);
    assert!(last < SOON, "{last:?}");
}
