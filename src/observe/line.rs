use std::io::Write as _;
use std::time::Duration;

use http::Version;

use super::escape::{self, Escape};
use super::request_id::RequestId;
use super::stamp::with_stamp;
use crate::base::{ClientAddr, Timestamp};

/// Everything that is written down about one request. Borrows from the request; nothing here is copied until it is written.
#[derive(Clone, Debug)]
pub struct RequestLine<'a> {
    /// When the answer was finished.
    pub at: Timestamp,
    /// Who asked, as far as proxies are trusted.
    pub address: ClientAddr,
    /// The person as in `sub`, when admission found one.
    pub person: Option<&'a str>,
    /// The method; `None` when no request could be read.
    pub method: Option<&'a str>,
    /// Path and query as the client sent them. Values of secret parameters are masked when it is written.
    pub target: &'a str,
    /// The protocol.
    pub protocol: Version,
    /// The `Host` or `:authority`.
    pub host: Option<&'a [u8]>,
    /// The status answered; 0 when the connection ended without an answer.
    pub status: u16,
    /// Body bytes received.
    pub bytes_in: u64,
    /// Body bytes sent.
    pub bytes_out: u64,
    /// From the head of the request to the end of the answer.
    pub duration: Duration,
    /// The part of it spent waiting for the upstream's head; `None` when nothing was asked of an upstream.
    pub upstream: Option<Duration>,
    /// The name of the route, or of the endpoint of ours.
    pub route: Option<&'a str>,
    /// Why it was refused: one stable word.
    pub refusal: Option<&'static str>,
    /// Its id.
    pub id: RequestId,
    /// The `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// The `Referer`. Its query is not written.
    pub referer: Option<&'a [u8]>,
}

impl RequestLine<'_> {
    /// nginx's `combined`, and five fields behind it:
    ///
    /// ```text
    /// address - person [time] "METHOD target HTTP/x" status bytes "referer" "user agent" id route seconds upstream-seconds refusal
    /// ```
    ///
    /// What is absent is `-`; a connection that ended without an answer has status `000`.
    pub(super) fn write_combined(&self, out: &mut Vec<u8>) {
        self.address.with_text(|text| out.extend_from_slice(text));
        out.extend_from_slice(b" - ");
        field(out, self.person.map(str::as_bytes));
        with_stamp(self.at, |stamp| {
            out.extend_from_slice(b" [");
            out.extend_from_slice(stamp.combined.as_bytes());
            out.extend_from_slice(b"] \"");
        });
        if let Some(method) = self.method {
            escape::bare(out, method.as_bytes());
            out.push(b' ');
            escape::target(out, self.target, escape::bare);
            out.push(b' ');
            out.extend_from_slice(protocol(self.protocol).as_bytes());
        }
        out.extend_from_slice(b"\" ");
        number(out, self.status.into(), 3);
        out.push(b' ');
        number(out, self.bytes_out, 1);
        out.extend_from_slice(b" \"");
        text_or_dash(out, self.referer.map(escape::without_query), escape::quoted);
        out.extend_from_slice(b"\" \"");
        text_or_dash(out, self.user_agent, escape::quoted);
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(self.id.as_bytes());
        out.push(b' ');
        field(out, self.route.map(str::as_bytes));
        out.push(b' ');
        seconds(out, self.duration);
        out.push(b' ');
        match self.upstream {
            Some(upstream) => seconds(out, upstream),
            None => out.push(b'-'),
        }
        out.push(b' ');
        field(out, self.refusal.map(str::as_bytes));
        out.push(b'\n');
    }

    /// One JSON object with the same keys in the same order on every line; what is absent is `null`. Times are in seconds.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail; the results below are of no interest.
        with_stamp(self.at, |stamp| {
            let _ = write!(out, r#"{{"time":"{}.{:03}{}""#, stamp.date_time, self.at.millis() % 1000, stamp.offset);
        });
        let _ = write!(out, r#","request_id":"{}","address":"{}""#, self.id, self.address);
        member(out, "person", self.person.map(str::as_bytes));
        member(out, "method", self.method.map(str::as_bytes));
        member(out, "host", self.host);
        out.extend_from_slice(br#","target":"#);
        if self.method.is_some() {
            out.push(b'"');
            escape::target(out, self.target, escape::json);
            out.push(b'"');
        } else {
            out.extend_from_slice(b"null");
        }
        member(out, "protocol", self.method.map(|_| protocol(self.protocol).as_bytes()));
        let _ = write!(
            out,
            r#","status":{},"bytes_in":{},"bytes_out":{},"duration":{:.6}"#,
            self.status,
            self.bytes_in,
            self.bytes_out,
            self.duration.as_secs_f64()
        );
        match self.upstream {
            Some(upstream) => _ = write!(out, r#","upstream":{:.6}"#, upstream.as_secs_f64()),
            None => out.extend_from_slice(br#","upstream":null"#),
        }
        member(out, "route", self.route.map(str::as_bytes));
        member(out, "refusal", self.refusal.map(str::as_bytes));
        member(out, "referer", self.referer.map(escape::without_query));
        member(out, "user_agent", self.user_agent);
        out.extend_from_slice(b"}\n");
    }
}

/// A number with at least `digits` digits. One line is written for each request, and `write!` takes its time.
fn number(out: &mut Vec<u8>, number: u64, digits: usize) {
    let mut text = [b'0'; 20];
    let (mut begin, mut rest) = (text.len(), number);
    while rest > 0 || text.len() - begin < digits {
        begin -= 1;
        text[begin] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    out.extend_from_slice(&text[begin..]);
}

/// Seconds with three decimals, rounded.
fn seconds(out: &mut Vec<u8>, span: Duration) {
    let millis = span.as_secs().saturating_mul(1000).saturating_add(u64::from((span.subsec_micros() + 500) / 1000));
    number(out, millis / 1000, 1);
    out.push(b'.');
    number(out, millis % 1000, 3);
}

fn field(out: &mut Vec<u8>, text: Option<&[u8]>) {
    text_or_dash(out, text, escape::bare);
}

fn text_or_dash(out: &mut Vec<u8>, text: Option<&[u8]>, escape: Escape) {
    match text {
        Some(text) if !text.is_empty() => escape(out, text),
        Some(_) | None => out.push(b'-'),
    }
}

fn member(out: &mut Vec<u8>, key: &str, text: Option<&[u8]>) {
    let _ = write!(out, r#","{key}":"#);
    match text {
        Some(text) => {
            out.push(b'"');
            escape::json(out, text);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    pub(in crate::observe) fn line(target: &str) -> RequestLine<'_> {
        RequestLine {
            at: Timestamp::from_millis(1_795_249_260_007),
            address: ClientAddr::new("192.0.2.7".parse().unwrap()),
            person: Some("60201234"),
            method: Some("GET"),
            target,
            protocol: Version::HTTP_11,
            host: Some(b"grades.example.ac.kr"),
            status: 200,
            bytes_in: 0,
            bytes_out: 1234,
            duration: Duration::from_micros(12_345),
            upstream: Some(Duration::from_micros(11_000)),
            route: Some("grades"),
            refusal: None,
            id: RequestId::from_trusted("abc").unwrap(),
            user_agent: Some(b"curl/8"),
            referer: Some(b"https://x/y?token=z"),
        }
    }

    fn combined(line: &RequestLine<'_>) -> String {
        let mut out = Vec::new();
        line.write_combined(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn json(line: &RequestLine<'_>) -> (String, Value) {
        let mut out = Vec::new();
        line.write_json(&mut out);
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn a_combined_line_is_nginx_combined_with_five_fields_behind() {
        let text = combined(&line("/a?b=1"));
        let (before, rest) = text.split_once('[').unwrap();
        let (_, after) = rest.split_once(']').unwrap();
        assert_eq!(before, "192.0.2.7 - 60201234 ");
        assert_eq!(after, " \"GET /a?b=1 HTTP/1.1\" 200 1234 \"https://x/y\" \"curl/8\" abc grades 0.012 0.011 -\n");
    }

    #[test]
    fn what_is_absent_is_a_dash_or_null() {
        let bare = RequestLine {
            person: None,
            method: None,
            host: None,
            status: 0,
            upstream: None,
            route: None,
            refusal: Some("head_timeout"),
            user_agent: None,
            referer: Some(b""),
            ..line("")
        };
        assert!(combined(&bare).ends_with("] \"\" 000 1234 \"-\" \"-\" abc - 0.012 - head_timeout\n"));
        let (_, value) = json(&bare);
        for key in ["person", "method", "host", "target", "protocol", "upstream", "route", "user_agent"] {
            assert_eq!(value[key], Value::Null, "{key}");
        }
        assert_eq!(value["refusal"], "head_timeout");
    }

    #[test]
    fn json_keys_stand_in_one_order() {
        let (text, value) = json(&line("/a?code=1&x=\"2"));
        assert_eq!(value["target"], "/a?code=***&x=\"2");
        assert_eq!(value["upstream"], 0.011);
        assert_eq!(value["referer"], "https://x/y");
        assert!(value["time"].as_str().unwrap().contains(":00.007"));
        let keys = [
            "time",
            "request_id",
            "address",
            "person",
            "method",
            "host",
            "target",
            "protocol",
            "status",
            "bytes_in",
            "bytes_out",
            "duration",
            "upstream",
            "route",
            "refusal",
            "referer",
            "user_agent",
        ];
        let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        assert_eq!(value.as_object().unwrap().len(), keys.len());
    }

    /// Texts with which somebody would forge a second line or a second field.
    #[test]
    fn no_field_forges_a_line() {
        let nasty: [&[u8]; 6] = [
            b"x\" 200 0 \"-\" \"-\"\n6.6.6.6 - root [..] \"GET / HTTP/1.1\" 200 0",
            b"\r\n{\"status\":200}",
            b"\",\"status\":500,\"x\":\"",
            b"\x1b]0;owned\x07",
            b"\xff\xfe\x00",
            b"\\",
        ];
        for text in nasty {
            let as_str = String::from_utf8_lossy(text);
            let forged = RequestLine {
                person: Some(&as_str),
                method: Some(&as_str),
                host: Some(text),
                route: Some(&as_str),
                user_agent: Some(text),
                referer: Some(text),
                ..line(&as_str)
            };
            let written = combined(&forged);
            assert_eq!(written.matches('\n').count(), 1, "{written}");
            assert_eq!(written.matches('"').count(), 6, "{written}");
            assert!(written.is_ascii() && !written.trim_end().bytes().any(|b| b.is_ascii_control()), "{written}");
            let (written, value) = json(&forged);
            assert_eq!(written.matches('\n').count(), 1, "{written}");
            assert_eq!(value["status"], 200);
            assert_eq!(value["user_agent"], String::from_utf8_lossy(text).as_ref());
        }
    }
}
