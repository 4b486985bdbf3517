//! What a label set tells a provider of GARM.
//!
//! Promise: options that the provider could not be told are refused here, with their place;
//! `backends/program` refuses the same without one. Leaves `extra_specs` to the provider.

use crate::problem::{Draft, Problems};
use crate::source::Place;
use crate::suggest::{choices, nearest, quoted};
use crate::written;
use crate::yaml::{Entry, Kind, Node, Plain};

/// What options there are, and what each holds.
const OPTIONS: [(&str, Shape); 9] = [
    ("image", Shape::Needed),
    ("flavor", Shape::Needed),
    ("os_type", Shape::OneOf(&["linux"])),
    ("arch", Shape::OneOf(&["amd64", "i386", "arm64", "arm"])),
    ("extra_specs", Shape::Mapping),
    ("disable_updates_on_boot", Shape::Flag),
    ("extra_packages", Shape::Texts),
    ("enable_boot_debug", Shape::Flag),
    ("proxy_config", Shape::Keys(&PROXIES)),
];
const PROXIES: [(&str, Shape); 3] = [
    ("http_proxy", Shape::Text),
    ("https_proxy", Shape::Text),
    ("no_proxy", Shape::Text),
];

/// What an option holds.
#[derive(Clone, Copy)]
enum Shape {
    /// A text that no provider can do without; never empty.
    Needed,
    Text,
    OneOf(&'static [&'static str]),
    Flag,
    Texts,
    Mapping,
    Keys(&'static [(&'static str, Shape)]),
}

pub(super) fn check_options(set: &written::LabelSet, problems: &mut Problems) {
    let written = set.options.as_ref();
    let entries = match written.map(|options| &options.value.kind) {
        Some(Kind::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    let place = written.map_or(set.place, |options| options.place);
    for (key, shape) in OPTIONS {
        let has = |entry: &Entry| entry.key == key && shape.holds(&entry.value);
        if matches!(shape, Shape::Needed) && !entries.iter().any(has) {
            need(key, place, problems);
        }
    }
    check_keys("options", entries, &OPTIONS, problems);
}

fn need(key: &str, place: Place, problems: &mut Problems) {
    let message = format!("a provider of GARM needs {} in `options`", quoted(key));
    let hint = format!("add `options.{key}`, a text");
    problems.at(place, Draft::error(message).hint(hint));
}

fn check_keys(
    of: &str,
    entries: &[Entry],
    known: &'static [(&'static str, Shape)],
    problems: &mut Problems,
) {
    for entry in entries {
        let found = known.iter().find(|(key, _)| *key == entry.key);
        match (found, &entry.value.kind) {
            (None, _) => problems.at(entry.key_place, unknown(of, &entry.key, known)),
            // Told of already.
            (Some((_, Shape::Needed)), _) => {}
            (Some((key, Shape::Keys(inner))), Kind::Map(entries)) => {
                check_keys(&format!("{of}.{key}"), entries, inner, problems);
            }
            (Some((_, shape)), _) if shape.holds(&entry.value) => {}
            (Some((key, shape)), _) => {
                problems.at(entry.place(), shape.refusal(&format!("{of}.{key}")));
            }
        }
    }
}

fn unknown(of: &str, key: &str, known: &[(&'static str, Shape)]) -> Draft {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let hint = match nearest(key, names.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None => {
            let all = choices(&names).replace(" or ", " and ");
            let own = match of {
                "options" => "; what is the provider's own goes into `extra_specs`",
                _ => "",
            };
            format!("there are {all}{own}")
        }
    };
    Draft::error(format!(
        "a provider of GARM has no key {} in `{of}`",
        quoted(key)
    ))
    .label("unknown key")
    .hint(hint)
}

impl Shape {
    fn holds(self, node: &Node) -> bool {
        match (self, &node.kind) {
            (Self::Needed, _) => text(node).is_some_and(|text| !text.is_empty()),
            (Self::Text, _) => text(node).is_some(),
            (Self::OneOf(words), _) => text(node).is_some_and(|text| words.contains(&text)),
            (Self::Flag, Kind::Scalar(scalar)) => matches!(scalar.means, Plain::Bool(_)),
            (Self::Texts, Kind::List(items)) => items.iter().all(|item| text(item).is_some()),
            (Self::Mapping | Self::Keys(_), Kind::Map(_)) => true,
            _ => false,
        }
    }

    fn refusal(self, key: &str) -> Draft {
        let (must, hint) = match self {
            Self::OneOf(&["linux"]) => (
                "can only be `linux`".to_owned(),
                "agents are started on Linux alone",
            ),
            Self::OneOf(words) => (
                format!("must be {}", choices(words)),
                "write the architecture of the machine in GARM's words",
            ),
            Self::Needed | Self::Text => ("must be a text".to_owned(), "put it into quotes"),
            Self::Flag => (
                "must be true or false".to_owned(),
                "write `true` or `false`",
            ),
            Self::Texts => ("must be a list of texts".to_owned(), "write `[a, b]`"),
            Self::Mapping | Self::Keys(_) => {
                ("must be a mapping".to_owned(), "write `key: value` pairs")
            }
        };
        Draft::error(format!("`{key}` {must}")).hint(hint)
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.means == Plain::Text => Some(&scalar.text),
        _ => None,
    }
}
