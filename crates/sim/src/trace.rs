//! What happened, as text and as one number.
//!
//! Promise: two runs with the same lines have the same number; the last lines are kept
//! to be shown when a promise breaks, older ones are dropped.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};

use headcount_model::Timestamp;

#[derive(Debug)]
pub(crate) struct Trace {
    last: VecDeque<String>,
    keep: usize,
    hash: Fnv,
    spare: String,
}

impl Trace {
    /// Keeps the last `keep` lines; with 0, nothing is written down at all.
    pub(crate) const fn new(keep: usize) -> Self {
        Self {
            last: VecDeque::new(),
            keep,
            hash: Fnv::NEW,
            spare: String::new(),
        }
    }

    /// Whether nothing is written down, so that no text need be made.
    pub(crate) const fn is_off(&self) -> bool {
        self.keep == 0
    }

    pub(crate) fn line(&mut self, now: Timestamp, text: fmt::Arguments<'_>) {
        if self.keep == 0 {
            return;
        }
        let mut line = std::mem::take(&mut self.spare);
        line.clear();
        // Writing into a text cannot fail.
        let _ = write!(line, "{:>9} {text}", now.as_millis());
        self.hash.eat(line.as_bytes());
        if self.last.len() >= self.keep {
            self.spare = self.last.pop_front().unwrap_or_default();
        }
        self.last.push_back(line);
    }

    pub(crate) fn tail(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }

    /// The number of all lines so far, and of `more`.
    pub(crate) fn hash_with(&self, more: &str) -> u64 {
        let mut hash = self.hash;
        hash.eat(more.as_bytes());
        hash.0
    }
}

/// FNV-1a, 64 bit: the standard hasher may change between releases.
#[derive(Clone, Copy, Debug)]
struct Fnv(u64);

impl Fnv {
    const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.0 = self.0.rotate_left(5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(lines: &[&str]) -> Trace {
        let mut trace = Trace::new(2);
        for line in lines {
            trace.line(Timestamp::from_millis(7), format_args!("{line}"));
        }
        trace
    }

    #[test]
    fn the_last_lines_are_kept_and_all_of_them_count() {
        let (abc, xbc) = (trace(&["a", "b", "c"]), trace(&["x", "b", "c"]));
        assert_eq!(abc.tail(), ["        7 b", "        7 c"]);
        assert_eq!(abc.tail(), xbc.tail());
        assert_ne!(abc.hash_with(""), xbc.hash_with(""));
        assert_eq!(abc.hash_with("w"), trace(&["a", "b", "c"]).hash_with("w"));
    }
}
