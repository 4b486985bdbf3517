//! Why jobs of one class wait, or why one more would: asked for one class at a time,
//! because it plans on a copy of the world.
//!
//! Promise: the same rules as the plan, told in full; the world itself stays as it is.
//! Leaves to others: the standing of everything else (`view`).

use headcount_model::{
    ClassCount, ClassKey, Granted, InForce, Labels, Pattern, PatternKind, PoolName, Reason,
    Selectors, SourceEvent, Timestamp,
};
use headcount_planner::{Impossible, News, PoolId, Verdict, World, explain, observe, plan};

use crate::shared;
use crate::view::{ClassView, classes};

/// Why jobs of a class wait, pool by pool.
#[derive(Clone, Debug)]
pub struct ExplanationView {
    /// When it was made.
    pub at: Timestamp,
    /// The class as it stands, if jobs of it wait.
    pub class: Option<ClassView>,
    /// What one more job would wait for; absent where an agent would take it or start for
    /// it at once. Found by planning on a copy of the world in which one more such job waits.
    pub would_wait_for: Option<Reason>,
    /// Candidates first, then all other pools.
    pub pools: Vec<ExplainedPool>,
    /// The cap that refuses such jobs for ever, if every candidate does.
    pub impossible: Option<Impossible>,
    /// Patterns asked for that match no label of any pool.
    pub unmatched: Vec<Pattern>,
    /// For each label that no pool has, and each glob that matches none, the nearest one
    /// that some pool has.
    pub nearest: Vec<(String, String)>,
}

/// One pool's answer to a class.
#[derive(Clone, Debug)]
pub struct ExplainedPool {
    /// Which.
    pub pool: PoolName,
    /// Its labels as declared.
    pub labels: Labels,
    /// Which of its schedules of idle agents is in force, if it has any and that is known.
    pub in_force: Option<InForce>,
    /// What it says.
    pub verdict: ExplainedVerdict,
}

/// What a pool says to a class; see [`Verdict`].
#[derive(Clone, Debug)]
pub enum ExplainedVerdict {
    /// It can serve it.
    Candidate {
        /// What an agent made for it is granted.
        granted: Granted,
        /// What stands in the way, and since when.
        blocked: Option<(Reason, Timestamp)>,
        /// The numbers behind that, where there are some; where nothing is in the way, what
        /// an agent that starts for it waits for.
        detail: Option<String>,
        /// When a launch is tried again, if failed ones stand in the way and it is to come.
        next_launch: Option<Timestamp>,
    },
    /// It cannot.
    Unfit {
        /// What is asked for that it lacks, by name and by pattern.
        missing: Selectors,
        /// Labels excluded, by name or by pattern, that it has.
        excluded: Labels,
        /// Labels it insists on that were not asked for by name.
        gate: Labels,
        /// It runs workers, which feed themselves.
        worker: bool,
    },
}

/// How similar a label must be to be worth naming, from 0 to 1.
const NEAR: f64 = 0.8;

impl ExplanationView {
    pub(crate) fn of(world: &World, key: &ClassKey, now: Timestamp) -> Self {
        let class = standing(world, key, now);
        let supposed = with_one_more(world, key, now);
        let would_wait_for = last_reason(&supposed, key, now).filter(|reason| !is_served(*reason));
        // What stands in the way of a class of which no job waits shows in the supposed world.
        let world = match world.class_keyed(key) {
            Some(_) => world,
            None => &supposed,
        };
        let explanation = explain(world, key);
        let pools = explanation.pools.into_iter().filter_map(|answer| {
            let pool = world.pool(answer.pool)?;
            Some(ExplainedPool {
                pool: pool.name.clone(),
                labels: pool.configured.as_ref()?.spec.labels.clone(),
                in_force: pool.in_force(now),
                verdict: verdict(world, answer.pool, answer.verdict, now),
            })
        });
        Self {
            at: now,
            would_wait_for,
            class,
            pools: pools.collect(),
            impossible: explanation.impossible,
            nearest: nearest(world, key, &explanation.unmatched),
            unmatched: explanation.unmatched,
        }
    }
}

/// The class as it stands, if jobs of it are known.
fn standing(world: &World, key: &ClassKey, now: Timestamp) -> Option<ClassView> {
    let class = world.class_keyed(key)?.id;
    let mut report = plan(world, now).report;
    report.classes.retain(|report| report.class == class);
    classes(world, &report).pop()
}

/// Why the youngest waiting job of the class waits.
fn last_reason(world: &World, key: &ClassKey, now: Timestamp) -> Option<Reason> {
    let class = standing(world, key, now)?;
    class.shares.last().map(|share| share.reason)
}

const fn is_served(reason: Reason) -> bool {
    matches!(reason, Reason::Assigning | Reason::AgentStarting)
}

/// A copy of the world in which one more job of this class waits, with what a plan says
/// stands in its way; nothing of that plan is done.
fn with_one_more(world: &World, key: &ClassKey, now: Timestamp) -> World {
    let mut copy = world.clone();
    let before = world.class_keyed(key).map(|class| class.count);
    let before = before.unwrap_or_default();
    let count = ClassCount {
        waiting: before.waiting.saturating_add(1),
        oldest: before.oldest.or(Some(now)),
        ..before
    };
    let demand = SourceEvent::Demand {
        // Later than anything the source has said.
        sample: u64::MAX,
        class: key.clone(),
        count,
    };
    observe(&mut copy, News::Source(key.source.clone(), demand), now);
    let report = plan(&copy, now).report;
    observe(
        &mut copy,
        News::Planned(Box::new((Vec::new(), report))),
        now,
    );
    copy
}

fn verdict(world: &World, pool: PoolId, verdict: Verdict, now: Timestamp) -> ExplainedVerdict {
    match verdict {
        Verdict::Candidate { granted, blocked } => ExplainedVerdict::Candidate {
            granted,
            blocked,
            detail: match blocked {
                Some((reason, _)) => shared::detail(world, pool, reason),
                None => waiting(world, pool),
            },
            next_launch: blocked.and_then(|(reason, _)| next_launch(world, pool, reason, now)),
        },
        Verdict::Unfit {
            missing,
            excluded,
            gate,
            worker,
        } => ExplainedVerdict::Unfit {
            missing,
            excluded,
            gate,
            worker,
        },
    }
}

/// What the first agent that starts in this pool waits for, if its backend knows; or what
/// was said of a creation whose outcome is unclear.
fn waiting(world: &World, pool: PoolId) -> Option<String> {
    let mine = || world.agents().filter(|agent| agent.pool() == pool);
    let waits = mine().find_map(|agent| {
        let why = agent.waits_for()?;
        Some(format!("agent {} waits: {why}", agent.id()))
    });
    waits.or_else(|| {
        mine().find_map(|agent| {
            let said = agent.unclear()?;
            Some(format!(
                "whether agent {} was made is unclear: {said}",
                agent.id()
            ))
        })
    })
}

fn next_launch(world: &World, pool: PoolId, reason: Reason, now: Timestamp) -> Option<Timestamp> {
    if !matches!(reason, Reason::LaunchBackoff | Reason::CircuitOpen) {
        return None;
    }
    let next = world.pool(pool)?.backoff.next_at;
    (next > now).then_some(next)
}

/// For each label that no pool has, the most similar one that some pool has; and the same
/// for the letters of a glob that matches none. Of an expression nobody can tell what was
/// meant.
fn nearest(world: &World, key: &ClassKey, unmatched: &[Pattern]) -> Vec<(String, String)> {
    let specs = world
        .fleet()
        .scalers
        .iter()
        .flat_map(|scaler| &scaler.pools);
    let known: Vec<_> = specs
        .flat_map(|spec| [spec.labels.clone(), spec.system_labels.clone()])
        .collect();
    let named = key.runs_on.labels().iter();
    let named = named.filter(|label| !known.iter().any(|set| set.contains(label)));
    let named = named.map(|label| (label.to_string(), label.to_string()));
    let globs = unmatched.iter().filter(|p| p.kind() == PatternKind::Glob);
    let globs = globs.map(|glob| (glob.to_string(), glob.as_str().replace(['*', '?'], "")));
    let near = named.chain(globs).filter_map(|(asked, letters)| {
        let all = known.iter().flat_map(|set| set.iter());
        let scored = all.map(|k| (strsim::jaro_winkler(&letters, k.as_str()), k));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
        (best.0 > NEAR).then(|| (asked, best.1.to_string()))
    });
    near.collect()
}

#[cfg(test)]
mod tests {
    use headcount_model::Fleet;

    use super::*;
    use crate::sample::{class, fleet, scaler};

    fn near(fleet: Fleet, wanted: &str) -> Vec<(String, String)> {
        let mut world = World::new();
        let news = News::Configured(Box::new(fleet));
        observe(&mut world, news, Timestamp::ZERO);
        let key = class(wanted);
        nearest(&world, &key, &explain(&world, &key).unmatched)
    }

    fn two() -> Fleet {
        let mut gpu = scaler("g", "gpu,cuda12", 1);
        gpu.pools[0].system_labels = Labels::new(["kici:arch:arm64"]);
        fleet([scaler("d", "linux,node20", 1), gpu])
    }

    #[test]
    fn a_misspelled_label_finds_the_one_that_was_meant() {
        for (wanted, found) in [
            ("linus", "linux"),
            ("LINUXX", "linux"),
            ("node21", "node20"),
            ("kici:arch:arm", "kici:arch:arm64"),
            ("linxu*", "linux"),
            ("nod-2?", "node20"),
        ] {
            let pair = (wanted.to_lowercase(), found.to_owned());
            assert_eq!(near(two(), wanted), [pair]);
        }
    }

    #[test]
    fn labels_that_some_pool_has_and_those_like_none_are_left_out() {
        for wanted in [
            "linux",
            "linux,gpu",
            "windows",
            "kici:arch:arm64",
            "lin*",
            "/linxu/",
        ] {
            assert_eq!(near(two(), wanted), [], "{wanted}");
        }
        assert_eq!(near(fleet([]), "linux"), []);
    }

    #[test]
    fn of_two_that_are_equally_near_the_first_by_name_is_told() {
        let twins = fleet([scaler("d", "nodeb,nodea", 1)]);
        let pair = ("nodec".to_owned(), "nodea".to_owned());
        assert_eq!(near(twins, "nodec"), [pair]);
    }
}
