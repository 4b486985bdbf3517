//! The table of results, in Markdown, so that it can go into `docs/benchmarks.md` as it is.

use std::fmt::Write as _;

/// One measured number.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) budget: String,
    pub(crate) measured: String,
    pub(crate) holds: Holds,
}

/// Whether a budget is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    Yes,
    No,
    /// This machine cannot measure it: neither.
    Skipped,
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Line {
    /// A row that could not be measured: its budget does not count as held.
    pub(crate) fn failed(row: &str, error: &anyhow::Error) -> Self {
        Self {
            what: row.to_owned(),
            budget: String::new(),
            measured: format!("not measured: {error:#}"),
            holds: Holds::No,
        }
    }

    /// A row that this machine cannot measure.
    pub(crate) fn skipped(row: &str, why: &str) -> Self {
        Self {
            what: row.to_owned(),
            budget: String::new(),
            measured: format!("skipped: {why}"),
            holds: Holds::Skipped,
        }
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

impl Table {
    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Whether every budget that was measured does.
    pub(crate) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds != Holds::No)
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::from("| What | Budget | Measured | Holds |\n|---|---|---|---|\n");
        for line in &self.lines {
            let holds = match line.holds {
                Holds::Yes => "yes",
                Holds::No => "**no**",
                Holds::Skipped => "",
            };
            let measured = line.measured.replace('|', "\\|").replace('\n', " ");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {measured} | {holds} |",
                line.what, line.budget
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_could_not_be_measured_is_a_miss() {
        let mut table = Table::default();
        table.add(Line {
            what: "a".into(),
            budget: "≤ 1 ms".into(),
            measured: "0.5 ms".into(),
            holds: true.into(),
        });
        table.add(Line::skipped("c", "no engine"));
        assert!(table.holds());
        table.add(Line::failed("b", &anyhow::anyhow!("one\ntwo | three")));
        assert!(!table.holds());
        assert_eq!(
            table.render(),
            "| What | Budget | Measured | Holds |\n\
             |---|---|---|---|\n\
             | a | ≤ 1 ms | 0.5 ms | yes |\n\
             | c |  | skipped: no engine |  |\n\
             | b |  | not measured: one two \\| three | **no** |\n"
        );
    }
}
