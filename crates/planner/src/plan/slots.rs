//! Free slots of a pool's agents, given away one class after the other: whose turn it is
//! where several could take a job.

use alloc::vec::Vec;

use headcount_model::{AgentId, AgentKind, Granted, IdleCompat, Timestamp};

use crate::Pool;

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

/// Which of a pool's agents gets the next job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Turn {
    /// The one that is idle for longest: of agents on their way who began first, and of
    /// agents that take one job in their life, so that the fewest get too old unused (the
    /// warm pool of the `scalers.yaml` reference, vector W1).
    #[default]
    LongestIdle,
    /// One that has a job already, then the one that became idle last: so light traffic
    /// keeps few agents busy, and the others may leave after their idle time.
    LastIdle,
    /// The one that was made last, whatever it did since: GitLab Runner's order (the
    /// machine autoscaling reference, section 3.1, step 5).
    LastMade,
}

impl Turn {
    /// Among those of this pool that are ready.
    pub(crate) fn of(pool: &Pool, now: Timestamp) -> Self {
        let Some(spec) = pool.configured.as_ref().map(|it| &it.spec) else {
            return Self::default();
        };
        let rule = pool.idle_rule(now).unwrap_or(spec.idle);
        match (spec.kind, rule.compat, spec.max_jobs) {
            (AgentKind::Worker, _, _) | (_, IdleCompat::Headcount, Some(1)) => Self::LongestIdle,
            (_, IdleCompat::Headcount, _) => Self::LastIdle,
            (_, IdleCompat::Gitlab, _) => Self::LastMade,
        }
    }
}

/// The agents of one pool. The longest idle comes first, or where the turn follows the
/// making, the oldest; who comes last gets the first job unless it is the turn of the
/// longest idle.
#[derive(Clone, Default, Debug)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    turn: Turn,
    /// The first so many, in the order in which jobs are given, have no free slot, so that
    /// many classes in one pool do not look at the same used-up agents again and again.
    used_up: usize,
}

impl Slots {
    pub(crate) fn push(&mut self, slot: Slot) {
        self.list.push(slot);
    }

    pub(crate) fn sort(&mut self, turn: Turn) {
        self.turn = turn;
        match turn {
            Turn::LongestIdle => self
                .list
                .sort_unstable_by_key(|slot| (slot.idle_since, slot.agent)),
            Turn::LastIdle => self
                .list
                .sort_unstable_by_key(|slot| (!slot.idle, slot.idle_since, slot.agent)),
            Turn::LastMade => self.list.sort_unstable_by_key(|slot| slot.agent),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Those without a job and not meant for one, longest idle (or oldest) first.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &Slot> {
        self.list.iter().filter(|slot| slot.idle)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.list.iter()
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Slot) -> bool) {
        self.list.retain(keep);
        self.used_up = 0;
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
            for n in self.used_up..self.list.len() {
                if rest == 0 {
                    break;
                }
                let Some(slot) = self.in_turn(n) else {
                    break;
                };
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
            .in_turn(self.used_up)
            .is_some_and(|slot| slot.free == 0)
        {
            self.used_up += 1;
        }
        wanted - rest
    }

    /// The `n`th to be given a job, counted from 0.
    fn in_turn(&mut self, n: usize) -> Option<&mut Slot> {
        let at = match self.turn {
            Turn::LongestIdle => n,
            Turn::LastIdle | Turn::LastMade => self.list.len().checked_sub(n + 1)?,
        };
        self.list.get_mut(at)
    }
}

impl Slots {
    /// Gives up to `wanted` slots of one agent, if it covers `needs`; returns how many.
    /// For agents on their way that were there when the list was sorted.
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
        slots.sort(Turn::LongestIdle);
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

    /// Number, idle since, slots free, whether it has no job.
    fn turns(turn: Turn, agents: &[(u32, u64, u32, bool)], wanted: u64) -> Vec<(u32, u32)> {
        let mut slots = Slots::default();
        for (number, idle_since, free, idle) in agents {
            slots.push(Slot {
                idle_since: Timestamp::from_millis(*idle_since),
                agent: AgentId {
                    epoch: 0,
                    number: *number,
                },
                granted: shape(1000),
                free: *free,
                idle: *idle,
            });
        }
        slots.sort(turn);
        let mut to = vec![];
        for _ in 0..wanted {
            slots.give(&shape(1000), 1, |agent, n| to.push((agent.number, n)));
        }
        to
    }

    #[test]
    fn whose_turn_it_is() {
        let agents = [(1, 50, 1, true), (2, 10, 1, true), (3, 30, 1, true)];
        let given = |turn| turns(turn, &agents, 4);
        assert_eq!(given(Turn::LongestIdle), [(2, 1), (3, 1), (1, 1)]);
        assert_eq!(given(Turn::LastIdle), [(1, 1), (3, 1), (2, 1)]);
        assert_eq!(given(Turn::LastMade), [(3, 1), (2, 1), (1, 1)]);
    }

    #[test]
    fn who_became_idle_at_the_same_moment_is_told_apart_by_id() {
        let agents = [(1, 9, 1, true), (2, 9, 1, true)];
        assert_eq!(turns(Turn::LongestIdle, &agents, 1), [(1, 1)]);
        assert_eq!(turns(Turn::LastIdle, &agents, 1), [(2, 1)]);
    }

    #[test]
    fn who_works_is_filled_up_before_an_idle_one_is_woken() {
        let agents = [(1, 5, 2, false), (2, 50, 4, true)];
        assert_eq!(
            turns(Turn::LastIdle, &agents, 4),
            [(1, 1), (1, 1), (2, 1), (2, 1)]
        );
    }

    #[test]
    fn the_longest_idle_is_told_first_whosever_turn_it_is() {
        for turn in [Turn::LongestIdle, Turn::LastIdle] {
            let mut slots = slots(&[(1, 1000, 1), (2, 1000, 1), (3, 1000, 1)]);
            slots.sort(turn);
            slots.give(&shape(1000), 1, |_, _| ());
            let idle: Vec<u32> = slots.idle().map(|slot| slot.agent.number).collect();
            let left = match turn {
                Turn::LongestIdle => [2, 3],
                _ => [1, 2],
            };
            assert_eq!(idle, left, "{turn:?}");
        }
    }
}
