//! What stands before the runners, and `[machine.shutdown_drain]`.

use super::keys::{GLOBAL, MACHINE_OF_ALL, SHUTDOWN_DRAIN};
use super::table::{Table, inner, table};
use crate::problem::{Draft, Problems};
use crate::read::{integer, read_entry};
use crate::source::Spanned;
use crate::yaml::{Entry, Kind, Node, Plain};

/// What GitLab Runner takes where nobody writes a `shutdown_timeout`.
const SHUTDOWN_SECONDS: i64 = 30;
/// What its drain is told beside whether there is one, and what holds here instead.
const DRAIN_NUMBERS: [(&str, &str); 3] = [
    ("concurrency", "removals do not wait for each other"),
    ("max_retries", TRIED),
    ("retry_backoff", TRIED),
];
const TRIED: &str = "a removal is tried until it works, later and later";

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
        shutdown_drain(&machine, found.get("shutdown_timeout"), problems);
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

/// Machines are known to the next daemon, so there is no need to end them with this one; who
/// wants it all the same says so on the command line.
fn shutdown_drain(machine: &Table<'_>, timeout: Option<&Entry>, problems: &mut Problems) {
    let noun = "`[machine.shutdown_drain]`";
    let Some(drain) = inner(machine, "shutdown_drain", noun, SHUTDOWN_DRAIN, problems) else {
        return;
    };
    let enabled = drain.get("enabled").and_then(|entry| plain(&entry.value));
    if enabled != Some(Plain::Bool(true)) {
        return;
    }
    let seconds = match timeout.and_then(|entry| plain(&entry.value)) {
        Some(Plain::Integer(seconds)) if seconds > 0 => seconds,
        _ => SHUTDOWN_SECONDS,
    };
    let message = "machines outlive the daemon: the next one takes them over";
    let draft = Draft::difference(message)
        .label("GitLab Runner removes them when it ends")
        .hint(format!(
            "`headcount up --stop-agents destroy --stop-destroy-timeout {seconds}s` removes \
             them, too"
        ));
    problems.at(drain.place, draft);
    for (name, why) in DRAIN_NUMBERS {
        if let Some(entry) = drain.get(name) {
            let message = format!("`{name}` has no effect here: {why}");
            problems.at(entry.key_place, Draft::difference(message));
        }
    }
}

fn plain(node: &Node) -> Option<Plain> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar.means),
        _ => None,
    }
}
