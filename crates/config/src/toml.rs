//! TOML text to the small tree that YAML becomes, in which everything knows its place.
//!
//! Promise: any text yields a tree or problems, never a panic, in bounded memory; every
//! mistake of the syntax is told in one run, and none of them shows more of the text than
//! its line. Entries are in the order of the text. Leaves what keys mean to the formats.

use std::ops::Range;

use toml::de::{DeArray, DeTable, DeValue};

use crate::problem::{Draft, Problems};
use crate::source::{FileId, Place};
use crate::yaml::{Budget, Entry, Kind, MAX_DEPTH, Node, Plain, Scalar};

/// The text as one mapping; `None` once a problem has been noted.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let whole = place(file, 0..text.len());
    for error in &errors {
        let at = error.span().map_or(whole, |span| visible(file, text, span));
        problems.at(
            at,
            Draft::error(format!("this is not TOML: {}", sentence(error.message()))),
        );
    }
    if !errors.is_empty() {
        return None;
    }
    let mut reader = Reader { file, budget };
    match reader.table(table.get_ref(), 0) {
        Ok(kind) => Some(Node { place: whole, kind }),
        Err((span, draft)) => {
            problems.at(place(file, span), draft);
            None
        }
    }
}

/// The text at a pointer (RFC 6901). A part that names no table's key names a text of the
/// form `name=value`, in a list or alone, and stands for its value.
pub(crate) fn look_up(root: &Node, pointer: &str) -> Option<String> {
    let mut node = root;
    let mut keys = pointer.strip_prefix('/')?.split('/').peekable();
    while let Some(key) = keys.next() {
        let key = key.replace("~1", "/").replace("~0", "~");
        let value = match &node.kind {
            Kind::Map(entries) => {
                node = &entries.iter().find(|entry| entry.key == key)?.value;
                continue;
            }
            Kind::List(items) => match key.parse::<usize>() {
                Ok(index) => {
                    node = items.get(index)?;
                    continue;
                }
                Err(_) => items.iter().find_map(|item| value_of(item, &key))?,
            },
            Kind::Scalar(_) => value_of(node, &key)?,
        };
        return keys.peek().is_none().then_some(value);
    }
    text(node).map(str::to_owned)
}

fn value_of(node: &Node, name: &str) -> Option<String> {
    let (own, value) = text(node)?.split_once('=')?;
    (own == name).then(|| value.to_owned())
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.means == Plain::Text => Some(&scalar.text),
        _ => None,
    }
}

/// What forbids to go on, and where.
type Stop = (Range<usize>, Draft);

struct Reader<'b> {
    file: FileId,
    budget: &'b mut Budget,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Result<Kind, Stop> {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            entries.push(Entry {
                key: key.get_ref().to_string(),
                key_place: place(self.file, key.span()),
                value: self.value(value.get_ref(), value.span(), depth)?,
            });
        }
        entries.sort_by_key(|entry| (entry.key_place.start, entry.key_place.end));
        Ok(Kind::Map(entries))
    }

    fn array(&mut self, items: &DeArray<'_>, depth: usize) -> Result<Kind, Stop> {
        let nodes = items
            .iter()
            .map(|item| self.value(item.get_ref(), item.span(), depth));
        nodes.collect::<Result<_, _>>().map(Kind::List)
    }

    fn value(
        &mut self,
        value: &DeValue<'_>,
        span: Range<usize>,
        depth: usize,
    ) -> Result<Node, Stop> {
        self.budget.take(1).map_err(|draft| (span.clone(), draft))?;
        if depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} arrays and tables inside one another");
            let draft = Draft::error(message).hint("look for a bracket too many");
            return Err((span, draft));
        }
        let kind = match value {
            DeValue::Table(table) => self.table(table, depth + 1)?,
            DeValue::Array(items) => self.array(items, depth + 1)?,
            DeValue::String(text) => scalar(text.to_string(), Plain::Text),
            // A moment is a text to who reads it.
            DeValue::Datetime(moment) => scalar(moment.to_string(), Plain::Text),
            DeValue::Boolean(value) => scalar(value.to_string(), Plain::Bool(*value)),
            DeValue::Integer(number) => {
                let (digits, radix) = (number.as_str(), number.radix());
                let means = i64::from_str_radix(digits, radix).map(Plain::Integer);
                // Larger than any number here may be: an infinite one is refused as such.
                scalar(
                    number.to_string(),
                    means.unwrap_or(Plain::Float(f64::INFINITY)),
                )
            }
            DeValue::Float(number) => {
                let text = number.as_str();
                let means = text.parse().unwrap_or(f64::NAN);
                scalar(text.to_owned(), Plain::Float(means))
            }
        };
        let place = place(self.file, span);
        Ok(Node { place, kind })
    }
}

const fn scalar(text: String, means: Plain) -> Kind {
    Kind::Scalar(Scalar { text, means })
}

fn place(file: FileId, span: Range<usize>) -> Place {
    // Files are smaller than 4 GiB.
    let small = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Place {
        file,
        start: small(span.start),
        end: small(span.end),
    }
}

/// A place of at least one character of a line that has one: what is missing at the end of
/// a line is looked for there.
fn visible(file: FileId, text: &str, span: Range<usize>) -> Place {
    let here = text.get(span.start..).and_then(|rest| rest.chars().next());
    let end = match here {
        Some(c) if span.is_empty() && c != '\n' => span.start + c.len_utf8(),
        _ => span.end,
    };
    place(file, span.start..end)
}

/// As the sentences of the house begin.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::to_json;
    use crate::source::ConfigText;

    fn read(text: &str) -> Result<Node, String> {
        let mut problems = Problems::default();
        let file = problems.add_source(ConfigText::new("c", text));
        let node = parse(file, text, &mut Budget::default(), &mut problems);
        node.ok_or_else(|| problems.sorted().to_string())
    }

    #[test]
    fn a_text_becomes_the_tree_that_yaml_becomes() {
        let node = read(
            "b = 1\na = [1.5, \"x\", true]\n[t]\n'k.k' = '''\nlong'''\n[[l]]\nn = 0x10\n[l.m]\n\
             [[l]]\nd = 2024-01-02T03:04:05Z\n",
        );
        let json = to_json(&node.unwrap(), &mut Problems::default()).unwrap();
        assert_eq!(
            json.to_string(),
            "{\"a\":[1.5,\"x\",true],\"b\":1,\"l\":[{\"m\":{},\"n\":16},{\"d\":\
             \"2024-01-02T03:04:05Z\"}],\"t\":{\"k.k\":\"long\"}}"
        );
    }

    #[test]
    fn entries_stand_in_the_order_of_the_text_and_know_their_places() {
        let text = "z = 1\na = 2\n[[r]]\n  key = \"ü\" # end\n";
        let Kind::Map(entries) = read(text).unwrap().kind else {
            panic!("no mapping");
        };
        let cut = |place: Place| &text[place.start as usize..place.end as usize];
        let keys: Vec<&str> = entries.iter().map(|e| cut(e.key_place)).collect();
        assert_eq!(keys, ["z", "a", "r"]);
        let Kind::List(tables) = &entries[2].value.kind else {
            panic!("no list");
        };
        assert_eq!(cut(tables[0].place), "[[r]]");
        let Kind::Map(inner) = &tables[0].kind else {
            panic!("no table");
        };
        assert_eq!(cut(inner[0].value.place), "\"ü\"");
    }

    #[test]
    fn pointers_find_texts_and_values_of_options() {
        let root = read("[[r]]\no = [\"a=b\", \"a/c=d=e\", \"f\"]\nt = \"x\"\nn = 1\n").unwrap();
        for (pointer, found) in [
            ("/r/0/t", Some("x")),
            ("/r/0/o/a", Some("b")),
            ("/r/0/o/a~1c", Some("d=e")),
            ("/r/0/o/1/a~1c", Some("d=e")),
            ("/r/0/o/2", Some("f")),
            ("/r/0/o/f", None),
            ("/r/0/o/a/b", None),
            ("/r/0/n", None),
            ("/r/1/t", None),
            ("r", None),
        ] {
            assert_eq!(look_up(&root, pointer).as_deref(), found, "{pointer}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        assert_eq!(
            read("a = 1\na = 2\n\nb = \"x\nc = [1\n").unwrap_err(),
            "c:2:1: error: this is not TOML: duplicate key\n\
             c:4:7: error: this is not TOML: invalid basic string, expected `\"`\n\
             c:5:7: error: this is not TOML: unclosed array, expected `]`"
        );
        assert!(read(&format!("a = {}{}", "[".repeat(60), "]".repeat(60))).is_err());
        assert!(read("a = 99999999999999999999").is_ok());
    }
}
