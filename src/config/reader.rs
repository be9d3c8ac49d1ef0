use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::report::Level;
use super::value::{At, Value};
use super::{Environment, ToGenerate};
use crate::base::Fault;

/// One reading of one file: what is needed to understand it, and everything found on the way. Nothing stops a reading; a
/// translator that misses something says so here and goes on.
pub(super) struct Reader<'a> {
    pub(super) env: Environment<'a>,
    base: &'a Path,
    found: RefCell<Found>,
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
    known: BTreeMap<&'static str, BTreeSet<&'static str>>,
    unknown: Vec<Unknown>,
}

/// Something found.
pub(super) struct Entry {
    pub(super) level: Level,
    pub(super) fault: Fault,
    /// It follows from other parts of the file, and so means nothing while the file has faults of syntax.
    pub(super) distant: bool,
}

struct Unknown {
    kind: &'static str,
    title: String,
    key: String,
    at: Range<usize>,
    table: bool,
}

/// How the whole file is called among the kinds of sections.
const FILE: &str = "the file";

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
fn distance(typed: &str, word: &str) -> Option<usize> {
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

/// One table of the file. Its keys are taken by name; when it is dropped, every key that nobody took is reported. A section
/// the file does not have is an empty one, so that defaults come from the same lines of code.
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// How the section is written, for messages: `[auth]`.
    kind: &'static str,
    /// The same with the operator's own name in it: `[upstream.app]`.
    pub(super) title: String,
    table: Option<&'a DeTable<'a>>,
    at: Option<Range<usize>>,
    taken: RefCell<BTreeSet<&'static str>>,
    required: RefCell<Vec<(&'static str, String)>>,
    secretive: Cell<bool>,
    silent: Cell<bool>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(reader: &'a Reader<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(reader, FILE, Some(table), None)
    }

    fn new(reader: &'a Reader<'a>, kind: &'static str, table: Option<&'a DeTable<'a>>, at: Option<Range<usize>>) -> Self {
        let (taken, required) = (RefCell::default(), RefCell::default());
        Self { reader, kind, title: kind.to_owned(), table, at, taken, required, secretive: Cell::new(false), silent: Cell::new(false) }
    }

    /// A section that must be a table; anything else is a fault and then as if it were empty, but silent.
    pub(super) fn of(value: &Value<'a>, kind: &'static str) -> Self {
        if let DeValue::Table(table) = value.raw() {
            return Self::new(value.reader, kind, Some(table), Some(value.span()));
        }
        value.reader.fault(Fault::new(format!("{kind} has to be a table, not {}", an(value.raw()))).at(value.span()));
        let section = Self::new(value.reader, kind, None, Some(value.span()));
        section.silence();
        section
    }

    /// Takes a key; `None` when the file does not have it.
    pub(super) fn take(&self, key: &'static str) -> Option<Value<'a>> {
        self.taken.borrow_mut().insert(key);
        let (name, value) = self.table?.get_key_value(key)?;
        Some(Value::new(self.reader, name.span(), value))
    }

    /// Whether the file has this key, whatever it holds.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The table below this key, as a section.
    pub(super) fn section(&self, key: &'static str, kind: &'static str) -> Self {
        self.take(key).map_or_else(|| Self::new(self.reader, kind, None, None), |value| Self::of(&value, kind))
    }

    /// The tables below this key that the operator has named, in the order of the file.
    pub(super) fn named(&self, key: &'static str, kind: &'static str) -> Vec<(At<&'a str>, Self)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value.raw() else {
            drop(Self::of(&value, kind));
            return Vec::new();
        };
        let mut named: Vec<(At<&'a str>, Self)> = table
            .iter()
            .map(|(name, value)| {
                let value = Value::new(self.reader, name.span(), value);
                let mut section = Self::of(&value, kind);
                section.title = kind.replace("NAME", &printable(name.get_ref()));
                (At { value: name.get_ref().as_ref(), span: name.span() }, section)
            })
            .collect();
        named.sort_by_key(|(name, _)| name.span.start);
        named
    }

    /// The tables of the list below this key. `None` when the file does not have it.
    pub(super) fn tables(&self, key: &'static str, kind: &'static str) -> Option<Vec<Self>> {
        let value = self.take(key)?;
        if let DeValue::Array(items) = value.raw() {
            return Some(items.iter().map(|item| Self::of(&Value::new(self.reader, item.span(), item), kind)).collect());
        }
        let fault = Fault::new(format!("{kind} is a list of tables, not {}", an(value.raw()))).at(value.key_span());
        self.reader.fault(fault.help(format!("write {kind} with two brackets, or `{key} = [{{ … }}, {{ … }}]`")));
        None
    }

    /// Says that a key is needed. If it is absent that is reported, unless another key is very likely meant to be this one.
    pub(super) fn require(&self, key: &'static str, help: &str) {
        self.taken.borrow_mut().insert(key);
        self.required.borrow_mut().push((key, help.to_owned()));
    }

    /// Says what to write in place of a key that was removed, or never was and is looked for here.
    pub(super) fn moved(&self, key: &str, help: &str) {
        if let Some((name, _)) = self.table.and_then(|table| table.get_key_value(key)) {
            self.reader.fault(Fault::new(format!("`{key}` is no key of {}", self.title)).at(name.span()).help(help));
        }
    }

    /// Where the section begins, if the file has it.
    pub(super) fn place(&self) -> Option<Range<usize>> {
        self.at.clone()
    }

    /// Where the value of a key stands.
    pub(super) fn value_span(&self, key: &str) -> Option<Range<usize>> {
        Some(self.table?.get(key)?.span())
    }

    /// Puts a fault there.
    pub(super) fn at(&self, fault: Fault) -> Fault {
        match &self.at {
            Some(at) => fault.at(at.clone()),
            None => fault,
        }
    }

    fn report_unknown(&self, left: &[&str]) {
        let mut found = self.reader.found.borrow_mut();
        for (name, value) in left.iter().filter_map(|key| self.table?.get_key_value(*key)) {
            if found.entries.iter().any(|entry| entry.fault.at == Some(name.span())) {
                continue;
            }
            if self.secretive.get() {
                found.hidden.push(value.span());
            }
            found.unknown.push(Unknown {
                kind: self.kind,
                title: self.title.clone(),
                key: printable(name.get_ref()),
                at: name.span(),
                table: is_section(value.get_ref()),
            });
        }
    }

    /// This section has keys for secrets: what stands behind an unknown key may be one.
    pub(super) fn holds_secrets(&self) {
        self.secretive.set(true);
    }

    /// Says nothing about what is missing or unknown here, since a deeper fault was reported already.
    pub(super) fn silence(&self) {
        self.silent.set(true);
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let taken = self.taken.take();
        if !self.silent.get() {
            let left: Vec<&str> =
                self.table.into_iter().flatten().map(|(name, _)| name.get_ref().as_ref()).filter(|key| !taken.contains(key)).collect();
            for (key, help) in self.required.take() {
                if !self.has(key) && !left.iter().any(|typed| distance(typed, key).is_some()) {
                    self.reader.mismatch(self.at(Fault::new(format!("{} needs `{key}`", self.title))).help(help));
                }
            }
            self.report_unknown(&left);
        }
        self.reader.found.borrow_mut().known.entry(self.kind).or_default().extend(taken);
    }
}

/// Whether this was written as `[name]` or `[[name]]`, or could have been.
fn is_section(value: &DeValue<'_>) -> bool {
    value.is_table() || value.as_array().and_then(|items| items.first()).is_some_and(|item| item.get_ref().is_table())
}

/// A TOML type with its article.
pub(super) fn an(value: &DeValue<'_>) -> impl fmt::Display + use<> {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A key as it may stand in a message: one line, and not endless.
fn printable(key: &str) -> String {
    key.chars().take(60).flat_map(char::escape_debug).collect()
}
