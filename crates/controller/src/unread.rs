//! When it is said that triggers of a pool cannot be read: once when that begins or has
//! another cause, and once when it is over.
//!
//! Promise: a trigger that fails again and again says nothing new. Leaves to others: what
//! follows from it (`planner`), and saying it (`run`).

use std::collections::BTreeMap;

use headcount_model::PoolName;

/// What was said last, by pool.
#[derive(Default)]
pub(crate) struct Unread(BTreeMap<PoolName, String>);

/// What is to be said of a pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Not all of its triggers can be read, for this reason.
    Unread(PoolName, String),
    /// All can be read again.
    Read(PoolName),
}

impl Unread {
    /// What is new when these are the pools with triggers, each with its trouble.
    pub(crate) fn look<'a>(
        &mut self,
        pools: impl Iterator<Item = (&'a PoolName, Option<&'a str>)>,
    ) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut unread = BTreeMap::new();
        for (pool, trouble) in pools {
            let before = self.0.remove(pool);
            match trouble {
                None => turns.extend(before.map(|_| Turn::Read(pool.clone()))),
                Some(trouble) => {
                    if before.as_deref() != Some(trouble) {
                        turns.push(Turn::Unread(pool.clone(), trouble.to_owned()));
                    }
                    unread.insert(pool.clone(), trouble.to_owned());
                }
            }
        }
        // Pools that are configured no more are nobody's trouble.
        self.0 = unread;
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_said_once() {
        let mut unread = Unread::default();
        let (a, b) = (PoolName::new("a/a"), PoolName::new("b/b"));
        let said = |it: &mut Unread, a_says: Option<&str>| {
            let pools = [(&a, a_says), (&b, None)];
            format!("{:?}", it.look(pools.into_iter()))
        };
        let table = [
            (None, "[]"),
            (Some("down"), r#"[Unread(a/a, "down")]"#),
            (Some("down"), "[]"),
            (Some("slow"), r#"[Unread(a/a, "slow")]"#),
            (None, "[Read(a/a)]"),
            (None, "[]"),
            (Some("down"), r#"[Unread(a/a, "down")]"#),
        ];
        for (trouble, expected) in table {
            assert_eq!(said(&mut unread, trouble), expected, "{trouble:?}");
        }
        assert_eq!(unread.look([].into_iter()), [], "it was removed");
        assert_eq!(said(&mut unread, None), "[]");
    }
}
