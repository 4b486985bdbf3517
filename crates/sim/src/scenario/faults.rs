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

/// Draws how likely faults are.
pub(crate) struct Dice<'r> {
    pub(crate) random: &'r mut Random,
    /// No more than this of anything.
    pub(crate) level: u32,
}

impl Dice<'_> {
    /// Nothing half of the time, else up to `most`.
    pub(crate) fn rate(&mut self, most: u32) -> u32 {
        if self.random.below(2) == 0 {
            return 0;
        }
        self.random.count(0, self.level.min(most))
    }

    /// Each up to the one of `most`.
    pub(crate) fn odds(&mut self, most: Odds) -> Odds {
        Odds {
            fails: self.rate(most.fails),
            loses_answer: self.rate(most.loses_answer),
            hangs: self.rate(most.hangs),
            slow: self.rate(most.slow),
        }
    }
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
        let mut dice = Dice { random, level };
        let most = Odds {
            fails: 300,
            loses_answer: 200,
            hangs: 100,
            slow: 200,
        };
        Self {
            create: dice.odds(most),
            destroy: dice.odds(most),
            list: dice.odds(most),
            refresh: dice.odds(most),
            take: dice.odds(most),
            settle: dice.odds(most),
            work: dice.odds(most),
            no_capacity: dice.rate(300) * 3,
            event_late: dice.rate(300),
            event_lost: dice.rate(200),
            event_doubled: dice.rate(300),
            residue: dice.rate(200),
            demand_late: dice.rate(300),
            demand_doubled: dice.rate(300),
            demand_unknown: dice.rate(20),
            dies: dice.rate(250),
            never_registers: dice.rate(100),
            deaf: dice.rate(60),
            overruns: dice.rate(300),
            stubborn: dice.rate(100),
            declines: dice.rate(100),
            leaves: dice.rate(100),
            breaks: dice.rate(300),
            vanishes: dice.rate(200),
            drains_out: dice.rate(300) * 3,
            says_twice: dice.rate(300),
            intruder: dice.rate(200),
            worker_quits: dice.rate(300),
            crash_before_write: dice.rate(8),
            crash_after_write: dice.rate(8),
            crash_in_orders: dice.rate(8),
            slow_write: dice.rate(100),
            // Drawn last, so that a seed means what it meant before there were any.
            reserve: dice.odds(most),
            release: dice.odds(most),
            refuses_to_end: dice.rate(20),
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
