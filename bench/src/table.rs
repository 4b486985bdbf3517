//! The table of results, in Markdown, so that it can go into `docs/benchmarks.md` as it is.

use std::fmt::Write as _;

/// One measured number.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) budget: String,
    pub(crate) measured: String,
    pub(crate) holds: bool,
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

    pub(crate) fn render(&self) -> String {
        let mut text = String::from("| What | Budget | Measured | Holds |\n|---|---|---|---|\n");
        for line in &self.lines {
            let holds = if line.holds { "yes" } else { "**no**" };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {holds} |",
                line.what, line.budget, line.measured
            );
        }
        text
    }
}
