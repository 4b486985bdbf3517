//! Tables: one row a line, as narrow as their content, no wider than the terminal.
//!
//! Promise: columns line up whatever the text is (wide characters included); a column in
//! which nothing stands is left out; where room is short the columns that may shrink do,
//! and only those; without a terminal nothing is cut. Leaves what to show to
//! [`crate::commands`].

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint::{Tone, paint, safe};

/// Between two columns.
const GAP: usize = 2;
/// A column that may shrink keeps this many.
const MIN_WIDTH: usize = 8;

/// Where and how a table is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Page {
    /// Columns of the terminal; unset where nothing is to be cut.
    pub(crate) width: Option<usize>,
    /// Whether there is colour.
    pub(crate) color: bool,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    numbers: bool,
    shrinks: bool,
}

impl Column {
    /// Words, never cut.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self {
            title,
            numbers: false,
            shrinks: false,
        }
    }

    /// Numbers, which stand at the right.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self {
            numbers: true,
            ..Self::text(title)
        }
    }

    /// Words that may be cut where room is short.
    pub(crate) const fn long(title: &'static str) -> Self {
        Self {
            shrinks: true,
            ..Self::text(title)
        }
    }
}

/// One cell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text in a tone.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        let text = safe(text.as_ref());
        Self { text, tone }
    }

    /// A state word in the tone it has everywhere.
    pub(crate) fn state(word: &str) -> Self {
        Self::toned(word, Tone::of_state(word))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Rows under titles.
#[derive(Clone, Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub(crate) const fn new(columns: [Column; N]) -> Self {
        let rows = Vec::new();
        Self { columns, rows }
    }

    /// Adds a row at the end.
    pub(crate) fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// The table as text, ending with a line end.
    pub(crate) fn render(&self, page: Page) -> String {
        let widths = self.widths(page.width);
        let titles = self
            .columns
            .map(|column| Cell::toned(column.title, Tone::Faint));
        let mut out = self.line(&titles, &widths, page.color);
        for row in &self.rows {
            out.push_str(&self.line(row, &widths, page.color));
        }
        out
    }

    /// The width of each column, 0 for one that is left out.
    fn widths(&self, room: Option<usize>) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        for (width, column) in widths.iter_mut().zip(&self.columns) {
            // A table without rows still shows its titles.
            if *width > 0 || self.rows.is_empty() {
                *width = (*width).max(column.title.width());
            }
        }
        if let Some(room) = room {
            self.shrink(&mut widths, room);
        }
        widths
    }

    /// Takes what is missing from the widest column that may shrink, a column at a time.
    fn shrink(&self, widths: &mut [usize; N], room: usize) {
        let shown = widths.iter().filter(|width| **width > 0).count();
        let gaps = GAP * shown.saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            let shrinking = widths.iter_mut().zip(&self.columns);
            let widest = shrinking
                .filter(|(width, column)| column.shrinks && **width > MIN_WIDTH)
                .map(|(width, _)| width)
                .max();
            match widest {
                Some(width) => *width -= 1,
                None => return,
            }
        }
    }

    fn line(&self, cells: &[Cell; N], widths: &[usize; N], color: bool) -> String {
        let shown = cells.iter().zip(widths).zip(&self.columns);
        let mut line = String::new();
        let mut blanks = 0;
        for ((cell, &width), column) in shown.filter(|((_, width), _)| **width > 0) {
            let text = cut(&cell.text, width);
            let missing = width.saturating_sub(text.width());
            let before = if column.numbers { missing } else { 0 };
            // Blanks at the end of a line are never written.
            line.push_str(&" ".repeat(if text.is_empty() { 0 } else { blanks + before }));
            blanks = if text.is_empty() {
                blanks + width + GAP
            } else {
                missing - before + GAP
            };
            line.push_str(&paint(&text, cell.tone, color));
        }
        line.push('\n');
        line
    }
}

/// The text in at most `width` columns, a cut end shown as an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Page = Page {
        width: None,
        color: false,
    };

    fn table() -> Table<4> {
        let mut table = Table::new([
            Column::text("ID"),
            Column::number("N"),
            Column::text("NAME"),
            Column::long("COMMAND"),
        ]);
        table.row([
            "job-1".into(),
            "7".into(),
            "".into(),
            "cargo test --workspace".into(),
        ]);
        table.row(["job-12".into(), "1024".into(), "".into(), "make".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_an_empty_one_is_left_out() {
        assert_eq!(
            table().render(PLAIN),
            "\
ID         N  COMMAND
job-1      7  cargo test --workspace
job-12  1024  make
"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_what_may_be_cut() {
        let page = Page {
            width: Some(30),
            ..PLAIN
        };
        assert_eq!(
            table().render(page),
            "\
ID         N  COMMAND
job-1      7  cargo test --wo…
job-12  1024  make
"
        );
        let page = Page {
            width: Some(1),
            ..PLAIN
        };
        assert!(table().render(page).contains("job-12  1024  make\n"));
        assert!(table().render(page).contains("cargo t…\n"));
    }

    #[test]
    fn no_line_ends_with_blanks() {
        let mut table = Table::new([Column::text("A"), Column::text("B"), Column::text("C")]);
        table.row(["a".into(), "".into(), "".into()]);
        table.row(["a".into(), "".into(), "c".into()]);
        table.row(["a".into(), "bbb".into(), "".into()]);
        assert_eq!(table.render(PLAIN), "A  B    C\na\na       c\na  bbb\n");
    }

    #[test]
    fn wide_characters_count_as_they_look() {
        let mut table = Table::new([Column::long("NAME"), Column::text("X")]);
        table.row(["日本語の仕事".into(), "1".into()]);
        table.row(["plain".into(), "2".into()]);
        let page = Page {
            width: Some(12),
            ..PLAIN
        };
        assert_eq!(
            table.render(page),
            "NAME       X\n日本語の…  1\nplain      2\n"
        );
    }

    #[test]
    fn without_rows_the_titles_stand() {
        let table = Table::new([Column::text("ID"), Column::number("N")]);
        assert_eq!(table.render(PLAIN), "ID  N\n");
    }

    #[test]
    fn colour_surrounds_the_text_and_not_the_blanks() {
        let mut table = Table::new([Column::text("STATE"), Column::text("X")]);
        table.row([Cell::state("failed"), "1".into()]);
        let page = Page {
            color: true,
            ..PLAIN
        };
        assert_eq!(
            table.render(page),
            "\u{1b}[2mSTATE\u{1b}[0m   \u{1b}[2mX\u{1b}[0m\n\u{1b}[31mfailed\u{1b}[0m  1\n"
        );
    }
}
