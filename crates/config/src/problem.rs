//! What is wrong with a configuration, and where.
//!
//! Promise: problems are collected, never thrown, so one run names them all, in the
//! order of the text, each once. Leaves how they look on a terminal to
//! [`crate::render`].

use std::fmt;

use serde::Serialize;

use crate::source::{ConfigText, FileId, Place, Sources};

/// So many problems are kept; of the others only the number is.
pub const MAX_PROBLEMS: usize = 200;

/// Whether a problem forbids the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration can be used, but something in it has no effect.
    Warning,
    /// The configuration can be used, and something in it means something else than in the
    /// program whose format it has.
    Difference,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Difference => "difference",
        })
    }
}

/// One thing that is wrong: plain data, in JSON with camelCase keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Whether it forbids the configuration.
    pub severity: Severity,
    /// The text it is in, as it was named when it was read.
    pub file: String,
    /// From 1; absent when the file as a whole is meant, such as one that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// A few words under the marked text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    pub(crate) place: Option<Place>,
}

/// Where a problem starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Problems in the order of the text, with the texts they point into.
#[derive(Clone, Default)]
pub struct Problems {
    pub(crate) sources: Sources,
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// In the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// None at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many more there were than [`MAX_PROBLEMS`].
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether one of them forbids the configuration.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    pub(crate) fn add_source(&mut self, text: ConfigText) -> FileId {
        self.sources.add(text)
    }

    /// The same for a text whose secrets must not be shown: `shown` is what is, byte for
    /// byte as long.
    pub(crate) fn add_source_shown(&mut self, text: ConfigText, shown: String) -> FileId {
        self.sources.add_shown(text, Some(shown))
    }

    /// Nothing shows what is written there after these words: it may be a secret.
    pub(crate) fn blot_out_after(&mut self, words: &str, place: Place) {
        let text = self.sources.get(place.file).and_then(|source| {
            let start = usize::try_from(place.start).ok()?;
            source.text.get(start..)
        });
        let found = text.and_then(|text| text.find(words));
        let skip = found.and_then(|at| u32::try_from(at + words.len()).ok());
        let start = skip.map_or(place.start, |skip| place.start.saturating_add(skip));
        let start = start.min(place.end);
        self.sources.blot_out(Place { start, ..place });
    }

    /// Notes a problem at a place.
    pub(crate) fn at(&mut self, place: Place, draft: Draft) {
        let Some(source) = self.sources.get(place.file) else {
            return self.push(draft.into_problem(String::new(), None, None));
        };
        let excerpt = source.excerpt(place);
        let position = Position {
            line: excerpt.line,
            column: excerpt.column,
        };
        let problem = draft.into_problem(source.name.clone(), Some(position), Some(place));
        self.push(problem);
    }

    /// Notes an error whose sentence takes time to find, which is not done once it would
    /// not be kept.
    pub(crate) fn error_at(&mut self, place: Place, draft: impl FnOnce() -> Draft) {
        match self.list.len() >= MAX_PROBLEMS && self.has_errors() {
            true => self.left_out += 1,
            false => self.at(place, draft()),
        }
    }

    /// Notes a problem of a file as a whole.
    pub(crate) fn in_file(&mut self, file: &str, draft: Draft) {
        self.push(draft.into_problem(file.to_owned(), None, None));
    }

    /// An error is kept even when there are many warnings before it: the verdict depends
    /// on it.
    fn push(&mut self, problem: Problem) {
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < MAX_PROBLEMS {
            return self.list.push(problem);
        }
        self.left_out += 1;
        if problem.severity == Severity::Error && !self.has_errors() {
            self.list.pop();
            self.list.push(problem);
        }
    }

    /// Puts them in the order of the text; those of whole files go first.
    pub(crate) fn sorted(mut self) -> Self {
        self.list
            .sort_by_key(|p| p.place.map(|place| (place.file.0, place.start, place.end)));
        self
    }
}

impl fmt::Display for Problems {
    /// One line for each: `file:line:column: error: what is wrong (what to write)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.list.iter().enumerate() {
            let newline = if n > 0 { "\n" } else { "" };
            write!(f, "{newline}{problem}")?;
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more problems", self.left_out)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}: {}", self.severity, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// A problem that has no place yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Draft {
    severity: Severity,
    message: String,
    label: Option<String>,
    hint: Option<String>,
}

impl Draft {
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            label: None,
            hint: None,
        }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    pub fn difference(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Difference,
            ..Self::error(message)
        }
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn into_problem(
        self,
        file: String,
        position: Option<Position>,
        place: Option<Place>,
    ) -> Problem {
        Problem {
            severity: self.severity,
            file,
            position,
            message: self.message,
            label: self.label,
            hint: self.hint,
            place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_kept_and_an_error_is_among_them() {
        let mut problems = Problems::default();
        for n in 0..MAX_PROBLEMS {
            problems.in_file("f", Draft::warning(format!("{n}")));
        }
        problems.in_file("f", Draft::warning("one more"));
        assert!(!problems.has_errors());
        problems.in_file("f", Draft::error("bad"));
        assert!(problems.has_errors());
        assert_eq!((problems.len(), problems.left_out()), (MAX_PROBLEMS, 2));
    }

    #[test]
    fn the_same_problem_is_said_once() {
        let mut problems = Problems::default();
        problems.in_file("f", Draft::error("bad").hint("write `x`"));
        problems.in_file("f", Draft::error("bad").hint("write `x`"));
        assert_eq!(problems.to_string(), "f: error: bad (write `x`)");
    }

    #[test]
    fn json_is_plain() {
        let mut problems = Problems::default();
        let file = problems.add_source(ConfigText::new("a.yaml", "x: 1\ny: 2"));
        let (start, end) = (5, 6);
        problems.at(
            Place { file, start, end },
            Draft::error("bad").label("here"),
        );
        let json = serde_json::to_value(problems.iter().next()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "severity": "error", "file": "a.yaml", "position": {"line": 2, "column": 1},
                "message": "bad", "label": "here"
            })
        );
    }
}
