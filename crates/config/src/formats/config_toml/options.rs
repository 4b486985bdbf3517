//! `MachineOptions`: what `docker-machine create` is told, secrets by where they stand.

use std::collections::BTreeMap;

use super::secret_name::is_secret_name;
use super::table::{Table, called};
use crate::manifest::escaped;
use crate::problem::{Draft, Problems};
use crate::read::{List, Shape, Slot};
use crate::settings::TomlPlace;
use crate::source::{Place, Spanned};
use crate::written::{MACHINE_OPTION, check_option_name, is_secret_option};
use crate::yaml::{Entry, Kind, Node, Plain, Scalar};

/// The options as a native file has them: texts as they are, and for each secret its place
/// in this one.
///
/// `home` is the pointer to the table.
pub(super) fn options(
    machine: &Table<'_>,
    file: &str,
    home: &str,
    problems: &mut Problems,
) -> Option<Spanned<Node>> {
    let entry = machine.get("MachineOptions")?;
    let Kind::List(items) = &entry.value.kind else {
        let draft = Draft::error("`MachineOptions` must be a list of texts")
            .label(format!("this is {}", called(&entry.value)))
            .hint("write for example `[\"engine-registry-mirror=http://192.0.2.1:5000\"]`");
        problems.at(entry.place(), draft);
        return None;
    };
    let list = Home {
        file,
        pointer: format!("{home}/{}", escaped(&entry.key)),
        names: names(items),
    };
    let options = items.iter().enumerate();
    let options = options.map(|(index, item)| list.option(index, item));
    let node = Node {
        place: entry.place(),
        kind: Kind::List(options.collect()),
    };
    let slot = Slot {
        name: "MachineOptions",
        node: &node,
        place: entry.place(),
    };
    let list = List {
        of: MACHINE_OPTION,
        filled: false,
    };
    list.read(&slot, problems)?;
    (!items.is_empty()).then(|| Spanned {
        value: node,
        place: entry.place(),
    })
}

/// The list, and how to point into it.
struct Home<'l> {
    file: &'l str,
    pointer: String,
    /// How often each name stands in it.
    names: BTreeMap<&'l str, usize>,
}

impl Home<'_> {
    fn option(&self, index: usize, item: &Node) -> Node {
        let secret = text(item).and_then(|text| text.split_once('='));
        // One with a name that cannot be is told of as it stands here.
        let secret = secret.filter(|(name, _)| check_option_name(name).is_ok());
        let secret = secret.filter(|(name, value)| is_secret(name, value));
        let Some((name, _)) = secret else {
            return item.clone();
        };
        let pointer = match self.names.get(name) {
            Some(1) => format!("{}/{}", self.pointer, escaped(name)),
            _ => format!("{}/{index}/{}", self.pointer, escaped(name)),
        };
        let home = TomlPlace {
            file: self.file.to_owned(),
            pointer,
        };
        let entries = [
            ("name", name.to_owned()),
            ("valueFromToml", home.to_string()),
        ];
        let entries = entries.map(|(key, value)| written(key, value, item.place));
        Node {
            place: item.place,
            kind: Kind::Map(entries.into()),
        }
    }
}

/// As if it were written there.
fn written(key: &str, value: String, place: Place) -> Entry {
    Entry {
        key: key.to_owned(),
        key_place: place,
        value: Node {
            place,
            kind: Kind::Scalar(Scalar {
                text: value,
                means: Plain::Text,
            }),
        },
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.means == Plain::Text => Some(&scalar.text),
        _ => None,
    }
}

fn names(items: &[Node]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for (name, _) in items
        .iter()
        .filter_map(text)
        .filter_map(|it| it.split_once('='))
    {
        *names.entry(name).or_insert(0) += 1;
    }
    names
}

/// Whether nobody may see the value: by the name of the option, by that of a variable which
/// it sets, or as it is an address with a password.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    if value.is_empty() {
        return false;
    }
    let of_variable = value.split_once('=').is_some_and(|(variable, value)| {
        !value.is_empty() && variable.len() < 128 && is_secret_name(variable)
    });
    is_secret_option(name) || is_secret_name(name) || of_variable || has_password(value)
}

/// `scheme://user:password@host`.
pub(super) fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}
