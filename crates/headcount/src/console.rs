//! Where a command's words go: results to standard output, everything else to standard
//! error.
//!
//! Promise: with `--json` standard output holds JSON and nothing else; colour appears
//! only where a terminal shows it and `NO_COLOR` is unset. Leaves what to say to
//! [`crate::commands`].

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;
use crate::show::paint::{Tone, paint};
use crate::show::table::Page;

/// How this process talks to whoever started it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Results are JSON.
    pub(crate) json: bool,
    /// How tables are shown.
    pub(crate) page: Page,
    /// Whether standard error shows colour.
    pub(crate) color_notes: bool,
}

impl Console {
    /// What terminals and environment say.
    pub(crate) fn detect(json: bool) -> Self {
        let colorful = allows_color();
        let out = io::stdout();
        let size = rustix::termios::tcgetwinsize(&out).ok();
        let width = size.map(|size| usize::from(size.ws_col)).filter(|n| *n > 0);
        Self {
            json,
            page: Page {
                width: width.filter(|_| out.is_terminal()),
                color: colorful && out.is_terminal(),
            },
            color_notes: colorful && io::stderr().is_terminal(),
        }
    }

    /// Writes a result.
    ///
    /// # Errors
    /// [`Failure::output`]; a reader that went away is no failure to tell about.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a result that need not be text.
    ///
    /// # Errors
    /// As [`Console::print`].
    pub(crate) fn print_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// As [`Console::print`].
    pub(crate) fn print_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::failed(format!("the result cannot be written: {error}")))?;
        text.push('\n');
        self.print(&text)
    }

    /// Writes a remark to standard error. That nobody can read it is no failure.
    pub(crate) fn note(&self, text: &str) {
        let line = paint(text, Tone::Faint, self.color_notes);
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Writes to standard error as it is. That nobody can read it is no failure.
    pub(crate) fn write_note(&self, text: &str) {
        self.pass_error(text.as_bytes());
    }

    /// Writes what a job wrote to its standard error. That nobody can read it is no failure.
    pub(crate) fn pass_error(&self, bytes: &[u8]) {
        let _ = io::stderr().lock().write_all(bytes);
    }

    /// Tells why the command failed: as a sentence, or as JSON.
    pub(crate) fn complain(&self, failure: &Failure) {
        let text = match self.json {
            true => failure.to_json().to_string(),
            false => failure.render(self.color_notes).trim_end().to_owned(),
        };
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Whether the environment allows colour.
pub(crate) fn allows_color() -> bool {
    colorful(|name| std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes))
}

/// An empty `NO_COLOR` counts as unset.
fn colorful(get: impl Fn(&str) -> Option<Vec<u8>>) -> bool {
    let refused = get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = get("TERM").is_some_and(|value| value == b"dumb");
    !refused && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_heard() {
        let with = |set: &'static [(&str, &str)]| {
            colorful(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.as_bytes().to_vec())
            })
        };
        assert!(with(&[]));
        assert!(with(&[("NO_COLOR", ""), ("TERM", "xterm")]));
        assert!(!with(&[("NO_COLOR", "1")]));
        assert!(!with(&[("TERM", "dumb")]));
    }
}
