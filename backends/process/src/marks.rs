//! The marks a process carries in its environment, and how they are read back.
//!
//! Promise: what [`Mark::instance`] and [`Mark::origin`] write, the parsers read; any other
//! text is nobody's mark. Leaves to others: where marks are looked for (`census`).

use headcount_model::{AgentId, OwnerId, PoolName};

/// Whose instance something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) owner: OwnerId,
    pub(crate) pool: PoolName,
    pub(crate) agent: AgentId,
}

impl Mark {
    /// The value of `HEADCOUNT_INSTANCE_MARK`.
    pub(crate) fn instance(&self) -> String {
        format!("{}/{}/{}", self.owner, self.pool, self.agent)
    }

    /// The value of `HEADCOUNT_ORIGIN`, below what the daemon itself descends from.
    pub(crate) fn origin(&self, outer: Option<&str>) -> String {
        let own = origin_of(&self.owner, self.agent);
        match outer {
            Some(outer) if !outer.is_empty() => format!("{outer},{own}"),
            _ => own,
        }
    }

    /// Reads an instance mark; the pool may contain slashes.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (owner, rest) = value.split_once('/')?;
        let (pool, agent) = rest.rsplit_once('/')?;
        Some(Self {
            owner: OwnerId::new(owner),
            pool: PoolName::new(pool),
            agent: agent.parse().ok()?,
        })
    }
}

/// One item of an origin.
pub(crate) fn origin_of(owner: &OwnerId, agent: AgentId) -> String {
    format!("{owner}/{agent}")
}

/// Whether an origin names this item.
pub(crate) fn descends(origin: &str, item: &str) -> bool {
    origin.split(',').any(|one| one == item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            owner: OwnerId::new("0a1b"),
            pool: PoolName::new("builders/gpu+linux"),
            agent: AgentId {
                epoch: 0x10,
                number: 3,
            },
        }
    }

    #[test]
    fn instance_marks_read_back() {
        let text = mark().instance();
        assert_eq!(text, "0a1b/builders/gpu+linux/a-10-3");
        assert_eq!(Mark::parse(&text), Some(mark()));
        for other in ["", "x", "a/b", "a/b/c", "a/b/a-zz-1"] {
            assert_eq!(Mark::parse(other), None, "{other}");
        }
    }

    #[test]
    fn origins_nest_and_match_whole_items() {
        assert_eq!(mark().origin(None), "0a1b/a-10-3");
        let nested = mark().origin(Some("ffff/a-1-1"));
        assert_eq!(nested, "ffff/a-1-1,0a1b/a-10-3");
        assert!(descends(&nested, "ffff/a-1-1") && descends(&nested, "0a1b/a-10-3"));
        assert!(!descends(&nested, "0a1b/a-10-33") && !descends(&nested, "b/a-10-3"));
    }
}
