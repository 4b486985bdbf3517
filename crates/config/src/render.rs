//! Problems as a good compiler shows them: file, line, column, the marked text, what is
//! wrong, what to write instead.
//!
//! Promise: one problem takes a few lines of bounded width whatever the text looks like
//! (one line of a megabyte included). Leaves where to print it to the caller.

use std::fmt::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::problem::{Problem, Problems, Severity};
use crate::source::Excerpt;

/// Narrower than this nothing is wrapped or cut.
const MIN_WIDTH: usize = 40;
/// How much of the text before the mark is kept when a line must be cut.
const CONTEXT: usize = 16;
/// A tab is shown as this many blanks.
const TAB: &str = "    ";

impl Problems {
    /// Every problem with its marked text, `width` columns wide (at least 40); with
    /// `color`, ANSI colours. Ends with a line that counts them.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        let mut page = Page {
            out: String::new(),
            color,
            width: width.max(MIN_WIDTH),
        };
        for problem in self.iter() {
            // Writing to a string does not fail.
            let _ = page.problem(self, problem);
        }
        let _ = page.count(self);
        page.out
    }
}

struct Page {
    out: String,
    color: bool,
    width: usize,
}

impl Page {
    fn problem(&mut self, all: &Problems, problem: &Problem) -> fmt::Result {
        let word = problem.severity.to_string();
        let word = self.paint(severity_color(problem.severity), &word);
        let message = self.paint(BOLD, &format!(": {}", problem.message));
        writeln!(self.out, "{word}{message}")?;
        let source = problem.place.and_then(|place| {
            let source = all.sources.get(place.file)?;
            Some(source.excerpt(place))
        });
        match source {
            Some(excerpt) => self.excerpt(problem, &excerpt)?,
            None => {
                let arrow = self.paint(BLUE, "-->");
                writeln!(self.out, " {arrow} {}", problem.file)?;
                self.hint(problem, 1)?;
            }
        }
        writeln!(self.out)
    }

    fn excerpt(&mut self, problem: &Problem, excerpt: &Excerpt<'_>) -> fmt::Result {
        let gutter = excerpt.line.to_string().len();
        let bar = self.paint(BLUE, &format!("{:gutter$} |", ""));
        let arrow = self.paint(BLUE, &format!("{:gutter$}-->", ""));
        let number = self.paint(BLUE, &format!("{} |", excerpt.line));
        let (line, column) = (excerpt.line, excerpt.column);
        writeln!(self.out, "{arrow} {}:{line}:{column}", problem.file)?;
        let room = self.width.saturating_sub(gutter + 3);
        let window = Window::cut(excerpt, room);
        writeln!(self.out, "{bar}")?;
        writeln!(self.out, "{number} {}", window.line)?;
        let marks = "^".repeat(window.marked.max(1));
        let label = problem.label.as_deref().unwrap_or_default();
        let marks = format!("{marks} {label}");
        let marks = self.paint(severity_color(problem.severity), marks.trim_end());
        writeln!(
            self.out,
            "{bar} {:indent$}{marks}",
            "",
            indent = window.before
        )?;
        self.hint(problem, gutter)
    }

    fn hint(&mut self, problem: &Problem, gutter: usize) -> fmt::Result {
        let Some(hint) = &problem.hint else {
            return Ok(());
        };
        let lead = self.paint(BLUE, &format!("{:gutter$} =", ""));
        let name = self.paint(BOLD, "help");
        let indent = gutter + " = help: ".len();
        for (n, line) in wrap(hint, self.width.saturating_sub(indent)).enumerate() {
            match n {
                0 => writeln!(self.out, "{lead} {name}: {line}")?,
                _ => writeln!(self.out, "{:indent$}{line}", "")?,
            }
        }
        Ok(())
    }

    fn count(&mut self, all: &Problems) -> fmt::Result {
        let mut parts = Vec::new();
        for severity in [Severity::Error, Severity::Warning, Severity::Difference] {
            let word = severity.to_string();
            match all.iter().filter(|p| p.severity == severity).count() {
                0 => {}
                1 => parts.push(format!("1 {word}")),
                n => parts.push(format!("{n} {word}s")),
            }
        }
        if all.left_out() > 0 {
            parts.push(format!("{} more problems not shown", all.left_out()));
        }
        match parts.is_empty() {
            true => Ok(()),
            false => writeln!(self.out, "{}", parts.join(", ")),
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.color {
            true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

const BOLD: &str = "1";
const BLUE: &str = "1;34";

const fn severity_color(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Difference => "1;36",
    }
}

/// The part of a line that is shown, and the columns of the mark in it.
struct Window {
    line: String,
    before: usize,
    marked: usize,
}

impl Window {
    fn cut(excerpt: &Excerpt<'_>, room: usize) -> Self {
        let before = printable(excerpt.before);
        let marked = printable(excerpt.marked);
        let after = printable(excerpt.after);
        let shown = before.width() + marked.width();
        let before = match shown < room {
            true => before,
            false => last_columns(&before, CONTEXT),
        };
        let left = room.saturating_sub(before.width());
        let marked = first_columns(&marked, left);
        let left = left.saturating_sub(marked.width());
        let after = first_columns(&after, left);
        Self {
            line: format!("{before}{marked}{after}").trim_end().to_owned(),
            before: before.width(),
            marked: marked.width(),
        }
    }
}

/// Tabs as blanks, control characters as something visible.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str(TAB),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// The first `columns` of a text, its cut end shown as dots.
fn first_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = take_columns(text.chars(), columns.saturating_sub(3));
    out.push_str("...");
    out
}

/// The last `columns` of a text, its cut start shown as dots.
fn last_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let reversed = take_columns(text.chars().rev(), columns);
    let tail: String = reversed.chars().rev().collect();
    format!("...{tail}")
}

fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    chars.take_while(fits).collect()
}

/// Lines of at most `width` columns, broken at blanks.
fn wrap(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter()
}

#[cfg(test)]
mod tests {
    use crate::problem::{Draft, Problems};
    use crate::source::{ConfigText, Place};

    fn one(text: &str, start: u32, end: u32, draft: Draft) -> Problems {
        let mut problems = Problems::default();
        let file = problems.add_source(ConfigText::new("scalers.yaml", text));
        problems.at(Place { file, start, end }, draft);
        problems
    }

    #[test]
    fn a_problem_shows_its_text_and_what_to_write() {
        let draft = Draft::error("a scaler has no key `maxAgent`")
            .label("unknown key")
            .hint("write `maxAgents`");
        let problems = one("scalers:\n  - name: a\n    maxAgent: 3\n", 25, 33, draft);
        assert_eq!(
            problems.render(false, 80),
            "\
error: a scaler has no key `maxAgent`
 --> scalers.yaml:3:5
  |
3 |     maxAgent: 3
  |     ^^^^^^^^ unknown key
  = help: write `maxAgents`

1 error
"
        );
    }

    #[test]
    fn color_adds_escapes_and_nothing_else() {
        let draft = Draft::warning("odd").label("here").hint("see there");
        let problems = one("a: 1\n", 0, 1, draft);
        let colored = problems.render(true, 80);
        assert!(colored.starts_with("\u{1b}[1;33mwarning\u{1b}[0m\u{1b}[1m: odd"));
        let mut plain = String::new();
        for part in colored.split('\u{1b}') {
            let text = match part.starts_with('[') {
                true => part.split_once('m').unwrap().1,
                false => part,
            };
            plain.push_str(text);
        }
        assert_eq!(plain, problems.render(false, 80));
    }

    #[test]
    fn long_lines_wide_characters_and_tabs_keep_the_mark_in_place() {
        let text = format!("key: [{} bad, {}]", "x, ".repeat(100), "y, ".repeat(100));
        let start = u32::try_from(text.find("bad").unwrap()).unwrap();
        let draft = Draft::error("no").hint("write something else that is rather long here");
        assert_eq!(
            one(&text, start, start + 3, draft).render(false, 40),
            "\
error: no
 --> scalers.yaml:1:308
  |
1 | ...x, x, x, x, x,  bad, y, y, y, ...
  |                    ^^^
  = help: write something else that is
          rather long here

1 error
"
        );
        let wide = one("\t日本: bad", 9, 12, Draft::error("no"));
        assert_eq!(
            wide.render(false, 80),
            "\
error: no
 --> scalers.yaml:1:6
  |
1 |     日本: bad
  |           ^^^

1 error
"
        );
    }

    #[test]
    fn a_whole_file_has_no_excerpt() {
        let mut problems = Problems::default();
        problems.in_file("gone.yaml", Draft::error("no such file").hint("check it"));
        assert_eq!(
            problems.render(false, 80),
            "error: no such file\n --> gone.yaml\n  = help: check it\n\n1 error\n"
        );
    }
}
