use std::ops::Range;

/// One thing wrong with a configuration: what, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the file this is about; `None` when it is about something else (a missing file, an environment variable).
    pub at: Option<Range<usize>>,
    /// What is wrong, as one sentence without a final full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Fault {
    /// A fault about the file as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self { at: None, message: message.into(), help: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.at = Some(span);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Every fault found in one run: an operator mends a file once, not once per fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Takes one more.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults in the order of the file; those without a place come last.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        let mut order: Vec<&Fault> = self.0.iter().collect();
        order.sort_by_key(|fault| fault.at.as_ref().map_or(usize::MAX, |at| at.start));
        order.into_iter()
    }
}
