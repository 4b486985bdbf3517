//! How likely each fault is, in thousandths. What is 0 never happens.

use crate::random::Random;

/// How likely an effect goes wrong, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Odds {
    /// It fails and says so; nothing was done.
    pub(crate) fails: u32,
    /// It is done, and the answer is lost.
    pub(crate) loses_answer: u32,
    /// It is never done and never answered.
    pub(crate) hangs: u32,
    /// It takes so long that its deadline may pass before or after it is done.
    pub(crate) slow: u32,
}

/// How likely each fault is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) create: Odds,
    pub(crate) destroy: Odds,
    pub(crate) list: Odds,
    pub(crate) refresh: Odds,
    pub(crate) take: Odds,
    pub(crate) settle: Odds,
    pub(crate) work: Odds,
    pub(crate) reserve: Odds,
    pub(crate) release: Odds,
    /// Of a failed creation: it is for want of room.
    pub(crate) no_capacity: u32,
    /// A backend's word is late.
    pub(crate) event_late: u32,
    /// A backend's word is lost; that words were lost is told later.
    pub(crate) event_lost: u32,
    /// A backend's word comes twice.
    pub(crate) event_doubled: u32,
    /// What ends leaves something behind.
    pub(crate) residue: u32,
    /// A provisioner makes two machines under one name.
    pub(crate) twin: u32,
    /// A source's word is late and so out of order.
    pub(crate) demand_late: u32,
    /// A source's word comes twice.
    pub(crate) demand_doubled: u32,
    /// A source says that it cannot tell what waits.
    pub(crate) demand_unknown: u32,
    /// An instance dies within its first minute, whatever it does.
    pub(crate) dies: u32,
    /// An agent never registers.
    pub(crate) never_registers: u32,
    /// An agent hears offers and does nothing.
    pub(crate) deaf: u32,
    /// A job with a timeout of its own runs on for ever, and its agent lets it.
    pub(crate) overruns: u32,
    /// An agent does not leave when it is told to.
    pub(crate) stubborn: u32,
    /// An agent declines an offer.
    pub(crate) declines: u32,
    /// An agent leaves of its own will within its first minute.
    pub(crate) leaves: u32,
    /// A connection breaks within its first minute.
    pub(crate) breaks: u32,
    /// Of broken connections: the agent lives on, and never comes back.
    pub(crate) vanishes: u32,
    /// Of broken connections: what was under way arrives all the same.
    pub(crate) drains_out: u32,
    /// An agent says a thing twice.
    pub(crate) says_twice: u32,
    /// Somebody shows what an agent showed.
    pub(crate) intruder: u32,
    /// A backend refuses to end an instance for an hour, from the first time it is asked to.
    pub(crate) refuses_to_end: u32,
    /// A worker ends by itself within seconds.
    pub(crate) worker_quits: u32,
    /// The daemon is killed before a round is written.
    pub(crate) crash_before_write: u32,
    /// The daemon is killed once a round is written and before anything is done.
    pub(crate) crash_after_write: u32,
    /// The daemon is killed in the middle of doing it.
    pub(crate) crash_in_orders: u32,
    /// Writing takes long.
    pub(crate) slow_write: u32,
}

impl Faults {
    /// Whether nothing ever goes wrong by chance.
    pub(crate) fn none(&self) -> bool {
        *self == Self::default()
    }

    /// One seed in eight has none; the others each have some, from rare to frequent.
    pub(crate) fn draw(random: &mut Random) -> Self {
        if random.below(8) == 0 {
            return Self::default();
        }
        let level = random.pick(&[20, 60, 150, 300]).unwrap_or(20);
        let mut rate = |most: u32| {
            if random.below(2) == 0 {
                return 0;
            }
            random.count(0, level.min(most))
        };
        let odds = |rate: &mut dyn FnMut(u32) -> u32| Odds {
            fails: rate(300),
            loses_answer: rate(200),
            hangs: rate(100),
            slow: rate(200),
        };
        Self {
            create: odds(&mut rate),
            destroy: odds(&mut rate),
            list: odds(&mut rate),
            refresh: odds(&mut rate),
            take: odds(&mut rate),
            settle: odds(&mut rate),
            work: odds(&mut rate),
            no_capacity: rate(300) * 3,
            event_late: rate(300),
            event_lost: rate(200),
            event_doubled: rate(300),
            residue: rate(200),
            demand_late: rate(300),
            demand_doubled: rate(300),
            demand_unknown: rate(20),
            dies: rate(250),
            never_registers: rate(100),
            deaf: rate(60),
            overruns: rate(300),
            stubborn: rate(100),
            declines: rate(100),
            leaves: rate(100),
            breaks: rate(300),
            vanishes: rate(200),
            drains_out: rate(300) * 3,
            says_twice: rate(300),
            intruder: rate(200),
            worker_quits: rate(300),
            crash_before_write: rate(8),
            crash_after_write: rate(8),
            crash_in_orders: rate(8),
            slow_write: rate(100),
            // Drawn last, so that a seed means what it meant before there were any.
            reserve: odds(&mut rate),
            release: odds(&mut rate),
            refuses_to_end: rate(20),
            // Only provisioners do.
            twin: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_seeds_have_no_faults_and_all_faults_occur_somewhere() {
        let drawn: Vec<Faults> = (0..400)
            .map(|seed| Faults::draw(&mut Random::new(seed)))
            .collect();
        let without = drawn.iter().filter(|faults| faults.none()).count();
        assert!((20..=100).contains(&without), "{without}");
        assert!(drawn.iter().any(|faults| faults.crash_in_orders > 0));
        assert!(drawn.iter().any(|faults| faults.create.loses_answer > 50));
    }
}
