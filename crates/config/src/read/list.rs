//! Lists.

use serde_json::{Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::source::Spanned;
use crate::yaml::Kind;

/// A list of values of one shape. Wrong ones are reported; the others are the value only
/// where they are of use alone.
pub(crate) struct List<S> {
    pub of: S,
    /// Whether it needs at least one.
    pub filled: bool,
}

impl<S: Shape> Shape for List<S> {
    type Value = Vec<Spanned<S::Value>>;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Self::Value> {
        let Kind::List(items) = &slot.node.kind else {
            let hint = "put it into a list: `- ` before each item, or `[` and `]` around them";
            return slot.wrong_kind("a list", hint, problems);
        };
        if items.is_empty() && self.filled {
            let draft = Draft::error(format!("`{}` needs at least one item", slot.name));
            problems.at(slot.place, draft);
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            let name = format!("{}[{index}]", slot.name);
            let place = match node.place.is_empty() {
                true => slot.place,
                false => node.place,
            };
            let item = Slot {
                name: &name,
                node,
                place,
            };
            if let Some(value) = self.of.read(&item, problems) {
                values.push(Spanned { value, place });
            }
        }
        let complete = values.len() == items.len();
        (complete || self.of.stands_alone()).then_some(values)
    }

    fn schema(&self) -> Json {
        let mut schema = json!({"type": "array", "items": self.of.schema()});
        if self.filled {
            schema["minItems"] = json!(1);
        }
        schema
    }

    fn words(&self) -> String {
        let least = if self.filled { ", at least one" } else { "" };
        format!("list{least}: {}", self.of.words())
    }
}
