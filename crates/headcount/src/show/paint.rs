//! Colours, and the words that have one.
//!
//! Promise: what comes from elsewhere cannot steer the terminal; without colour no escape
//! sequence is written. Leaves whether to use colour to [`crate::console`].

use owo_colors::{OwoColorize, Style};

/// What a piece of text is to the reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Well done, or ready.
    Good,
    /// It is going on.
    Active,
    /// It waits, or is on its way.
    Waiting,
    /// It went wrong.
    Bad,
    /// Of little interest.
    Faint,
    /// A headline.
    Strong,
}

impl Tone {
    /// The tone of a state word of a job, an agent or a pool.
    pub(crate) fn of_state(state: &str) -> Self {
        match state {
            "succeeded" | "idle" | "active" => Self::Good,
            "running" | "busy" => Self::Active,
            "queued" | "assigned" | "reserving" | "creating" | "starting" | "draining" => {
                Self::Waiting
            }
            "failed" | "failing" | "quarantined" => Self::Bad,
            "cancelled" | "expired" | "destroying" | "releasing" | "removed" => Self::Faint,
            _ => Self::Plain,
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => Style::new().green(),
            Self::Active => Style::new().cyan(),
            Self::Waiting => Style::new().yellow(),
            Self::Bad => Style::new().red(),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// The text in its tone, if there is colour.
pub(crate) fn paint(text: &str, tone: Tone, color: bool) -> String {
    match color && tone != Tone::Plain && !text.is_empty() {
        true => text.style(tone.style()).to_string(),
        false => text.to_owned(),
    }
}

/// One line that is safe to show: blanks for tabs and line ends, a visible mark for any
/// other control character.
pub(crate) fn safe(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(paint("failed", Tone::Bad, false), "failed");
        assert_eq!(
            paint("failed", Tone::Bad, true),
            "\u{1b}[31mfailed\u{1b}[0m"
        );
        assert_eq!(paint("x", Tone::Plain, true), "x");
        assert_eq!(paint("", Tone::Bad, true), "");
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb\nc\td"), "a\u{fffd}[2Jb c d");
    }
}
