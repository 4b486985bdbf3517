//! How two idle rules differ beyond their counts, and their schedules.

use headcount_model::{IdleCompat, IdleRule, PoolSpec, Schedule};

use super::{Words, span};

impl Words {
    pub(super) fn idle(&mut self, old: &PoolSpec, new: &PoolSpec) {
        self.say("idleScaleFactor", &factor(&old.idle), &factor(&new.idle));
        self.say("idleCountMin", &least(&old.idle), &least(&new.idle));
        let paid = |pool: &PoolSpec| pool.idle.paid_period.map_or("any time".to_owned(), span);
        self.say("paidPeriod", &paid(old), &paid(new));
        self.say("compat", &compat(&old.idle), &compat(&new.idle));
        let growth = |pool: &PoolSpec| match pool.max_growth {
            Some(most) => most.to_string(),
            None => "no limit".to_owned(),
        };
        self.say("maxGrowthRate", &growth(old), &growth(new));
        let most = old.schedules.len().max(new.schedules.len());
        for n in 0..most {
            let said = |pool: &PoolSpec| pool.schedules.get(n).map_or("none".to_owned(), schedule);
            self.say(&format!("schedules[{n}]"), &said(old), &said(new));
        }
    }
}

fn factor(rule: &IdleRule) -> String {
    rule.scale
        .map_or("0".to_owned(), |scale| scale.factor.0.to_string())
}

fn least(rule: &IdleRule) -> String {
    rule.scale
        .map_or("unset".to_owned(), |scale| scale.min.to_string())
}

const fn compat(rule: &IdleRule) -> &'static str {
    match rule.compat {
        IdleCompat::Headcount => "headcount",
        IdleCompat::Gitlab => "gitlab",
    }
}

fn schedule(schedule: &Schedule) -> String {
    let rule = &schedule.rule;
    let mut words = format!(
        "`{}` in {}: idleCount {}, idleTime {}",
        schedule.periods.join("`, `"),
        schedule.timezone,
        rule.keep,
        span(rule.idle_time)
    );
    if rule.scale.is_some() {
        words.push_str(&format!(
            ", idleScaleFactor {}, idleCountMin {}",
            factor(rule),
            least(rule)
        ));
    }
    words
}
