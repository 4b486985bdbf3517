//! What a value may be.

use serde_json::Value as Json;

use crate::problem::{Draft, Problems};
use crate::source::Place;
use crate::value::ValueError;
use crate::yaml::{Kind, Node, Scalar};

/// What a value may be: how it is read, and how it is described.
pub(crate) trait Shape {
    type Value;

    /// The value, or `None` once a problem has been noted.
    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Self::Value>;

    /// Whether a list of such values is of use without the wrong ones among them.
    fn stands_alone(&self) -> bool {
        false
    }

    /// For editors: JSON Schema, draft 2020-12.
    fn schema(&self) -> Json;

    /// For the documentation: a few words.
    fn words(&self) -> String;
}

/// A value to be read, and how sentences call it.
pub(crate) struct Slot<'n> {
    /// The key, or the key and a number in brackets.
    pub name: &'n str,
    pub node: &'n Node,
    /// Where to point.
    pub place: Place,
}

impl Slot<'_> {
    /// Notes that the value is of another kind than wanted.
    pub fn wrong_kind<T>(&self, wanted: &str, hint: &str, problems: &mut Problems) -> Option<T> {
        let draft = Draft::error(format!("`{}` must be {wanted}", self.name))
            .label(format!("this is {}", self.node.describe()))
            .hint(hint);
        problems.at(self.place, draft);
        None
    }

    /// Notes that a value of the right kind is not a good one.
    pub fn bad_value<T>(&self, error: &ValueError, problems: &mut Problems) -> Option<T> {
        let draft = Draft::error(format!("`{}`: {}", self.name, error.message()));
        problems.at(self.place, draft.hint(error.hint()));
        None
    }

    pub const fn scalar(&self) -> Option<&Scalar> {
        match &self.node.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}
