//! Which patterns are allowed.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use headcount_model::{Pattern, PatternKind, Selectors};

use crate::{Matcher, PatternError};

/// The longest pattern, in bytes, slashes included.
pub const MAX_PATTERN_BYTES: usize = 256;
/// Patterns in `runsOn` and in `exclude`, each.
pub const MAX_PATTERNS: usize = 8;

/// Different patterns in one call, whatever number of jobs it submits.
pub const MAX_DIFFERENT: usize = 1000;

/// The check of all lists of one call: the same pattern is read once, and so many
/// different ones are.
#[derive(Default, Debug)]
pub struct Checked(BTreeMap<Pattern, Result<(), PatternError>>);

impl Checked {
    /// All that is wrong with the patterns of one list. Called at every door that takes
    /// one.
    pub fn problems(&mut self, selectors: &Selectors) -> Vec<PatternError> {
        let patterns = selectors.patterns();
        if patterns.len() > MAX_PATTERNS {
            return Vec::from([PatternError::TooMany(patterns.len())]);
        }
        let checked = patterns.iter().map(|pattern| self.check(pattern));
        checked.filter_map(Result::err).collect()
    }

    fn check(&mut self, pattern: &Pattern) -> Result<(), PatternError> {
        if let Some(known) = self.0.get(pattern) {
            return known.clone();
        }
        if self.0.len() >= MAX_DIFFERENT {
            return Err(PatternError::TooManyDifferent);
        }
        let checked = check(pattern);
        self.0.insert(pattern.clone(), checked.clone());
        checked
    }
}

/// Whether one pattern is allowed.
///
/// # Errors
/// What is wrong with it, where, and what to write instead.
pub fn check(pattern: &Pattern) -> Result<(), PatternError> {
    let text = pattern.as_str();
    let refuse = |error: fn(String) -> PatternError| Err(error(text.to_string()));
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
