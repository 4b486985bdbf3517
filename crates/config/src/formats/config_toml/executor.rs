//! Which runners are about machines.

use super::table::Table;
use crate::manifest::scalar;
use crate::problem::{Draft, Problems};
use crate::suggest::{nearest, quoted};

const OURS: &str = "docker+machine";
/// The others, and what serves instead of each.
const OTHERS: &[(&str, &str)] = &[
    ("docker", "write a scaler of type `container`"),
    ("docker-windows", "agents run on Linux"),
    ("docker-autoscaler", "write a scaler of type `program`"),
    ("instance", "write a scaler of type `program`"),
    ("kubernetes", "write a scaler of type `kubernetes`"),
    ("shell", "write a scaler of type `bare-metal`"),
    ("custom", "write a scaler of type `program`"),
    ("ssh", "write a scaler of type `program`"),
    ("docker-ssh", "write a scaler of type `container`"),
    ("docker-ssh+machine", "write `docker+machine`"),
    ("parallels", "write a scaler of type `program`"),
    ("virtualbox", "write a scaler of type `program`"),
];

/// Whether this runner is read; if not, that has been said.
pub(super) fn is_ours(runner: &Table<'_>, problems: &mut Problems) -> bool {
    let Some(entry) = runner.get("executor") else {
        if runner.get("machine").is_some() {
            return true;
        }
        let draft = Draft::difference("this runner is left out: it has no `executor`")
            .label("and no `[runners.machine]`")
            .hint("write `executor = \"docker+machine\"`");
        problems.at(runner.place, draft);
        return false;
    };
    let Some(word) = scalar(&entry.value) else {
        return false;
    };
    if word == OURS {
        return true;
    }
    match OTHERS.iter().find(|(name, _)| *name == word) {
        Some((_, hint)) => {
            let message = format!("this runner is left out: its executor is `{word}`");
            let draft = Draft::difference(message)
                .label("only `docker+machine` is read")
                .hint(*hint);
            problems.at(entry.place(), draft);
        }
        None => {
            let names = OTHERS.iter().map(|(name, _)| *name);
            let near = nearest(word, std::iter::once(OURS).chain(names));
            let hint = format!("write `{}`", near.unwrap_or(OURS));
            let draft = Draft::error(format!("there is no executor {}", quoted(word)));
            problems.at(entry.place(), draft.hint(hint));
        }
    }
    false
}
