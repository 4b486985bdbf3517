//! The cases, in the order they are run.
//!
//! Promise: each is one sentence that is true of a good program, played in a few calls. A
//! case that needs what an earlier one showed is skipped when that one failed.

mod batches;
mod calls;
mod creating;
mod ending;
mod leasing;
mod listing;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use headcount_model::AgentId;
use tokio::time::sleep;

use super::report::{Case, Verdict};
use super::stage::{PAUSE, Stage, by_name};
use crate::fault::Fault;
use crate::marks;
use crate::provisioner::{Provisioner, Target};

/// Calls that were late; then the program is not asked any more.
const MAX_LATE: usize = 3;
/// Whatever the program does, no case begins later than this.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// What a case came to: something to add when it is kept, or why it is not.
pub(super) type Outcome = Result<String, String>;

/// A case by its name, with what to do when it fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Name {
    EmptyList,
    UnknownVerb,
    OtherContract,
    NeverStatus,
    NeverDestroy,
    Create,
    Listed,
    Status,
    Again,
    AtOnce,
    Pools,
    Owners,
    Renew,
    Others,
    Many,
    Killed,
    Batch,
    BatchRest,
    BatchOwn,
    BatchKilled,
    Destroy,
    Twice,
    InTime,
    NothingLeft,
    Secrets,
    CleanUp,
}

/// Each with its sentence, its hint, and what it needs.
const CASES: [(Name, &str, &str, Option<Name>); 26] = [
    (
        Name::EmptyList,
        "the list of an owner without machines is complete and empty",
        "answer `list` with {\"contract\": \"headcount/v1\", \"complete\": true, \"machines\": []}",
        None,
    ),
    (
        Name::UnknownVerb,
        "an unknown verb is refused as `invalid`",
        "end with code 14 for every argument but create, list, status, destroy and perhaps renew",
        None,
    ),
    (
        Name::OtherContract,
        "another version of the contract is refused as `invalid`",
        "look at `contract` first; end with code 14 unless it is headcount/v1",
        None,
    ),
    (
        Name::NeverStatus,
        "the status of a machine that never was is `not-found`",
        "end `status` with code 15 when nothing has the name",
        Some(Name::EmptyList),
    ),
    (
        Name::NeverDestroy,
        "destroying a machine that never was is a success",
        "end `destroy` with code 0 and {\"contract\": \"headcount/v1\"} when nothing has the name",
        Some(Name::EmptyList),
    ),
    (
        Name::Create,
        "create makes a machine and answers with it",
        "answer with `machine`: its marks as they were given, an `id` of your own and a `status`",
        Some(Name::EmptyList),
    ),
    (
        Name::Listed,
        "list shows it with the marks it was made with",
        "write owner, pool, agent, leaseUntil and generation on the machine in the call that makes it",
        Some(Name::Create),
    ),
    (
        Name::Status,
        "status shows the same machine",
        "answer `status` as `create` did",
        Some(Name::Create),
    ),
    (
        Name::Again,
        "create of the same name again makes no second machine",
        "look for the name first, and answer with what is there",
        Some(Name::Listed),
    ),
    (
        Name::AtOnce,
        "three creates of one name at once make one machine",
        "take a lock, or let the cloud refuse a second machine of one name",
        Some(Name::Again),
    ),
    (
        Name::Pools,
        "list with a pool shows the machines of that pool alone",
        "filter by `pool` where the document has one",
        Some(Name::Listed),
    ),
    (
        Name::Owners,
        "two owners neither see nor end each other's machines",
        "filter by `owner` in all verbs",
        Some(Name::Listed),
    ),
    (
        Name::Renew,
        "renew moves the end of the leases of all machines of the owner, or is not offered",
        "keep one moment for each owner and show it as `leaseUntil` where `leaseSeconds` was given; or end with code 14",
        Some(Name::Listed),
    ),
    (
        Name::Others,
        "list with `others` shows leased machines of other owners, or is not offered",
        "show machines of all other owners with all their marks when `others` is true; or take no notice of it",
        Some(Name::Owners),
    ),
    (
        Name::Many,
        "eight creates at once make eight machines, and list shows all",
        "share no file between calls without a lock; show all pages of a long list",
        Some(Name::Listed),
    ),
    (
        Name::Killed,
        "a create that is killed half-way can be repeated and ended",
        "write the marks first; let `create` finish what is half-made and `destroy` remove it",
        Some(Name::Again),
    ),
    (
        Name::Batch,
        "one create of several machines makes each once, however often it is repeated",
        "answer with `machines`, in which each stands once with its own marks and `id`",
        Some(Name::Again),
    ),
    (
        Name::BatchRest,
        "one create of machines of which some are there makes the rest",
        "look for each name by itself, and answer with those that were there as well",
        Some(Name::Batch),
    ),
    (
        Name::BatchOwn,
        "each machine of one create gets its own start-up data",
        "give each machine the `startUp` that stands beside it in `machines`",
        Some(Name::Batch),
    ),
    (
        Name::BatchKilled,
        "a create of several machines that is killed half-way can be repeated and ended",
        "write the marks of each first; let `create` finish what is half-made",
        Some(Name::BatchRest),
    ),
    (
        Name::Destroy,
        "destroy ends a machine: status and list show it no more",
        "remove all of it; until it is gone show it as `stopping`, then not at all",
        Some(Name::Create),
    ),
    (
        Name::Twice,
        "destroying it again is a success",
        "end `destroy` with code 0 when nothing has the name",
        Some(Name::Destroy),
    ),
    (
        Name::InTime,
        "every call ends within its deadline, and says no more than 64 MiB",
        "answer when the machine is accepted; do not wait until it is up",
        None,
    ),
    (
        Name::NothingLeft,
        "no call leaves a process behind in its process group",
        "wait for what you start; start what is to live on with `setsid` and wait until it is out",
        None,
    ),
    (
        Name::Secrets,
        "the start-up data stays secret",
        "never print it, and hand it on by file or standard input, not as an argument",
        Some(Name::Create),
    ),
    (
        Name::CleanUp,
        "everything the kit made is gone",
        "end these machines by hand",
        Some(Name::EmptyList),
    ),
];

/// Runs all of them.
pub(super) async fn run_all(stage: &Stage) -> Vec<Case> {
    let started = Instant::now();
    let mut kept = BTreeSet::new();
    let mut cases = Vec::new();
    let tried = |name| stage.options.batch.is_some() || !is_of_batches(name);
    for (name, sentence, hint, needs) in CASES.into_iter().filter(|case| tried(case.0)) {
        let begun = Instant::now();
        let stopped = stopped(stage, started.elapsed(), name);
        let only = &stage.options.only;
        let missing = needs.filter(|needs| only.is_empty() && !kept.contains(needs));
        let (verdict, why) = match (stopped, missing) {
            (Some(why), _) => (Verdict::Skipped, why),
            (None, Some(needs)) => (Verdict::Skipped, format!("needs: {}", sentence_of(needs))),
            (None, None) => match play(stage, name).await {
                Ok(remark) => (Verdict::Ok, remark),
                Err(why) => (Verdict::Failed, why),
            },
        };
        if verdict == Verdict::Ok {
            kept.insert(name);
        }
        cases.push(Case {
            name: sentence,
            verdict,
            why,
            hint: match verdict {
                Verdict::Failed => hint,
                Verdict::Ok | Verdict::Skipped => "",
            },
            took: begun.elapsed(),
        });
    }
    cases
}

/// Why the program is not asked any more. What was seen is told all the same, and what was
/// made is taken away.
fn stopped(stage: &Stage, elapsed: Duration, name: Name) -> Option<String> {
    if name == Name::CleanUp {
        return None;
    }
    let (only, sentence) = (&stage.options.only, sentence_of(name));
    if !only.is_empty() && !only.iter().any(|text| sentence.contains(text)) {
        return Some("not asked for".to_owned());
    }
    if matches!(name, Name::InTime | Name::NothingLeft | Name::Secrets) {
        return None;
    }
    if stage.witness.seen().late.len() >= MAX_LATE {
        return Some(format!("{MAX_LATE} calls were late"));
    }
    (elapsed >= LONGEST).then(|| format!("{} minutes are over", LONGEST.as_secs() / 60))
}

/// Whether it is for programs that know several machines in one call.
const fn is_of_batches(name: Name) -> bool {
    matches!(
        name,
        Name::Batch | Name::BatchRest | Name::BatchOwn | Name::BatchKilled
    )
}

fn sentence_of(name: Name) -> &'static str {
    let found = CASES.iter().find(|(known, ..)| *known == name);
    found.map_or("", |(_, sentence, ..)| sentence)
}

async fn play(stage: &Stage, name: Name) -> Outcome {
    match name {
        Name::EmptyList => listing::empty(stage).await,
        Name::UnknownVerb => calls::unknown_verb(stage).await,
        Name::OtherContract => calls::other_contract(stage).await,
        Name::NeverStatus => calls::never_status(stage).await,
        Name::NeverDestroy => calls::never_destroy(stage).await,
        Name::Create => creating::create(stage).await,
        Name::Listed => listing::listed(stage).await,
        Name::Status => creating::status(stage).await,
        Name::Again => creating::again(stage).await,
        Name::AtOnce => creating::at_once(stage).await,
        Name::Pools => listing::pools(stage).await,
        Name::Owners => listing::owners(stage).await,
        Name::Renew => leasing::renew(stage).await,
        Name::Others => leasing::others(stage).await,
        Name::Many => creating::many(stage).await,
        Name::Killed => creating::killed(stage).await,
        Name::Batch => batches::whole(stage).await,
        Name::BatchRest => batches::rest(stage).await,
        Name::BatchOwn => batches::own(stage).await,
        Name::BatchKilled => batches::killed(stage).await,
        Name::Destroy => ending::destroy(stage).await,
        Name::Twice => ending::twice(stage).await,
        Name::InTime => calls::in_time(stage),
        Name::NothingLeft => calls::nothing_left(stage),
        Name::Secrets => calls::secrets(stage),
        Name::CleanUp => clean_up(stage).await,
    }
}

/// Ends whatever is left: who is listed, by its id, and who was asked for, by its name.
async fn clean_up(stage: &Stage) -> Outcome {
    let mut end = CleanUp::default();
    for owner in [&stage.one, &stage.two] {
        end.listed(stage, owner).await;
    }
    let unlisted: Vec<Target> = {
        let made = stage.made();
        let made = made.iter().filter(|agent| !end.tried.contains(agent));
        made.map(|agent| by_name(*agent)).collect()
    };
    end.each(stage, &stage.one, &unlisted).await;
    match end.left.is_empty() {
        true => Ok(String::new()),
        false => Err(end.left.join("; ")),
    }
}

#[derive(Default)]
struct CleanUp {
    tried: BTreeSet<AgentId>,
    /// What may still be there, in words.
    left: Vec<String>,
}

impl CleanUp {
    /// Until no list shows anybody: that an end was answered well proves nothing.
    async fn listed(&mut self, stage: &Stage, owner: &Provisioner) {
        let started = Instant::now();
        loop {
            let there = match listed(stage, owner).await {
                Ok(there) => there,
                Err(why) => return self.left.push(why),
            };
            if there.is_empty() {
                return;
            }
            if started.elapsed() >= stage.options.patience {
                let still = there.iter().map(|target| {
                    let id = target.id.as_deref().unwrap_or_default();
                    format!("list still shows `{}`, id `{id}`", owner.name(target.agent))
                });
                return self.left.extend(still);
            }
            if !self.each(stage, owner, &there).await {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether all of them were seen to be gone.
    async fn each(&mut self, stage: &Stage, owner: &Provisioner, targets: &[Target]) -> bool {
        let before = self.left.len();
        for target in targets {
            self.tried.insert(target.agent);
            if let Err(fault) = stage.end(owner, target).await {
                let name = owner.name(target.agent);
                self.left.push(format!("`{name}`: {}", fault.message));
            }
        }
        self.left.len() == before
    }
}

async fn listed(stage: &Stage, owner: &Provisioner) -> Result<Vec<Target>, String> {
    let id = &owner.options.owner;
    let listed = stage.list(owner, None).await.map_err(why)?;
    let own = listed
        .into_iter()
        .filter(|machine| machine.owner == id.as_str());
    let targets = own.filter_map(|machine| {
        let agent = marks::agent(id, &machine.name)?;
        Some(Target {
            id: Some(machine.id),
            ..by_name(agent)
        })
    });
    Ok(targets.collect())
}

/// A fault as a sentence.
fn why(fault: Fault) -> String {
    fault.message
}
