//! The id of an entry: two numbers, compared one after the other.

use std::fmt;

/// `milliseconds-sequence`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryId {
    millis: u64,
    sequence: u64,
}

impl EntryId {
    /// Before all entries.
    pub(crate) const ZERO: Self = Self {
        millis: 0,
        sequence: 0,
    };

    /// As servers write it; nothing else is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, sequence) = text.split_once('-')?;
        Some(Self {
            millis: millis.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }

    /// When it was added, unless whoever added it chose its id.
    pub(crate) const fn millis(self) -> u64 {
        self.millis
    }

    /// The smallest id above this one, with which a range begins that excludes this one on
    /// servers of every version; `None` above the largest.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self.sequence.checked_add(1) {
            Some(sequence) => Some(Self { sequence, ..self }),
            None => Some(Self {
                millis: self.millis.checked_add(1)?,
                sequence: 0,
            }),
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_id_is_the_smallest_above() {
        let next = |text: &str| {
            EntryId::parse(text)
                .unwrap()
                .next()
                .map(|id| id.to_string())
        };
        assert_eq!(next("0-0").as_deref(), Some("0-1"));
        assert_eq!(next("5-7").as_deref(), Some("5-8"));
        assert_eq!(next(&format!("5-{}", u64::MAX)).as_deref(), Some("6-0"));
        assert_eq!(next(&format!("{0}-{0}", u64::MAX)), None);
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-x",
            "1-2-3",
            "+",
            "99999999999999999999-0",
        ] {
            assert_eq!(EntryId::parse(text), None, "{text:?}");
        }
    }
}
