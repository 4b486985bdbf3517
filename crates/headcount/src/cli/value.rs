//! Values of options, checked with the grammar that the configuration and the API use.
//!
//! Promise: a value that passes is sent as it was written, so the daemon reads what the
//! person wrote. Leaves what values mean together to the daemon.

use std::time::Duration;

use headcount_api::LabelList;
use headcount_config::{
    ValueError, check_label, parse_cpus, parse_duration as span_of, parse_memory,
};
use headcount_model::Pattern;

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

/// A span of time that is used here.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    span_of(text).map_err(|error| format!("{}; {}", error.message(), error.hint()))
}

/// Labels and patterns of them, joined with commas.
pub(crate) fn labels(text: &str) -> Result<LabelList, String> {
    let labels = LabelList::from_commas(text);
    if labels.is_empty() {
        label("")?;
    }
    labels.0.iter().try_for_each(|text| label(text))?;
    Ok(labels)
}

fn label(text: &str) -> Result<(), String> {
    match Pattern::read(text) {
        None => checked(text, check_label(text)).map(drop),
        Some(pattern) => {
            let checked = headcount_patterns::check(&pattern);
            checked.map_err(|error| format!("{error}; {}", error.hint()))
        }
    }
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
        let list = |texts: &[&str]| Ok(LabelList(texts.iter().map(|&t| t.to_owned()).collect()));
        assert_eq!(labels("linux"), list(&["linux"]));
        assert_eq!(labels("a, GPU-*"), list(&["a", "GPU-*"]));
        assert_eq!(labels("/a{1,2}/,b"), list(&["/a{1,2}/", "b"]));
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
        for empty in ["", " ", "a,,b", "a,"] {
            assert!(labels(empty).is_err(), "{empty:?}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_told_with_its_place_and_what_to_write() {
        assert_eq!(
            labels("linux,/gpu-[0-9/"),
            Err(
                "`/gpu-[0-9/` is not a regular expression: unclosed character class, at \
                 character 6, `[0-9/`; write one such as `/gpu-[0-9]+/`, or a simpler pattern \
                 such as `gpu-*`"
                    .to_owned()
            )
        );
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
