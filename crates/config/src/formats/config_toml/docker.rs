//! `[runners.docker]`: the container on a machine in which an agent runs.

use super::idle::spanned;
use super::keys::DOCKER;
use super::table::{Table, called, inner};
use crate::problem::{Draft, Problems};
use crate::read::{Choice, Flag, List, read_entry};
use crate::settings::PullPolicy;
use crate::source::{Place, Spanned};
use crate::written::{LabelSet, TEXT};
use crate::yaml::{Entry, Kind, Node};

/// What runs where no image is written: small, and with what scripts expect.
const DEFAULT_IMAGE: &str = "debian:stable-slim";

const PULL: Choice<PullPolicy> = Choice {
    words: &[
        ("always", PullPolicy::Always),
        ("if-not-present", PullPolicy::IfNotPresent),
        ("never", PullPolicy::Never),
    ],
    others: &[],
};

/// Image, mounts and rights of a runner.
pub(super) fn docker(runner: &Table<'_>, set: &mut LabelSet, problems: &mut Problems) {
    let noun = "`[runners.docker]`";
    let docker = inner(runner, "docker", noun, DOCKER, problems);
    let image = docker.as_ref().and_then(|docker| docker.get("image"));
    let image = image.filter(|entry| !super::table::asks_for_nothing(&entry.value));
    match image {
        Some(entry) => set.image = read_entry(&TEXT, entry, problems),
        None => {
            let place = docker.as_ref().map_or(runner.place, |docker| docker.place);
            set.image = Some(default_image(place, problems));
        }
    }
    // What is wrong with it has been noted.
    set.written.push(("image", set.place));
    let Some(docker) = docker else { return };
    if let Some(entry) = docker.get("privileged") {
        set.privileged = read_entry(&Flag, entry, problems);
    }
    if let Some(entry) = docker.get("volumes") {
        set.volumes = volumes(entry, problems);
    }
    if let Some(entry) = docker.get("pull_policy") {
        set.image_pull_policy = pull_policy(entry, problems);
    }
}

fn default_image(place: Place, problems: &mut Problems) -> Spanned<String> {
    let draft = Draft::difference(format!("no `image`: agents run in `{DEFAULT_IMAGE}`"))
        .label("jobs here do not name an image of their own")
        .hint("write `image = \"...\"` below `[runners.docker]`");
    problems.at(place, draft);
    spanned(DEFAULT_IMAGE.to_owned(), place)
}

/// Binds go on; a volume without a name would be another one for each agent.
fn volumes(entry: &Entry, problems: &mut Problems) -> Option<Spanned<Vec<Spanned<String>>>> {
    let list = List {
        of: TEXT,
        filled: false,
    };
    let mut found = read_entry(&list, entry, problems)?;
    found.value.retain(|volume| {
        let is_bind = volume.value.contains(':');
        if !is_bind {
            let draft = Draft::difference("no volume is made here: each agent has its own files")
                .hint("mount a folder of the machine: `\"/folder:/cache\"`");
            problems.at(volume.place, draft);
        }
        is_bind
    });
    Some(found)
}

/// One word, or several of which GitLab Runner tries one after the other.
fn pull_policy(entry: &Entry, problems: &mut Problems) -> Option<Spanned<PullPolicy>> {
    let first = match &entry.value.kind {
        Kind::List(items) => items.first()?,
        _ => return read_entry(&PULL, entry, problems),
    };
    if let Kind::List(items) = &entry.value.kind
        && items.len() > 1
    {
        let draft = Draft::difference("only the first of these is tried")
            .label(format!("this is {}", called(&entry.value)))
            .hint("write the one that is meant");
        problems.at(entry.place(), draft);
    }
    let alone = Entry {
        key: entry.key.clone(),
        key_place: entry.key_place,
        value: Node {
            place: first.place,
            kind: first.kind.clone(),
        },
    };
    read_entry(&PULL, &alone, problems)
}
