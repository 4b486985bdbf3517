//! What is wrong with a pattern, a zone or a window, and where.

use std::ops::Range;

/// A pattern that means nothing. The configuration must be mended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Which bytes of the pattern are wrong.
    pub span: Range<usize>,
    /// What is wrong with them and what to write instead; one line.
    pub message: String,
}

impl PatternError {
    pub(crate) const fn new(span: Range<usize>, message: String) -> Self {
        Self { span, message }
    }
}

/// A window that cannot be built. The configuration must be mended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WindowError {
    /// The pattern that opens it.
    #[error("error parsing start schedule: {0}")]
    Start(PatternError),
    /// The pattern that closes it.
    #[error("error parsing end schedule: {0}")]
    End(PatternError),
    /// Nobody knows such a zone.
    #[error("unknown time zone {0:?}: write an IANA name such as Europe/Berlin")]
    Zone(String),
    /// It would open and close at once.
    #[error("start and end can not have exactly same time input: write when it closes")]
    Same,
}
