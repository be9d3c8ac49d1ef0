use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::report::Level;
use super::{Environment, ToGenerate};
use crate::base::Fault;

/// One reading of one file: what is needed to understand it, and everything found on the way. Nothing stops a reading; a
/// translator that misses something says so here and goes on.
pub(super) struct Reader<'a> {
    pub(super) env: Environment<'a>,
    base: &'a Path,
    pub(super) found: RefCell<Found>,
}

/// What a reading has found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Where secrets stand in the file.
    pub(super) hidden: Vec<Range<usize>>,
    pub(super) missing: Vec<ToGenerate>,
    /// A secret stands in the file itself, and not in the environment or in a file of its own.
    pub(super) inline_secret: bool,
    pub(super) known: BTreeMap<&'static str, BTreeSet<&'static str>>,
    pub(super) unknown: Vec<Unknown>,
}

/// Something found.
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) fault: Fault,
    /// It follows from other parts of the file, and so means nothing while the file has faults of syntax.
    pub(super) distant: bool,
}

pub(super) struct Unknown {
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) key: String,
    pub(super) at: Range<usize>,
    pub(super) table: bool,
}

/// How the whole file is called among the kinds of sections.
pub(super) const FILE: &str = "the file";

impl<'a> Reader<'a> {
    /// A reading with this environment; relative paths start at `base`.
    pub(super) fn new(env: Environment<'a>, base: &'a Path) -> Self {
        Self { env, base, found: RefCell::default() }
    }

    /// Something is wrong right here.
    pub(super) fn fault(&self, fault: Fault) {
        self.push(Level::Error, fault, false);
    }

    /// Something is wrong because of what stands, or does not stand, elsewhere.
    pub(super) fn mismatch(&self, fault: Fault) {
        self.push(Level::Error, fault, true);
    }

    /// Something is allowed and very likely not meant.
    pub(super) fn warn(&self, fault: Fault) {
        self.push(Level::Warning, fault, true);
    }

    /// A file is not there yet, and starting up will make it.
    pub(super) fn missing(&self, file: ToGenerate, note: Fault) {
        self.push(Level::Note, note, true);
        self.found.borrow_mut().missing.push(file);
    }

    /// A secret stands here: no line of it is ever shown.
    pub(super) fn hide(&self, at: Range<usize>) {
        self.found.borrow_mut().hidden.push(at);
    }

    /// A secret stands in the file itself.
    pub(super) fn inline_secret(&self) {
        self.found.borrow_mut().inline_secret = true;
    }

    /// A path as the file means it.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    fn push(&self, level: Level, fault: Fault, distant: bool) {
        self.found.borrow_mut().entries.push(Entry { level, fault, distant });
    }

    /// Everything found. The unknown keys come last, since only now it is known which keys there are.
    pub(super) fn finish(self) -> Found {
        let mut found = self.found.into_inner();
        for unknown in std::mem::take(&mut found.unknown) {
            let fault = unknown.fault(&found.known);
            found.entries.push(Entry { level: Level::Error, fault, distant: false });
        }
        found
    }
}

impl Unknown {
    fn fault(&self, known: &BTreeMap<&'static str, BTreeSet<&'static str>>) -> Fault {
        let message = match (self.kind, self.table) {
            (FILE, true) => format!("unknown section [{}]", self.key),
            (FILE, false) => format!("the key `{}` stands before every section", self.key),
            _ => format!("unknown key `{}` in {}", self.key, self.title),
        };
        let fault = Fault::new(message).at(self.at.clone());
        let here = known.get(self.kind).into_iter().flatten();
        if let Some(near) = here.clone().filter_map(|word| Some((distance(&self.key, word)?, word))).min() {
            return fault.help(format!("did you mean `{}`?", near.1));
        }
        let elsewhere: Vec<&str> =
            known.iter().filter(|(kind, keys)| **kind != self.kind && keys.contains(&*self.key)).map(|(kind, _)| *kind).collect();
        if !elsewhere.is_empty() {
            return fault.help(format!("there is such a key in {}", elsewhere.join(" and in ")));
        }
        let all: Vec<&str> = here.copied().collect();
        fault.help(format!("{} are {}", if self.kind == FILE { "the sections" } else { "the keys here" }, all.join(", ")))
    }
}

/// How far `typed` is from `word`, if it is near enough to be meant: a few slips, or a part of a longer name.
pub(super) fn distance(typed: &str, word: &str) -> Option<usize> {
    let (typed, word) = (typed.to_lowercase().replace('-', "_"), word.replace('-', "_"));
    let slips = strsim::damerau_levenshtein(&typed, &word);
    let part = typed.len() >= 4 && word.split_once('_').is_some() && (word.starts_with(&typed) || word.ends_with(&typed));
    (slips <= word.len().max(typed.len()) / 3 || part).then_some(slips)
}

/// `did you mean …?`, or all there are.
pub(super) fn nearest_of<S: AsRef<str>>(typed: &str, names: &[S], what: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.iter().filter_map(|name| Some((distance(typed, name)?, name))).min() {
        Some((_, near)) => format!("did you mean {near:?}?"),
        None if names.is_empty() => format!("there are no {what}"),
        None => format!("the {what} are {}", names.join(", ")),
    }
}
