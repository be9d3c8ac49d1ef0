//! Certificates by name, resumption, and their change while others are being served.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use crate::support::{Builder, Client, Gateway, H2, Origin, Sso, Tls, World, any_certificate, write_private};

/// A certificate for these names and its key, PEM, and the certificate's bytes.
fn pair(names: &[&str], key: &KeyPair) -> (String, String, Vec<u8>) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let cert = CertificateParams::new(names).unwrap().self_signed(key).unwrap();
    (cert.pem(), key.serialize_pem(), cert.der().to_vec())
}

/// The certificate that is shown for a name.
fn shown(gateway: &Gateway, name: &str) -> Vec<u8> {
    let tls = Tls::with(gateway.address(), name, any_certificate(&[b"http/1.1"], rustls::DEFAULT_VERSIONS)).unwrap();
    tls.session().peer_certificates().unwrap()[0].to_vec()
}

fn with_pair(builder: Builder, name: &str, pair: &(String, String, Vec<u8>)) -> Builder {
    builder.file(&format!("certs/{name}.crt"), &pair.0).file(&format!("certs/{name}.key"), &pair.1)
}

#[test]
fn certificates_go_by_name_and_wrong_hosts_are_told_so() {
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let (one, wild, other) = (
        pair(&["one.test"], &KeyPair::generate().unwrap()),
        pair(&["*.wild.test"], &rsa),
        pair(&["x.wild.test"], &KeyPair::generate().unwrap()),
    );
    let (origin, sso) = (Origin::start(), Sso::start());
    let certificates = ["one", "wild", "other"].map(|name| format!("{{ cert = \"certs/{name}.crt\", key = \"certs/{name}.key\" }}"));
    let mut builder = World::builder(&origin, &sso).toml(&format!("[tls]\ncertificates = [{}]", certificates.join(", ")));
    for (name, pair) in [("one", &one), ("wild", &wild), ("other", &other)] {
        builder = with_pair(builder, name, pair);
    }
    let gateway = builder.start();
    for (name, certificate) in [
        ("one.test", &one),
        ("a.wild.test", &wild),
        ("x.wild.test", &other),
        ("nobody.test", &one),
        ("127.0.0.1", &one),
        ("a.b.wild.test", &one),
    ] {
        assert!(shown(&gateway, name) == certificate.2, "{name}");
    }
    // The connections below are made for `localhost`, and so are shown the first certificate.
    let mut h2 = H2::connect(gateway.address());
    let mut ask = |host: &str| {
        let request = http::Request::builder().version(http::Version::HTTP_2).method("GET").uri(format!("https://{host}/open"));
        h2.send(request, b"")
    };
    assert_eq!(ask("one.test").status(), 200);
    assert_eq!(ask("nobody.test").status(), 200);
    assert_eq!(ask("a.wild.test").refusal(), (421, "misdirected".to_owned()));
    // Over HTTP/1.1 a connection is nobody's but the one host's, and the authority alone says which.
    assert_eq!(Client::program(gateway.address()).host("a.wild.test").get("/open").send().status(), 200);
}

/// Whoever was here a moment ago is spared the handshake, whichever worker takes the connection, before and after a reload.
#[test]
fn sessions_are_resumed_across_workers_and_reloads() {
    let world = World::with("[server]\nworkers = 4");
    for version in [&TLS12, &TLS13] {
        let config = any_certificate(&[b"http/1.1"], &[version]);
        let connect = || {
            let mut tls = Tls::with(world.gateway.address(), "localhost", config.clone()).unwrap();
            // Tickets of TLS 1.3 come with the first bytes.
            tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
            assert_eq!(tls.answer().status(), 200);
            tls.session().handshake_kind().unwrap()
        };
        assert!(connect() != HandshakeKind::Resumed);
        for _ in 0..12 {
            assert_eq!(connect(), HandshakeKind::Resumed, "{version:?}");
        }
        world.gateway.reload("reloaded");
        for _ in 0..12 {
            assert_eq!(connect(), HandshakeKind::Resumed, "{version:?} after a reload");
        }
    }
}

/// Makes new connections and uses kept ones while `work` is done; not one request fails.
fn under_load(gateway: &Gateway, work: impl FnOnce()) {
    let (address, done) = (gateway.address(), AtomicBool::new(false));
    thread::scope(|scope| {
        let load: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut kept = Tls::connect(address);
                    let mut count = 0;
                    while !done.load(Ordering::Relaxed) {
                        assert_eq!(Client::program(address).get("/open").send().status(), 200);
                        kept.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
                        assert_eq!(kept.answer().status(), 200);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        work();
        done.store(true, Ordering::Relaxed);
        for worker in load {
            assert!(worker.join().unwrap() > 0);
        }
    });
}

#[test]
fn certificates_change_under_load_without_a_failed_request() {
    let (old, new) = (pair(&["localhost"], &KeyPair::generate().unwrap()), pair(&["localhost"], &KeyPair::generate().unwrap()));
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = with_pair(World::builder(&origin, &sso), "gateway", &old).start();
    assert!(shown(&gateway, "localhost") == old.2);
    under_load(&gateway, || {
        for pair in [&new, &old, &new, &old, &new] {
            write_private(&gateway.path("certs/gateway.crt"), pair.0.as_bytes());
            write_private(&gateway.path("certs/gateway.key"), pair.1.as_bytes());
            gateway.reload("reloaded");
            assert!(shown(&gateway, "localhost") == pair.2);
        }
        // A key that does not belong is refused, and the old pair goes on serving.
        write_private(&gateway.path("certs/gateway.key"), old.1.as_bytes());
        gateway.reload("reload refused");
        assert!(shown(&gateway, "localhost") == new.2);
    });
}

#[test]
fn watched_certificates_are_taken_up_by_themselves_under_load() {
    let (old, new) = (pair(&["localhost"], &KeyPair::generate().unwrap()), pair(&["localhost"], &KeyPair::generate().unwrap()));
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = with_pair(World::builder(&origin, &sso).toml("[tls]\nwatch = true"), "gateway", &old).start();
    under_load(&gateway, || {
        fs::write(gateway.path("certs/new.crt"), &new.0).unwrap();
        write_private(&gateway.path("certs/gateway.key"), new.1.as_bytes());
        // Half of a change: it may be seen or not, and changes nothing.
        assert!(shown(&gateway, "localhost") == old.2);
        fs::rename(gateway.path("certs/new.crt"), gateway.path("certs/gateway.crt")).unwrap();
        gateway.process.logged("took up the changed certificates");
        assert!(shown(&gateway, "localhost") == new.2);
        fs::write(gateway.path("certs/gateway.crt"), "nothing").unwrap();
        gateway.process.logged("those in use stay");
        assert!(shown(&gateway, "localhost") == new.2);
    });
}
