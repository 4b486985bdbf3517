//! Values of options, checked with the grammar that the configuration and the API use.
//!
//! Promise: a value that passes is sent as it was written, so the daemon reads what the
//! person wrote. Leaves what values mean together to the daemon.

use headcount_config::{
    ValueError, check_label, parse_cpus, parse_duration as span_of, parse_memory,
};

/// A number of processors.
pub(crate) fn cpus(text: &str) -> Result<String, String> {
    checked(text, parse_cpus(text))
}

/// An amount of memory.
pub(crate) fn memory(text: &str) -> Result<String, String> {
    checked(text, parse_memory(text))
}

/// A span of time.
pub(crate) fn span(text: &str) -> Result<String, String> {
    checked(text, span_of(text))
}

/// One label.
pub(crate) fn label(text: &str) -> Result<String, String> {
    checked(text, check_label(text))
}

/// `NAME=VALUE`, or `NAME` alone for the value it has here.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    variable_from(text, |name| std::env::var(name).ok())
}

fn variable_from(
    text: &str,
    here: impl Fn(&str) -> Option<String>,
) -> Result<(String, String), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, here(text)),
    };
    if name.is_empty() {
        return Err("the name is missing; write NAME=VALUE".to_owned());
    }
    let value = value.ok_or_else(|| {
        format!("{name} is not set here (or is not UTF-8 text); write {name}=VALUE")
    })?;
    Ok((name.to_owned(), value))
}

fn checked<T>(text: &str, parsed: Result<T, ValueError>) -> Result<String, String> {
    match parsed {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{}; {}", error.message(), error.hint())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_as_they_were_written() {
        assert_eq!(cpus("1.5"), Ok("1.5".to_owned()));
        assert_eq!(memory("512m"), Ok("512m".to_owned()));
        assert_eq!(span("1h30m"), Ok("1h30m".to_owned()));
        assert_eq!(label("linux"), Ok("linux".to_owned()));
    }

    #[test]
    fn a_wrong_value_is_told_with_what_to_write() {
        assert_eq!(
            span("10"),
            Err(
                "`10` is not a span of time; write the unit, for example `10s` or `10m`".to_owned()
            )
        );
        assert!(memory("4gb").is_err());
        assert!(cpus("0").is_err());
        assert!(label("a,b").is_err());
    }

    #[test]
    fn a_variable_has_a_value_or_takes_it_from_here() {
        let here = |name: &str| (name == "CI").then(|| "true".to_owned());
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(variable_from("A=b=c", here), pair("A", "b=c"));
        assert_eq!(variable_from("A=", here), pair("A", ""));
        assert_eq!(variable_from("CI", here), pair("CI", "true"));
        assert_eq!(
            variable_from("HOME", here),
            Err("HOME is not set here (or is not UTF-8 text); write HOME=VALUE".to_owned())
        );
        assert_eq!(
            variable_from("=x", here),
            Err("the name is missing; write NAME=VALUE".to_owned())
        );
    }
}
