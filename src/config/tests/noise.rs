//! Nothing that stands in a file makes the reader panic.

use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;

use super::*;

#[rstest]
fn no_file_cut_anywhere_does_harm(#[values("refused", "accepted")] folder: &str) {
    for case in corpus(folder) {
        let start =
            case.text.lines().take_while(|line| line.starts_with('#')).map(|line| line.len() + 1).sum::<usize>().min(case.text.len());
        let body = &case.text[start..];
        for cut in (0..body.len()).filter(|cut| body.is_char_boundary(*cut)) {
            if let Err(rejected) = case.read(&body[..cut]) {
                assert_ne!(rejected.report().count(Level::Error), 0);
                assert_eq!(rejected.report().lines().count(), rejected.report().entries().count());
            }
        }
        if let Err(rejected) = case.read(&body[..body.floor_char_boundary(body.len() / 2)]) {
            assert!(!rejected.render(true).is_empty());
        }
    }
}

/// Pieces of which files are made, for texts that get further than noise does.
fn piece() -> impl Strategy<Value = String> {
    let assign = (select(KEYS), select(VALUES)).prop_map(|(key, value)| format!("{key} = {value}\n"));
    prop_oneof![3 => select(HEADERS).prop_map(|header| format!("{header}\n")), 6 => assign, 1 => any::<char>().prop_map(String::from)]
}

const HEADERS: &[&str] =
    &["[auth]", "[[auth.keys]]", "[provider.mju]", "[[route]]", "[upstream.app]", "[route]", "[auth.keys]", "[a.b]", "[[a]]", "[[a.b]]"];
const KEYS: &[&str] = &["keys", "secret", "kid", "path", "host", "access", "listen", "kind", "servers", "a.b", "a", "\"\"", "가", "hsts"];
const VALUES: &[&str] = &[
    "[{",
    "}]",
    "{",
    "[",
    "]",
    "1",
    "-0x1",
    "\"${A}\"",
    "\"\"\"",
    "'''",
    "\"mju\"",
    "{ a = 1 }",
    "[[1]]",
    "2027-03-01",
    "nan",
    "\"/\"",
    "\"\\u0000\"",
];

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let rejected = Config::load(file.path(), &|_| None).unwrap_err();
        prop_assert!(!rejected.render(true).is_empty());
    }

    #[test]
    fn no_text_does_harm(text in proptest::collection::vec(piece(), 0..30)) {
        let rejected = Config::parse("file", &text.concat(), Path::new("nowhere"), &|_| Some(String::new())).unwrap_err();
        prop_assert!(!rejected.render(false).is_empty());
    }
}
