//! What a job runs, as one line that could be typed.

use headcount_api::Job;

/// The command line of a job, or the first line of its script.
pub(crate) fn of(job: &Job) -> String {
    match (&job.command, &job.script) {
        (Some(argv), _) => argv
            .iter()
            .map(|arg| quote(arg))
            .collect::<Vec<_>>()
            .join(" "),
        (None, Some(script)) => first_line(script),
        (None, None) => String::new(),
    }
}

fn first_line(script: &str) -> String {
    let mut lines = script.lines().map(str::trim);
    let telling = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let line = lines.find(telling).unwrap_or_default();
    match lines.any(|line| telling(&line)) {
        true => format!("{line} …"),
        false => line.to_owned(),
    }
}

/// As a shell would need it.
fn quote(arg: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=+./:,@%".contains(c);
    match !arg.is_empty() && arg.chars().all(plain) {
        true => arg.to_owned(),
        false => format!("'{}'", arg.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_a_shell_would_need_it() {
        for (arg, text) in [
            ("make", "make"),
            ("A=b/c.d:1", "A=b/c.d:1"),
            ("echo hi; exit 7", "'echo hi; exit 7'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quote(arg), text);
        }
    }

    #[test]
    fn a_script_is_shown_by_its_first_telling_line() {
        assert_eq!(first_line("#!/bin/sh\n\n  make\n"), "make");
        assert_eq!(first_line("make\nmake test\n"), "make …");
        assert_eq!(first_line(""), "");
    }
}
