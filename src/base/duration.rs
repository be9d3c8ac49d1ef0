use std::time::Duration;

/// Reads a span of time: a bare number is seconds; otherwise numbers with units, as in `15m`, `1h30m`, `500ms`, `30d`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong = || {
        format!("{text:?} is not a span of time; write seconds (900) or a number with a unit (ms, s, m, h, d), as in \"15m\" or \"30d\"")
    };
    if let Ok(secs) = text.parse::<u64>() {
        return Ok(Duration::from_secs(secs));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit_len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis: u64 = match rest[..unit_len].trim() {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let span = number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(span).ok_or_else(wrong)?;
        rest = &rest[unit_len..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// Reads a size: a bare number is bytes; `k`, `m`, `g` (of 1024) as nginx writes them.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let wrong = || format!("{text:?} is not a size; write bytes (8192) or a number with k, m or g, as in \"8k\" or \"10m\"");
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        Some(_) => (text, 1),
        None => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        assert_eq!(parse_duration("900"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(2_592_000)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn rubbish_is_refused_and_nothing_overflows() {
        for text in ["", "m", "15", "15x", "-1", "1.5h", "99999999999999999999", "9999999999999999d", "15 m x", "٣m"] {
            assert_eq!(parse_duration(text).is_err(), text != "15", "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("8192"), Ok(8192));
        assert_eq!(parse_size("8k"), Ok(8192));
        assert_eq!(parse_size("1M"), Ok(1_048_576));
        for text in ["", "k", "-1k", "1.5m", "18446744073709551615g", "8킬"] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
    }
}
