//! What a job says about labels: some by name, some by pattern. Plain data: what a
//! pattern matches, and which are allowed, is said in `patterns`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::Labels;

/// Stands around a regular expression.
const SLASH: char = '/';

/// How a pattern is to be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PatternKind {
    /// `*` stands for any text, `?` for one character, all else for itself.
    Glob,
    /// A regular expression, which the whole label must match.
    Regex,
}

/// A pattern as somebody wrote it; it may be one that means nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    kind: PatternKind,
    /// With its slashes; a glob in lower case, as labels are. A regular expression keeps
    /// its letters: `\D` is not `\d`.
    text: Arc<str>,
}

impl Pattern {
    /// The pattern that a text is, if it is one and not a label: between slashes a
    /// regular expression, with a `*` or a `?` a glob.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if is_slashed(text) {
            return Some(Self {
                kind: PatternKind::Regex,
                text: Arc::from(text),
            });
        }
        text.contains(['*', '?']).then(|| Self {
            kind: PatternKind::Glob,
            text: Arc::from(text.to_lowercase().as_str()),
        })
    }

    /// How it is to be read.
    #[must_use]
    pub const fn kind(&self) -> PatternKind {
        self.kind
    }

    /// As written, a regular expression with its slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is to be read: the glob, or what stands between the slashes.
    #[must_use]
    pub fn body(&self) -> &str {
        match self.kind {
            PatternKind::Glob => &self.text,
            PatternKind::Regex => &self.text[1..self.text.len() - 1],
        }
    }
}

fn is_slashed(text: &str) -> bool {
    text.len() >= 2 && text.starts_with(SLASH) && text.ends_with(SLASH)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Labels and patterns together: `runsOn`, or `exclude`. In normal form: each once, sorted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Selectors {
    labels: Labels,
    patterns: Arc<[Pattern]>,
}

impl Selectors {
    /// Reads each text as a pattern or as a label.
    pub fn new<I, S>(texts: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut patterns = Vec::new();
        let mut labels = Vec::new();
        for text in texts {
            match Pattern::read(text.as_ref()) {
                Some(pattern) => patterns.push(pattern),
                None => labels.push(text),
            }
        }
        Self::of(Labels::new(labels), patterns)
    }

    /// These labels and these patterns.
    #[must_use]
    pub fn of(labels: Labels, mut patterns: Vec<Pattern>) -> Self {
        if patterns.is_empty() {
            return Self::from(labels);
        }
        patterns.sort();
        patterns.dedup();
        Self {
            labels,
            patterns: Arc::from(patterns),
        }
    }

    /// What is asked for by name.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What is asked for by pattern.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// As written: labels in order, then patterns in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let labels = self.labels.iter().map(crate::Label::as_str);
        labels.chain(self.patterns.iter().map(Pattern::as_str))
    }

    /// How many of both.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len() + self.patterns.len()
    }

    /// Nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.patterns.is_empty()
    }

    /// The normal form as one text, joined with `separator`.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        let texts: Vec<&str> = self.iter().collect();
        texts.join(separator)
    }
}

impl From<Labels> for Selectors {
    fn from(labels: Labels) -> Self {
        Self {
            labels,
            patterns: Arc::default(),
        }
    }
}

impl fmt::Display for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(","))
    }
}

impl fmt::Debug for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_label_a_glob_or_a_regular_expression() {
        for (text, kind) in [
            ("linux", None),
            ("a/b", None),
            ("/", None),
            ("/opt", None),
            ("opt/", None),
            ("[ab]+", None),
            ("lin*", Some((PatternKind::Glob, "lin*"))),
            ("GPU-?", Some((PatternKind::Glob, "gpu-?"))),
            ("/a*", Some((PatternKind::Glob, "/a*"))),
            ("/a*/", Some((PatternKind::Regex, "a*"))),
            (r"/\D+/", Some((PatternKind::Regex, r"\D+"))),
            ("//", Some((PatternKind::Regex, ""))),
            ("///", Some((PatternKind::Regex, "/"))),
        ] {
            let read = Pattern::read(text);
            let found = read.as_ref().map(|p| (p.kind(), p.body()));
            assert_eq!(found, kind, "{text}");
        }
    }

    #[test]
    fn the_normal_form_holds_labels_then_patterns_each_once() {
        let selectors = Selectors::new(["/b/", "Linux", "GPU-*", "linux", "gpu-*", "/B/", "a"]);
        assert_eq!(selectors.join(","), "a,linux,gpu-*,/B/,/b/");
        assert_eq!(selectors.len(), 5);
        assert_eq!(Selectors::new(selectors.iter()), selectors);
        assert_eq!(selectors.labels(), &Labels::new(["a", "linux"]));
        assert!(Selectors::new(["*"]).labels().is_empty());
        assert!(!Selectors::new(["*"]).is_empty());
        assert!(Selectors::default().is_empty());
    }
}
