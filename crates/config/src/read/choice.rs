//! One of some words.

use serde_json::{Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::suggest::{choices, nearest, quoted};
use crate::yaml::Plain;

/// One of some words, each with its meaning.
pub(crate) struct Choice<T: 'static> {
    pub words: &'static [(&'static str, T)],
    /// Words that get a hint of their own.
    pub others: &'static [(&'static str, &'static str)],
}

impl<T: Copy> Shape for Choice<T> {
    type Value = T;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<T> {
        let names = self.names();
        let Some(scalar) = slot.scalar() else {
            return slot.wrong_kind("one word", &format!("write {}", choices(&names)), problems);
        };
        let word = scalar.text.as_str();
        if let Some((_, value)) = self.words.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let other = self.others.iter().find(|(name, _)| *name == word);
        let hint = match (other, nearest(word, names.iter().copied())) {
            (Some((_, hint)), _) => (*hint).to_owned(),
            (None, Some(near)) => format!("write `{near}`"),
            (None, None) => format!("write {}", choices(&names)),
        };
        let draft = Draft::error(format!("`{}` cannot be {}", slot.name, quoted(word)));
        problems.at(slot.place, draft.label("not one of its words").hint(hint));
        None
    }

    fn schema(&self) -> Json {
        json!({"enum": self.names()})
    }

    fn words(&self) -> String {
        choices(&self.names())
    }
}

impl<T> Choice<T> {
    fn names(&self) -> Vec<&'static str> {
        self.words.iter().map(|(name, _)| *name).collect()
    }
}

/// How many jobs an agent runs in its life; `None` is without end.
#[derive(Clone, Copy)]
pub(crate) struct MaxJobsShape;

impl Shape for MaxJobsShape {
    type Value = Option<u32>;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Option<u32>> {
        let scalar = slot.scalar();
        match scalar.map(|scalar| (scalar.means, scalar.text.as_str())) {
            Some((Plain::Text, "unlimited")) => return Some(None),
            Some((Plain::Integer(number), _)) if number > 0 => {
                if let Ok(number) = u32::try_from(number) {
                    return Some(Some(number));
                }
            }
            _ => {}
        }
        let wanted = "a whole number above 0, or `unlimited`";
        slot.wrong_kind(wanted, "write `1` for agents of one job", problems)
    }

    fn schema(&self) -> Json {
        json!({"oneOf": [{"type": "integer", "minimum": 1}, {"const": "unlimited"}]})
    }

    fn words(&self) -> String {
        "whole number, at least 1, or `unlimited`".to_owned()
    }
}
