//! Many jobs from one file: a JSON array, or one JSON object a line.
//!
//! Promise: what is no JSON is told with its line; keys and values pass as they are, so
//! that the daemon says what is wrong with them.

use std::fs::File;
use std::io;
use std::path::Path;

use headcount_api::{MAX_BATCH, MAX_BODY_BYTES};
use serde_json::Value;

use super::request::read_text;
use crate::failure::Failure;

/// Reads the jobs of a file, `-` for standard input.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub(super) fn read(path: &Path) -> Result<Vec<Value>, Failure> {
    let limit = MAX_BODY_BYTES as u64;
    let (shown, text) = match path.as_os_str() == "-" {
        true => (
            "standard input".to_owned(),
            read_text(io::stdin().lock(), limit),
        ),
        false => (
            path.display().to_string(),
            File::open(path).and_then(|file| read_text(file, limit)),
        ),
    };
    let text = text.map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}")))?;
    if text.len() as u64 > limit {
        return Err(
            Failure::usage(format!("{shown} is larger than {limit} bytes"))
                .hint("hand it in in parts"),
        );
    }
    parse(&text).map_err(|why| {
        Failure::usage(format!("{shown} {why}"))
            .hint("write one JSON object a line, such as {\"command\": [\"make\", \"test\"]}")
    })
}

fn parse(text: &str) -> Result<Vec<Value>, String> {
    let jobs = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(|error| format!("is no JSON array: {error}"))?,
        false => lines(text)?,
    };
    for (n, job) in jobs.iter().enumerate() {
        if !job.is_object() {
            return Err(format!(
                "holds something else than an object as job {}",
                n + 1
            ));
        }
    }
    match jobs.len() {
        0 => Err("holds no jobs".to_owned()),
        n if n > MAX_BATCH => Err(format!("holds {n} jobs, and {MAX_BATCH} are taken at once")),
        _ => Ok(jobs),
    }
}

fn lines(text: &str) -> Result<Vec<Value>, String> {
    let told = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let values = told.map(|(n, line)| {
        serde_json::from_str(line).map_err(|error| format!("is no JSON in line {}: {error}", n + 1))
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arrays_and_lines_are_read() {
        let jobs = vec![json!({"command": ["a"]}), json!({"script": "b"})];
        let lines = "{\"command\": [\"a\"]}\n\n{\"script\": \"b\"}\n";
        assert_eq!(parse(lines).unwrap(), jobs);
        assert_eq!(parse(&json!(jobs).to_string()).unwrap(), jobs);
    }

    #[test]
    fn anything_else_is_told() {
        let why = |text: &str| parse(text).unwrap_err();
        assert_eq!(why(""), "holds no jobs");
        assert_eq!(why("[]"), "holds no jobs");
        assert_eq!(why("{}\n7"), "holds something else than an object as job 2");
        assert_eq!(
            why("{}\n{oops}"),
            "is no JSON in line 2: key must be a string at line 1 column 2"
        );
        assert!(why("[1,").starts_with("is no JSON array: EOF"));
        let many = "{}\n".repeat(MAX_BATCH + 1);
        assert_eq!(why(&many), "holds 10001 jobs, and 10000 are taken at once");
    }
}
