use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as SnippetLevel, Origin, Renderer, Snippet};
use secrecy::{ExposeSecret as _, SecretString};

use super::veil;
use crate::base::Fault;

/// How much something found in a configuration matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// The gateway does not take the file.
    Error,
    /// It takes the file, but the operator very likely means something else.
    Warning,
    /// Worth knowing.
    Note,
}

impl Level {
    /// The word in front of a line for logs; errors stand bare, as compilers write them.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Error => "",
            Self::Warning => "warning: ",
            Self::Note => "note: ",
        }
    }
}

/// Everything found in one file, and how to show it. Lines that may hold a secret are never shown.
#[derive(Clone)]
pub struct Report {
    name: String,
    source: SecretString,
    entries: Vec<(Level, Fault)>,
    hidden: Vec<Range<usize>>,
}

impl Report {
    pub(super) fn new(name: &str, source: &str, mut entries: Vec<(Level, Fault)>, hidden: Vec<Range<usize>>) -> Self {
        // In the order of the file; what has no place comes last.
        entries.sort_by_key(|(level, fault)| (fault.at.as_ref().map_or(usize::MAX, |at| at.start), *level));
        entries.dedup();
        Self { name: name.to_owned(), source: source.into(), entries, hidden }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries of one level there are.
    pub fn count(&self, level: Level) -> usize {
        self.entries.iter().filter(|(of, _)| *of == level).count()
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (Level, &Fault)> {
        self.entries.iter().map(|(level, fault)| (*level, fault))
    }

    /// For a terminal: each entry with the place, the line it is about, and the way out.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let entries: Vec<String> = self.entries().map(|(level, fault)| renderer.render(&[self.group(level, fault)]) + "\n").collect();
        entries.join("\n")
    }

    /// For a log: one line for each entry, `file:line:column: message; help`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|(level, fault)| {
            let place = fault.at.as_ref().map(|at| self.place(at)).map_or_else(String::new, |(line, column)| format!("{line}:{column}:"));
            let help = fault.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
            format!("{}:{place} {}{}{help}", self.name, level.prefix(), fault.message)
        })
    }

    fn group<'a>(&'a self, level: Level, fault: &'a Fault) -> Group<'a> {
        let kind = match level {
            Level::Error => SnippetLevel::ERROR,
            Level::Warning => SnippetLevel::WARNING,
            Level::Note => SnippetLevel::NOTE,
        };
        let group = kind.primary_title(fault.message.as_str());
        let group = match &fault.at {
            None => group.element(Origin::path(self.name.as_str())),
            Some(at) if self.tells_a_secret(at) => {
                let (line, column) = self.place(at);
                group.element(Origin::path(self.name.as_str()).line(line).char_column(column))
            }
            Some(at) => {
                let annotation = AnnotationKind::Primary.span(self.clamp(at));
                group.element(Snippet::source(self.text()).path(self.name.as_str()).annotation(annotation))
            }
        };
        match &fault.help {
            Some(help) => group.element(SnippetLevel::HELP.message(help.as_str())),
            None => group,
        }
    }

    /// Whether a line that would be shown for `at` holds a secret, or looks as if it were meant to.
    fn tells_a_secret(&self, at: &Range<usize>) -> bool {
        let source = self.text();
        let at = self.clamp(at);
        let start = source[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = source[at.end..].find('\n').map_or(source.len(), |newline| at.end + newline);
        self.hidden.iter().any(|secret| secret.start < end && start < secret.end) || veil::covers(source, start..end)
    }

    /// Line and column, both from 1; the column counts characters.
    fn place(&self, at: &Range<usize>) -> (usize, usize) {
        let before = &self.text()[..self.clamp(at).start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// A range that surely lies in the text and on its characters' borders.
    fn clamp(&self, at: &Range<usize>) -> Range<usize> {
        let source = self.text();
        let start = source.floor_char_boundary(at.start);
        start..source.ceil_char_boundary(at.end.max(start))
    }

    fn text(&self) -> &str {
        self.source.expose_secret()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

/// A configuration that was not taken; nothing of it is in force.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} is not a good configuration: {} to mend", .0.name, count(.0.count(Level::Error), "fault"))]
pub struct Rejected(pub(super) Report);

impl Rejected {
    /// Every fault, and the warnings too.
    pub const fn report(&self) -> &Report {
        &self.0
    }

    /// For a terminal: every fault with its line and the way out, and how many there are.
    pub fn render(&self, color: bool) -> String {
        format!("{}\n{self}\n", self.0.render(color))
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(source: &str, faults: Vec<Fault>, hidden: Vec<Range<usize>>) -> Report {
        Report::new("gateway.toml", source, faults.into_iter().map(|fault| (Level::Error, fault)).collect(), hidden)
    }

    #[test]
    fn a_fault_shows_its_line_and_the_way_out() {
        let source = "[server]\n이름 = 1\n";
        let shown = report(source, vec![Fault::new("unknown key").at(9..15).help("did you mean `x`?")], vec![]);
        let text = shown.render(false);
        assert!(text.contains("gateway.toml:2:1") && text.contains("이름 = 1") && text.contains("did you mean"), "{text}");
        assert_eq!(shown.lines().collect::<Vec<_>>(), ["gateway.toml:2:1: unknown key; did you mean `x`?"]);
        assert!(shown.render(true).contains("\u{1b}["));
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        let source = "[auth]\nkeys = [{ kid = \"\", sekret = \"hunter2hunter2\" }]\n";
        let secret = source.find("\"hunter2").unwrap();
        let shown = report(source, vec![Fault::new("the kid is empty").at(23..25)], Vec::from([Range { start: secret, end: secret + 16 }]));
        for text in [shown.render(false), format!("{shown:?}"), format!("{:?}", Rejected(shown.clone()))] {
            assert!(text.contains("gateway.toml:2:17") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_fault_behind_the_end_or_inside_a_character_is_shown_without_harm() {
        let source = "가";
        for at in [0..99, 1..2, Range { start: 2, end: 1 }, 99..100, 3..3] {
            let shown = report(source, vec![Fault::new("odd").at(at)], vec![]);
            assert!(shown.render(false).contains("odd"));
            assert_eq!(shown.lines().count(), 1);
        }
    }

    #[test]
    fn the_sum_is_in_the_message() {
        let rejected = Rejected(report("", vec![Fault::new("a"), Fault::new("b")], vec![]));
        assert_eq!(rejected.to_string(), "gateway.toml is not a good configuration: 2 faults to mend");
    }
}
