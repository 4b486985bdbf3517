//! The policy `idle` and its schedules.

use super::span;
use super::writer::Writer;
use crate::settings::{IdleCompat, IdlePolicy, IdleRule, Schedule};

pub(super) fn policy(out: &mut Writer, policy: &IdlePolicy) {
    numbers(out, &policy.rule);
    if let Some(age) = policy.rule.max_idle_age {
        span(out, "maxIdleAge", age);
    }
    if let Some(period) = policy.rule.paid_period {
        span(out, "paidPeriod", period);
    }
    if let Some(rate) = policy.max_growth_rate {
        out.plain("maxGrowthRate", rate);
    }
    let compat = match policy.rule.compat {
        IdleCompat::Headcount => "headcount",
        IdleCompat::Gitlab => "gitlab",
    };
    out.text("compat", compat);
    out.list("schedules", &policy.schedules, schedule);
}

/// Whole: what was left out in the file may not be left out here, where the policy's own
/// number would be read for it.
fn schedule(out: &mut Writer, schedule: &Schedule) {
    out.texts("periods", &schedule.periods);
    out.text("timezone", &schedule.timezone);
    numbers(out, &schedule.rule);
}

fn numbers(out: &mut Writer, rule: &IdleRule) {
    out.plain("idleCount", rule.keep);
    span(out, "idleTime", rule.idle_time);
    match rule.scale {
        None => out.plain("idleScaleFactor", 0),
        Some(scale) => {
            out.plain("idleScaleFactor", scale.factor.0);
            out.plain("idleCountMin", scale.min);
        }
    }
}
