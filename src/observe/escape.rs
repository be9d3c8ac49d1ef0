//! How foreign text is kept from breaking out of its field, and which parts of a query are not written at all.

use percent_encoding::percent_decode_str;

/// How text is made safe inside one field.
pub(super) type Escape = fn(&mut Vec<u8>, &[u8]);

/// Inside the quotation marks of a combined line, as nginx does it: everything but plain ASCII becomes `\xHH`.
pub(super) fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    hex_escaped(out, text, |byte| matches!(byte, b' '));
}

/// A field of a combined line that has no quotation marks: a space would begin the next field.
pub(super) fn bare(out: &mut Vec<u8>, text: &[u8]) {
    hex_escaped(out, text, |_| false);
}

fn hex_escaped(out: &mut Vec<u8>, text: &[u8], also_plain: fn(u8) -> bool) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let is_plain = |byte: u8| (byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) || also_plain(byte);
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, from_here) = rest.split_at(rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len()));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = from_here.split_first() else { return };
        out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        rest = behind;
    }
}

/// Inside the quotation marks of a JSON string. Bytes that are not UTF-8 become U+FFFD; characters that end a line, steer a
/// terminal or reorder text are written as `\uHHHH`.
pub(super) fn json(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.extend_from_slice(br#"\""#),
                '\\' => out.extend_from_slice(br"\\"),
                c if is_steering(c) => {
                    const DIGITS: [u8; 16] = *b"0123456789abcdef";
                    let code = c as usize;
                    out.extend_from_slice(br"\u");
                    out.extend([12, 8, 4, 0].map(|shift| DIGITS[(code >> shift) & 15]));
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Writes a path and query with the values of secret parameters replaced by `***`.
pub(super) fn target(out: &mut Vec<u8>, target: &str, escape: Escape) {
    let Some((path, query)) = target.split_once('?') else {
        return escape(out, target.as_bytes());
    };
    escape(out, path.as_bytes());
    out.push(b'?');
    for piece in query.split_inclusive(['&', ';']) {
        let (pair, separator) = match piece.strip_suffix(['&', ';']) {
            Some(pair) => (pair, &piece[pair.len()..]),
            None => (piece, ""),
        };
        let name = pair.split_once('=').map(|(name, _)| name);
        match name {
            Some(name) if is_secret(name) || holds_token(pair) => {
                escape(out, name.as_bytes());
                out.extend_from_slice(b"=***");
            }
            None if holds_token(pair) => out.extend_from_slice(b"***"),
            Some(_) | None => escape(out, pair.as_bytes()),
        }
        out.extend_from_slice(separator.as_bytes());
    }
}

/// A referer without its query and fragment: those are another page's, and may hold anything.
pub(super) fn without_query(referer: &[u8]) -> &[u8] {
    let end = referer.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(referer.len());
    &referer[..end]
}

/// Whether something in it could be a JWT: `eyJ` is how every encoded `{"` begins.
fn holds_token(pair: &str) -> bool {
    pair.contains("eyJ")
}

/// Words that make a parameter secret wherever they stand in its name.
const SECRET_PARTS: [&str; 9] = ["token", "jwt", "passw", "passphrase", "secret", "credential", "csrf", "session", "assertion"];

/// Names of parameters that are secret or lead somewhere (a return address can hold a token of its own).
const SECRET_NAMES: [&str; 24] = [
    "code",
    "ticket",
    "next",
    "return",
    "return_to",
    "returnto",
    "return_url",
    "returnurl",
    "redirect",
    "redirect_to",
    "redirect_uri",
    "redirect_url",
    "rd",
    "continue",
    "relaystate",
    "samlresponse",
    "samlrequest",
    "state",
    "pw",
    "pwd",
    "otp",
    "sid",
    "api_key",
    "apikey",
];

/// Judges a parameter by its name as an application would read it: percent-decoded, case aside. A name longer than any we
/// know is taken for a secret one.
fn is_secret(name: &str) -> bool {
    let mut plain = [0_u8; 64];
    let mut length = 0;
    for byte in percent_decode_str(name) {
        let Some(place) = plain.get_mut(length) else {
            return true;
        };
        *place = if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
        length += 1;
    }
    let plain = str::from_utf8(&plain[..length]).unwrap_or_default();
    SECRET_NAMES.contains(&plain) || SECRET_PARTS.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn written(escape: Escape, text: &[u8]) -> String {
        let mut out = Vec::new();
        escape(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn masked(text: &str) -> String {
        let mut out = Vec::new();
        target(&mut out, text, quoted);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_breaks_out_of_a_combined_field() {
        assert_eq!(written(quoted, b"a\" 200 \"b\\\r\n\x1b[31m\x7f"), r"a\x22 200 \x22b\x5C\x0D\x0A\x1B[31m\x7F");
        assert_eq!(written(quoted, "한".as_bytes()), r"\xED\x95\x9C");
        assert_eq!(written(bare, b"a b"), r"a\x20b");
    }

    #[test]
    fn json_stays_readable_and_valid() {
        assert_eq!(written(json, "홍 \"길\"\n\u{202e}\u{85}\u{2028}".as_bytes()), r#"홍 \"길\"\u000a\u202e\u0085\u2028"#);
        assert_eq!(written(json, b"a\xffb\xf0\x9f\x98"), "a\u{fffd}b\u{fffd}");
    }

    #[rstest]
    #[case("/a", "/a")]
    #[case("/a?", "/a?")]
    #[case("/a?x=1&y=2", "/a?x=1&y=2")]
    #[case("/a?token=abc&x=1", "/a?token=***&x=1")]
    #[case("/a?x=1;access_token=abc", "/a?x=1;access_token=***")]
    #[case("/a?Access-Token=abc", "/a?Access-Token=***")]
    #[case("/a?%74oken=abc", "/a?%74oken=***")]
    #[case("/a?jwt=&code=4/0A&ticket=ST-1", "/a?jwt=***&code=***&ticket=***")]
    #[case("/a?next=/b%3Ftoken%3Dabc", "/a?next=***")]
    #[case("/a?user_password=hunter2", "/a?user_password=***")]
    #[case("/a?x=eyJhbGciOi.eyJzdWIi.c2ln", "/a?x=***")]
    #[case("/a?eyJhbGciOi.eyJzdWIi.c2ln", "/a?***")]
    #[case("/a?code", "/a?code")]
    #[case("/a?q=a?token=b", "/a?q=a?token=b")]
    fn secrets_in_queries_are_masked(#[case] from: &str, #[case] to: &str) {
        assert_eq!(masked(from), to);
    }

    #[test]
    fn a_name_too_long_to_judge_is_secret() {
        assert_eq!(masked(&format!("/?{}=v", "n".repeat(65))), format!("/?{}=***", "n".repeat(65)));
    }

    #[test]
    fn referers_lose_what_may_hold_secrets() {
        assert_eq!(without_query(b"https://a/b?token=c#d"), b"https://a/b");
        assert_eq!(without_query(b"https://a/b#d"), b"https://a/b");
        assert_eq!(without_query(b"https://a/b"), b"https://a/b");
    }

    proptest! {
        #[test]
        fn any_bytes_stay_one_field(text: Vec<u8>) {
            let combined = written(bare, &text);
            prop_assert!(combined.bytes().all(|b| b.is_ascii_graphic() && b != b'"'));
            let line = format!("\"{}\"", written(json, &text));
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), String::from_utf8_lossy(&text));
        }

        #[test]
        fn a_masked_value_never_shows(value in "[a-zA-Z0-9]{8,20}", name in "(token|jwt|code|ticket|password|next)", lead in "[a-z]{0,5}=[0-9]{0,3}&") {
            let shown = masked(&format!("/p?{lead}{name}={value}"));
            prop_assert!(!shown.contains(&value));
        }
    }
}
