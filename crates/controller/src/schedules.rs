//! Which schedule of idle agents is in force when, worked out ahead of the plans that
//! decide by it: the planner knows no calendars.
//!
//! Promise: before every plan each pool with schedules has a timetable that covers the
//! moment of the plan, or none at all because a schedule means nothing here, which is said
//! in the log once. Leaves to others: what follows (`planner`), and what patterns mean
//! (`periods`).

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{Fleet, PoolName, Schedule, Timestamp, Timetable};
use headcount_periods::{Active, Grammar, Pattern, PatternError, Period, Zone};
use headcount_planner::{News, World, observe};

/// A timetable reaches so far, unless it has too many turns before.
const HORIZON: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// Turns of one timetable at most; then it ends sooner, and is made anew sooner.
const MAX_TURNS: usize = 512;
/// Changes of single periods that are looked at for one timetable at most.
const MAX_STEPS: usize = 4096;
/// The zone of this host, whatever its name is.
const LOCAL: &str = "local";

/// Why a schedule means nothing on this host.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A pattern of time that means nothing.
    #[error("the period `{0}` cannot be read: {1}")]
    Period(String, #[source] PatternError),
    /// A zone that this program does not know.
    #[error("there is no time zone `{0}`")]
    Zone(String),
    /// No calendar reaches this moment.
    #[error("the clock of this host is beyond all calendars")]
    Clock,
}

/// Keeps the timetables of a world ahead of its clock.
#[derive(Default)]
pub(crate) struct Schedules {
    /// The fleet for whose pools the timetables are.
    of: Option<Arc<Fleet>>,
    /// From here on one of them must be made anew.
    renew_at: Timestamp,
}

impl Schedules {
    /// Makes timetables for pools that need one. Cheap while nobody does.
    pub(crate) fn renew(&mut self, world: &mut World, now: Timestamp) {
        let fleet = world.fleet();
        let known = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, fleet));
        if known && now < self.renew_at {
            return;
        }
        let fleet = Arc::clone(fleet);
        let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
        self.renew_at = Timestamp::MAX;
        for pool in pools.filter(|pool| !pool.schedules.is_empty()) {
            match timetable(&pool.schedules, now) {
                Ok(table) => {
                    self.renew_at = self.renew_at.min(half_way(now, table.ends));
                    tell(world, pool.name.clone(), table, now);
                }
                Err(error) if !known => {
                    tracing::error!(pool = %pool.name, %error, "its schedules cannot be followed");
                }
                Err(_) => {}
            }
        }
        self.of = Some(fleet);
    }
}

fn tell(world: &mut World, pool: PoolName, table: Timetable, now: Timestamp) {
    observe(world, News::Timetable(pool, table), now);
}

/// A timetable is made anew long before it ends.
fn half_way(now: Timestamp, ends: Timestamp) -> Timestamp {
    match ends {
        Timestamp::MAX => ends,
        ends => now.after(ends.since(now) / 2),
    }
}

/// Which of these schedules is in force from `from` on: of those of which any period
/// matches, the last.
///
/// # Errors
/// One of them means nothing on this host.
pub fn timetable(schedules: &[Schedule], from: Timestamp) -> Result<Timetable, ScheduleError> {
    let mut watched = Vec::new();
    for (index, schedule) in schedules.iter().enumerate() {
        for period in periods(schedule)? {
            let now = period.holds(moment(from)?);
            watched.push(Watched { index, period, now });
        }
    }
    let horizon = from.after(HORIZON);
    let mut at = from;
    let mut turns = vec![(from, in_force(&watched))];
    for _ in 0..MAX_STEPS {
        let next = watched.iter().filter_map(|it| stamp(it.now.until?)).min();
        let Some(next) = next else {
            return Ok(Timetable {
                turns,
                ends: Timestamp::MAX,
            });
        };
        at = next;
        if at >= horizon || turns.len() == MAX_TURNS {
            break;
        }
        for it in &mut watched {
            if it
                .now
                .until
                .and_then(stamp)
                .is_some_and(|until| until <= at)
            {
                it.now = it.period.holds(moment(at)?);
            }
        }
        let now = in_force(&watched);
        if turns.last().is_none_or(|(_, before)| *before != now) {
            turns.push((at, now));
        }
    }
    let ends = at.min(horizon);
    Ok(Timetable { turns, ends })
}

/// A period of one of the schedules, and how it stands.
struct Watched {
    index: usize,
    period: Period,
    now: Active,
}

fn in_force(watched: &[Watched]) -> Option<usize> {
    let active = watched.iter().filter(|it| it.now.active);
    active.map(|it| it.index).max()
}

fn periods(schedule: &Schedule) -> Result<Vec<Period>, ScheduleError> {
    let zone = match schedule.timezone.as_str() {
        LOCAL => Zone::of_this_host(),
        name => Zone::named(name).ok_or_else(|| ScheduleError::Zone(name.to_owned()))?,
    };
    let periods = schedule.periods.iter().map(|text| {
        let pattern = Pattern::parse(text, Grammar::Period);
        Ok(Period {
            pattern: pattern.map_err(|error| ScheduleError::Period(text.clone(), error))?,
            zone: zone.clone(),
        })
    });
    periods.collect()
}

fn moment(at: Timestamp) -> Result<jiff::Timestamp, ScheduleError> {
    let millis = i64::try_from(at.as_millis()).map_err(|_| ScheduleError::Clock)?;
    jiff::Timestamp::from_millisecond(millis).map_err(|_| ScheduleError::Clock)
}

/// Rounded up: what changes within a millisecond has changed at its end.
fn stamp(at: jiff::Timestamp) -> Option<Timestamp> {
    let whole = u64::try_from(at.as_millisecond()).ok()?;
    let part = at.subsec_nanosecond() % 1_000_000 != 0;
    Some(Timestamp::from_millis(whole + u64::from(part)))
}

#[cfg(test)]
mod tests;
