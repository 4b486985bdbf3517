//! Events of the parser to the tree.
//!
//! Promise: within [`MAX_DEPTH`] and [`MAX_NODES`], every duplicate key, merge key, tag
//! without meaning and, where one document is wanted, second document is a problem.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::node::{Entry, Kind, Node, Plain, Scalar};
use super::places::{Offsets, small};
use super::scalar::resolve;
use crate::problem::{Draft, Problems};
use crate::source::{FileId, Place};
use crate::suggest::quoted;

/// Mappings and lists inside one another.
pub(crate) const MAX_DEPTH: usize = 32;
/// Values of all files of one run, those that aliases repeat included.
const MAX_NODES: usize = 500_000;

/// How many more values one run may hold.
pub(crate) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MAX_NODES }
    }
}

impl Budget {
    /// Counts some more values; what is wrong once there are too many.
    pub fn take(&mut self, more: usize) -> Result<(), Draft> {
        if let Some(left) = self.left.checked_sub(more) {
            self.left = left;
            return Ok(());
        }
        self.left = 0;
        Err(Draft::error(format!(
            "the files hold more than {MAX_NODES} values, repeats included"
        )))
    }
}

/// What a text holds.
pub(crate) enum Document {
    /// Nothing but blanks and comments.
    Empty,
    Tree(Node),
    /// Not to be used; the problems say why.
    Broken,
}

/// Reads a file of one document.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Document {
    match read(file, text, 1, budget, problems) {
        Some(documents) => match documents.into_iter().next() {
            Some(tree) => Document::Tree(tree),
            None => Document::Empty,
        },
        None => Document::Broken,
    }
}

/// Reads a file of any number of documents, empty ones left out; `None` once a problem
/// has been noted that forbids to go on.
pub(crate) fn parse_many(
    file: FileId,
    text: &str,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Vec<Node>> {
    read(file, text, usize::MAX, budget, problems)
}

/// At most so many documents, without those that hold nothing.
fn read(
    file: FileId,
    text: &str,
    most: usize,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Vec<Node>> {
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_printable(*c)) {
        let place = Place {
            file,
            start: small(at),
            end: small(at + c.len_utf8()),
        };
        let code = u32::from(c);
        let draft = Draft::error(format!("the character U+{code:04X} must not stand in YAML"))
            .hint("remove it; inside double quotes it can be written as an escape");
        problems.at(place, draft);
        return None;
    }
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        offsets: Offsets::new(file, text),
        anchors: BTreeMap::new(),
        budget,
        problems,
    };
    builder.documents(most).ok()
}

/// The problem has been noted; there is no way to go on.
struct Stop;

struct Builder<'t, 'p> {
    parser: Parser<'t, StrInput<'t>>,
    offsets: Offsets<'t>,
    /// Finished anchored values and how many nodes each has.
    anchors: BTreeMap<usize, (Node, usize)>,
    budget: &'p mut Budget,
    problems: &'p mut Problems,
}

impl<'t> Builder<'t, '_> {
    fn documents(&mut self, most: usize) -> Result<Vec<Node>, Stop> {
        let mut trees = Vec::new();
        let mut n_started: usize = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(trees),
                Event::DocumentStart(_) if n_started >= most => {
                    let draft = Draft::error("a second document starts here")
                        .label("only the first would be read")
                        .hint("put everything into one document, without `---` between");
                    return self.stop(span, draft);
                }
                Event::DocumentStart(_) => n_started += 1,
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                event => {
                    let tree = self.node(event, span, 0)?;
                    if !(tree.is_null() && tree.place.is_empty()) {
                        trees.push(tree);
                    }
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => self.scan_error(&error),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Stop> {
        let before = self.budget.left;
        self.count(1, span)?;
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                // Where nothing is written, the parser's span is what follows.
                let nothing = text.is_empty() && style == ScalarStyle::Plain;
                let span = if nothing {
                    Span::empty(span.start)
                } else {
                    span
                };
                let scalar = self.scalar(text, style, tag.as_deref(), span);
                let place = self.offsets.place(span);
                let kind = Kind::Scalar(scalar);
                (anchor, Node { place, kind })
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                (anchor, self.list(span, depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                (anchor, self.map(span, depth)?)
            }
            _ => return self.stop(span, Draft::error("this is not YAML: a value is missing")),
        };
        if anchor > 0 {
            let size = before - self.budget.left;
            self.count(size, span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let depth = self.deeper(depth, start)?;
        let mut items = Vec::new();
        let end = loop {
            match self.next()? {
                (Event::SequenceEnd, end) => break end,
                (event, span) => items.push(self.node(event, span, depth)?),
            }
        };
        let last = items.last().map(|item: &Node| item.place);
        let place = self.offsets.collection(start, end, last);
        let kind = Kind::List(items);
        Ok(Node { place, kind })
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Node, Stop> {
        let depth = self.deeper(depth, start)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = BTreeMap::new();
        let end = loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, end) => break end,
                key => key,
            };
            let plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(event, span, depth)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth)?;
            if let Some(entry) = self.entry(key, plain, value, &mut seen) {
                entries.push(entry);
            }
        };
        let first = entries.first().map(|entry| entry.key_place);
        let last = entries.last().map(Entry::place);
        let mut place = self.offsets.collection(start, end, last);
        if place.is_empty() {
            place = first.unwrap_or(place);
        }
        let kind = Kind::Map(entries);
        Ok(Node { place, kind })
    }

    /// The entry, unless its key cannot be one.
    fn entry(
        &mut self,
        key: Node,
        plain: bool,
        value: Node,
        seen: &mut BTreeMap<String, Place>,
    ) -> Option<Entry> {
        let key_place = key.place;
        let Kind::Scalar(Scalar { text: key, .. }) = key.kind else {
            let draft = Draft::error("a key must be a plain word")
                .label(format!("this is {}", key.describe()))
                .hint("write `key: value`");
            self.problems.at(key_place, draft);
            return None;
        };
        if key == "<<" && plain {
            let draft = Draft::error("merge keys (`<<`) are not taken")
                .hint("write the keys out, or give a whole value an anchor and use `*anchor`");
            self.problems.at(key_place, draft);
            return None;
        }
        if let Some(first) = seen.insert(key.clone(), key_place) {
            let line = self.line_of(first);
            let draft = Draft::error(format!("the key {} is written twice", quoted(&key)))
                .label(format!("it is already written in line {line}"))
                .hint("keep one of them");
            self.problems.at(key_place, draft);
            return None;
        }
        Some(Entry {
            key,
            key_place,
            value,
        })
    }

    fn line_of(&self, place: Place) -> usize {
        let source = self.problems.sources.get(place.file);
        source.map_or(0, |source| source.excerpt(place).line)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Stop> {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            let draft = Draft::error("an alias stands inside the value it repeats")
                .hint("write the value out");
            return self.stop(span, draft);
        };
        self.count(size, span)?;
        Ok(node)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Scalar {
        let untagged = match style {
            ScalarStyle::Plain => resolve(&text),
            _ => Plain::Text,
        };
        let means = match tag {
            None => untagged,
            Some(tag) => self.tagged(tag, &text, span).unwrap_or(untagged),
        };
        let text = text.into_owned();
        Scalar { text, means }
    }

    /// What an explicit tag makes of a text.
    fn tagged(&mut self, tag: &Tag, text: &str, span: Span) -> Option<Plain> {
        let means = resolve(text);
        let fits = match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => return Some(Plain::Text),
            (true, "int") => matches!(means, Plain::Integer(_)),
            (true, "float") => matches!(means, Plain::Integer(_) | Plain::Float(_)),
            (true, "bool") => matches!(means, Plain::Bool(_)),
            (true, "null") => matches!(means, Plain::Null),
            _ => {
                self.meaningless_tag(tag, span);
                return None;
            }
        };
        if !fits {
            let draft = Draft::error(format!("the tag `!!{}` does not fit", tag.suffix))
                .hint("leave the tag out");
            self.problems.at(self.offsets.place(span), draft);
        }
        fits.then_some(means)
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, own: &str, span: Span) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == own)
        {
            self.meaningless_tag(tag, span);
        }
    }

    fn meaningless_tag(&mut self, tag: &Tag, span: Span) {
        let name = quoted(&format!("{}{}", tag.handle, tag.suffix));
        let draft =
            Draft::error(format!("the tag {name} has no meaning here")).hint("leave the tag out");
        self.problems.at(self.offsets.place(span), draft);
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Stop> {
        match self.budget.take(more) {
            Ok(()) => Ok(()),
            Err(draft) => self.stop(span, draft.hint("repeat less through aliases")),
        }
    }

    fn deeper(&mut self, depth: usize, span: Span) -> Result<usize, Stop> {
        if depth < MAX_DEPTH {
            return Ok(depth + 1);
        }
        let message = format!("more than {MAX_DEPTH} lists and mappings inside one another");
        let hint = "nothing in this format is that deep; look for a bracket too many";
        self.stop(span, Draft::error(message).hint(hint))
    }

    fn scan_error<T>(&mut self, error: &ScanError) -> Result<T, Stop> {
        let place = self.offsets.place(Span::empty(*error.marker()));
        let mut draft = Draft::error(format!("this is not YAML: {}", error.info())).label("here");
        if self.offsets.line_has_tab_indent(place) {
            draft = draft.hint("indent with blanks: YAML takes no tabs there");
        }
        self.problems.at(place, draft);
        Err(Stop)
    }

    fn stop<T>(&mut self, span: Span, draft: Draft) -> Result<T, Stop> {
        self.problems.at(self.offsets.place(span), draft);
        Err(Stop)
    }
}

/// `c-printable` of YAML 1.2.
pub(crate) const fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}'
        | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
