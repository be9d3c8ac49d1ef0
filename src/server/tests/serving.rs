use std::collections::HashSet;
use std::process::Command;
use std::{env, fs};

use rustls::HandshakeKind;
use tokio::net::UnixStream;

use super::*;

const SHORT: Duration = Duration::from_millis(600);

#[tokio::test]
async fn alpn_settles_the_protocol_and_peers_know_where_they_are() {
    let house = House::open();
    let mut stream = house.connect().await;
    let port = stream.get_ref().0.local_addr().unwrap().port();
    stream.write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = read_response(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(&format!("127.0.0.1 {port} {} true ", house.address)), "{answer}");
    // Kept alive: a second request on the same connection.
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").await.unwrap();
    assert!(read_response(&mut stream).await.ends_with("abc"));

    let mut sender = house.connect_http2().await;
    let response = bounded(sender.send_request(get("/a"))).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(text(response).await, "GET /a");

    // Without ALPN it is HTTP/1.1, and an HTTP/2 preface is not taken for one.
    let mut stream = house.connect_with(house.trust(&[])).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(!read_to_close(&mut stream).await.contains("200"));
}

#[tokio::test]
async fn all_workers_share_the_port_the_first_was_given() {
    let house = House::open();
    let mut workers = HashSet::new();
    for _ in 0..200 {
        let mut stream = house.connect().await;
        stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        workers.insert(read_response(&mut stream).await.chars().last().unwrap());
        if workers.len() == 2 {
            return;
        }
    }
    panic!("one worker got all of 200 connections");
}

#[test]
fn a_taken_port_is_an_error_and_not_a_shared_one() {
    let first = Listeners::bind(&settings()).unwrap();
    let taken = first.addresses[0];
    let again = Settings { listen: vec![LOOPBACK, taken], ..settings() };
    let error = Listeners::bind(&again).err().unwrap();
    assert!(matches!(&error, BindError::Taken(address) if *address == taken.to_string()), "{error:?}");
    assert!(error.to_string().starts_with(&format!("{taken} is taken")), "{error}");
    drop(first);
    assert_eq!(Listeners::bind(&again).unwrap().addresses[1], taken);
    let foreign = Settings { listen: vec!["192.0.2.1:0".parse().unwrap()], ..settings() };
    assert!(matches!(Listeners::bind(&foreign), Err(BindError::NotOurs(_))));
}

/// Slowloris: hyper's timer needs a clock on the builder, or it does nothing (hyper issue 3585).
#[tokio::test]
async fn a_head_that_does_not_end_is_cut_at_its_deadline() {
    let house = House::with(&Settings { header_timeout: SHORT, ..settings() });
    let mut fresh = house.connect().await;
    fresh.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ").await.unwrap();
    let mut kept = house.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_response(&mut kept).await;
    kept.write_all(b"GET / HT").await.unwrap();
    for stream in [&mut fresh, &mut kept] {
        let answer = read_to_close(stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with("\r\n\r\n"), "{answer:?}");
    }
    house.until("connection_faults_total{reason=\"head_timeout\"}", 2).await;
    let log = house.log();
    assert_eq!(log.lines().filter(|line| line.contains("127.0.0.1 - - [") && line.ends_with(" head_timeout")).count(), 2, "{log}");
}

#[tokio::test]
async fn an_unused_connection_ends_without_being_a_fault() {
    let mut house = House::with(&Settings { header_timeout: SHORT, ..settings() });
    let mut silent = house.connect().await;
    let mut kept = house.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_response(&mut kept).await;
    for stream in [&mut silent, &mut kept] {
        assert_eq!(read_to_close(stream).await, "");
    }
    // HTTP/2, which hyper itself would keep for ever: used and then idle, and one that never says its preface.
    let mut sender = house.connect_http2().await;
    bounded(sender.send_request(get("/"))).await.unwrap();
    let mut mute = house.connect_with(house.trust(&["h2"])).await.unwrap();
    read_to_close(&mut mute).await;
    house.until("connections_open", 0).await;
    assert!(bounded(sender.send_request(get("/"))).await.is_err());
    house.stop(BOUND).await;
    assert_eq!(house.log(), "");
}

#[tokio::test]
async fn a_request_under_way_is_not_an_unused_connection() {
    let house = House::with(&Settings { header_timeout: SHORT, ..settings() });
    let mut sender = house.connect_http2().await;
    let answer = tokio::spawn(sender.send_request(get("/slow")));
    bounded(house.stage.begun.notified()).await;
    // Two idle spans pass while the request is under way.
    let mut silent = house.connect().await;
    read_to_close(&mut silent).await;
    let mut silent = house.connect().await;
    read_to_close(&mut silent).await;
    house.stage.go.add_permits(1);
    assert_eq!(text(bounded(answer).await.unwrap().unwrap()).await, "at last");
}

/// The streams of a connection are run by one task.
#[tokio::test]
async fn a_stream_that_panics_ends_alone() {
    let house = House::open();
    let mut sender = house.connect_http2().await;
    let neighbour = tokio::spawn(sender.send_request(get("/slow")));
    bounded(house.stage.begun.notified()).await;
    assert!(bounded(sender.send_request(get("/panic"))).await.is_err());
    house.stage.go.add_permits(1);
    assert_eq!(text(bounded(neighbour).await.unwrap().unwrap()).await, "at last");
    assert!(bounded(sender.send_request(get("/peer"))).await.is_ok(), "the connection goes on");
}

#[tokio::test]
async fn a_peer_that_does_not_shake_hands_is_cut_at_the_deadline() {
    let house = House::with(&Settings { handshake_timeout: SHORT, ..settings() });
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    let mut half = TcpStream::connect(house.address).await.unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    for stream in [&mut silent, &mut half] {
        assert_eq!(read_to_close(stream).await, "");
    }
    house.until("connection_faults_total{reason=\"tls_handshake_timeout\"}", 2).await;
    house.until("connections_open", 0).await;
    assert!(house.log().lines().all(|line| line.contains("\"\" 000 0 ") && line.ends_with(" tls_handshake_timeout")));
}

#[tokio::test]
async fn what_is_no_tls_or_no_http_is_noted() {
    let house = House::open();
    let mut plain = TcpStream::connect(house.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(!read_to_close(&mut plain).await.contains("HTTP"));
    // A port scan is nobody's fault.
    drop(TcpStream::connect(house.address).await.unwrap());
    let mut bad = house.connect().await;
    bad.write_all(b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n").await.unwrap();
    assert!(read_to_close(&mut bad).await.starts_with("HTTP/1.1 400"));
    let mut large = house.connect().await;
    large.write_all(format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(16 * 1024)).as_bytes()).await.unwrap();
    assert!(read_to_close(&mut large).await.starts_with("HTTP/1.1 431"));
    let mut many = house.connect().await;
    many.write_all(format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101)).as_bytes()).await.unwrap();
    assert!(read_to_close(&mut many).await.starts_with("HTTP/1.1 431"));
    house.until("connections_open", 0).await;
    assert_eq!([house.faults("tls_handshake"), house.faults("bad_head"), house.faults("head_too_large")], [1, 1, 2]);
    let log = house.log();
    let ends: Vec<_> = log.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(ends, ["tls_handshake", "bad_head", "head_too_large", "head_too_large"]);
    assert!(log.contains("\"\" 400 0 ") && log.contains("\"\" 431 0 "), "{log}");
}

/// CVE-2023-44487 (rapid reset): the flood is cut, and who is polite beside it stays served.
#[tokio::test]
async fn rapid_reset_is_cut_and_a_neighbour_is_served() {
    let house = House::with(&Settings { workers: Some(1), ..settings() });
    let mut neighbour = house.connect_http2().await;
    let stream = house.connect_with(house.trust(&["h2"])).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let flood = async move {
        for _ in 0..20_000 {
            let request = Request::get("https://localhost/slow").body(()).unwrap();
            let Ok((_, mut stream)) = client.send_request(request, false) else { return };
            stream.send_reset(h2::Reason::CANCEL);
            let Ok(ready) = client.ready().await else { return };
            client = ready;
            tokio::task::yield_now().await;
        }
    };
    bounded(flood).await;
    assert!(bounded(driver).await.unwrap().is_err(), "the flood was not cut");
    assert_eq!(text(bounded(neighbour.send_request(get("/a"))).await.unwrap()).await, "GET /a");
    house.until("connection_faults_total{reason=\"http2_protocol\"}", 1).await;
}

#[tokio::test]
async fn a_reload_shows_a_new_certificate_and_keeps_sessions() {
    let mut house = House::open();
    let old = house.trust(&["http/1.1"]);
    let kind = |stream: &TlsStream<TcpStream>| stream.get_ref().1.handshake_kind();
    let mut kept = house.connect_with(Arc::clone(&old)).await.unwrap();
    assert_eq!(kind(&kept), Some(HandshakeKind::Full));
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_response(&mut kept).await;

    let next = pair(&["localhost", "other.example"]);
    house.environment.tls.store(load(&next, &house.resumption, &house.folder));
    house.certificate = next;
    // A resumed session is not asked for the certificate again, so the old trust still does.
    let resumed = house.connect_with(Arc::clone(&old)).await.unwrap();
    assert_eq!(kind(&resumed), Some(HandshakeKind::Resumed));
    let fresh = house.connect().await;
    assert_eq!(fresh.get_ref().1.peer_certificates().unwrap()[0], *house.certificate.cert.der());
    // The connection from before goes on.
    kept.write_all(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_response(&mut kept).await.ends_with("GET /b"));
    house.until("tls_handshakes_full_total", 2).await;
    house.until("tls_handshakes_resumed_total", 1).await;
}

#[tokio::test]
async fn a_full_house_makes_people_wait_and_not_go() {
    let house = House::with(&Settings { max_connections: 1, ..settings() });
    let first = house.connect().await;
    let waiting = house.connect();
    tokio::pin!(waiting);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "a second connection got in");
    drop(first);
    bounded(waiting).await;
}

#[tokio::test]
async fn one_address_can_be_kept_from_taking_all() {
    let house = House::with(&Settings { max_connections_per_address: Some(1), ..settings() });
    let first = house.connect().await;
    assert!(house.connect_with(house.trust(&[])).await.is_err());
    assert_eq!(house.faults("address_limit"), 1);
    drop(first);
    house.until("connections_open", 0).await;
    house.connect().await;
}

#[tokio::test]
async fn plain_listeners_serve_a_port_and_a_socket_file() {
    let house = House::open();
    let path = house.folder.path().join("admin.sock");
    // Left behind by a process that died.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let stage = house.stage.clone();
    let handler = move |request, peer| handle(stage.clone(), request, peer);
    let serve = |address: PlainAddress| {
        let listener = PlainListener::bind(&address, 0o660).unwrap();
        serve_plain(listener, &settings(), &house.environment, handler.clone()).unwrap()
    };
    let (file, port) = (serve(PlainAddress::Unix(path.clone())), serve(PlainAddress::Tcp(LOOPBACK)));
    assert!(matches!(PlainListener::bind(&PlainAddress::Unix(path.clone()), 0o660), Err(BindError::Taken(_))));
    assert!(matches!(PlainListener::bind(&PlainAddress::Tcp(port.address().unwrap()), 0o660), Err(BindError::Taken(_))));

    let request = b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut by_file = UnixStream::connect(&path).await.unwrap();
    by_file.write_all(request).await.unwrap();
    assert!(read_response(&mut by_file).await.contains("127.0.0.1 0 127.0.0.1:0 false 0"));
    let mut by_port = TcpStream::connect(port.address().unwrap()).await.unwrap();
    by_port.write_all(request).await.unwrap();
    assert!(read_response(&mut by_port).await.contains(" false 0"));

    assert_eq!(bounded(file.stop(BOUND)).await, Stopped::default());
    assert_eq!(bounded(port.stop(BOUND)).await, Stopped::default());
    assert!(UnixStream::connect(&path).await.is_err());
}

/// tokio issue 3529: without descriptors `accept` fails at once, for ever. In a process of its own, since it starves.
#[test]
fn accepting_survives_the_end_of_descriptors() {
    const INSIDE: &str = "MUNJIGI_TEST_STARVE";
    if env::var_os(INSIDE).is_none() {
        // Its output is kept to itself: a second count of tests in ours would be added to the first.
        let child = Command::new("sh")
            .args([
                "-c",
                "ulimit -n 64 && exec \"$0\" --exact --nocapture server::tests::serving::accepting_survives_the_end_of_descriptors",
            ])
            .arg(env::current_exe().unwrap())
            .env(INSIDE, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let house = House::with(&Settings { workers: Some(1), ..settings() });
        let trust = house.trust(&["http/1.1"]);
        let before = house.connect().await;
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        let mut eaten: Vec<fs::File> = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            eaten.push(file);
        }
        let stream = socket.connect(house.address).await.unwrap();
        let starving = async {
            while house.metric("accept_errors_total") == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        bounded(starving).await;
        let mut kept = before;
        kept.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(read_response(&mut kept).await.ends_with("GET /a"));
        // It rests between attempts: a loop that spins would fail thousands of times before the fifth rest is over.
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(250) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(house.metric("accept_errors_total") < 20, "{}", house.metric("accept_errors_total"));
        drop(eaten);
        let late = TlsConnector::from(trust).connect(ServerName::try_from("localhost").unwrap(), stream);
        let mut late = bounded(late).await.unwrap();
        late.write_all(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(read_response(&mut late).await.ends_with("GET /b"));
    });
}
