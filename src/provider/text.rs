use std::borrow::Cow;

use encoding_rs::{EUC_KR, Encoding, UTF_8};

/// Most characters of a provider's own words that are passed on.
const LONGEST: usize = 200;

/// A provider's words as plain text: white space runs become one space, control characters and those that turn the
/// reading direction go, the rest is cut at 200 characters. `None` when nothing is left. Not escaped.
pub(super) fn plain_words(words: &str) -> Option<String> {
    let mut plain = String::new();
    let mut length = 0;
    for c in words.chars().map(|c| if c.is_whitespace() { ' ' } else { c }) {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns || (c == ' ' && (plain.is_empty() || plain.ends_with(' '))) {
            continue;
        }
        if length == LONGEST {
            break;
        }
        plain.push(c);
        length += 1;
    }
    plain.truncate(plain.trim_end().len());
    (!plain.is_empty()).then_some(plain)
}

/// The text of a body: in the charset its `Content-Type` names, else UTF-8, else EUC-KR, which older Korean servers send
/// without saying so. `None` when it fits none of them without damage.
pub(super) fn decode<'a>(content_type: Option<&str>, body: &'a [u8]) -> Option<Cow<'a, str>> {
    let declared = content_type.and_then(charset).and_then(|label| Encoding::for_label(label.as_bytes()));
    declared.into_iter().chain([UTF_8, EUC_KR]).find_map(|encoding| {
        let (text, _, damaged) = encoding.decode(body);
        (!damaged).then_some(text)
    })
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_plain_and_short() {
        assert_eq!(plain_words(" 비밀번호가\r\n\t틀렸습니다. \0\u{1b}[31m").as_deref(), Some("비밀번호가 틀렸습니다. [31m"));
        assert_eq!(plain_words("\u{202e}gpj.exe").as_deref(), Some("gpj.exe"));
        assert_eq!(plain_words(&"가".repeat(5000)).unwrap().chars().count(), LONGEST);
        assert_eq!(plain_words(" \r\n\u{7f}"), None);
        assert_eq!(plain_words("<b>1 < 2</b>").as_deref(), Some("<b>1 < 2</b>"), "escaping is the page's work");
    }

    #[test]
    fn korean_is_read_in_both_encodings() {
        let (euc_kr, ..) = EUC_KR.encode("아이디");
        assert_eq!(decode(Some("text/html; Charset=\"EUC-KR\""), &euc_kr).unwrap(), "아이디");
        assert_eq!(decode(Some("text/html"), &euc_kr).unwrap(), "아이디");
        assert_eq!(decode(None, "아이디".as_bytes()).unwrap(), "아이디");
        assert_eq!(decode(Some("text/html; charset=nonsense"), "아이디".as_bytes()).unwrap(), "아이디");
        // Labelled wrongly: what fits without damage wins.
        assert_eq!(decode(Some("text/html; charset=utf-8"), &euc_kr).unwrap(), "아이디");
        assert_eq!(decode(None, b"\xff\xff\xff"), None);
    }
}
