//! Log lines to standard error, for `up`, `demo` and `agent`; other commands log nothing.
//!
//! Promise: `HEADCOUNT_LOG` chooses what is logged, by level and module; what is wrong with
//! it is told before anything starts.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Which lines there are, such as `info` or `headcount_planner=debug,info`.
const FILTER: &str = "HEADCOUNT_LOG";
/// Unless told otherwise.
const DEFAULT: &str = "info";

/// How log lines look.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One object a line, for programs
    Json,
}

/// Starts logging; called once in a process.
///
/// # Errors
/// `HEADCOUNT_LOG` cannot be understood; nothing is logged then.
pub(crate) fn init(format: LogFormat) -> Result<(), Failure> {
    let text = std::env::var(FILTER).unwrap_or_default();
    start(format, filter(&text)?);
    Ok(())
}

/// The same for a command whose own output is what matters: only what goes wrong.
///
/// # Errors
/// As [`init`].
pub(crate) fn init_quiet() -> Result<(), Failure> {
    match std::env::var(FILTER) {
        Ok(text) if !text.trim().is_empty() => start(LogFormat::Text, filter(&text)?),
        _ => start(LogFormat::Text, EnvFilter::new("warn")),
    }
    Ok(())
}

/// Starts logging as if nothing were said.
pub(crate) fn init_default() {
    start(LogFormat::Text, EnvFilter::new(DEFAULT));
}

fn filter(text: &str) -> Result<EnvFilter, Failure> {
    let text = if text.trim().is_empty() {
        DEFAULT
    } else {
        text
    };
    EnvFilter::try_new(text).map_err(|error| {
        Failure::usage(format!(
            "{FILTER} is `{text}`, which chooses nothing: {error}"
        ))
        .hint("write a level (error, warn, info, debug, trace), or headcount_planner=debug,info")
    })
}

fn start(format: LogFormat, filter: EnvFilter) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && crate::console::allows_color());
    // A second start changes nothing, and is no reason to end.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_understood_or_refused() {
        for text in ["", "debug", "headcount_planner=debug,info", "off"] {
            assert!(filter(text).is_ok(), "{text}");
        }
        let failure = filter("headcount=loud").unwrap_err();
        assert!(
            failure
                .message
                .starts_with("HEADCOUNT_LOG is `headcount=loud`, which chooses nothing: "),
            "{}",
            failure.message
        );
    }
}
