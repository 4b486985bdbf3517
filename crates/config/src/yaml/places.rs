//! From the parser's character numbers to places.

use saphyr_parser::Span;

use crate::source::{FileId, Place};

/// The places of one text.
pub(super) struct Offsets<'t> {
    file: FileId,
    text: &'t str,
    /// Byte of each character; empty when they are the same.
    bytes: Vec<u32>,
}

impl<'t> Offsets<'t> {
    pub fn new(file: FileId, text: &'t str) -> Self {
        let bytes = match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(at, _)| small(at)).collect(),
        };
        Self { file, text, bytes }
    }

    fn byte(&self, character: usize) -> u32 {
        let end = small(self.text.len());
        match self.bytes.is_empty() {
            true => small(character).min(end),
            false => self.bytes.get(character).copied().unwrap_or(end),
        }
    }

    /// Without the blanks and line ends that a span of the parser may end with.
    pub fn place(&self, span: Span) -> Place {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        let covered = self.covered(start, end).trim_end().len();
        Place {
            file: self.file,
            start,
            end: start + small(covered),
        }
    }

    /// A flow collection ends with its bracket, a block collection with its last value.
    pub fn collection(&self, start: Span, end: Span, last: Option<Place>) -> Place {
        let start = self.place(start);
        let rest = self.covered(start.start, small(self.text.len()));
        match (rest.starts_with(['[', '{']), last) {
            (true, _) => start.through(self.place(end)),
            (false, Some(last)) => start.through(last),
            (false, None) => start,
        }
    }

    fn covered(&self, start: u32, end: u32) -> &'t str {
        let at = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
        self.text.get(at(start)..at(end)).unwrap_or_default()
    }

    pub fn line_has_tab_indent(&self, place: Place) -> bool {
        let before = self.covered(0, place.start);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(line_start..).unwrap_or_default();
        let indent = line.trim_start_matches([' ', '\t']);
        line.get(..line.len() - indent.len())
            .is_some_and(|blanks| blanks.contains('\t'))
    }
}

/// Files are smaller than 4 GiB (see [`crate::source::MAX_FILE_BYTES`]).
pub(super) fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
