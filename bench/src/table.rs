//! The table of results, in Markdown, so that it can go into `docs/benchmarks.md` as it is.

use std::fmt::Write as _;

/// One measured number.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) budget: String,
    pub(crate) measured: String,
    pub(crate) holds: bool,
}

impl Line {
    /// A row that could not be measured: its budget does not count as held.
    pub(crate) fn failed(row: &str, error: &anyhow::Error) -> Self {
        Self {
            what: row.to_owned(),
            budget: String::new(),
            measured: format!("not measured: {error:#}"),
            holds: false,
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

    /// Whether every budget does.
    pub(crate) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::from("| What | Budget | Measured | Holds |\n|---|---|---|---|\n");
        for line in &self.lines {
            let holds = if line.holds { "yes" } else { "**no**" };
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
            holds: true,
        });
        assert!(table.holds());
        table.add(Line::failed("b", &anyhow::anyhow!("one\ntwo | three")));
        assert!(!table.holds());
        assert_eq!(
            table.render(),
            "| What | Budget | Measured | Holds |\n\
             |---|---|---|---|\n\
             | a | ≤ 1 ms | 0.5 ms | yes |\n\
             | b |  | not measured: one two \\| three | **no** |\n"
        );
    }
}
