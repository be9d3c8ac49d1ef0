use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::expand::expand;
use super::parse;
use super::reader::Reader;
use super::section::{Section, an};
use crate::base::Fault;

/// Something read, and where it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A value of the file that nobody has understood yet.
pub(super) struct Value<'a> {
    pub(super) reader: &'a Reader<'a>,
    key: Range<usize>,
    found: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(super) const fn new(reader: &'a Reader<'a>, key: Range<usize>, found: &'a Spanned<DeValue<'a>>) -> Self {
        Self { reader, key, found }
    }

    /// The value as TOML has it.
    pub(super) fn raw(&self) -> &'a DeValue<'a> {
        self.found.get_ref()
    }

    /// Where the value stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.found.span()
    }

    /// Where its key stands.
    pub(super) fn key_span(&self) -> Range<usize> {
        self.key.clone()
    }

    /// A string, with the environment put in.
    pub(super) fn text(&self) -> Option<String> {
        match self.raw() {
            DeValue::String(text) => self.expanded(text),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                self.refuse(&format!("a string is wanted here, not {}", an(self.raw())), "put it in quotes")
            }
            DeValue::Array(_) | DeValue::Table(_) => self.refuse(&format!("a string is wanted here, not {}", an(self.raw())), ""),
        }
    }

    /// A number, a boolean or a string, as text: what the environment can give stands beside what TOML can.
    pub(super) fn scalar(&self) -> Option<String> {
        match self.raw() {
            DeValue::String(text) => self.expanded(text),
            DeValue::Integer(number) => decimal(number).or_else(|| self.refuse("this number is too large", "")),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Datetime(moment) => Some(moment.to_string()),
            DeValue::Array(_) | DeValue::Table(_) => self.refuse(&format!("one value is wanted here, not {}", an(self.raw())), ""),
        }
    }

    /// What `parse` makes of a scalar.
    pub(super) fn read<T>(&self, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<At<T>> {
        self.understand(&self.scalar()?, parse)
    }

    /// What `parse` makes of a string.
    pub(super) fn read_text<T>(&self, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<At<T>> {
        self.understand(&self.text()?, parse)
    }

    /// A list of strings, or one string with commas, which is what an environment variable can hold. `None` when there is
    /// anything in it that cannot be understood; everything such is reported.
    pub(super) fn list<T>(&self, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<Vec<At<T>>> {
        let read: Vec<Option<At<T>>> = match self.raw() {
            DeValue::Array(items) => items.iter().map(|item| Self::new(self.reader, item.span(), item).read_text(&parse)).collect(),
            DeValue::String(_) => {
                let text = self.text()?;
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(|item| self.understand(item, &parse)).collect()
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                return self.refuse(&format!("a list of strings is wanted here, not {}", an(self.raw())), "write [\"…\", \"…\"]");
            }
        };
        read.into_iter().collect()
    }

    /// What stands in a table whose keys are the operator's own.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let DeValue::Table(table) = self.raw() else {
            self.refuse::<()>(&format!("a table is wanted here, not {}", an(self.raw())), "write { name = \"value\" }");
            return Vec::new();
        };
        table.iter().map(|(name, value)| (name.get_ref().as_ref(), Self::new(self.reader, name.span(), value))).collect()
    }

    fn understand<T>(&self, text: &str, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<At<T>> {
        match parse(text) {
            Ok(value) => Some(At { value, span: self.span() }),
            Err(fault) => {
                self.reader.fault(fault.at(self.span()));
                None
            }
        }
    }

    fn expanded(&self, text: &str) -> Option<String> {
        match expand(text, self.reader.env) {
            Ok(text) => Some(text),
            Err(faults) => {
                for fault in faults {
                    self.reader.fault(fault.at(self.span()));
                }
                None
            }
        }
    }

    fn refuse<T>(&self, message: &str, help: &str) -> Option<T> {
        let fault = Fault::new(message).at(self.span());
        self.reader.fault(if help.is_empty() { fault } else { fault.help(help) });
        None
    }
}

/// The typed ways to take a key. Each gives `None` when the key is absent, and when it was faulty and that was reported.
impl Section<'_> {
    /// A string that `parse` understands.
    pub(super) fn read<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<At<T>> {
        self.take(key)?.read_text(parse)
    }

    /// A list of strings that `parse` understands, or one string of them with commas.
    pub(super) fn list<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<Vec<At<T>>> {
        self.take(key)?.list(parse)
    }

    /// A string as it stands, not empty.
    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        self.read(key, |text| if text.is_empty() { Err(Fault::new(format!("`{key}` is empty"))) } else { Ok(text.to_owned()) })
    }

    /// A path; a relative one starts at the file's own directory.
    pub(super) fn path(&self, key: &'static str) -> Option<At<PathBuf>> {
        self.text(key).map(|text| At { value: self.reader.resolve(&text.value), span: text.span })
    }

    /// A switch, with what holds when it is not there.
    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        self.take(key).and_then(|value| value.read(parse::flag)).map_or(default, |flag| flag.value)
    }

    /// A whole number between two others.
    pub(super) fn number(&self, key: &'static str, least: u64, most: u64) -> Option<At<u64>> {
        self.take(key)?.read(|text| parse::number(text, least, most))
    }

    /// A span of time between two others.
    pub(super) fn duration(&self, key: &'static str, least: Duration, most: Duration) -> Option<At<Duration>> {
        self.take(key)?.read(|text| parse::duration(text, least, most))
    }

    /// How long to wait for something: from a millisecond to a day.
    pub(super) fn timeout(&self, key: &'static str, default: Duration) -> Duration {
        self.duration(key, Duration::from_millis(1), Duration::from_secs(86_400)).map_or(default, |span| span.value)
    }

    /// A size in bytes between two others.
    pub(super) fn size(&self, key: &'static str, least: u64, most: u64) -> Option<At<u64>> {
        self.take(key)?.read(|text| parse::size(text, least, most))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)]) -> Option<At<T>> {
        self.read(key, |text| parse::word(text, words))
    }
}

fn decimal(number: &DeInteger<'_>) -> Option<String> {
    i128::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
}
