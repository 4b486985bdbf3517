//! Which patterns are allowed.

use alloc::string::ToString;
use alloc::vec::Vec;

use headcount_model::{Pattern, PatternKind, Selectors};

use crate::{Matcher, PatternError};

/// The longest pattern, in bytes, slashes included.
pub const MAX_PATTERN_BYTES: usize = 256;
/// Patterns in `runsOn` and in `exclude`, each.
pub const MAX_PATTERNS: usize = 8;

/// All that is wrong with the patterns of one list. Called at every door that takes one.
#[must_use]
pub fn problems(selectors: &Selectors) -> Vec<PatternError> {
    let patterns = selectors.patterns();
    if patterns.len() > MAX_PATTERNS {
        return Vec::from([PatternError::TooMany(patterns.len())]);
    }
    let checked = patterns.iter().map(check);
    checked.filter_map(Result::err).collect()
}

/// Whether one pattern is allowed.
///
/// # Errors
/// What is wrong with it, where, and what to write instead.
pub fn check(pattern: &Pattern) -> Result<(), PatternError> {
    let text = pattern.as_str();
    let refuse = |error: fn(alloc::string::String) -> PatternError| Err(error(text.to_string()));
    if text.len() > MAX_PATTERN_BYTES {
        return refuse(PatternError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return refuse(PatternError::Control);
    }
    if pattern.kind() == PatternKind::Glob {
        if text.contains(',') {
            return refuse(PatternError::Comma);
        }
        if text.trim() != text {
            return refuse(PatternError::Blank);
        }
    }
    Matcher::of(pattern).map(drop)
}
