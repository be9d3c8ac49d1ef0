//! Applications that misbehave, and what the client saw of it over HTTP/1.1 and HTTP/2.
//!
//! Whatever they do, the client gets an answer that is whole and true, a 502 or 504, or one that is visibly broken: never a
//! half that looks whole, never somebody else's.

use crate::support::{H2, Message, Origin, Sso, World};

/// What a client must see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// A whole answer with the body `good`.
    Good,
    /// 502.
    BadGateway,
    /// 504.
    TimedOut,
    /// A head, and a body that does not end as it should.
    Cut,
}

impl Seen {
    fn of(answer: Option<&Message>) -> Self {
        match answer {
            None => Self::Cut,
            Some(answer) if !answer.whole => Self::Cut,
            Some(answer) if answer.status() == 502 => Self::BadGateway,
            Some(answer) if answer.status() == 504 => Self::TimedOut,
            Some(answer) => {
                assert_eq!((answer.status(), answer.text()), (200, "good".to_owned()), "{:?}", answer.fields);
                Self::Good
            }
        }
    }
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// What the application says (and then hangs up, unless `stays`), and what the client sees.
struct Case {
    name: &'static str,
    says: String,
    stays: bool,
    seen: &'static [Seen],
}

fn case(name: &'static str, says: impl Into<String>, seen: &'static [Seen]) -> Case {
    Case { name, says: says.into(), stays: false, seen }
}

fn staying(name: &'static str, says: impl Into<String>, seen: &'static [Seen]) -> Case {
    Case { stays: true, ..case(name, says, seen) }
}

fn cases() -> Vec<Case> {
    use Seen::{BadGateway, Cut, Good, TimedOut};
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!("{chunked}4;{}", "x".repeat(100_000));
    vec![
        staying("nothing wrong", GOOD, &[Good]),
        // Dying.
        case("dies before the head", "", &[BadGateway]),
        case("dies in the status line", "HTTP/1.1 20", &[BadGateway]),
        case("dies in the head", "HTTP/1.1 200 OK\r\nContent-Le", &[BadGateway]),
        case("dies after the head", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", &[Cut]),
        case("dies in a counted body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngood", &[Cut]),
        case("dies in a chunk", format!("{chunked}9\r\ngood"), &[Cut]),
        case("dies between chunks", format!("{chunked}4\r\ngood\r\n"), &[Cut]),
        case("dies before the last line", format!("{chunked}4\r\ngood\r\n0\r\n"), &[Cut]),
        // Silence.
        staying("says nothing", "", &[TimedOut]),
        staying("stops in the head", "HTTP/1.1 200 OK\r\nContent-Le", &[TimedOut]),
        staying("stops in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngood", &[Cut]),
        // Garbage.
        staying("speaks something else", "220 mail.test ESMTP\r\n", &[BadGateway]),
        staying("speaks TLS", "\u{15}\u{3}\u{3}\0\u{2}\u{2}F", &[BadGateway, TimedOut]),
        staying("speaks HTTP/0.9", "<html>good</html>", &[BadGateway]),
        staying("speaks HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 4\r\n\r\ngood", &[BadGateway]),
        staying("has no status", "HTTP/1.1 abc OK\r\nContent-Length: 4\r\n\r\ngood", &[BadGateway]),
        staying("has a space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\ngood", &[BadGateway]),
        staying("folds a line", "HTTP/1.1 200 OK\r\nX-A: b\r\n c: d\r\nContent-Length: 4\r\n\r\ngood", &[BadGateway]),
        staying("has a NUL in a field", "HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 4\r\n\r\ngood", &[BadGateway]),
        // Lengths.
        staying("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ngood", &[BadGateway]),
        staying("the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\ngood", &[BadGateway]),
        staying("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\ngood", &[BadGateway]),
        staying("a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\ngood", &[BadGateway]),
        staying("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\ngood", &[BadGateway]),
        staying("a length out of range", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\ngood", &[BadGateway]),
        staying(
            "length and chunks",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
            &[BadGateway],
        ),
        case("another encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\ngood", &[BadGateway]),
        // Chunks.
        staying("a chunk size that is none", format!("{chunked}xyz\r\ngood\r\n0\r\n\r\n"), &[Cut]),
        staying("a chunk size out of range", format!("{chunked}ffffffffffffffffff\r\ngood"), &[Cut]),
        staying("a chunk longer than it says", format!("{chunked}3\r\ngood\r\n0\r\n\r\n"), &[Cut]),
        staying("a chunk extension", format!("{chunked}4;a=b\r\ngood\r\n0\r\n\r\n"), &[Good]),
        staying("an endless chunk extension", extension, &[Cut]),
        staying("a flood of trailers", format!("{chunked}4\r\ngood\r\n0\r\n{}", "X-A: b\r\n".repeat(20_000)), &[Cut]),
        // Heads.
        staying("a hundred thousand fields", format!("HTTP/1.1 200 OK\r\n{}", "X-A: b\r\n".repeat(100_000)), &[BadGateway]),
        staying("an endless field", format!("HTTP/1.1 200 OK\r\nX-A: {}", "b".repeat(1_000_000)), &[BadGateway]),
        // 1xx.
        staying("an unasked 100", format!("HTTP/1.1 100 Continue\r\n\r\n{GOOD}"), &[Good]),
        staying("early hints", format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{GOOD}"), &[Good]),
        staying("an unasked 101", format!("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n{GOOD}"), &[BadGateway]),
        // More than was asked for: the next client must never get it (the last request of each case looks).
        staying("bytes behind the answer", format!("{GOOD}evil"), &[Good]),
        staying("a second answer", format!("{GOOD}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), &[Good]),
    ]
}

#[test]
fn whatever_an_application_does_the_client_can_tell() {
    println!("{:<32} {:<12} {:<12}", "the application", "HTTP/1.1", "HTTP/2");
    for case in cases() {
        let says = case.says.clone();
        let (bad, stays) = (case.says.clone(), case.stays);
        let origin = Origin::conversing(move |conversation| {
            while let Some(request) = conversation.request() {
                if request.target() == "/open/next" {
                    conversation.say(GOOD.as_bytes());
                    continue;
                }
                conversation.say(bad.as_bytes());
                if !stays {
                    return;
                }
            }
        });
        let sso = Sso::start();
        let impatient = "[server]\nworkers = 1\n\n[upstream.app]\nresponse_timeout = \"700ms\"\nidle_timeout = \"700ms\"";
        let gateway = World::builder(&origin, &sso).toml(impatient).start();
        let mut tls = gateway.tls();
        tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        let over_h1 = tls.try_answer().ok().flatten();
        let mut h2 = H2::connect(gateway.address());
        let request = h2.request("GET", "/open");
        let over_h2 = h2.try_send(request, b"").ok();
        let seen = (Seen::of(over_h1.as_ref()), Seen::of(over_h2.as_ref()));
        println!("{:<32} {:<12} {:<12}", case.name, format!("{:?}", seen.0), format!("{:?}", seen.1));
        assert!(case.seen.contains(&seen.0), "{}: {:?} over h1: {over_h1:?} {says:.80}", case.name, seen.0);
        assert!(case.seen.contains(&seen.1), "{}: {:?} over h2: {over_h2:?}", case.name, seen.1);
        for _ in 0..2 {
            let next = gateway.program().get("/open/next").send();
            assert_eq!((next.status(), next.text()), (200, "good".to_owned()), "{}: the next client", case.name);
        }
    }
}
