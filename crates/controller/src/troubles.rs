//! When it is said that something outside cannot be asked, that launches fail, or that
//! instances are there which nobody knows: once when that begins or has
//! another cause, and once when it is over.
//!
//! Promise: what fails again and again says nothing new. Leaves to others: what follows
//! from it (`planner`), and saying it (`run`).

use std::collections::{BTreeMap, BTreeSet};

use headcount_model::{AgentId, BackendId, PoolName, SourceId};
use headcount_planner::{Pool, Stranger, World};

/// Pools that are named where orphans are found; further ones are not.
const MAX_POOLS: usize = 5;

/// What was said last.
#[derive(Default)]
pub(crate) struct Troubles(BTreeMap<Whose, String>);

/// Who cannot be asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Whose {
    /// A trigger of this pool.
    Triggers(PoolName),
    Source(SourceId),
    Backend(BackendId),
    /// Launches of this pool.
    Launches(PoolName),
    /// Instances of ours at this backend that nobody knows.
    Orphans(BackendId),
    /// Machines of other owners at this backend.
    Others(BackendId),
}

/// What is to be said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It cannot be asked, for this reason.
    Begun(Whose, String),
    /// It answers again.
    Over(Whose),
}

impl Troubles {
    /// What is new in the world.
    pub(crate) fn look(&mut self, world: &World) -> Vec<Turn> {
        let mut now: Vec<(Whose, Option<Told>)> = Vec::new();
        for pool in world.pools() {
            if let Some(signal) = &pool.signal {
                let trouble = signal.trouble().map(Told::from);
                now.push((Whose::Triggers(pool.name.clone()), trouble));
            }
            now.push((Whose::Launches(pool.name.clone()), launches(world, pool)));
        }
        for source in world.sources() {
            let trouble = source.trouble.as_deref().map(Told::from);
            now.push((Whose::Source(source.id.clone()), trouble));
        }
        for backend in world.backends() {
            let trouble = backend.trouble.as_deref().map(Told::from);
            now.push((Whose::Backend(backend.id.clone()), trouble));
            let others = backend.others.trouble.as_deref().map(Told::from);
            now.push((Whose::Others(backend.id.clone()), others));
            let whose = Whose::Orphans(backend.id.clone());
            let told = self.0.get(&whose).map(String::as_str);
            let orphans = orphans(&backend.strangers, told);
            now.push((whose, orphans));
        }
        self.turns(now.into_iter())
    }

    fn turns(&mut self, now: impl Iterator<Item = (Whose, Option<Told>)>) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut troubles = BTreeMap::new();
        for (whose, trouble) in now {
            let before = self.0.remove(&whose);
            match trouble {
                None => turns.extend(before.map(|_| Turn::Over(whose))),
                Some(told) => {
                    if before.as_deref() != Some(told.alike.as_str()) {
                        turns.push(Turn::Begun(whose.clone(), told.message));
                    }
                    troubles.insert(whose, told.alike);
                }
            }
        }
        // What is configured no more is nobody's trouble.
        self.0 = troubles;
        turns
    }
}

/// A trouble, and what is compared to tell whether it is another one than before.
struct Told {
    message: String,
    alike: String,
}

impl From<&str> for Told {
    fn from(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            alike: message.to_owned(),
        }
    }
}

/// Why launches of a pool fail. Sentences that differ in the agent alone are one.
fn launches(world: &World, pool: &Pool) -> Option<Told> {
    let (_, message) = pool
        .backoff
        .last
        .as_ref()
        .filter(|_| pool.backoff.failures > 0)?;
    let failures = world.failures();
    let mine = failures.after(0).filter(|it| it.pool == pool.id);
    let last = mine.filter(|it| it.message == *message).last();
    let alike = last.map_or_else(
        || message.clone(),
        |it| like(message, &it.agent.to_string()),
    );
    Some(Told {
        message: message.clone(),
        alike,
    })
}

/// The sentence without whose it is.
fn like(message: &str, agent: &str) -> String {
    message.replace(agent, "…")
}

/// How many there are, in which pools. It is news when one appears, and none when one goes:
/// `told` is when the last one appeared of which something was said.
fn orphans(strangers: &BTreeMap<AgentId, Stranger>, told: Option<&str>) -> Option<Told> {
    let newest = strangers.values().map(|it| it.seen_at.as_millis()).max()?;
    let told = told.and_then(|told| told.parse().ok());
    let newest = told.map_or(newest, |told: u64| told.max(newest));
    let pools: BTreeSet<&PoolName> = strangers.values().map(|it| &it.pool).collect();
    let shown = pools.iter().take(MAX_POOLS).map(|pool| pool.as_str());
    let mut of = shown.collect::<Vec<_>>().join(", ");
    if pools.len() > MAX_POOLS {
        of.push_str(", …");
    }
    Some(Told {
        message: format!("{} (of {of})", strangers.len()),
        alike: newest.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use headcount_model::Timestamp;
    use headcount_planner::Removal;

    use super::*;

    #[test]
    fn what_is_new_is_said_once() {
        let mut troubles = Troubles::default();
        let (a, b) = (SourceId::new("a"), BackendId::new("b"));
        let said = |it: &mut Troubles, a_says: Option<&'static str>| {
            let now = [
                (Whose::Source(a.clone()), a_says.map(Told::from)),
                (Whose::Backend(b.clone()), None),
            ];
            format!("{:?}", it.turns(now.into_iter()))
        };
        let table = [
            (None, "[]"),
            (Some("down"), r#"[Begun(Source(a), "down")]"#),
            (Some("down"), "[]"),
            (Some("slow"), r#"[Begun(Source(a), "slow")]"#),
            (None, "[Over(Source(a))]"),
            (None, "[]"),
            (Some("down"), r#"[Begun(Source(a), "down")]"#),
        ];
        for (trouble, expected) in table {
            assert_eq!(said(&mut troubles, trouble), expected, "{trouble:?}");
        }
        assert_eq!(troubles.turns([].into_iter()), [], "it was removed");
        assert_eq!(said(&mut troubles, None), "[]");
    }

    #[test]
    fn orphans_are_told_of_when_one_appears_and_not_when_one_goes() {
        let mut troubles = Troubles::default();
        let whose = Whose::Orphans(BackendId::new("b"));
        let orphan = |number: u32, second: u64| {
            let agent = AgentId { epoch: 1, number };
            let stranger = Stranger {
                pool: PoolName::new(if number == 3 { "s/mac" } else { "s/linux" }),
                seen_at: Timestamp::from_millis(second * 1000),
                removal: Removal::default(),
            };
            (agent, stranger)
        };
        let table = [
            (vec![], "[]"),
            (
                vec![orphan(7, 1), orphan(8, 1)],
                r#"[Begun(Orphans(b), "2 (of s/linux)")]"#,
            ),
            (vec![orphan(7, 1)], "[]"),
            (
                vec![orphan(3, 2), orphan(7, 1)],
                r#"[Begun(Orphans(b), "2 (of s/linux, s/mac)")]"#,
            ),
            (vec![orphan(7, 1)], "[]"),
            (vec![], "[Over(Orphans(b))]"),
        ];
        for (strangers, expected) in table {
            let told = troubles.0.get(&whose).map(String::as_str);
            let now = orphans(&strangers.into_iter().collect(), told);
            let turns = troubles.turns([(whose.clone(), now)].into_iter());
            assert_eq!(format!("{turns:?}"), expected);
        }
    }

    #[test]
    fn launches_that_fail_alike_are_told_of_once() {
        let alike = |message: &str, agent: &str| like(message, agent);
        let first = alike("agent a-1-1 ended with code 1", "a-1-1");
        assert_eq!(first, alike("agent a-1-2 ended with code 1", "a-1-2"));
        assert_ne!(first, alike("agent a-1-3 ended with code 2", "a-1-3"));
    }
}
