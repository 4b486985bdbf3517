//! What a seed means: a fleet, load, faults, and people who interfere.
//!
//! Promise: everything here follows from the seed alone and is fixed before the run
//! starts. Leaves to others: what happens then (`stage`).

mod bulk;
mod faults;
mod fleet;
mod load;
mod queue;
mod script;
mod shared;
mod week;

use headcount_model::{Fleet, Timestamp};

use crate::options::Story;
use crate::random::Random;

pub(crate) use bulk::bulk;
pub(crate) use faults::{Faults, Odds};
pub(crate) use fleet::BACKENDS;
pub(crate) use load::JobSpec;
pub(crate) use queue::name as queue_pool;
pub(crate) use script::Deed;
pub(crate) use shared::name as machine_pool;
pub(crate) use week::{Weather, Windows, most_kept};

/// When short stories start: as late as a clock of today, so that epochs look as they do.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Virtual seconds in which a short story must have settled once it is quiet. Generous: the
/// slowest runs thirty jobs of ninety seconds one after the other, each perhaps three times,
/// behind a back-off of a minute.
const SETTLES_WITHIN: u64 = 4 * 3600;

/// What is not slow takes at most this long from one part of a story to another.
const HOP_MILLIS: u64 = 15;
/// And an agent is up within this.
const BOOT_MILLIS: u64 = 3000;

/// One story.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    /// When it starts.
    pub(crate) start: Timestamp,
    /// The first one holds at the start; reloads bring the others.
    pub(crate) fleets: Vec<Fleet>,
    pub(crate) jobs: Vec<JobSpec>,
    pub(crate) faults: Faults,
    /// What people and fate do, and when.
    pub(crate) script: Vec<(Timestamp, Deed)>,
    /// From here on nothing fails and nobody interferes.
    pub(crate) quiet_from: Timestamp,
    /// Virtual seconds in which everything must have settled once it is quiet.
    pub(crate) settles_within: u64,
    /// Machines are made by a provisioner, and idle counts change by these windows.
    pub(crate) machines: Option<Windows>,
    /// Things happen only at multiples of this, in milliseconds, so that they meet.
    pub(crate) grain: u64,
    /// What is not slow takes at most this many milliseconds, from one part to another.
    pub(crate) hop_millis: u64,
    /// An agent tries to register at most this long after it was made.
    pub(crate) boot_millis: u64,
}

impl Scenario {
    /// The story of a seed.
    pub(crate) fn draw(story: Story, seed: u64) -> Self {
        match story {
            Story::Short => Self::short(seed),
            Story::Week => week::draw(seed),
        }
    }

    /// Which kind it is.
    pub(crate) const fn story(&self) -> Story {
        match self.machines {
            Some(_) => Story::Week,
            None => Story::Short,
        }
    }

    fn short(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let faults = Faults::draw(&mut random.fork());
        let mut fleets = fleet::draw(&mut random.fork());
        let seconds = random.between(20, 240);
        let quiet_from = START.after(std::time::Duration::from_secs(seconds));
        let jobs = load::draw(&mut random.fork(), &fleets, seconds);
        let mut script = script::draw(&mut random.fork(), &fleets, &jobs, &faults, seconds);
        let mut apart = Random::new(seed ^ 0x5a5a_0f0f);
        shared::draw(&mut apart, &mut fleets);
        if !faults.none() {
            shared::peer(&mut apart, &fleets, seconds, &mut script);
        }
        let mut apart = Random::new(seed ^ 0x3c3c_9669);
        queue::draw(&mut apart, &mut fleets, seconds, &mut script);
        Self {
            seed,
            start: START,
            settles_within: SETTLES_WITHIN,
            machines: None,
            fleets,
            jobs,
            faults,
            script,
            quiet_from,
            grain: random.pick(&[1, 1, 1, 5, 20]).unwrap_or(1),
            hop_millis: HOP_MILLIS,
            boot_millis: BOOT_MILLIS,
        }
    }
}
