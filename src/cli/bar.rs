//! How far something is, for whoever watches a terminal. Nothing is written where nobody watches.

use std::io::{self, IsTerminal as _, Write as _};

/// How many characters are drawn.
const WIDTH: u64 = 40;

/// A progress bar on standard error. Gone when dropped.
pub(super) struct Bar {
    what: &'static str,
    whole: u64,
    done: u64,
    shown: Option<u64>,
}

impl Bar {
    /// A bar that is full when `whole` units are done.
    pub(super) fn new(what: &'static str, whole: u64) -> Self {
        let mut bar = Self { what, whole, done: 0, shown: io::stderr().is_terminal().then_some(u64::MAX) };
        bar.advance(0);
        bar
    }

    /// So many units more are done.
    pub(super) fn advance(&mut self, units: u64) {
        self.done = self.done.saturating_add(units);
        let percent = percent(self.done, self.whole);
        if self.shown.is_some_and(|shown| shown != percent) {
            self.shown = Some(percent);
            // With nobody reading, nothing is lost.
            let _ = write!(io::stderr(), "\r{}", line(self.what, percent));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn percent(done: u64, whole: u64) -> u64 {
    done.min(whole).saturating_mul(100).checked_div(whole).unwrap_or(100)
}

fn line(what: &str, percent: u64) -> String {
    let full = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
    format!("{what} [{:<40}] {percent:>3} %", "#".repeat(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_goes_from_nothing_to_full_and_no_further() {
        assert_eq!((percent(0, 7), percent(7, 14), percent(99, 7), percent(0, 0)), (0, 50, 100, 100));
        assert_eq!(line("reading", 50), format!("reading [{}{}]  50 %", "#".repeat(20), " ".repeat(20)));
        assert_eq!(line("reading", 100).matches('#').count(), 40);
    }
}
