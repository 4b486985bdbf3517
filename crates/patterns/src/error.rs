//! Why a pattern is refused.

use alloc::string::{String, ToString};

use crate::{MAX_DIFFERENT, MAX_PATTERN_BYTES, MAX_PATTERNS};

/// So much of a long pattern is shown.
const MAX_SHOWN: usize = 60;

/// A pattern that somebody has to change. The text is what is wrong and where;
/// [`PatternError::hint`] is what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// More than [`MAX_PATTERNS`] in one list.
    #[error("at most {MAX_PATTERNS} patterns are taken, these are {0}")]
    TooMany(usize),
    /// More than [`MAX_DIFFERENT`] in one call.
    #[error("one call holds at most {MAX_DIFFERENT} different patterns")]
    TooManyDifferent,
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("the pattern {} is longer than {MAX_PATTERN_BYTES} bytes", shown(.0))]
    TooLong(String),
    /// No label holds one.
    #[error("the pattern {} holds a control character", shown(.0))]
    Control(String),
    /// A glob with a comma: no label holds one.
    #[error("the pattern {} holds a comma", shown(.0))]
    Comma(String),
    /// A glob that begins or ends with a blank: no label does.
    #[error("the pattern {} begins or ends with a blank", shown(.0))]
    Blank(String),
    /// `//`.
    #[error("the regular expression `//` is empty")]
    Empty,
    /// It cannot be read.
    #[error("{} is not a regular expression: {what}, at character {column}, {}", shown(.pattern), shown(.from))]
    Syntax {
        /// As written.
        pattern: String,
        /// What is wrong, as the parser says it.
        what: String,
        /// Which character of the pattern, the first slash being the first.
        column: usize,
        /// The pattern from there on.
        from: String,
    },
    /// Its automaton would be too large.
    #[error("the regular expression {} is too large when its repetitions are written out", shown(.0))]
    TooLarge(String),
}

impl PatternError {
    /// What to write instead.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooMany(_) => "join some in one regular expression, such as `/gpu-.*|tpu-.*/`",
            Self::TooManyDifferent => "split the call, or let jobs share their patterns",
            Self::TooLong(_) => "write a shorter one",
            Self::Control(_) => "remove it; no label holds one",
            Self::Comma(_) => "no label holds one; write one pattern for each of its parts",
            Self::Blank(_) => "remove the blank",
            Self::Empty => "write one that matches a whole label, such as `/gpu-[0-9]+/`",
            Self::Syntax { .. } => {
                "write one such as `/gpu-[0-9]+/`, or a simpler pattern such as `gpu-*`"
            }
            Self::TooLarge(_) => "repeat less, or write a simpler pattern such as `gpu-*`",
        }
    }
}

/// In quotes, without characters that could move a cursor, cut when long.
fn shown(text: &str) -> String {
    let mut shown = String::from("`");
    for (n, c) in text.chars().enumerate() {
        if n >= MAX_SHOWN {
            shown.push_str("...");
            break;
        }
        match c.is_control() {
            true => shown.push_str(&c.escape_default().to_string()),
            false => shown.push(c),
        }
    }
    shown.push('`');
    shown
}
