use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::reader::{FILE, Reader, Unknown, distance};
use super::value::{At, Value};
use crate::base::Fault;

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

    /// Whether a switch stands here as `true`, looked at without taking it.
    pub(super) fn table_says(&self, key: &str) -> bool {
        self.table.and_then(|table| table.get(key)).is_some_and(|value| matches!(value.get_ref(), DeValue::Boolean(true)))
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
