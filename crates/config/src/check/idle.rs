//! The policy `idle`: its numbers, and the schedules under which others hold.

use std::time::Duration;

use headcount_model::Level;
use headcount_periods::{Grammar, Pattern, Zone};

use super::cron::wrong_pattern;
use super::readiness::check_count;
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::settings::{IdleCompat, IdlePolicy, IdleRule, IdleScale, Schedule};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written;

/// The zone of the host, whatever its name is.
const LOCAL: &str = "local";

/// The policy; a value that cannot be is noted and stands for its default.
pub(super) fn idle_policy(
    scaler: &written::Scaler,
    policy: &written::Policy,
    problems: &mut Problems,
) -> IdlePolicy {
    let numbers = Numbers {
        place: policy.place,
        count: policy.idle_count.as_ref(),
        time: policy.idle_time.as_ref(),
        factor: policy.idle_scale_factor.as_ref(),
        min: policy.idle_count_min.as_ref(),
    };
    let base = Base {
        count: 0,
        time: Duration::ZERO,
        factor: 0.0,
        min: 0,
    };
    let base = base.with(&numbers);
    let compat = value(policy.compat.as_ref()).unwrap_or_default().of_idle();
    numbers.check(scaler, base, compat, problems);
    let paid_period = paid_period(policy, compat, problems);
    let rule = IdleRule {
        max_idle_age: value(policy.max_idle_age.as_ref()),
        paid_period,
        ..base.rule(compat)
    };
    let schedules = policy.schedules.iter().flat_map(|list| &list.value);
    let schedules = schedules.map(|written| {
        let (own, numbers) = (&written.value, Numbers::of(&written.value));
        let base = base.with(&numbers);
        numbers.check(scaler, base, compat, problems);
        let rule = IdleRule {
            max_idle_age: rule.max_idle_age,
            paid_period,
            ..base.rule(compat)
        };
        schedule(own, rule, problems)
    });
    IdlePolicy {
        schedules: schedules.collect(),
        rule,
        max_growth_rate: value(policy.max_growth_rate.as_ref()),
    }
}

/// The original's arithmetic has no such thing.
fn paid_period(
    policy: &written::Policy,
    compat: IdleCompat,
    problems: &mut Problems,
) -> Option<Duration> {
    let period = policy.paid_period.as_ref()?;
    if compat == IdleCompat::Gitlab {
        let draft = Draft::error("`paidPeriod` and `compat: gitlab` cannot stand together")
            .hint("remove one of them: that arithmetic knows no paid periods");
        problems.at(period.place, draft);
    }
    Some(period.value)
}

/// What is written of them, in the policy or in a schedule.
struct Numbers<'a> {
    place: Place,
    count: Option<&'a Spanned<u32>>,
    time: Option<&'a Spanned<Duration>>,
    factor: Option<&'a Spanned<f64>>,
    min: Option<&'a Spanned<u32>>,
}

/// What comes of that.
#[derive(Clone, Copy)]
struct Base {
    count: u32,
    time: Duration,
    factor: f64,
    min: u32,
}

impl Base {
    fn with(self, written: &Numbers<'_>) -> Self {
        Self {
            count: value(written.count).unwrap_or(self.count),
            time: value(written.time).unwrap_or(self.time),
            factor: value(written.factor).unwrap_or(self.factor),
            min: value(written.min).unwrap_or(self.min),
        }
    }

    fn rule(self, compat: IdleCompat) -> IdleRule {
        IdleRule {
            keep: self.count,
            scale: (self.factor > 0.0).then_some(IdleScale {
                factor: Level(self.factor),
                min: self.min,
            }),
            idle_time: self.time,
            compat,
            ..IdleRule::default()
        }
    }
}

impl<'a> Numbers<'a> {
    fn of(written: &'a written::Schedule) -> Self {
        Self {
            place: written.place,
            count: written.idle_count.as_ref(),
            time: written.idle_time.as_ref(),
            factor: written.idle_scale_factor.as_ref(),
            min: written.idle_count_min.as_ref(),
        }
    }

    fn check(
        &self,
        scaler: &written::Scaler,
        all: Base,
        compat: IdleCompat,
        problems: &mut Problems,
    ) {
        let place = self.count.map_or(self.place, |count| count.place);
        check_count(scaler, "idleCount", all.count, place, problems);
        if all.factor == 0.0 {
            if let Some(min) = self.min {
                let draft =
                    Draft::warning("`idleCountMin` has no effect without `idleScaleFactor`")
                        .hint("remove it, or write how many are to be ready for each one in use");
                problems.at(min.place, draft);
            }
        } else if all.min > all.count {
            let place = self.min.or(self.count).map_or(self.place, |n| n.place);
            let (min, count) = (all.min, all.count);
            let message = format!("`idleCountMin` ({min}) is more than `idleCount` ({count})");
            let draft = match compat {
                IdleCompat::Headcount => Draft::error(message),
                IdleCompat::Gitlab => Draft::warning(message).label(format!("counts as {count}")),
            };
            problems.at(place, draft.hint(format!("write at most {count}")));
        }
    }
}

fn schedule(written: &written::Schedule, rule: IdleRule, problems: &mut Problems) -> Schedule {
    let timezone = value(written.timezone.as_ref()).unwrap_or_else(|| "UTC".to_owned());
    if timezone != LOCAL && Zone::named(&timezone).is_none() {
        let place = written
            .timezone
            .as_ref()
            .map_or(written.place, |it| it.place);
        let draft = Draft::error(format!("there is no time zone {}", quoted(&timezone)))
            .hint("write an IANA name such as `Europe/Berlin`, `UTC`, or `local`");
        problems.at(place, draft);
    }
    for (index, period) in written.periods.iter().flat_map(|it| &it.value).enumerate() {
        check_period(index, period, problems);
    }
    Schedule {
        periods: values(written.periods.as_ref()),
        timezone,
        rule,
    }
}

fn check_period(index: usize, period: &Spanned<String>, problems: &mut Problems) {
    let key = format!("periods[{index}]");
    match Pattern::parse(&period.value, Grammar::Period) {
        Err(error) => {
            let (place, draft) = wrong_pattern(&key, &period.value, period.place, error);
            problems.at(place, draft);
        }
        Ok(pattern) if pattern.never_matches() => {
            let draft = Draft::error(format!("`{key}` never comes"))
                .label("no day or time is in it")
                .hint("write a day that exists");
            problems.at(period.place, draft);
        }
        Ok(_) => {}
    }
}
