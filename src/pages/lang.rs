/// The languages the pages speak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lang {
    /// Korean: whoever asks for nothing we have gets it.
    #[default]
    Ko,
    /// English.
    En,
}

/// Most elements of `Accept-Language` looked at. Browsers send fewer than ten.
const MOST_RANGES: usize = 32;

impl Lang {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Ko, Self::En];

    /// The name of the query parameter, and of the cookie, that hold a person's own choice.
    pub const PARAMETER: &'static str = "lang";

    /// The language tag, as in `lang`, `hreflang` and `Content-Language`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
        }
    }

    /// Reads a language tag; `None` for languages we do not have.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| tag.eq_ignore_ascii_case(lang.as_str()))
    }

    /// The language to switch to.
    pub const fn other(self) -> Self {
        match self {
            Self::Ko => Self::En,
            Self::En => Self::Ko,
        }
    }

    /// The language for a request: the person's own choice (query or cookie) if it is one of ours; else English when
    /// `Accept-Language` (RFC 9110, section 12.5.4) gives it more weight than Korean; else Korean.
    pub fn choose(chosen: Option<&str>, accept_language: Option<&[u8]>) -> Self {
        if let Some(lang) = chosen.and_then(Self::parse) {
            return lang;
        }
        let header = accept_language.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("");
        if Self::En.weight(header) > Self::Ko.weight(header) { Self::En } else { Self::Ko }
    }

    /// How much a header wants this language, in thousandths. A range that names it wins over `*`.
    fn weight(self, header: &str) -> u16 {
        let mut named = None;
        let mut any = None;
        for (range, weight) in header.split(',').take(MOST_RANGES).filter_map(parse_range) {
            let primary = range.split('-').next().unwrap_or(range);
            if primary.eq_ignore_ascii_case(self.as_str()) {
                named = named.max(Some(weight));
            } else if range == "*" {
                any = any.max(Some(weight));
            }
        }
        named.or(any).unwrap_or(0)
    }
}

/// One element: a range and its weight in thousandths. `None` when it is not written as the RFC has it.
fn parse_range(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => parse_weight(parameter.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim_start())?,
    };
    parts.next().is_none().then_some((range, weight))
}

/// `1`, `0.8`, `0.875`: at most three decimals, nothing above one.
fn parse_weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let weight = format!("{whole}{decimals:0<3}").parse().ok()?;
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", Lang::Ko)]
    #[case("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Lang::Ko)]
    #[case("en-US,en;q=0.9,ko;q=0.8", Lang::En)]
    #[case("en", Lang::En)]
    #[case("EN-gb", Lang::En)]
    #[case("en;q=0", Lang::Ko)]
    #[case("fr, de;q=0.8", Lang::Ko)]
    #[case("ja,en;q=0.5", Lang::En)]
    #[case("en, ko", Lang::Ko)]
    #[case("*", Lang::Ko)]
    #[case("ko;q=0.2, *;q=0.3", Lang::En)]
    #[case("en;q=0.5, ko;q=0.50", Lang::Ko)]
    #[case("en ; q = 0.9 , ko;q=0.125", Lang::En)]
    #[case("en;q=1.5", Lang::Ko)]
    #[case("en;q=0.12345", Lang::Ko)]
    #[case("en;q=-1", Lang::Ko)]
    #[case("en;q=", Lang::Ko)]
    #[case("en;level=1", Lang::Ko)]
    #[case("english, ens", Lang::Ko)]
    #[case(";;;,,,;q=1", Lang::Ko)]
    fn the_header_decides(#[case] header: &str, #[case] wanted: Lang) {
        assert_eq!(Lang::choose(None, Some(header.as_bytes())), wanted, "{header:?}");
    }

    #[test]
    fn a_choice_wins_over_the_header() {
        assert_eq!(Lang::choose(Some("en"), Some(b"ko")), Lang::En);
        assert_eq!(Lang::choose(Some("KO"), Some(b"en")), Lang::Ko);
        assert_eq!(Lang::choose(Some("fr"), Some(b"en")), Lang::En);
        assert_eq!(Lang::choose(Some(""), None), Lang::Ko);
    }

    #[test]
    fn a_header_that_is_no_text_or_endless_is_korean() {
        assert_eq!(Lang::choose(None, Some(b"\xff\xfe,en")), Lang::Ko);
        let endless = format!("{}en", "xx,".repeat(100_000));
        assert_eq!(Lang::choose(None, Some(endless.as_bytes())), Lang::Ko);
    }
}
