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
