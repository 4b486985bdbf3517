//! GitLab Runner's `config.toml`, as far as it is about machines.
//!
//! Promise: each `[[runners]]` of the executor `docker+machine` becomes one scaler of type
//! `docker-machine` with one label set; whatever it says and means something else here is
//! named as a difference with its line, keys that GitLab Runner has not are errors, and no
//! secret is part of what it becomes or is shown in a problem. Source: the machine
//! autoscaling reference, sections 7 to 9.

mod cache;
mod docker;
mod environment;
mod executor;
mod global;
mod hide;
mod idle;
mod keys;
mod machine;
mod name;
mod options;
mod own;
mod paths;
mod periods;
mod reading;
mod runner;
mod secret_name;
mod table;

pub(crate) use hide::hidden;

use std::collections::BTreeMap;

use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::written::{Scaler, Top};
use crate::yaml::{Entry, Kind, Node};

/// What the runners of one file share.
struct Shared<'f> {
    /// How the file is called.
    file: &'f str,
    /// Jobs of all of them at once.
    concurrent: u32,
    /// Names that are taken, in lower case, each with the last number that was put after it.
    names: BTreeMap<String, usize>,
    /// Whether it has been said where jobs come from.
    told_of_jobs: bool,
    /// Whether it has been said when windows begin.
    told_of_minutes: bool,
    /// The same of those of single seconds.
    told_of_seconds: bool,
}

/// The file as if it were native; `None` once a problem has been noted.
pub(crate) fn read(file: &str, root: &Node, problems: &mut Problems) -> Option<Top> {
    let global = global::global(root, problems);
    let Some(runners) = global.runners else {
        let draft = Draft::error("there is no `[[runners]]` in this TOML file").hint(
            "give the `config.toml` of GitLab Runner with its runners, or a native file, which \
             is YAML",
        );
        problems.in_file(file, draft);
        return None;
    };
    let mut shared = Shared {
        file,
        concurrent: global.concurrent.as_ref().map_or(1, |jobs| jobs.value),
        names: BTreeMap::new(),
        told_of_jobs: false,
        told_of_minutes: false,
        told_of_seconds: false,
    };
    let tables = tables(runners, problems)?;
    if global.concurrent.is_none() && !global.concurrent_is_wrong {
        let draft = Draft::warning("`concurrent` is not written, so one job runs at a time")
            .label("as with GitLab Runner")
            .hint("write `concurrent = 10` before it, for example");
        problems.at(runners.key_place, draft);
    }
    let mut scalers = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        scalers.extend(runner::scaler(index, table, &mut shared, problems));
    }
    if scalers.is_empty() && !problems.has_errors() {
        let draft = Draft::error("none of these runners has the executor `docker+machine`")
            .label("nothing of this file is left")
            .hint("write a native file: `headcount schema` knows its keys");
        problems.at(runners.key_place, draft);
        return None;
    }
    Some(top(
        runners.key_place,
        shared.concurrent,
        global.concurrent,
        scalers,
    ))
}

fn tables<'n>(runners: &'n Entry, problems: &mut Problems) -> Option<Vec<&'n Node>> {
    let is_table = |node: &&Node| matches!(node.kind, Kind::Map(_));
    if let Kind::List(items) = &runners.value.kind
        && items.iter().all(|item| is_table(&item))
    {
        return Some(items.iter().collect());
    }
    let draft = Draft::error("`runners` must be a list of tables")
        .label(format!("this is {}", table::called(&runners.value)))
        .hint("write `[[runners]]`, with two brackets, before the keys of each of them");
    problems.at(runners.key_place, draft);
    None
}

/// All of them together may have as many agents as each of them.
fn top(
    place: Place,
    concurrent: u32,
    written: Option<Spanned<u32>>,
    scalers: Vec<Spanned<Scaler>>,
) -> Top {
    let caps = scalers
        .iter()
        .filter_map(|scaler| scaler.value.max_agents.as_ref());
    let all = caps.fold(0_u32, |sum, cap| sum.saturating_add(cap.value));
    Top {
        place,
        written: vec![("scalers", place)],
        global_max_agents: (all > 0).then_some(Spanned { value: all, place }),
        global_max_jobs: Some(written.unwrap_or(Spanned {
            value: concurrent,
            place,
        })),
        scalers: Some(Spanned {
            value: scalers,
            place,
        }),
        ..Top::default()
    }
}
