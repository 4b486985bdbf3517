//! When it is said that something outside cannot be asked: once when that begins or has
//! another cause, and once when it is over.
//!
//! Promise: what fails again and again says nothing new. Leaves to others: what follows
//! from it (`planner`), and saying it (`run`).

use std::collections::BTreeMap;

use headcount_model::{BackendId, PoolName, SourceId};
use headcount_planner::World;

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
        let triggers = world.pools().filter_map(|pool| {
            let trouble = pool.signal.as_ref()?.trouble();
            Some((Whose::Triggers(pool.name.clone()), trouble))
        });
        let sources = world
            .sources()
            .map(|source| (Whose::Source(source.id.clone()), source.trouble.as_deref()));
        let backends = world.backends().map(|backend| {
            (
                Whose::Backend(backend.id.clone()),
                backend.trouble.as_deref(),
            )
        });
        let others = world.backends().map(|backend| {
            let trouble = backend.others.trouble.as_deref();
            (Whose::Others(backend.id.clone()), trouble)
        });
        self.turns(triggers.chain(sources).chain(backends).chain(others))
    }

    fn turns<'a>(&mut self, now: impl Iterator<Item = (Whose, Option<&'a str>)>) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut troubles = BTreeMap::new();
        for (whose, trouble) in now {
            let before = self.0.remove(&whose);
            match trouble {
                None => turns.extend(before.map(|_| Turn::Over(whose))),
                Some(trouble) => {
                    if before.as_deref() != Some(trouble) {
                        turns.push(Turn::Begun(whose.clone(), trouble.to_owned()));
                    }
                    troubles.insert(whose, trouble.to_owned());
                }
            }
        }
        // What is configured no more is nobody's trouble.
        self.0 = troubles;
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_said_once() {
        let mut troubles = Troubles::default();
        let (a, b) = (SourceId::new("a"), BackendId::new("b"));
        let said = |it: &mut Troubles, a_says: Option<&'static str>| {
            let now = [
                (Whose::Source(a.clone()), a_says),
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
}
