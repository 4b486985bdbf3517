//! Tables with known keys: who reads them, and what is said of those that nobody reads.
//!
//! Promise: a key that GitLab Runner has not is an error with what was probably meant; one
//! that it has and that means nothing here is a difference, unless its value asks for
//! nothing. Keys are found in any case of letters, as GitLab Runner finds them.

use super::keys::TABLES;
use crate::problem::{Draft, Problems};
use crate::source::Place;
use crate::suggest::{nearest, quoted};
use crate::yaml::{Entry, Kind, Node, Plain};

/// A key that GitLab Runner knows.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Type,
    pub means: Means,
}

/// What GitLab Runner takes as its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Checked by who reads it.
    Any,
    Text,
    Integer,
    Flag,
    Texts,
    Table,
}

/// What comes of it here.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// Somebody reads it.
    Read,
    /// Nothing, and nobody would miss it.
    Nothing,
    /// Nothing; why, and what to do instead.
    Told(&'static str, &'static str),
}

pub(super) const fn read(name: &'static str) -> Key {
    Key {
        name,
        kind: Type::Any,
        means: Means::Read,
    }
}

pub(super) const fn nothing(name: &'static str, kind: Type) -> Key {
    Key {
        name,
        kind,
        means: Means::Nothing,
    }
}

pub(super) const fn told(
    name: &'static str,
    kind: Type,
    why: &'static str,
    hint: &'static str,
) -> Key {
    Key {
        name,
        kind,
        means: Means::Told(why, hint),
    }
}

/// A table whose keys were looked at.
pub(super) struct Table<'n> {
    pub place: Place,
    found: Vec<(&'static str, &'n Entry)>,
}

impl<'n> Table<'n> {
    pub fn get(&self, name: &str) -> Option<&'n Entry> {
        let mut found = self.found.iter();
        found
            .find(|(known, _)| *known == name)
            .map(|(_, entry)| *entry)
    }

    pub fn entries(&self) -> impl Iterator<Item = &'n Entry> {
        self.found.iter().map(|(_, entry)| *entry)
    }
}

/// Looks at the keys of a table, and says what is to be said of them.
pub(super) fn table<'n>(
    noun: &str,
    keys: &'static [Key],
    node: &'n Node,
    problems: &mut Problems,
) -> Table<'n> {
    let mut table = Table {
        place: node.place,
        found: Vec::new(),
    };
    let Kind::Map(entries) = &node.kind else {
        return table;
    };
    for entry in entries {
        let Some(key) = known(keys, &entry.key) else {
            problems.error_at(entry.key_place, || unknown(noun, keys, &entry.key));
            continue;
        };
        if table.get(key.name).is_some() {
            let message = format!("`{}` is written twice", key.name);
            let draft = Draft::error(message).hint("keep one of them");
            problems.at(entry.key_place, draft);
            continue;
        }
        table.found.push((key.name, entry));
        if is_of_type(key, entry, problems) {
            tell(key, entry, problems);
        }
    }
    table
}

/// The table below a key; `None` once a problem has been noted, or without the key.
pub(super) fn inner<'n>(
    of: &Table<'n>,
    name: &str,
    noun: &str,
    keys: &'static [Key],
    problems: &mut Problems,
) -> Option<Table<'n>> {
    let entry = of.get(name)?;
    if !matches!(entry.value.kind, Kind::Map(_)) {
        wrong_type(name, Type::Table, entry, problems);
        return None;
    }
    let mut found = table(noun, keys, &entry.value, problems);
    found.place = entry.value.place;
    Some(found)
}

fn known(keys: &'static [Key], written: &str) -> Option<&'static Key> {
    let exact = keys.iter().find(|key| key.name == written);
    exact.or_else(|| {
        keys.iter()
            .find(|key| key.name.eq_ignore_ascii_case(written))
    })
}

fn unknown(noun: &str, keys: &[Key], written: &str) -> Draft {
    let near = nearest(written, keys.iter().map(|key| key.name));
    let home = TABLES
        .iter()
        .find(|(_, keys)| known(keys, written).is_some());
    let hint = match (near, home) {
        (_, Some((noun, _))) => format!("it is a key of {noun}"),
        (Some(near), None) => format!("write `{near}`"),
        (None, None) => "remove it: GitLab Runner has no such key there".to_owned(),
    };
    Draft::error(format!("{noun} has no key {}", quoted(written)))
        .label("unknown key")
        .hint(hint)
}

fn tell(key: &Key, entry: &Entry, problems: &mut Problems) {
    let Means::Told(why, hint) = key.means else {
        return;
    };
    if asks_for_nothing(&entry.value) {
        return;
    }
    let draft = Draft::difference(format!("`{}` has no effect here: {why}", key.name));
    let draft = match hint {
        "" => draft,
        hint => draft.hint(hint),
    };
    problems.at(entry.key_place, draft);
}

/// What `gitlab-runner register` writes for what nobody asked for.
pub(super) fn asks_for_nothing(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.iter().all(|entry| asks_for_nothing(&entry.value)),
        Kind::Scalar(scalar) => match scalar.means {
            Plain::Null => true,
            Plain::Bool(value) => !value,
            Plain::Integer(number) => number == 0,
            Plain::Float(number) => number == 0.0,
            Plain::Text => scalar.text.is_empty(),
        },
    }
}

/// Whether the value is of the type of its key; otherwise a problem has been noted.
fn is_of_type(key: &Key, entry: &Entry, problems: &mut Problems) -> bool {
    let means = match &entry.value.kind {
        Kind::Scalar(scalar) => Some(scalar.means),
        _ => None,
    };
    let good = match key.kind {
        Type::Any => true,
        Type::Text => matches!(means, Some(Plain::Text)),
        Type::Integer => matches!(means, Some(Plain::Integer(_))),
        Type::Flag => matches!(means, Some(Plain::Bool(_))),
        Type::Texts => matches!(entry.value.kind, Kind::List(_)),
        Type::Table => matches!(entry.value.kind, Kind::Map(_)),
    };
    if !good {
        wrong_type(key.name, key.kind, entry, problems);
    }
    good
}

fn wrong_type(name: &str, wanted: Type, entry: &Entry, problems: &mut Problems) {
    let wanted = match wanted {
        Type::Any | Type::Text => "a text",
        Type::Integer => "a whole number",
        Type::Flag => "`true` or `false`",
        Type::Texts => "a list of texts",
        Type::Table => "a table",
    };
    let draft = Draft::error(format!("`{name}` must be {wanted}"))
        .label(format!("this is {}", called(&entry.value)));
    problems.at(entry.value.place, draft);
}

/// What a value is in the words of TOML.
pub(super) fn called(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Map(_) => "a table",
        _ => node.describe(),
    }
}
