//! One `[[runners]]` as a scaler.

use super::Shared;
use super::cache::cache;
use super::docker::docker;
use super::environment::environment;
use super::executor::is_ours;
use super::idle::{largest, policy, spanned};
use super::keys::{MACHINE, RUNNER};
use super::machine::machine;
use super::name::name;
use super::own::{Own, own};
use super::table::{Table, inner, table};
use crate::problem::{Draft, Problems};
use crate::read::{integer, read_entry};
use crate::source::{Place, Spanned};
use crate::written::{BackendKind, LabelSet, Policy, Scaler};
use crate::yaml::{Entry, Node};

/// The scaler, as far as it could be read; `None` for a runner that is left out, which has
/// been said.
pub(super) fn scaler(
    index: usize,
    node: &Node,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Option<Spanned<Scaler>> {
    let place = node.place;
    let runner = table("`[[runners]]`", RUNNER, node, problems);
    if !is_ours(&runner, problems) {
        return None;
    }
    let name = name(index, &runner, shared, problems);
    tell_of_jobs(&runner, shared, problems);
    cache(&runner, problems);
    let own = own(&runner, problems);
    let noun = "`[runners.machine]`";
    let machine_table = inner(&runner, "machine", noun, MACHINE, problems);
    let limit = limit(&runner, problems);
    let at_limit = runner.get("limit").map_or(place, Entry::place);
    let mut set = LabelSet {
        place,
        foreign: true,
        labels: Some(labels(&own, &runner, &name, problems)),
        ..LabelSet::default()
    };
    environment(index, &runner, shared, &mut set, problems);
    docker(&runner, &mut set, problems);
    let home = format!("/runners/{index}/{}", key_of_machine(&runner));
    machine(machine_table.as_ref(), &mut set, &home, shared, problems);
    let at = machine_table.as_ref().map_or(place, |table| table.place);
    let policy = policy(machine_table.as_ref(), at, &own, limit, shared, problems);
    let most = limit.unwrap_or_else(|| cap(shared.concurrent, &policy, at_limit, problems));
    let scaler = Scaler {
        place,
        foreign: true,
        name: Some(name),
        kind: Some(spanned(BackendKind::DockerMachine, place)),
        max_agents: Some(spanned(most, place)),
        policy: Some(spanned(policy, at)),
        program: own.program,
        store: own.store,
        orchestrator_url: own.orchestrator_url,
        label_sets: Some(spanned(vec![spanned(set, place)], place)),
        ..Scaler::default()
    };
    Some(spanned(scaler, place))
}

/// Of machines in any state, and so of jobs; 0 is none.
fn limit(runner: &Table<'_>, problems: &mut Problems) -> Option<u32> {
    let entry = runner.get("limit")?;
    let limit = read_entry(&integer::<u32>(0..=i64::from(u32::MAX)), entry, problems)?;
    (limit.value > 0).then_some(limit.value)
}

/// How many machines there are at most where nobody says it: nothing is made here without
/// end. As many as could ever be of use, and as many again, since who is being removed counts
/// until that is confirmed: all may leave at once without holding back those after them.
fn cap(concurrent: u32, policy: &Policy, place: Place, problems: &mut Problems) -> u32 {
    let idle = largest(policy);
    let most = concurrent.saturating_add(idle).saturating_mul(2);
    let draft = Draft::difference(format!(
        "at most {most} machines at once, as no `limit` says it"
    ))
    .label("GitLab Runner has no cap then")
    .hint(format!(
        "write a `limit` of your own: this is `concurrent` ({concurrent}) and the largest \
             idle count ({idle}), twice, as machines that are being removed count"
    ));
    problems.at(place, draft);
    most
}

fn key_of_machine(runner: &Table<'_>) -> String {
    let key = runner.get("machine").map_or("machine", |entry| &entry.key);
    crate::manifest::escaped(key)
}

/// Once for all runners, at the first address.
fn tell_of_jobs(runner: &Table<'_>, shared: &mut Shared<'_>, problems: &mut Problems) {
    if std::mem::replace(&mut shared.told_of_jobs, true) {
        return;
    }
    let draft = Draft::difference(
        "jobs come from the built-in queue: asking GitLab for jobs is not built yet in this \
         version",
    )
    .hint("`headcount submit` gives these machines jobs; a token is not used and nowhere shown");
    match runner.get("url") {
        Some(url) => problems.at(url.key_place, draft.label("not used yet, nor is `token`")),
        None => problems.at(runner.place, draft),
    }
}

/// Tags are kept by GitLab, not by this file.
fn labels(
    own: &Own,
    runner: &Table<'_>,
    name: &Spanned<String>,
    problems: &mut Problems,
) -> Spanned<Vec<Spanned<String>>> {
    if let Some(labels) = &own.labels {
        return labels.clone();
    }
    let message = format!("jobs ask for these machines by the label `{}`", name.value);
    let draft = Draft::difference(message)
        .label("the tags of a runner are not in this file")
        .hint("write `labels = [\"...\"]` below `[runners.headcount]`");
    problems.at(
        runner.get("name").map_or(runner.place, |_| name.place),
        draft,
    );
    spanned(vec![name.clone()], name.place)
}
