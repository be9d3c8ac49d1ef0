//! Text to values of base types. Each function says what is wrong and what is wanted; the place is put in by the caller.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::reader::nearest_of;
use crate::base::{Fault, parse_duration, parse_size};

/// `true` or `false`, or what people write into environment variables for them.
pub(super) fn flag(text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(Fault::new(format!("{text:?} is neither true nor false"))),
    }
}

/// A whole number from `least` to `most`.
pub(super) fn number(text: &str, least: u64, most: u64) -> Result<u64, Fault> {
    let number = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| Fault::new(format!("{text:?} is not a whole number from {least} to {most}")))
}

/// A span of time from `least` to `most`; a bare number is seconds.
pub(super) fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, Fault> {
    let span = parse_duration(text).map_err(Fault::new)?;
    if (least..=most).contains(&span) {
        return Ok(span);
    }
    Err(Fault::new(format!("{text:?} is not between {} and {}", show(least), show(most))))
}

/// A span of time as it is written in the file.
pub(super) fn show(span: Duration) -> String {
    let mut millis = span.as_millis();
    let mut text = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if millis >= length {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{unit}", millis / length);
            millis %= length;
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// A size from `least` to `most` bytes.
pub(super) fn size(text: &str, least: u64, most: u64) -> Result<u64, Fault> {
    let size = parse_size(text).map_err(Fault::new)?;
    if (least..=most).contains(&size) {
        return Ok(size);
    }
    Err(Fault::new(format!("{text:?} is not between {least} and {most} bytes")))
}

/// One of a few words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, Fault> {
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(Fault::new(format!("{text:?} means nothing here")).help(nearest_of(text, &words, "words")))
}

/// An address with a port.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        Fault::new(format!("{text:?} is not an address with a port"))
            .help("write as in \"0.0.0.0:8443\", \"127.0.0.1:8443\" or \"[::]:8443\"; names are not looked up here")
    })
}

/// An address, or a network of them.
pub(super) fn network(text: &str) -> Result<IpNet, Fault> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let wrong = || Fault::new(format!("{text:?} is not an address or a network")).help("write as in \"10.0.0.5\" or \"10.0.0.0/8\"");
    net.map(|net| net.trunc()).map_err(|_| wrong())
}

/// The same, for those who are believed.
pub(super) fn trusted(text: &str) -> Result<IpNet, Fault> {
    let net = network(text)?;
    if net.prefix_len() > 0 {
        return Ok(net);
    }
    let help = "name the proxies themselves: whoever is trusted here can claim to be any client";
    Err(Fault::new(format!("{text:?} is every address there is")).help(help))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Duration::ZERO, "0")]
    #[case(Duration::from_millis(1500), "1s500ms")]
    #[case(Duration::from_secs(900), "15m")]
    #[case(Duration::from_secs(2_592_000), "30d")]
    fn spans_are_shown_as_they_are_written(#[case] span: Duration, #[case] text: &str) {
        assert_eq!(show(span), text);
        assert_eq!(parse_duration(text), Ok(span));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        assert_eq!(number("16", 1, 16), Ok(16));
        for text in ["0", "17", "-1", "1.5", "", "x", "99999999999999999999999"] {
            assert!(number(text, 1, 16).is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_can_trust_everybody() {
        assert!(trusted("0.0.0.0/0").is_err() && trusted("::/0").is_err() && trusted("::/1").is_ok());
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
    }

    #[test]
    fn a_word_that_is_nearly_right_is_named() {
        let words = [("host", 1), ("flask", 2)];
        assert_eq!(word("flask", &words), Ok(2));
        assert_eq!(word("flaks", &words).unwrap_err().help.as_deref(), Some("did you mean \"flask\"?"));
        assert_eq!(word("zzz", &words).unwrap_err().help.as_deref(), Some("the words are host, flask"));
    }
}
