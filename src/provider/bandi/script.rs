//! The little that must be understood of a page's scripts: where they send the browser, what they tell the person.
//!
//! Not an interpreter: it knows strings, comments and braces, and looks for a few shapes. It must never take a text in a
//! comment or inside another text for code, and never run anything.

/// The scripts of a page, cut into words.
#[derive(Debug, Default)]
pub(super) struct Script {
    words: Vec<Word>,
}

#[derive(Debug, PartialEq)]
struct Word {
    kind: Kind,
    /// How many braces it stands in: code at depth 0 runs at once, other code runs when its function is called.
    depth: usize,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Name(String),
    Text(String),
    Sign(char),
}

impl Script {
    /// Adds one more script of the page.
    pub(super) fn add(&mut self, source: &str) {
        let mut depth = 0;
        let mut rest = source;
        while let Some((kind, after)) = next_word(rest) {
            rest = after;
            let Some(kind) = kind else { continue };
            if kind == Kind::Sign('}') {
                depth -= usize::from(depth > 0);
            }
            let opens = kind == Kind::Sign('{');
            self.words.push(Word { kind, depth });
            depth += usize::from(opens);
        }
        // So that the end of one script and the start of the next are not read as one statement.
        self.words.push(Word { kind: Kind::Sign(';'), depth: 0 });
    }

    /// What it tells the person: the text given to `errorMsg`, else one that an `alert` shows without being asked.
    pub(super) fn message(&self) -> Option<String> {
        let mut assigned = self.all(|at| {
            let at = self.name(at, "errorMsg").and_then(|at| self.sign(at, '='))?;
            self.text_at(at)
        });
        let shown = || {
            self.at_once(|at| {
                let at = self.name(at, "alert").and_then(|at| self.sign(at, '('))?;
                self.text_at(at)
            })
        };
        assigned.find(|text| !text.trim().is_empty()).or_else(shown)
    }

    /// Where it sends the browser: `location = …`, `location.href = …`, `location.replace(…)`, `location.assign(…)`, with a
    /// text or texts joined by `+`. What is put together from anything else is not known.
    pub(super) fn redirect(&self) -> Option<String> {
        let target = |at| {
            let at = self.name(at, "location")?;
            let member = |name| self.sign(at, '.').and_then(|at| self.name(at, name));
            let value = match member("replace").or_else(|| member("assign")) {
                Some(at) => self.sign(at, '(')?,
                None => self.sign(member("href").unwrap_or(at), '=')?,
            };
            self.joined_text(value)
        };
        self.at_once(target).or_else(|| self.all(target).next())
    }

    /// Whether it submits a form by itself: a `submit()` that runs at once, or any when the page's body says `onload`.
    pub(super) fn submits(&self, on_load: bool) -> bool {
        let submit = |at| {
            let at = self.sign(at, '.').and_then(|at| self.name(at, "submit"))?;
            self.sign(at, '(').and_then(|at| self.sign(at, ')'))
        };
        self.at_once(submit).is_some() || (on_load && self.all(submit).next().is_some())
    }

    /// Whether it names this, as a word of its own or as a text: to tell which of several forms it means.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.words.iter().any(|word| match &word.kind {
            Kind::Name(known) | Kind::Text(known) => known.trim_start_matches('#') == name,
            Kind::Sign(_) => false,
        })
    }

    fn all<'a, T>(&'a self, shape: impl Fn(usize) -> Option<T> + 'a) -> impl Iterator<Item = T> + 'a {
        (0..self.words.len()).filter_map(shape)
    }

    /// The first place where this runs without being asked: outside all functions, or in a page that does things on load.
    fn at_once<T>(&self, shape: impl Fn(usize) -> Option<T>) -> Option<T> {
        let on_load = self.mentions("onload") || self.mentions("ready");
        let runs = |at: &usize| self.words.get(*at).is_some_and(|word| word.depth == 0 || on_load);
        (0..self.words.len()).filter(runs).find_map(shape)
    }

    fn name(&self, at: usize, wanted: &str) -> Option<usize> {
        matches!(&self.words.get(at)?.kind, Kind::Name(name) if name == wanted).then_some(at + 1)
    }

    fn sign(&self, at: usize, wanted: char) -> Option<usize> {
        (self.words.get(at)?.kind == Kind::Sign(wanted)).then_some(at + 1)
    }

    fn text_at(&self, at: usize) -> Option<String> {
        match &self.words.get(at)?.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Name(_) | Kind::Sign(_) => None,
        }
    }

    /// Texts joined by `+`; `["a"]` and `null` join as ECMAScript has it. `None` when anything else takes part.
    fn joined_text(&self, mut at: usize) -> Option<String> {
        let mut joined = String::new();
        loop {
            if let Some(text) = self.text_at(at) {
                joined.push_str(&text);
                at += 1;
            } else if let Some(after) = self.name(at, "null") {
                joined.push_str("null");
                at = after;
            } else {
                let inside = self.sign(at, '[')?;
                joined.push_str(&self.text_at(inside)?);
                at = self.sign(inside + 1, ']')?;
            }
            match self.words.get(at).map(|word| &word.kind) {
                Some(Kind::Sign('+')) => at += 1,
                Some(Kind::Sign('.' | '[' | '(' | '?' | '*' | '/' | '-')) => return None,
                Some(Kind::Sign(_) | Kind::Name(_) | Kind::Text(_)) | None => return Some(joined),
            }
        }
    }
}

/// The next word and what follows it; `Some((None, …))` for what means nothing (white space, comments).
fn next_word(source: &str) -> Option<(Option<Kind>, &str)> {
    let first = source.chars().next()?;
    let rest = &source[first.len_utf8()..];
    Some(match first {
        _ if first.is_whitespace() => (None, rest),
        '/' if rest.starts_with('/') => (None, rest.split_once('\n').map_or("", |(_, after)| after)),
        '/' if rest.starts_with('*') => (None, rest[1..].split_once("*/").map_or("", |(_, after)| after)),
        '"' | '\'' | '`' => match text(rest, first) {
            Some((text, after)) => (Some(Kind::Text(text)), after),
            // No end on this line, so it was none (part of a regular expression, say).
            None => (Some(Kind::Sign(first)), rest),
        },
        _ if is_name_part(first) => {
            let end = source.find(|c| !is_name_part(c)).unwrap_or(source.len());
            (Some(Kind::Name(source[..end].to_owned())), &source[end..])
        }
        // `==` is no assignment; one sign that nobody looks for stands for it.
        '=' if rest.starts_with('=') => (Some(Kind::Sign('≡')), rest.trim_start_matches('=')),
        _ => (Some(Kind::Sign(first)), rest),
    })
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// A text up to its closing quote, with its escapes read.
fn text(source: &str, quote: char) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut units: Vec<u16> = Vec::new();
    let mut chars = source.chars();
    loop {
        let c = chars.next()?;
        // Escaped UTF-16 units come in pairs now and then, so they are joined before they become characters.
        let unit = if c == '\\' { escape(&mut chars)? } else { Escape::Char(c) };
        if let Escape::Unit(unit) = unit {
            units.push(unit);
            continue;
        }
        text.push_str(&String::from_utf16_lossy(&units));
        units.clear();
        match unit {
            _ if c == quote => return Some((text, chars.as_str())),
            Escape::Char('\n') if c == '\n' && quote != '`' => return None,
            Escape::Char(c) => text.push(c),
            Escape::Nothing | Escape::Unit(_) => {}
        }
    }
}

enum Escape {
    Char(char),
    Unit(u16),
    Nothing,
}

/// What stands behind a backslash (ECMAScript, 12.9.4).
fn escape(chars: &mut std::str::Chars<'_>) -> Option<Escape> {
    Some(match chars.next()? {
        'n' => Escape::Char('\n'),
        't' => Escape::Char('\t'),
        'r' => Escape::Char('\r'),
        'b' | 'f' | 'v' | '0' => Escape::Char(' '),
        '\n' => Escape::Nothing,
        'x' => Escape::Unit(hex(chars, 2)?),
        'u' => match chars.as_str().strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((digits, after)) => {
                *chars = after.chars();
                Escape::Char(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?)
            }
            None => Escape::Unit(hex(chars, 4)?),
        },
        c => Escape::Char(c),
    })
}

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<u16> {
    let (digits, after) = chars.as_str().split_at_checked(digits)?;
    *chars = after.chars();
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn script(source: &str) -> Script {
        let mut script = Script::default();
        script.add(source);
        script
    }

    #[rstest]
    #[case::assigned(r#"var errorMsg = "틀렸습니다."; alert(errorMsg);"#, Some("틀렸습니다."))]
    #[case::escaped(r#"var errorMsg = "\uc544\uc774\ub514 \ud83d\ude00\x21\u{ac00}";"#, Some("아이디 😀!가"))]
    #[case::alerted(r"alert('틀\'렸습니다\n다시');", Some("틀'렸습니다\n다시"))]
    #[case::on_load("window.onload = function() { alert('만료'); }", Some("만료"))]
    #[case::none_today("var errorMsg = null; if (errorMsg) { alert(errorMsg); }", None)]
    #[case::empty("var errorMsg = ''; ", None)]
    #[case::a_later_one("var errorMsg = ''; errorMsg = 'two';", Some("two"))]
    #[case::for_another_day("function check() { alert('비밀번호를 입력하세요'); }", None)]
    #[case::commented("// var errorMsg = 'old';\n/* alert('older'); */ <!-- alert", None)]
    #[case::quoted(r#"var help = "var errorMsg = 'x'; alert('y')";"#, None)]
    #[case::compared("if (errorMsg == 'x') {}", None)]
    #[case::regular_expression("var r = /['\"]/g;\nvar errorMsg = 'after';", Some("after"))]
    #[case::broken_escape(r#"var errorMsg = "\u12"; alert('x')"#, Some("x"))]
    fn messages_are_found(#[case] source: &str, #[case] expected: Option<&str>) {
        assert_eq!(script(source).message().as_deref(), expected);
    }

    #[rstest]
    #[case("location.href = '/a?b=1&c=2';", Some("/a?b=1&c=2"))]
    #[case("window.location=\"https://x/\"", Some("https://x/"))]
    #[case("top.location.replace('/r')", Some("/r"))]
    #[case("document.location.assign( `/s` );", Some("/s"))]
    #[case("setTimeout(function() { location.href = '/later'; }, 0);", Some("/later"))]
    #[case("function f() { location.href='/no'; } location.href='/yes';", Some("/yes"))]
    #[case("location.href = '/sso/auth?cm_cg_id=' + \"A1\";", Some("/sso/auth?cm_cg_id=A1"))]
    #[case("location.href = '/sso/auth'+'?cm_cg_id='+[\"A1\"]", Some("/sso/auth?cm_cg_id=A1"))]
    #[case("location.href = '/sso/auth?cm_cg_id=' + null;", Some("/sso/auth?cm_cg_id=null"))]
    #[case("location.href = '/x?id=' + id;", None)]
    #[case("location.href = '/x'.concat(id);", None)]
    #[case("if (location.href == '/x') {}", None)]
    #[case("if (location.href === '/x') {}", None)]
    #[case("// location.href = '/x'", None)]
    #[case("var s = \"location.href = '/x'\";", None)]
    #[case("mylocation.href = '/x'", None)]
    #[case("location.href = \\u0027/x\\u0027", None)]
    fn redirects_are_found(#[case] source: &str, #[case] expected: Option<&str>) {
        assert_eq!(script(source).redirect().as_deref(), expected);
    }

    #[test]
    fn submitting_is_told_from_getting_ready_to() {
        assert!(script("document.login.submit();").submits(false));
        assert!(script("function doLogin() { document.forms[0].submit(); }").submits(true));
        assert!(script("window.onload = function() { f.submit(); };").submits(false));
        assert!(!script("function doLogin() { document.forms[0].submit(); }").submits(false));
        assert!(!script("$('#signin-form').submit(function(event) { check(); });").submits(true));
        assert!(!script("// document.login.submit();").submits(true));
    }

    #[test]
    fn two_scripts_are_two() {
        let mut both = script("location.href =");
        both.add("'/x'");
        assert_eq!(both.redirect(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_source_makes_it_panic(source in r#"(\PC|\\u[0-9a-f]{0,4}|['"`{}()\\/*=+\n]|location|errorMsg|alert|submit|href){0,60}"#) {
            let script = script(&source);
            let _ = (script.message(), script.redirect(), script.submits(true));
        }
    }
}
