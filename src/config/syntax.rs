//! Faults of syntax. One unclosed bracket makes a parser doubt the rest of the file; here the file is taken statement by
//! statement, so that each broken one gives one fault, and all others are read as if it were not there.

use std::ops::Range;

use toml::de::DeTable;

use crate::base::Fault;

/// The text with broken statements blanked out, in which every byte keeps its place, and what is wrong with those. A text
/// without fault comes back as `None`.
pub(super) fn mend(text: &str) -> Option<(String, Vec<Fault>)> {
    if DeTable::parse_recoverable(text).1.is_empty() {
        return None;
    }
    let mut mended = text.as_bytes().to_vec();
    let mut faults = Vec::new();
    let mut in_broken_section = false;
    for statement in statements(text) {
        let piece = &text[statement.clone()];
        let is_header = piece.trim_start().starts_with('[');
        if is_header {
            in_broken_section = false;
        }
        // The first by place; of several at one place the last, which is about the value and not about what it broke.
        let errors = DeTable::parse_recoverable(piece).1;
        if let Some(error) = errors.iter().rev().min_by_key(|error| error.span().map_or(0, |span| span.start)) {
            let span = error.span().unwrap_or(0..0);
            faults.push(fault(error.message()).at(statement.start + span.start..statement.start + span.end));
            in_broken_section |= is_header;
        } else if !in_broken_section {
            continue;
        }
        // What stands below a broken header would otherwise be read as part of the section before it.
        mended[statement].iter_mut().filter(|byte| !matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
    let mended = String::from_utf8(mended).ok()?;
    // What only shows between statements, such as a key that is there twice.
    let between = DeTable::parse_recoverable(&mended).1;
    faults.extend(between.iter().map(|error| fault(error.message()).at(error.span().unwrap_or(0..0))));
    Some((mended, faults))
}

fn fault(message: &str) -> Fault {
    match message {
        "duplicate key" => Fault::new("this is there twice").help("a section can stand once in the file, and a key once in its section"),
        message => Fault::new(message),
    }
}

/// The statements of a file, each from its first line to the line before the next one. A statement begins with a header or
/// a key at the beginning of a line, outside of strings over several lines.
fn statements(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut offset = 0;
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if open.is_none() && offset > 0 && begins_a_statement(line) {
            starts.push(offset);
        }
        open = still_open(line, open);
        offset += line.len();
    }
    starts.push(text.len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

fn begins_a_statement(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''));
    let is_key =
        rest.len() < line.len() && !line.starts_with(['"', '\'']) && matches!(rest.trim_start().chars().next(), Some('=' | 'a'..='z'));
    is_key || line.starts_with('[')
}

/// The quotes of a string over several lines that is open after this line.
pub(super) fn still_open<'a>(line: &str, open: Option<&'a str>) -> Option<&'a str> {
    let mut open = open;
    let mut rest = line;
    loop {
        let next = match open {
            Some(quotes) => rest.find(quotes).map(|at| (at, quotes)),
            None => ["\"\"\"", "'''"].iter().filter_map(|quotes| rest.find(quotes).map(|at| (at, *quotes))).min(),
        };
        let Some((at, quotes)) = next else { return open };
        open = if open.is_some() { None } else { Some(quotes) };
        rest = &rest[at + quotes.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<usize> {
        let (mended, faults) = mend(text).unwrap();
        assert_eq!(mended.len(), text.len());
        assert!(DeTable::parse_recoverable(&mended).1.iter().all(|error| error.message() == "duplicate key"), "{mended}");
        faults.iter().map(|fault| text[..fault.at.as_ref().unwrap().start].matches('\n').count() + 1).collect()
    }

    #[test]
    fn a_good_text_is_left_alone() {
        assert_eq!(mend("a = [\n1,\n2]\n[b]\nc = '''\nd = \n'''\n"), None);
    }

    #[test]
    fn each_broken_statement_is_one_fault() {
        assert_eq!(places("a = [1\nb = \"x\nc = {\n[d]\ne = 15m\nf = 1\n"), [1, 2, 3, 5]);
        assert_eq!(places("a b = 1\nc = 2\nd = 3 4\n"), [1, 3]);
        assert_eq!(places("a = '''\nb = 1\n[c]\n"), [4]);
    }

    #[test]
    fn what_stands_below_a_broken_header_is_not_read() {
        let (mended, faults) = mend("[a]\nb = 1\n[c\nd = 2\n[e]\nf = 3\n").unwrap();
        assert_eq!((mended.as_str(), faults.len()), ("[a]\nb = 1\n  \n     \n[e]\nf = 3\n", 1));
    }

    #[test]
    fn what_is_there_twice_is_said_once() {
        assert_eq!(places("a = 1\na = 2\nb = [\n[c]\n[c]\n"), [3, 2, 5]);
    }
}
