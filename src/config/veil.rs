//! Which lines of a file may hold a secret although the file could not be understood. Errs on the side of hiding: a line
//! that is hidden costs the operator a glance into the file, a line that is shown may end in a log for years.

use std::ops::Range;

use super::syntax::still_open;

/// Words that a key for a secret has in it.
const TELLING: [&str; 4] = ["secret", "private_key", "passw", "token"];

/// Endings of keys that have such a word and hold no secret.
const HARMLESS: [&str; 4] = ["_file", "_field", "_kid", "_cache"];

/// Whether any line of `source` within `lines` (whole lines) may hold a secret.
pub(super) fn covers(source: &str, lines: Range<usize>) -> bool {
    let mut start = 0;
    let mut open: Option<&str> = None;
    for line in source.split_inclusive('\n') {
        let end = start + line.len();
        let within = start < lines.end.max(lines.start + 1) && lines.start < end;
        let veiled = open.is_some() || assigns_a_secret(line);
        if within && veiled {
            return true;
        }
        open = if veiled { still_open(line, open) } else { None };
        start = end;
    }
    false
}

/// Whether a line gives a value to a key whose name tells of a secret.
fn assigns_a_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    TELLING.iter().any(|word| line.match_indices(word).any(|(at, _)| is_key_of_a_secret(&line[at..])))
}

/// Whether the text, which begins inside a key, goes on to `=` and the key is not a harmless one.
fn is_key_of_a_secret(text: &str) -> bool {
    let name_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let assigned = rest.trim_start_matches(['"', '\'']).trim_start().starts_with(['=', ':']);
    assigned && !HARMLESS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_is_veiled(source: &str, nth: usize) -> bool {
        let start: usize = source.split_inclusive('\n').take(nth).map(str::len).sum();
        let end = start + source[start..].find('\n').unwrap_or(source.len() - start);
        covers(source, start..end)
    }

    #[test]
    fn keys_of_secrets_are_veiled() {
        for line in ["secret = \"x", "keys = [{ kid = \"a\", secret=\"x\" }", "\"secret\" = 'x", "client_password: x", "SECRET_KEY = 1"] {
            assert!(line_is_veiled(line, 0), "{line}");
        }
        for line in
            ["secret_file = \"certs/jwt.secret\"", "issuer = \"https://secret.example\"", "password_field = \"passwrd\"", "# a secret"]
        {
            assert!(!line_is_veiled(line, 0), "{line}");
        }
    }

    #[test]
    fn a_secret_of_many_lines_is_veiled_to_its_end() {
        let source = "a = 1\nprivate_key = \"\"\"\n-----BEGIN\nabc\n\"\"\"\nb = 2\n";
        let veiled: Vec<bool> = (0..6).map(|nth| line_is_veiled(source, nth)).collect();
        assert_eq!(veiled, [false, true, true, true, true, false]);
    }
}
