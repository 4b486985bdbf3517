//! What another configuration changes, as lines.

use headcount_api::{Change, PoolChange, ProblemItem, Severity};

use super::paint::{Tone, paint, safe};
use crate::client::item;

/// One line a pool, one below it for each difference.
pub(crate) fn changes(changes: &[PoolChange], color: bool) -> String {
    let mut out = String::new();
    for change in changes {
        let (sign, tone) = match change.change {
            Change::Added => ("+", Tone::Good),
            Change::Removed => ("-", Tone::Bad),
            Change::Changed => ("~", Tone::Waiting),
        };
        let name = match &change.pool {
            Some(pool) => format!("pool {}", safe(pool)),
            None => "the whole fleet".to_owned(),
        };
        out.push_str(&paint(&format!("{sign} {name}"), tone, color));
        out.push('\n');
        for detail in &change.details {
            out.push_str(&format!("    {}\n", safe(detail)));
        }
    }
    out
}

/// What would be done at once.
pub(crate) fn actions(actions: &[String]) -> String {
    let lines = actions.iter().map(|action| format!("  {}\n", safe(action)));
    lines.collect()
}

/// What has no effect in a configuration, or another one than it seems, one line each.
pub(crate) fn warnings(warnings: &[ProblemItem], color: bool) -> String {
    let line = |w: &ProblemItem| {
        let word = match w.severity {
            Severity::Error => paint("error", Tone::Bad, color),
            Severity::Warning => paint("warning", Tone::Waiting, color),
            Severity::Difference => paint("difference", Tone::Waiting, color),
        };
        format!("{word}: {}\n", safe(&item(w)))
    };
    warnings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_file_says_how_bad_it_is() {
        let item = |severity, message: &str| ProblemItem {
            severity,
            ..ProblemItem::error(message)
        };
        let list = [
            item(Severity::Warning, "`size` has no effect"),
            item(Severity::Difference, "off-peak hours hold here"),
        ];
        assert_eq!(
            warnings(&list, false),
            "warning: `size` has no effect\ndifference: off-peak hours hold here\n"
        );
    }

    #[test]
    fn changes_look_like_a_difference() {
        let change = |pool: Option<&str>, change, details: &[&str]| PoolChange {
            pool: pool.map(str::to_owned),
            change,
            details: details.iter().map(|d| (*d).to_owned()).collect(),
        };
        let list = [
            change(None, Change::Changed, &["globalMaxAgents: 50 -> 60"]),
            change(Some("a/linux"), Change::Removed, &[]),
            change(Some("b/linux"), Change::Added, &[]),
            change(Some("c/gpu"), Change::Changed, &["maxAgents: 4 -> 8"]),
        ];
        assert_eq!(
            changes(&list, false),
            "\
~ the whole fleet
    globalMaxAgents: 50 -> 60
- pool a/linux
+ pool b/linux
~ pool c/gpu
    maxAgents: 4 -> 8
"
        );
    }
}
