//! Why a command failed: what a person reads and which code the process ends with.

use std::{fmt, io};

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::show::paint::{Tone, paint};

/// A command that did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What is wrong: a sentence in lower case, without a full stop.
    pub(crate) message: String,
    /// Single things that are wrong, where there are several.
    pub(crate) details: Vec<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Nobody is there to read it, or it has been said already.
    pub(crate) silent: bool,
}

impl Failure {
    /// A failure that ends in a given way.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            details: Vec::new(),
            hint: None,
            silent: false,
        }
    }

    /// One that has no code of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Arguments or a file that cannot be used as they are.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// One that has been told already.
    pub(crate) fn told(exit: Exit) -> Self {
        Self {
            silent: true,
            ..Self::new(exit, "")
        }
    }

    /// A result that could not be written. A reader that has seen enough, as in
    /// `headcount jobs | head`, ends the command in peace.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::told(Exit::Done),
            _ => Self::failed(format!("cannot write the result: {error}")),
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the single things that are wrong.
    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// For a terminal, ending with a line end.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut out = format!("{}: {}\n", paint("error", Tone::Bad, color), self.message);
        for detail in &self.details {
            out.push_str(&format!("  - {detail}\n"));
        }
        if let Some(hint) = &self.hint {
            out.push_str(&format!("{}: {hint}\n", paint("hint", Tone::Strong, color)));
        }
        out
    }

    /// For a program: `{"error": {...}}`.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({"message": self.message, "exitCode": self.exit.code()});
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        if let Some(hint) = &self.hint {
            error["hint"] = json!(hint);
        }
        json!({"error": error})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_are_told_the_same() {
        let failure = Failure::usage("2 jobs cannot be accepted")
            .details(vec!["job 1: no command".to_owned()])
            .hint("give each a command");
        assert_eq!(
            failure.render(false),
            "error: 2 jobs cannot be accepted\n  - job 1: no command\nhint: give each a command\n"
        );
        assert_eq!(
            failure.to_json(),
            json!({"error": {
                "message": "2 jobs cannot be accepted", "exitCode": 2,
                "details": ["job 1: no command"], "hint": "give each a command"
            }})
        );
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let gone = Failure::output(&io::ErrorKind::BrokenPipe.into());
        assert!(gone.silent && gone.exit == Exit::Done);
        let full = Failure::output(&io::ErrorKind::StorageFull.into());
        assert_eq!(full.message, "cannot write the result: no storage space");
        assert_eq!(full.exit, Exit::Failed);
    }
}
