//! A week's jobs: many on the mornings of working days, few at night and at the weekend, and
//! a burst now and then.

use headcount_model::{Fleet, Timestamp};

use crate::random::Random;
use crate::scenario::JobSpec;
use crate::scenario::load::{classes, job_of};

const HOUR: u64 = 3_600_000;
/// The longest jobs, in milliseconds.
const LONGEST: [u64; 4] = [5000, 60_000, 600_000, 2_400_000];

pub(super) fn draw(
    random: &mut Random,
    fleets: &[Fleet],
    monday: Timestamp,
    hours: u64,
) -> Vec<JobSpec> {
    let classes = classes(random, fleets);
    let usual = random.pick(&[20, 40, 80]).unwrap_or(20);
    let mut moments: Vec<u64> = (0..usual).map(|_| moment(random, hours)).collect();
    for _ in 0..random.between(1, 5) {
        let burst = moment(random, hours);
        let n = random.between(2, 12);
        moments.extend((0..n).map(|_| burst + random.below(60_000)));
    }
    let jobs = moments.into_iter().zip(0..).filter_map(|(at, key)| {
        let class = random.pick(&classes)?;
        let longest = random.pick(&LONGEST).unwrap_or(LONGEST[0]);
        let takes = random.millis(1000, longest);
        let submit_at = Timestamp::from_millis(monday.as_millis() + at);
        Some(job_of(random, key, class, submit_at, takes))
    });
    jobs.collect()
}

/// A moment of the week, in milliseconds, as likely as work is then.
fn moment(random: &mut Random, hours: u64) -> u64 {
    loop {
        let at = random.below(hours * HOUR);
        let (hour, day) = (at / HOUR % 24, at / HOUR / 24);
        let likely = match (day, hour) {
            (5 | 6, _) => 100,
            (_, 8..=11) => 1000,
            (_, 12..=18) => 600,
            _ => 80,
        };
        if random.chance(likely) {
            return at;
        }
    }
}
