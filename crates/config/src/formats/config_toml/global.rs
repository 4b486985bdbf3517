//! What stands before the runners, and `[machine.shutdown_drain]`.

use super::keys::{GLOBAL, MACHINE_OF_ALL, SHUTDOWN_DRAIN};
use super::table::{inner, table};
use crate::problem::{Draft, Problems};
use crate::read::{integer, read_entry};
use crate::source::Spanned;
use crate::yaml::{Entry, Node, Plain};

/// What is of use of it.
pub(super) struct Global<'n> {
    pub concurrent: Option<Spanned<u32>>,
    /// Whether it is written and could not be read.
    pub concurrent_is_wrong: bool,
    pub runners: Option<&'n Entry>,
}

pub(super) fn global<'n>(root: &'n Node, problems: &mut Problems) -> Global<'n> {
    let found = table("the file", GLOBAL, root, problems);
    if let Some(machine) = inner(&found, "machine", "`[machine]`", MACHINE_OF_ALL, problems) {
        shutdown_drain(&machine, problems);
    }
    let written = found.get("concurrent");
    let concurrent =
        written.and_then(|entry| read_entry(&integer(1..=i64::from(u32::MAX)), entry, problems));
    Global {
        concurrent_is_wrong: written.is_some() && concurrent.is_none(),
        concurrent,
        runners: found.get("runners"),
    }
}

/// Machines are known to the next daemon, so there is no need to end them with this one.
fn shutdown_drain(machine: &super::table::Table<'_>, problems: &mut Problems) {
    let noun = "`[machine.shutdown_drain]`";
    let Some(drain) = inner(machine, "shutdown_drain", noun, SHUTDOWN_DRAIN, problems) else {
        return;
    };
    let enabled = drain.get("enabled").map(|entry| &entry.value.kind);
    let is_on = matches!(enabled, Some(crate::yaml::Kind::Scalar(scalar))
        if scalar.means == Plain::Bool(true));
    if is_on {
        let message = "machines outlive the daemon: the next one takes them over";
        let draft = Draft::difference(message)
            .label("GitLab Runner removes them when it ends")
            .hint("`headcount drain POOL` before stopping lets the machines of a pool go");
        problems.at(drain.place, draft);
    }
}
