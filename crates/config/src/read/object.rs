//! Mappings with known keys.

use serde_json::{Map, Value as Json, json};

use super::{Shape, Slot};
use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::suggest::{nearest, quoted};
use crate::yaml::{Entry, Kind};

/// A mapping as it is written: every key optional, each with its place. [`object!`]
/// makes one from a table.
pub(crate) trait Object: Default {
    /// How sentences call it: "a scaler".
    const NOUN: &'static str;
    /// What it is for.
    const ABOUT: &'static str;
    const KEYS: &'static [Key];

    fn start(&mut self, place: Place);
    /// Reads the value of a known key; `false` when the key is none.
    fn set(&mut self, entry: &Entry, problems: &mut Problems) -> bool;
    fn has(&self, key: &str) -> bool;

    /// Whether it was read from another format, whose leniencies hold then.
    fn is_foreign(&self) -> bool;
    /// Schema and words of every key, in the order of `KEYS`.
    fn shapes() -> Vec<(Json, String)>;
}

/// A known key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub need: Need,
    pub about: &'static str,
}

/// When a key is written, and what holds without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub required: bool,
    pub default: Option<&'static str>,
    /// The one backend, or the two, that know it; empty is all.
    pub only: &'static [&'static str],
}

impl Need {
    /// Known to these backends only.
    pub const fn only(self, only: &'static [&'static str]) -> Self {
        Self { only, ..self }
    }
}

pub(crate) const fn required() -> Need {
    Need {
        required: true,
        ..optional()
    }
}

pub(crate) const fn optional() -> Need {
    Need {
        required: false,
        default: None,
        only: &[],
    }
}

/// `value` in words, for the documentation; who checks the object applies it.
pub(crate) const fn default(value: &'static str) -> Need {
    Need {
        default: Some(value),
        ..optional()
    }
}

/// Reads a mapping: unknown keys and missing ones are problems.
pub(crate) fn read_object<T: Object>(slot: &Slot<'_>, problems: &mut Problems) -> Option<T> {
    let Kind::Map(entries) = &slot.node.kind else {
        let hint = format!("write `key: value` pairs; {}", keys_in_words::<T>());
        return slot.wrong_kind("a mapping", &hint, problems);
    };
    let mut object = T::default();
    object.start(slot.place);
    for entry in entries {
        if !object.set(entry, problems) {
            problems.error_at(entry.key_place, || unknown_key::<T>(&entry.key));
            if says_where_a_secret_is::<T>() {
                problems.blot_out_after("", entry.value.place);
            }
        }
    }
    for key in T::KEYS {
        if key.need.required && !object.has(key.name) {
            problems.at(slot.place, missing_key(T::NOUN, key));
        }
    }
    Some(object)
}

/// Whether a key that it does not know may hold the secret itself.
fn says_where_a_secret_is<T: Object>() -> bool {
    T::KEYS.iter().any(|key| key.name == "valueFile")
}

/// What to say of `who` lacking a key.
pub(crate) fn missing_key(who: &str, key: &Key) -> Draft {
    let about = key.about.trim_end_matches(" Needed for this type.");
    let about = about.trim_end_matches('.');
    let (first, rest) = about.split_at_checked(1).unwrap_or((about, ""));
    let (name, first) = (key.name, first.to_lowercase());
    Draft::error(format!("{who} needs the key `{name}`"))
        .label("it is missing here")
        .hint(format!("add `{name}: ...` ({first}{rest})"))
}

/// Reads the value of one key.
pub(crate) fn read_entry<S: Shape>(
    shape: &S,
    entry: &Entry,
    problems: &mut Problems,
) -> Option<Spanned<S::Value>> {
    let place = entry.place();
    if entry.value.is_null() {
        let draft = Draft::error(format!("{} has no value", quoted(&entry.key)))
            .hint("write one, or remove the key");
        problems.at(place, draft);
        return None;
    }
    let slot = Slot {
        name: &entry.key,
        node: &entry.value,
        place,
    };
    let value = shape.read(&slot, problems)?;
    Some(Spanned { value, place })
}

fn unknown_key<T: Object>(key: &str) -> Draft {
    let names = T::KEYS.iter().map(|key| key.name);
    let hint = match (crate::written::remark_on(key), nearest(key, names)) {
        (Some(remark), _) => remark,
        (None, Some(near)) => format!("write `{near}`"),
        (None, None) => keys_in_words::<T>(),
    };
    Draft::error(format!("{} has no key {}", T::NOUN, quoted(key)))
        .label("unknown key")
        .hint(hint)
}

fn keys_in_words<T: Object>() -> String {
    let names: Vec<String> = T::KEYS.iter().map(|k| format!("`{}`", k.name)).collect();
    match names.as_slice() {
        [only] => format!("its only key is {only}"),
        names => format!("its keys are {}", names.join(", ")),
    }
}

/// A value that is an object of its own.
pub(crate) struct Nested<T>(std::marker::PhantomData<T>);

impl<T> Nested<T> {
    pub const NEW: Self = Self(std::marker::PhantomData);
}

impl<T: Object> Shape for Nested<T> {
    type Value = T;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<T> {
        read_object(slot, problems)
    }

    fn stands_alone(&self) -> bool {
        true
    }

    fn schema(&self) -> Json {
        let mut properties = Map::new();
        for (key, (mut schema, _)) in T::KEYS.iter().zip(T::shapes()) {
            schema["description"] = json!(key.about);
            properties.insert(key.name.to_owned(), schema);
        }
        let needed = T::KEYS.iter().filter(|key| key.need.required);
        let needed: Vec<&str> = needed.map(|key| key.name).collect();
        json!({
            "type": "object",
            "description": T::ABOUT,
            "properties": properties,
            "required": needed,
            "additionalProperties": false,
        })
    }

    fn words(&self) -> String {
        "mapping, see its table".to_owned()
    }
}

/// Makes a struct for a mapping out of a table of its keys: the struct's name, how
/// sentences call it, and for each key a description, the field and its type, the key,
/// its shape and its need.
macro_rules! object {
    (
        $(#[doc = $about:literal])+
        $name:ident, $noun:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $value:ty = $key:literal, $shape:expr, $need:expr;
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Default)]
        pub(crate) struct $name {
            pub place: $crate::source::Place,
            /// Keys that are written, whether their values could be read or not.
            pub written: Vec<(&'static str, $crate::source::Place)>,
            /// Whether it was read from another format, whose leniencies hold then.
            pub foreign: bool,
            $( $(#[doc = $doc])+ pub $field: Option<$crate::source::Spanned<$value>>, )*
        }

        impl $crate::read::Object for $name {
            const NOUN: &'static str = $noun;
            const ABOUT: &'static str = concat!($($about),+).trim_ascii();
            const KEYS: &'static [$crate::read::Key] = &[
                $( $crate::read::Key {
                    name: $key,
                    need: $need,
                    about: concat!($($doc),+).trim_ascii(),
                }, )*
            ];

            fn start(&mut self, place: $crate::source::Place) {
                self.place = place;
            }

            fn set(
                &mut self,
                entry: &$crate::yaml::Entry,
                problems: &mut $crate::problem::Problems,
            ) -> bool {
                match entry.key.as_str() {
                    $( $key => {
                        self.written.push(($key, entry.key_place));
                        self.$field = $crate::read::read_entry(&$shape, entry, problems);
                    } )*
                    _ => return false,
                }
                true
            }

            fn has(&self, key: &str) -> bool {
                self.written.iter().any(|(name, _)| *name == key)
            }

            fn is_foreign(&self) -> bool {
                self.foreign
            }

            fn shapes() -> Vec<(serde_json::Value, String)> {
                vec![ $( {
                    let shape = $shape;
                    let shape = &shape as &dyn $crate::read::Shape<Value = $value>;
                    (shape.schema(), shape.words())
                }, )* ]
            }
        }
    };
}
pub(crate) use object;
