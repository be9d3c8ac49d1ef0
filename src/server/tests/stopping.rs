use tokio::time::Instant;

use super::*;

/// Less than any deadline in these tests, and more than the ticks of a polite end.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_was_begun_is_finished_and_nothing_new_is_taken() {
    let mut house = House::open();
    let mut stream = house.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    bounded(house.stage.begun.notified()).await;
    let mut sender = house.connect_http2().await;
    let second = tokio::spawn(sender.send_request(get("/slow")));
    bounded(house.stage.begun.notified()).await;

    let server = house.server.take().unwrap();
    let stopping = tokio::spawn(server.stop(BOUND));
    bounded(house.closed()).await;
    assert!(!stopping.is_finished());
    house.stage.go.add_permits(2);
    let answer = read_response(&mut stream).await;
    assert!(answer.ends_with("at last") && answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(text(bounded(second).await.unwrap().unwrap()).await, "at last");
    assert_eq!(bounded(stopping).await.unwrap(), Stopped::default());
}

/// denoland/deno issue 31959: connections that never began anything held up the end.
#[tokio::test]
async fn who_has_begun_nothing_holds_nothing_up() {
    let mut house = House::open();
    let mut unshaken = TcpStream::connect(house.address).await.unwrap();
    unshaken.write_all(&[22, 3, 1]).await.unwrap();
    let silent = house.connect().await;
    let mut partial = house.connect().await;
    partial.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let mut kept = house.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_response(&mut kept).await;
    let mut kept_partial = house.connect().await;
    kept_partial.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_response(&mut kept_partial).await;
    kept_partial.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let mute_http2 = house.connect_with(house.trust(&["h2"])).await.unwrap();
    let mut idle_http2 = house.connect_http2().await;
    bounded(idle_http2.send_request(get("/"))).await.unwrap();
    // An HTTP/2 client that had an answer and then reads nothing any more, not even GOAWAY.
    let mut deaf = house.connect_with(house.trust(&["h2"])).await.unwrap();
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // GET https localhost / from the static table of HPACK, and a literal authority.
    deaf.write_all(b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x87\x84\x41\x09localhost").await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"GET /") {
        seen.push(bounded(deaf.read_u8()).await.unwrap());
    }
    house.until("connections_open", 8).await;

    let began = Instant::now();
    assert_eq!(bounded(house.stop(BOUND)).await, Stopped::default());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(house.metric("connections_open"), 0);
    drop((unshaken, silent, mute_http2, deaf));
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_cut_visibly_and_counted() {
    let mut house = House::open();
    let mut stuck = house.connect().await;
    stuck.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    bounded(house.stage.begun.notified()).await;
    let mut endless = house.connect().await;
    endless.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    while !seen.contains("first") {
        seen.push(char::from(bounded(endless.read_u8()).await.unwrap()));
    }
    let mut sender = house.connect_http2().await;
    let body = bounded(sender.send_request(get("/endless"))).await.unwrap().into_body();

    let stopped = bounded(house.stop(Duration::from_millis(300))).await;
    assert_eq!(stopped, Stopped { connections_cut: 3, tunnels_closed: 0 });
    assert_eq!(house.metric("connections_cut_total"), 3);
    assert_eq!(read_to_close(&mut stuck).await, "");
    // No last chunk and no clean end of the stream: nobody takes the half for the whole.
    assert!(!read_to_close(&mut endless).await.contains("0\r\n"));
    assert!(bounded(body.collect()).await.is_err());
}

#[tokio::test]
async fn tunnels_run_on_until_the_deadline_and_say_goodbye() {
    let mut house = House::open();
    let mut tunnel = house.connect().await;
    tunnel.write_all(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n").await.unwrap();
    assert!(read_response(&mut tunnel).await.starts_with("HTTP/1.1 101"));
    tunnel.write_all(b"x").await.unwrap();
    assert_eq!(bounded(tunnel.read_u8()).await.unwrap(), b'x');

    let server = house.server.take().unwrap();
    let stopping = tokio::spawn(server.stop(Duration::from_secs(2)));
    bounded(house.closed()).await;
    tunnel.write_all(b"y").await.unwrap();
    assert_eq!(bounded(tunnel.read_u8()).await.unwrap(), b'y');
    assert_eq!(read_to_close(&mut tunnel).await, "bye");
    assert_eq!(bounded(stopping).await.unwrap(), Stopped { connections_cut: 0, tunnels_closed: 1 });
}

#[tokio::test]
async fn a_tunnel_that_ends_by_itself_ends_the_drain() {
    let mut house = House::open();
    let mut tunnel = house.connect().await;
    tunnel.write_all(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n").await.unwrap();
    read_response(&mut tunnel).await;
    let server = house.server.take().unwrap();
    let stopping = tokio::spawn(server.stop(BOUND));
    bounded(house.closed()).await;
    drop(tunnel);
    assert_eq!(bounded(stopping).await.unwrap(), Stopped::default());
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_everything() {
    let mut house = House::open();
    let mut stream = house.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    bounded(house.stage.begun.notified()).await;
    drop(house.server.take());
    assert_eq!(read_to_close(&mut stream).await, "");
    house.until("connections_open", 0).await;
}

/// The memory of an idle connection begins with the size of its task: hyper's connection is boxed and counted apart.
#[tokio::test]
async fn the_task_of_an_idle_connection_is_small() {
    let house = House::open();
    let environment = &house.environment;
    let stage = house.stage.clone();
    let handler = move |request, peer| handle(stage.clone(), request, peer);
    let site = Arc::new(Site { handler, http: Http::new(&settings()), faults: environment.faults(), drain: Drain::default() });
    let address = crate::base::ClientAddr::new(LOOPBACK.ip());
    let peer = Peer {
        address,
        port: 0,
        local: LOOPBACK,
        secure: true,
        server_name: None,
        worker: 0,
        uid: None,
        known: crate::web::Known::Address,
    };
    let gate = Gate::new(2, None, environment.metrics.connections.open.clone());
    let mut places = Vec::new();
    for _ in 0..2 {
        places.push(gate.enter(Some(peer.address)).await.unwrap());
    }
    let (one, two) = (house.connect().await, house.connect().await);
    let peer = Arc::new(peer);
    let http1 = connection::serve_http1(one, Arc::clone(&peer), Arc::clone(&site), places.pop().unwrap());
    let http2 = connection::serve_http2(two, peer, site, places.pop().unwrap());
    let sizes = (size_of_val(&http1), size_of_val(&http2));
    assert!(sizes.0 <= 600 && sizes.1 <= 1000, "{sizes:?}");
}
