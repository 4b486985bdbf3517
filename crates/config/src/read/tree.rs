//! Values that are handed on as they are.
//!
//! Promise: what is written reaches its reader unchanged; what JSON cannot say is refused.
//! Leaves what it means to who it is for.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::suggest::quoted;
use crate::yaml::{Kind, Node, Plain};

/// A mapping with any content, such as a part of a Kubernetes object. The value is the
/// tree with its places; [`to_json`] makes plain data of it.
#[derive(Clone, Copy)]
pub(crate) struct Tree;

impl Shape for Tree {
    type Value = Node;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Node> {
        match &slot.node.kind {
            Kind::Map(_) => Some(slot.node.clone()),
            _ => slot.wrong_kind("a mapping", "write `key: value` pairs", problems),
        }
    }

    fn schema(&self) -> Json {
        json!({"type": "object"})
    }

    fn words(&self) -> String {
        "mapping of any content".to_owned()
    }
}

/// A mapping or a list; what its items are depends on what else is written.
#[derive(Clone, Copy)]
pub(crate) struct TreeOrList;

impl Shape for TreeOrList {
    type Value = Node;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Node> {
        match &slot.node.kind {
            Kind::Map(_) | Kind::List(_) => Some(slot.node.clone()),
            Kind::Scalar(_) => {
                let hint = "write `key: value` pairs for type `program`, a list for type \
                            `docker-machine`";
                slot.wrong_kind("a mapping or a list", hint, problems)
            }
        }
    }

    fn schema(&self) -> Json {
        json!({"type": ["object", "array"]})
    }

    fn words(&self) -> String {
        "mapping of any content, or list of texts".to_owned()
    }
}

/// The same as JSON; `None` once a problem has been noted.
pub(crate) fn to_json(node: &Node, problems: &mut Problems) -> Option<Json> {
    Some(match &node.kind {
        Kind::List(items) => Json::Array(
            items
                .iter()
                .map(|item| to_json(item, problems))
                .collect::<Option<_>>()?,
        ),
        Kind::Map(entries) => {
            let pairs = entries
                .iter()
                .map(|entry| Some((entry.key.clone(), to_json(&entry.value, problems)?)));
            Json::Object(pairs.collect::<Option<Map<_, _>>>()?)
        }
        Kind::Scalar(scalar) => match scalar.means {
            Plain::Null => Json::Null,
            Plain::Bool(value) => Json::Bool(value),
            Plain::Integer(value) => Json::Number(value.into()),
            Plain::Text => Json::String(scalar.text.clone()),
            Plain::Float(value) => match Number::from_f64(value) {
                Some(number) => Json::Number(number),
                None => {
                    let message = format!("{} is no number in JSON", quoted(&scalar.text));
                    let draft = Draft::error(message).hint("put it in quotes if it is a text");
                    problems.at(node.place, draft);
                    return None;
                }
            },
        },
    })
}

/// Names with texts, such as labels of Kubernetes. Numbers and truth values are problems:
/// an API server would refuse them.
#[derive(Clone, Copy)]
pub(crate) struct TextMap;

impl Shape for TextMap {
    type Value = BTreeMap<String, String>;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<Self::Value> {
        let Kind::Map(entries) = &slot.node.kind else {
            return slot.wrong_kind("a mapping of texts", "write `name: \"value\"`", problems);
        };
        let mut texts = BTreeMap::new();
        for entry in entries {
            match &entry.value.kind {
                Kind::Scalar(scalar) if scalar.means == Plain::Text => {
                    texts.insert(entry.key.clone(), scalar.text.clone());
                }
                _ => {
                    let message = format!("the value of {} must be a text", quoted(&entry.key));
                    let draft = Draft::error(message)
                        .label(format!("this is {}", entry.value.describe()))
                        .hint("put it in quotes");
                    problems.at(entry.place(), draft);
                }
            }
        }
        Some(texts)
    }

    fn schema(&self) -> Json {
        json!({"type": "object", "additionalProperties": {"type": "string"}})
    }

    fn words(&self) -> String {
        "mapping of names to texts".to_owned()
    }
}
