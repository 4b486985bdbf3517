//! Options that name a file by where GitLab Runner was started.
//!
//! Promise: an option that names a file by its own name, or whose value begins as a path
//! does, is told where that is no absolute path, as `docker-machine` runs in `/` here. Whether the file is there is the tool's to say. Values
//! that only look like paths (images, networks) are left alone.

use super::table::Table;
use crate::problem::{Draft, Problems};
use crate::suggest::quoted;
use crate::written::check_option_name;
use crate::yaml::{Entry, Kind, Node, Plain};

/// How drivers call the options that name a file of this host.
const ENDS: [&str; 10] = [
    "keypath",
    "key-path",
    "ssh-key",
    "key-file",
    "data-file",
    "userdata",
    "custom-data",
    "cacert",
    "cert-path",
    "cloudinit",
];

/// Each option with a path that is not absolute, where it stands.
pub(super) fn tell_of_paths(machine: &Table<'_>, problems: &mut Problems) {
    let lists = ["MachineOptions", "MachineOptionsWithName"];
    let lists = lists.into_iter().filter_map(|name| machine.get(name));
    for item in lists.flat_map(items) {
        let Some(name) = relative(item) else { continue };
        let message = format!(
            "{} is no absolute path, and `docker-machine` runs in `/`",
            quoted(name)
        );
        let draft = Draft::difference(message)
            .label("GitLab Runner: from where it was started")
            .hint("write the path from `/` on");
        problems.at(item.place, draft);
    }
}

fn items(entry: &Entry) -> &[Node] {
    match &entry.value.kind {
        Kind::List(items) => items,
        _ => &[],
    }
}

/// The name of an option that is one.
fn relative(item: &Node) -> Option<&str> {
    let Kind::Scalar(scalar) = &item.kind else {
        return None;
    };
    let text = (scalar.means == Plain::Text).then_some(&scalar.text)?;
    let (name, value) = text.split_once('=')?;
    // One with a name that cannot be is an error, which shows as little as may be shown.
    check_option_name(name).ok()?;
    let dotted = ["./", "../"].iter().any(|start| value.starts_with(start));
    let elsewhere = value.is_empty() || value.starts_with('/') || value.contains("://");
    let lower = name.to_ascii_lowercase();
    let named = ENDS.iter().any(|end| lower.ends_with(end));
    (dotted || named && !elsewhere).then_some(name)
}
