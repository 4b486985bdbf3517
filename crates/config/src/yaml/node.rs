//! The tree.

use crate::source::Place;

/// A value and where it is written. A value that came through an alias points to where
/// its anchor is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub place: Place,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the text, each key once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

impl Entry {
    /// Where to point when the value is wrong: the key when nothing is written.
    pub const fn place(&self) -> Place {
        match self.value.place.is_empty() {
            true => self.key_place,
            false => self.value.place,
        }
    }
}

/// A value without parts.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Scalar {
    /// As written, quotes and escapes undone.
    pub text: String,
    pub means: Plain,
}

/// What a text means in the core schema. Quoted texts are always `Text`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Integer(i64),
    /// A finite or infinite number, or an integer too large for `Integer`.
    Float(f64),
    Text,
}

impl Node {
    /// What it is, for "expected a list, found ...".
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Scalar(scalar) => match scalar.means {
                Plain::Null => "nothing",
                Plain::Bool(_) => "a truth value",
                Plain::Integer(_) => "a whole number",
                Plain::Float(_) => "a number",
                Plain::Text => "a text",
            },
        }
    }

    pub const fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if matches!(scalar.means, Plain::Null))
    }
}
