//! One reading of path and host: what was judged is what is forwarded (lessons 9 to 15).

use crate::support::{Client, H2, Origin, RawH2, RawVerdict, Sso, World};

/// What may happen to a target that nobody logged in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The target is no target.
    Bad,
    /// It is a protected one.
    Guarded,
    /// It is open, and is forwarded in this form.
    Open(&'static str),
}

/// Traefik CVE-2026-40912 and CVE-2026-48020, Heimdall CVE-2026-42274, Oathkeeper GHSA-p224-6x5r-fjpm (one path judged,
/// another served); oauth2-proxy GHSA-7rh7-c77v-6434 (query), GHSA-pxq7-h93f-9jrg (fragment); Authelia CVE-2021-32637
/// (what cannot be parsed passed).
#[test]
fn l09_l10_l13_l14_no_spelling_of_a_path_is_a_way_around() {
    use Fate::{Bad, Guarded, Open};
    let cases = [
        // Segments that climb.
        ("/open/../protected", Bad),
        ("/open/..", Bad),
        ("/open/.", Bad),
        ("/open/./x", Bad),
        ("/open/%2e%2e/protected", Bad),
        ("/open/%2E%2e/protected", Bad),
        ("/open/.%2e/protected", Bad),
        ("/./protected", Bad),
        ("/..", Bad),
        // Slashes that are none, and slashes that are two.
        ("/open/..%2fprotected", Bad),
        ("/open%2f..%2fprotected", Bad),
        ("/open/x%2Fy", Bad),
        ("/open/..%5cprotected", Bad),
        ("/open\\..\\protected", Bad),
        ("/open/x\\y", Bad),
        ("//protected", Bad),
        ("/open//x", Bad),
        ("//open", Bad),
        // Parameters, NUL, half escapes.
        ("/open/..;/protected", Bad),
        ("/open;a=b/x", Bad),
        ("/open/x;jsessionid=1", Bad),
        ("/open/%3b", Bad),
        ("/open/%00", Bad),
        ("/open/x%00.html", Bad),
        ("/open/%", Bad),
        ("/open/%2", Bad),
        ("/open/%zz", Bad),
        ("/open/%u002e", Bad),
        // Escaped once too often is a plain name.
        ("/open/%252e%252e/protected", Open("/open/%252e%252e/protected")),
        // One form.
        ("/%6fpen/%61%2D%7e", Open("/open/a-~")),
        ("/open/%c3%a9%ea%b0%80", Open("/open/%C3%A9%EA%B0%80")),
        ("/open/a%20b", Open("/open/a%20b")),
        ("/open", Open("/open")),
        ("/open/", Open("/open/")),
        ("/open/x.", Open("/open/x.")),
        ("/open/...", Open("/open/...")),
        ("/open?../protected", Open("/open?../protected")),
        // Others' names.
        ("/OPEN", Guarded),
        ("/openx", Guarded),
        ("/open.", Guarded),
        ("/open%20", Guarded),
        ("/protected?x=/open", Guarded),
        ("/protected?/open/", Guarded),
        ("/protected%3f/open", Guarded),
        ("/protected%23/open", Guarded),
    ];
    let world = World::start();
    for (target, fate) in cases {
        let reached = world.origin.seen().len();
        let mut tls = world.gateway.tls();
        tls.say(format!("GET {target} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n"));
        let status = tls.answer().status();
        let found = match status {
            400 => Bad,
            401 => Guarded,
            200 => Open(world.origin.last().target().to_owned().leak()),
            _ => panic!("{target}: {status}"),
        };
        assert_eq!(found, fate, "{target}");
        assert_eq!(world.origin.seen().len() - reached, usize::from(status == 200), "{target}");
        // Over HTTP/2 it is a field of its own, and read the same way; what h2 itself does not take is a refusal, too.
        let reached = world.origin.seen().len();
        let head = [(":method", "GET"), (":scheme", "https"), (":authority", "x.test"), (":path", target)];
        let status = RawH2::connect(world.gateway.address()).ask_status(&head);
        let wanted = match fate {
            Bad => matches!(status, None | Some(400)),
            Guarded => status == Some(401),
            Open(_) => status == Some(200),
        };
        assert!(wanted, "{target} over h2: {status:?}");
        let seen: Vec<String> = world.origin.seen()[reached..].iter().map(|request| request.target().to_owned()).collect();
        assert_eq!(seen, if let Open(path) = fate { vec![path.to_owned()] } else { vec![] }, "{target} over h2");
    }
    // Overlong forms and a fragment: refused or taken for what they are, never for the other place.
    for target in ["/open/%c0%ae%c0%ae/protected", "/open/%c0%af../protected", "/protected#/open", "/protected#?/open"] {
        let mut tls = world.gateway.tls();
        tls.say(format!("GET {target} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n"));
        let status = tls.answer().status();
        assert!(
            matches!(status, 400 | 401) || (status == 200 && world.origin.last().target().starts_with("/open/%C0")),
            "{target}: {status}"
        );
    }
}

/// The same over h2, where the path is a field of its own.
#[test]
fn l13_h2_paths_are_read_the_same_way() {
    let world = World::start();
    for (path, status) in [("/open/%2e%2e/protected", 400), ("/open//x", 400), ("/open;x", 400), ("/OPEN", 401), ("/%6fpen/x", 200)] {
        let mut h2 = H2::connect(world.gateway.address());
        assert_eq!(h2.send(h2.request("GET", path), b"").status(), status, "{path}");
    }
    assert_eq!(world.origin.seen().len(), 1);
    let authority = world.gateway.address().to_string();
    for path in ["", "*", "open", "../protected", "/open\\..\\protected"] {
        RawH2::connect(world.gateway.address()).ask(&[
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", &authority),
            (":path", path),
        ]);
    }
    assert_eq!(world.origin.seen().len(), 1);
}

/// An application that writes `//` can be allowed to, and nothing else changes.
#[test]
fn l13_empty_segments_can_be_allowed_by_route() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml("[[route]]\npath = \"/old\"\naccess = \"public\"\nupstream = \"app\"\nallow_empty_segments = true")
        .start();
    let ask = |target: &str| {
        let mut tls = gateway.tls();
        tls.say(format!("GET {target} HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n"));
        tls.answer().status()
    };
    assert_eq!(ask("/old//x"), 200);
    assert_eq!(origin.last().target(), "/old//x");
    assert_eq!(ask("/old//../protected"), 400);
    assert_ne!(ask("//old/x"), 200);
}

/// Authelia CVE-2026-48794: the host in another spelling met no rule.
#[test]
fn l15_a_host_has_one_reading() {
    let (staff, other, sso) = (Origin::start(), Origin::start(), Sso::start());
    let gateway = crate::support::Builder::new()
        .sso(&sso)
        .upstream("staff", &staff)
        .upstream("other", &other)
        .toml(
            r#"
            [[route]]
            host = "staff.test"
            path = "/"
            upstream = "staff"

            [[route]]
            path = "/"
            access = "public"
            upstream = "other"
            "#,
        )
        .start();
    for host in ["staff.test", "Staff.TEST", "staff.test.", "STAFF.test.:443", "staff.test:8443"] {
        assert_eq!(Client::program(gateway.address()).host(host).get("/").send().status(), 401, "{host}");
    }
    let raw = |head: &str| {
        let mut tls = gateway.tls();
        tls.say(format!("{head}Connection: close\r\n\r\n"));
        tls.answer().status()
    };
    assert_eq!(raw("GET https://staff.test/ HTTP/1.1\r\nHost: staff.test\r\n"), 401);
    for (what, head) in [
        ("two hosts", "GET / HTTP/1.1\r\nHost: other.test\r\nHost: staff.test\r\n"),
        ("two equal hosts", "GET / HTTP/1.1\r\nHost: other.test\r\nHost: other.test\r\n"),
        ("no host", "GET / HTTP/1.1\r\n"),
        ("an empty host", "GET / HTTP/1.1\r\nHost:\r\n"),
        ("a target that says otherwise", "GET https://staff.test/ HTTP/1.1\r\nHost: other.test\r\n"),
        ("a target that says otherwise, the other way", "GET https://other.test/ HTTP/1.1\r\nHost: staff.test\r\n"),
        ("a user", "GET / HTTP/1.1\r\nHost: other.test@staff.test\r\n"),
        ("a path", "GET / HTTP/1.1\r\nHost: other.test/staff.test\r\n"),
        ("a list", "GET / HTTP/1.1\r\nHost: other.test, staff.test\r\n"),
        ("an odd port", "GET / HTTP/1.1\r\nHost: staff.test:443:443\r\n"),
        ("a port that is none", "GET / HTTP/1.1\r\nHost: staff.test:x\r\n"),
        ("other letters", "GET / HTTP/1.1\r\nHost: ｓtaff.test\r\n"),
    ] {
        assert_eq!(raw(head), 400, "{what}");
    }
    let mut h2 = H2::connect(gateway.address());
    let request = http::Request::builder().version(http::Version::HTTP_2).uri("https://other.test/").header("host", "staff.test");
    let answer = h2.try_send(request, b"");
    assert!(answer.as_ref().map_or(true, |answer| answer.status() == 400), "{answer:?}");
    let authority = "other.test";
    let asked = RawH2::connect(gateway.address()).ask(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/"),
        ("host", "a.test"),
        ("host", "b.test"),
    ]);
    assert!(matches!(asked, RawVerdict::Answered | RawVerdict::Refused));
    assert_eq!((staff.connections(), other.connections()), (0, 0), "{authority}");
}
