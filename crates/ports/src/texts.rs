//! What programs and servers said, cut to what a person reads.
//!
//! Promise: bounded where the text is not ours; one rule for every backend, so that the
//! same failure reads the same wherever an agent lives.

use std::collections::VecDeque;
use std::error::Error;

/// Longer lines of an agent's output are cut, in characters.
pub const MAX_LINE: usize = 1000;

/// The last lines, oldest first, at most `max_lines`; long ones are cut at [`MAX_LINE`].
#[must_use]
pub fn last_lines(text: &str, max_lines: usize) -> Vec<String> {
    let mut lines = VecDeque::new();
    for line in text.lines().rev().take(max_lines) {
        lines.push_front(line.chars().take(MAX_LINE).collect());
    }
    lines.into()
}

/// The error and whatever caused it, as far as that is not said already; on one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    one_line(&text)
}

/// The text with single blanks and no line breaks.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_stay_and_long_ones_are_cut() {
        assert_eq!(last_lines("a\nb\nc\n", 2), ["b", "c"]);
        assert_eq!(last_lines("", 2), Vec::<String>::new());
        assert_eq!(last_lines(&"é".repeat(2000), 2), ["é".repeat(MAX_LINE)]);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot\n connect")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let refused = || std::io::Error::other("refused");
        assert_eq!(with_causes(&Outer(refused())), "cannot connect: refused");
        assert_eq!(with_causes(&refused()), "refused");
    }
}
