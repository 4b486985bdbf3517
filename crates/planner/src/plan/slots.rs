//! Free slots of a pool's agents, given away one class after the other.

use alloc::vec::Vec;

use headcount_model::{AgentId, Granted, Timestamp};

/// An agent with room for jobs, or without any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) idle_since: Timestamp,
    pub(crate) agent: AgentId,
    pub(crate) granted: Granted,
    /// Jobs it can take now (or, while it starts, once it is ready).
    pub(crate) free: u32,
    /// Whether it has no job at all, and none is meant for it.
    pub(crate) idle: bool,
}

/// The agents of one pool, longest idle first.
#[derive(Clone, Default, Debug)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    /// Nobody before this has a free slot, so that many classes in one pool do not look
    /// at the same used-up agents again and again.
    first_free: usize,
}

impl Slots {
    pub(crate) fn push(&mut self, slot: Slot) {
        self.list.push(slot);
    }

    pub(crate) fn sort(&mut self) {
        self.list
            .sort_unstable_by_key(|slot| (slot.idle_since, slot.agent));
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Those without a job and not meant for one, longest idle first.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &Slot> {
        self.list.iter().filter(|slot| slot.idle)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.list.iter()
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Slot) -> bool) {
        self.list.retain(keep);
        self.first_free = 0;
    }

    /// Gives up to `wanted` slots of agents that cover `needs`: first those made for just
    /// this, so that larger agents are left for larger jobs. Calls `given` with each
    /// agent and how many of its slots; returns how many in all.
    pub(crate) fn give(
        &mut self,
        needs: &Granted,
        wanted: u64,
        mut given: impl FnMut(AgentId, u32),
    ) -> u64 {
        let mut rest = wanted;
        for exactly in [true, false] {
            for slot in self.list.iter_mut().skip(self.first_free) {
                if rest == 0 {
                    break;
                }
                let fits = slot.granted == *needs || !exactly && slot.granted.covers(needs);
                if slot.free == 0 || !fits {
                    continue;
                }
                let n = slot.free.min(u32::try_from(rest).unwrap_or(u32::MAX));
                slot.free -= n;
                slot.idle = false;
                rest -= u64::from(n);
                given(slot.agent, n);
            }
        }
        while self
            .list
            .get(self.first_free)
            .is_some_and(|slot| slot.free == 0)
        {
            self.first_free += 1;
        }
        wanted - rest
    }
}

impl Slots {
    /// Gives up to `wanted` slots of one agent, if it covers `needs`; returns how many.
    /// For agents that were there when the list was sorted.
    pub(crate) fn give_of(
        &mut self,
        idle_since: Timestamp,
        agent: AgentId,
        needs: &Granted,
        wanted: u64,
    ) -> u32 {
        let at = self
            .list
            .binary_search_by_key(&(idle_since, agent), |slot| (slot.idle_since, slot.agent));
        let slot = at.ok().and_then(|at| self.list.get_mut(at));
        let Some(slot) = slot.filter(|slot| slot.free > 0 && slot.granted.covers(needs)) else {
            return 0;
        };
        let n = slot.free.min(u32::try_from(wanted).unwrap_or(u32::MAX));
        slot.free -= n;
        slot.idle &= n == 0;
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use headcount_model::Resources;

    fn shape(cpu_millis: u64) -> Granted {
        let both = Resources {
            cpu_millis,
            memory_bytes: 0,
        };
        Granted {
            requests: both,
            limits: both,
        }
    }

    fn slots(agents: &[(u32, u64, u32)]) -> Slots {
        let mut slots = Slots::default();
        for (number, cpu, free) in agents {
            slots.push(Slot {
                idle_since: Timestamp::ZERO,
                agent: AgentId {
                    epoch: 0,
                    number: *number,
                },
                granted: shape(*cpu),
                free: *free,
                idle: true,
            });
        }
        slots.sort();
        slots
    }

    fn give(slots: &mut Slots, cpu: u64, wanted: u64) -> Vec<(u32, u32)> {
        let mut to = vec![];
        slots.give(&shape(cpu), wanted, |agent, n| to.push((agent.number, n)));
        to
    }

    #[test]
    fn the_exact_shape_goes_first_and_the_rest_to_larger_ones() {
        let mut pool = slots(&[(1, 4000, 1), (2, 1000, 1), (3, 500, 9)]);
        assert_eq!(give(&mut pool, 1000, 1), [(2, 1)]);
        assert_eq!(give(&mut pool, 1000, 5), [(1, 1)]);
        assert_eq!(give(&mut pool, 1000, 5), []);
        assert_eq!(give(&mut pool, 500, 4), [(3, 4)]);
        assert_eq!(pool.idle().count(), 0);
    }

    #[test]
    fn what_is_used_up_is_passed_over_and_comes_back_with_nothing() {
        let mut pool = slots(&[(1, 1000, 2), (2, 1000, 2)]);
        assert_eq!(give(&mut pool, 1000, 3), [(1, 2), (2, 1)]);
        assert_eq!(give(&mut pool, 1000, 3), [(2, 1)]);
        pool.retain(|slot| slot.agent.number == 2);
        assert_eq!((pool.len(), give(&mut pool, 1000, 1)), (1, vec![]));
    }
}
