//! Labels and sets of them. One case rule everywhere: labels are lower case.
//! Source of the normal form: the `scalers.yaml` reference, section 3.1.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// One label, lower-cased when it is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

impl Label {
    /// Folds case; the edge has already refused empty texts and commas.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text.to_lowercase().as_str()))
    }

    /// The label in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of labels in normal form: lower case, each once, sorted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// Folds case, drops repeats, sorts.
    pub fn new<I, S>(texts: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut labels: Vec<Label> = texts.into_iter().map(|t| Label::new(t.as_ref())).collect();
        labels.sort();
        labels.dedup();
        Self(Arc::from(labels))
    }

    /// Both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.iter().chain(other.iter()).map(Label::as_str))
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `label` is in the set.
    #[must_use]
    pub fn contains(&self, label: &Label) -> bool {
        self.0.binary_search(label).is_ok()
    }

    /// Whether every label of `other` is here.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.iter().all(|label| self.contains(label))
    }

    /// Whether at least one label of `other` is here.
    #[must_use]
    pub fn contains_any(&self, other: &Self) -> bool {
        other.iter().any(|label| self.contains(label))
    }

    /// The normal form as one text, joined with `separator`.
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        let mut text = String::new();
        for (n, label) in self.iter().enumerate() {
            if n > 0 {
                text.push_str(separator);
            }
            text.push_str(label.as_str());
        }
        text
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(","))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_normal_form() {
        assert_eq!(
            Labels::new(["Docker", "linux", "linux"]).join(","),
            "docker,linux"
        );
        assert_eq!(Labels::new::<_, &str>([]).join(","), "");
    }

    #[test]
    fn l2_order_does_not_matter_and_sets_are_exact() {
        let pair = Labels::new(["linux", "docker"]);
        assert_eq!(pair, Labels::new(["docker", "linux"]));
        assert_ne!(pair, Labels::new(["linux"]));
        assert_ne!(pair, Labels::new(["linux", "docker", "gpu"]));
    }
}
