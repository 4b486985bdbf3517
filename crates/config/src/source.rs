//! The texts that were read, and places in them.
//!
//! Promise: a [`Place`] made for a text always cuts it at character boundaries, so that
//! nothing that points into a text can panic. Leaves what is wrong there to
//! [`crate::problem`].

use std::sync::Arc;

/// The largest file that is read, in bytes. Places are 32 bits wide because of it.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// One named text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigText {
    /// What a problem calls it: a path, or any other name.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl ConfigText {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// A piece of one text: bytes from `start` up to `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Place {
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// From where this starts to where `last` ends.
    pub const fn through(self, last: Self) -> Self {
        Self {
            end: if last.end > self.end {
                last.end
            } else {
                self.end
            },
            ..self
        }
    }
}

/// Which text of a [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FileId(pub u16);

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    pub value: T,
    pub place: Place,
}

/// Every text of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Vec<Arc<Source>>);

impl Sources {
    pub fn add(&mut self, text: ConfigText) -> FileId {
        self.add_shown(text, None)
    }

    /// A text of which something else is shown, byte for byte as long: its secrets are
    /// blotted out there.
    pub fn add_shown(&mut self, text: ConfigText, shown: Option<String>) -> FileId {
        let id = FileId(u16::try_from(self.0.len()).unwrap_or(u16::MAX));
        let shown = shown.filter(|shown| shown.len() == text.text.len());
        self.0.push(Arc::new(Source::new(text, shown)));
        id
    }

    /// From now on `*` is shown for each byte of this place.
    pub fn blot_out(&mut self, place: Place) {
        if let Some(source) = self.0.get_mut(usize::from(place.file.0)) {
            Arc::make_mut(source).blot_out(place);
        }
    }

    /// The text that was read under this name.
    pub fn named(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|source| source.name == name)
            .map(|source| source.text.as_str())
    }

    pub fn get(&self, id: FileId) -> Option<&Arc<Source>> {
        self.0.get(usize::from(id.0))
    }
}

/// One text and where its lines start.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub name: String,
    pub text: String,
    /// What is shown of it, where that is not the text.
    shown: Option<String>,
    line_starts: Vec<usize>,
}

/// One line of a text, and the part of it that a place covers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt<'a> {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub before: &'a str,
    pub marked: &'a str,
    pub after: &'a str,
}

impl Source {
    fn new(file: ConfigText, shown: Option<String>) -> Self {
        let breaks = file.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1));
        Self {
            line_starts: line_starts.collect(),
            name: file.name,
            text: file.text,
            shown,
        }
    }

    fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.text)
    }

    fn blot_out(&mut self, place: Place) {
        let (start, end) = (self.boundary(place.start), self.boundary(place.end));
        let (before, rest) = self.shown().split_at(start);
        let (hidden, after) = rest.split_at(end.saturating_sub(start));
        let hidden = hidden.bytes().map(|byte| match byte {
            b'\n' | b'\r' => char::from(byte),
            _ => '*',
        });
        let hidden: String = hidden.collect();
        self.shown = Some([before, hidden.as_str(), after].concat());
    }

    /// The line in which `place` starts; a place that goes on is cut at the line's end.
    pub fn excerpt(&self, place: Place) -> Excerpt<'_> {
        let start = self.boundary(place.start);
        let line = self.line_starts.partition_point(|from| *from <= start);
        let from = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let rest = self.shown().get(from..).unwrap_or_default();
        let content = rest.split('\n').next().unwrap_or_default();
        let content = content.trim_end_matches('\r');
        let start = start.min(from + content.len());
        let end = self.boundary(place.end).clamp(start, from + content.len());
        let (before, rest) = content.split_at(start - from);
        let marked = rest.get(..end - start).unwrap_or(rest).trim_end();
        let (marked, after) = rest.split_at(marked.len());
        Excerpt {
            line,
            column: before.chars().count() + 1,
            before,
            marked,
            after,
        }
    }

    /// `at`, or the character boundary before it.
    fn boundary(&self, at: u32) -> usize {
        let mut at = usize::try_from(at)
            .unwrap_or(usize::MAX)
            .min(self.shown().len());
        while !self.shown().is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, start: u32, end: u32) -> (usize, usize, String, String, String) {
        let source = Source::new(ConfigText::new("t", text), None);
        let place = Place {
            file: FileId(0),
            start,
            end,
        };
        let cut = source.excerpt(place);
        let [before, marked, after] = [cut.before, cut.marked, cut.after].map(str::to_owned);
        (cut.line, cut.column, before, marked, after)
    }

    fn is(
        line: usize,
        column: usize,
        before: &str,
        marked: &str,
        after: &str,
    ) -> (usize, usize, String, String, String) {
        let [before, marked, after] = [before, marked, after].map(str::to_owned);
        (line, column, before, marked, after)
    }

    #[test]
    fn a_place_is_cut_out_of_its_line() {
        assert_eq!(excerpt("a: 1\nb: 2\n", 8, 9), is(2, 4, "b: ", "2", ""));
        assert_eq!(excerpt("a: 1\r\nb: 2\r\n", 6, 12), is(2, 1, "", "b: 2", ""));
        assert_eq!(excerpt("ä: x y", 4, 5), is(1, 4, "ä: ", "x", " y"));
    }

    #[test]
    fn what_is_blotted_out_is_not_shown() {
        let text = ConfigText::new("t", "a = 1\nkey = \"abc\"");
        let shown = "a = 1\nkey = \"***\"".to_owned();
        let source = Source::new(text, Some(shown));
        let place = Place {
            file: FileId(0),
            start: 6,
            end: 17,
        };
        assert_eq!(source.excerpt(place).marked, "key = \"***\"");
        let mut sources = Sources::default();
        let id = sources.add(ConfigText::new("c", "a: äb\nc: d"));
        let place = |start, end| Place {
            file: id,
            start,
            end,
        };
        sources.blot_out(place(3, 8));
        let shown = |start, end| {
            let source = sources.get(id).unwrap();
            source.excerpt(place(start, end)).marked.to_owned()
        };
        assert_eq!(shown(0, 6), "a: ***", "byte for byte");
        assert_eq!(shown(7, 11), "*: d");
    }

    #[test]
    fn places_outside_or_inside_a_character_do_no_harm() {
        assert_eq!(excerpt("", 0, 9), is(1, 1, "", "", ""));
        assert_eq!(excerpt("ab\n", 99, 100), is(2, 1, "", "", ""));
        assert_eq!(excerpt("ä", 1, 2), is(1, 1, "", "ä", ""));
    }

    #[test]
    fn a_place_over_lines_ends_with_its_first() {
        assert_eq!(excerpt("a:  \n  b: 1", 0, 11), is(1, 1, "", "a:", "  "));
    }
}
