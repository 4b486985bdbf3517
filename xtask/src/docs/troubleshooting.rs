//! The part of `docs/troubleshooting.md` that is made from the reasons. The symptoms
//! around it are written by hand.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use headcount_model::Reason;

/// Where the page lies, from the root.
pub(super) const PAGE: &str = "docs/troubleshooting.md";

const BEGIN: &str = "<!-- generated: reasons -->\n";
const END: &str = "<!-- end of generated -->";

/// Each part of the list, by the reason it begins with.
const PARTS: [(Reason, &str); 6] = [
    (Reason::Assigning, "Why a job waits"),
    (Reason::RunningJob, "Why an agent is as it is"),
    (Reason::DemandWaiting, "Why an agent is made"),
    (Reason::JobsDone, "Why an agent leaves, or a launch failed"),
    (Reason::CommandFailed, "Why a job ended, or goes back"),
    (Reason::FactsMissing, "Why facts are asked for"),
];

/// The page with its made part made again.
///
/// # Errors
/// The page lacks the marks of that part.
pub(super) fn page(written: &str) -> Result<String> {
    let marks = || format!("{PAGE} lacks `{}` or `{END}`", BEGIN.trim_end());
    let (before, rest) = written.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    Ok(format!("{before}{BEGIN}{}\n{END}{after}", tables()))
}

fn tables() -> String {
    let mut text = String::new();
    for reason in Reason::ALL {
        if let Some((_, title)) = PARTS.iter().find(|(first, _)| first == reason) {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n### {title}\n\n| Reason | Means | What to do |\n|---|---|---|\n"
            );
        }
        let code = reason.code();
        let (sentence, advice) = (reason.sentence(), reason.advice());
        let _ = writeln!(
            text,
            "| [`{code}`](reasons/{code}.md) | {sentence} | {advice} |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_in_a_part() {
        let tables = tables();
        assert!(tables.starts_with("\n### Why a job waits\n"), "{tables}");
        assert_eq!(tables.matches("\n### ").count(), PARTS.len());
        for reason in Reason::ALL {
            let row = format!("\n| [`{0}`](reasons/{0}.md) |", reason.code());
            assert_eq!(tables.matches(&row).count(), 1, "{reason}");
        }
    }

    #[test]
    fn what_is_written_by_hand_stays() {
        let made = page("a\n<!-- generated: reasons -->\nold\n<!-- end of generated -->\nz\n");
        let made = made.unwrap();
        assert!(made.starts_with("a\n<!-- generated: reasons -->\n\n### "));
        assert!(
            made.ends_with(" |\n\n<!-- end of generated -->\nz\n"),
            "{made}"
        );
        assert!(page("no marks").is_err());
    }
}
