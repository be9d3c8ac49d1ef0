use rstest::rstest;

use super::*;

fn redirecting(folder: &std::path::Path) -> House {
    House::with(&Settings { redirect_http: Some(LOOPBACK), acme_webroot: Some(folder.to_owned()), ..settings() })
}

async fn ask(house: &House, request: &str) -> String {
    let mut stream = TcpStream::connect(house.server.as_ref().unwrap().redirect_address().unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_close(&mut stream).await
}

#[rstest]
#[case("GET", "/", "example.ac.kr", "/")]
#[case("HEAD", "/a/b?c=d&e=%20#", "Example.AC.kr:8080", "/a/b?c=d&e=%20")]
#[case("GET", "//evil.example/%2e%2e", "example.ac.kr.", "//evil.example/%2e%2e")]
#[case("GET", "http://example.ac.kr/x", "example.ac.kr", "/x")]
#[case("GET", "/.well-known/other", "example.ac.kr:", "/.well-known/other")]
#[tokio::test]
async fn reading_is_sent_to_https(#[case] method: &str, #[case] target: &str, #[case] host: &str, #[case] path: &str) {
    let folder = tempfile::tempdir().unwrap();
    let house = redirecting(folder.path());
    let answer = ask(&house, &format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    let location = format!("location: https://example.ac.kr:{}{path}\r\n", house.address.port());
    assert!(answer.contains(&location), "{location} not in {answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[rstest]
#[case("[::1]:80", "[::1]")]
#[case("[2001:db8::1]", "[2001:db8::1]")]
#[case("127.0.0.1", "127.0.0.1")]
#[tokio::test]
async fn addresses_are_hosts_too(#[case] host: &str, #[case] repeated: &str) {
    let folder = tempfile::tempdir().unwrap();
    let house = redirecting(folder.path());
    let answer = ask(&house, &format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    assert!(answer.contains(&format!("location: https://{repeated}:{}/x\r\n", house.address.port())), "{answer}");
}

#[rstest]
#[case::none("")]
#[case::two("Host: a.example\r\nHost: b.example\r\n")]
#[case::empty("Host: \r\n")]
#[case::user("Host: good@evil.example\r\n")]
#[case::path("Host: a.example/x\r\n")]
#[case::port("Host: a.example:99999\r\n")]
#[case::port_word("Host: a.example:80x\r\n")]
#[case::space("Host: a example\r\n")]
#[case::query("Host: a.example?x\r\n")]
#[case::utf8("Host: 한글.example\r\n")]
#[case::label("Host: a..example\r\n")]
#[case::bracket("Host: [::1\r\n")]
#[case::bracket_word("Host: [evil.example]\r\n")]
#[case::comma("Host: a.example, b.example\r\n")]
#[tokio::test]
async fn a_host_that_is_none_is_not_repeated(#[case] host: &str) {
    let folder = tempfile::tempdir().unwrap();
    let house = redirecting(folder.path());
    let answer = ask(&house, &format!("GET / HTTP/1.1\r\n{host}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && !answer.contains("location:"), "{answer}");
}

#[tokio::test]
async fn a_target_that_names_another_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let house = redirecting(folder.path());
    let answer = ask(&house, "GET http://evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[rstest]
#[case("POST")]
#[case("PUT")]
#[case("DELETE")]
#[case("OPTIONS")]
#[case("BREW")]
#[tokio::test]
async fn what_is_not_reading_is_refused(#[case] method: &str) {
    let folder = tempfile::tempdir().unwrap();
    let house = redirecting(folder.path());
    let answer = ask(&house, &format!("{method} /login?password=x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc")).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("location:"), "{answer}");
}

#[tokio::test]
async fn challenges_come_from_the_folder_and_nothing_else_does() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("acme");
    fs::create_dir_all(folder.join("folder")).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::write(folder.join("tok-EN_1"), "tok-EN_1.thumb").unwrap();
    fs::write(folder.join("dotted.txt"), "no token is called so").unwrap();
    fs::write(folder.join("huge"), vec![b'x'; 64 * 1024]).unwrap();
    let house = redirecting(&folder);
    let fetch =
        async |name: &str| ask(&house, &format!("GET /.well-known/acme-challenge/{name} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
    let found = fetch("tok-EN_1").await;
    assert!(found.starts_with("HTTP/1.1 200 ") && found.ends_with("\r\n\r\ntok-EN_1.thumb"), "{found}");
    for name in ["", "absent", "folder", "huge", "dotted.txt", "..%2fsecret", "../secret", "folder/../tok-EN_1", "%74ok-EN_1", "."] {
        let answer = fetch(name).await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && !answer.contains("ecret\""), "{name}: {answer}");
    }
    let posted = ask(&house, "POST /.well-known/acme-challenge/tok-EN_1 HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert!(posted.starts_with("HTTP/1.1 403 "), "{posted}");
}

#[tokio::test]
async fn the_redirect_has_timeouts_lines_and_an_end() {
    let mut house = House::with(&Settings { redirect_http: Some(LOOPBACK), header_timeout: Duration::from_millis(600), ..settings() });
    let address = house.server.as_ref().unwrap().redirect_address().unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
    assert!(read_to_close(&mut slow).await.starts_with("HTTP/1.1 408 "));
    house.until("connection_faults_total{reason=\"head_timeout\"}", 1).await;
    ask(&house, "GET /x?token=abc HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    bounded(house.stop(BOUND)).await;
    assert!(TcpStream::connect(address).await.is_err());
    let log = house.log();
    assert!(log.contains("\"GET /x?token=*** HTTP/1.1\" 308 0 ") && log.contains(" redirect_http "), "{log}");
}
