//! Which window a period of some configuration means, by its text.

use std::collections::BTreeMap;

use headcount_model::{IdleRule, PoolSpec, Timestamp};

use super::calendar::Window;

/// All windows of a story, by zone and period.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Windows(BTreeMap<(&'static str, String), Window>);

impl Windows {
    /// Remembers a window. Returns its period.
    pub(super) fn note(&mut self, window: Window) -> String {
        let period = window.period();
        self.0.insert((window.zone(), period.clone()), window);
        period
    }

    /// The rule that holds for a pool: of the last schedule whose window is open, else its own.
    pub(crate) fn rule(&self, pool: &PoolSpec, now: Timestamp) -> IdleRule {
        let open = |zone: &str, period: &String| {
            let mut windows = self.0.iter();
            let same = |((z, p), window): (&(&str, String), &Window)| {
                *z == zone && p == period && window.holds(now)
            };
            windows.any(same)
        };
        let mut schedules = pool.schedules.iter().rev();
        let found = schedules.find(|schedule| {
            let mut periods = schedule.periods.iter();
            periods.any(|period| open(&schedule.timezone, period))
        });
        found.map_or(pool.idle, |schedule| schedule.rule)
    }
}
