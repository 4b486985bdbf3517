//! What a pattern matches.

use alloc::boxed::Box;

use headcount_model::{Label, Labels, Pattern, PatternKind};

use crate::expression::Expression;
use crate::{PatternError, glob};

/// A pattern made ready to be matched: made once, then asked often.
#[derive(Clone, Debug)]
pub struct Matcher(Ready);

#[derive(Clone, Debug)]
enum Ready {
    Glob(Pattern),
    Regex(Box<Expression>),
}

impl Matcher {
    /// Makes it ready. Bounded in time and memory, whatever is written.
    ///
    /// # Errors
    /// It means nothing, or would be too large.
    pub fn of(pattern: &Pattern) -> Result<Self, PatternError> {
        match pattern.kind() {
            PatternKind::Glob => Ok(Self(Ready::Glob(pattern.clone()))),
            PatternKind::Regex => {
                let expression = Expression::of(pattern)?;
                Ok(Self(Ready::Regex(Box::new(expression))))
            }
        }
    }

    /// Whether it matches the whole label.
    #[must_use]
    pub fn matches(&self, label: &Label) -> bool {
        match &self.0 {
            Ready::Glob(pattern) => glob::matches(pattern.body(), label.as_str()),
            Ready::Regex(expression) => expression.matches(label.as_str()),
        }
    }

    /// The labels that it matches.
    #[must_use]
    pub fn among<'l>(&self, labels: impl IntoIterator<Item = &'l Label>) -> Labels {
        let matching = labels.into_iter().filter(|label| self.matches(label));
        Labels::new(matching.map(Label::as_str))
    }
}
