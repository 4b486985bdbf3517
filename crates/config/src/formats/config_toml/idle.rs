//! `[runners.machine]`: how many machines are kept ready, as a policy of kind `idle`.

use std::time::Duration;

use super::Shared;
use super::own::Own;
use super::periods::{off_peak, sections};
use super::table::Table;
use crate::problem::{Draft, Problems};
use crate::read::{Factor, integer, read_entry};
use crate::source::{Place, Spanned};
use crate::written::{Policy, PolicyKind, Schedule};
use crate::yaml::{Entry, Kind, Plain};

/// A longer wait cannot be configured: 31 days.
const LONGEST_SECONDS: u64 = 31 * 24 * 60 * 60;

/// The policy of a runner.
pub(super) fn policy(
    machine: Option<&Table<'_>>,
    place: Place,
    own: &Own,
    limit: Option<u32>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Policy {
    let mut policy = Policy {
        place,
        foreign: true,
        kind: Some(spanned(PolicyKind::Idle, place)),
        compat: own.compat.clone(),
        ..Policy::default()
    };
    let Some(machine) = machine else {
        return policy;
    };
    let numbers = numbers(machine, limit, problems);
    let schedules = match machine.get("autoscaling") {
        Some(entry) => sections(entry, limit, shared, problems),
        None => Vec::new(),
    };
    let off_peak = off_peak(machine, &numbers, own, limit, shared, problems);
    let schedules: Vec<_> = schedules.into_iter().chain(off_peak).collect();
    if !own.is_as_gitlab() {
        tell_of_jobs(&numbers, &schedules, problems);
    }
    policy.idle_count = numbers.count;
    policy.idle_time = numbers.time;
    policy.idle_scale_factor = numbers.factor;
    policy.idle_count_min = numbers.min;
    let rate = machine.get("MaxGrowthRate");
    let rate = rate.and_then(|entry| read_entry(&COUNT, entry, problems));
    policy.max_growth_rate = rate.filter(|rate: &Spanned<u32>| rate.value > 0);
    if !schedules.is_empty() {
        policy.schedules = Some(spanned(schedules, place));
    }
    policy
}

/// The most machines that are ever kept ready.
pub(super) fn largest(policy: &Policy) -> u32 {
    let schedules = policy.schedules.iter().flat_map(|list| &list.value);
    let scheduled = schedules.filter_map(|schedule| schedule.value.idle_count.as_ref());
    let counts = policy.idle_count.iter().chain(scheduled);
    counts.map(|count| count.value).max().unwrap_or(0)
}

/// What is written of them, in the table or in a section of it.
#[derive(Default)]
pub(super) struct Numbers {
    pub count: Option<Spanned<u32>>,
    pub time: Option<Spanned<Duration>>,
    pub factor: Option<Spanned<f64>>,
    /// Only where a factor makes it mean something.
    pub min: Option<Spanned<u32>>,
}

impl Numbers {
    /// A schedule in which nothing is left out: what a section does not say is zero.
    pub fn into_schedule(self, place: Place) -> Schedule {
        let factor = self.factor.unwrap_or(spanned(0.0, place));
        let min = self.min.unwrap_or(spanned(0, place));
        Schedule {
            place,
            foreign: true,
            idle_count: Some(self.count.unwrap_or(spanned(0, place))),
            idle_time: Some(self.time.unwrap_or(spanned(Duration::ZERO, place))),
            idle_count_min: (factor.value > 0.0).then_some(min),
            idle_scale_factor: Some(factor),
            ..Schedule::default()
        }
    }
}

/// Reads them, and makes nothing of those that contradict each other.
pub(super) fn numbers(table: &Table<'_>, limit: Option<u32>, problems: &mut Problems) -> Numbers {
    let count = table.get("IdleCount");
    let count = count.and_then(|entry| count_within("IdleCount", entry, limit, problems));
    let time = table.get("IdleTime");
    let time = time.and_then(|entry| seconds(entry, problems));
    let factor = table.get("IdleScaleFactor");
    let factor = factor.and_then(|entry| a_factor(entry, problems));
    let min = table.get("IdleCountMin");
    let min = min.and_then(|entry| read_entry(&COUNT, entry, problems));
    let scaled = factor.as_ref().is_some_and(|factor| factor.value > 0.0);
    let min = min.and_then(|min| within(min, scaled, count.as_ref(), problems));
    Numbers {
        count,
        time,
        factor,
        min,
    }
}

const COUNT: crate::read::Integer<u32> = integer(0..=u32::MAX as i64);

/// A number of idle machines, of which there are never more than `limit`.
pub(super) fn count_within(
    name: &str,
    entry: &Entry,
    limit: Option<u32>,
    problems: &mut Problems,
) -> Option<Spanned<u32>> {
    let count = read_entry(&COUNT, entry, problems)?;
    let Some(limit) = limit.filter(|limit| count.value > *limit) else {
        return Some(count);
    };
    let message = format!("`{name}` ({}) is more than `limit` ({limit})", count.value);
    let draft = Draft::warning(message)
        .label(format!("counts as {limit}, as with GitLab Runner"))
        .hint(format!("write at most {limit}, or raise `limit`"));
    problems.at(count.place, draft);
    Some(spanned(limit, count.place))
}

/// A wait; one that is too long counts as the longest there is.
pub(super) fn seconds(entry: &Entry, problems: &mut Problems) -> Option<Spanned<Duration>> {
    let found = read_entry(&integer::<u64>(0..=i64::MAX), entry, problems)?;
    if found.value > LONGEST_SECONDS {
        let message = format!(
            "`{}` ({}) counts as {LONGEST_SECONDS}",
            entry.key, found.value
        );
        let draft = Draft::difference(message)
            .label("31 days are the longest wait here")
            .hint(format!("write at most {LONGEST_SECONDS}"));
        problems.at(found.place, draft);
    }
    let span = Duration::from_secs(found.value.min(LONGEST_SECONDS));
    Some(spanned(span, found.place))
}

/// GitLab Runner's parser makes a difference between `1` and `1.0`.
fn a_factor(entry: &Entry, problems: &mut Problems) -> Option<Spanned<f64>> {
    let factor = read_entry(&Factor, entry, problems)?;
    let whole = matches!(&entry.value.kind, Kind::Scalar(scalar)
        if matches!(scalar.means, Plain::Integer(_)));
    if whole {
        let draft = Draft::difference("a whole number is taken as `IdleScaleFactor` here")
            .label("GitLab Runner refuses the file")
            .hint(format!("write `{:.1}`", factor.value));
        problems.at(factor.place, draft);
    }
    Some(factor)
}

/// What `IdleCountMin` comes to.
fn within(
    min: Spanned<u32>,
    scaled: bool,
    count: Option<&Spanned<u32>>,
    problems: &mut Problems,
) -> Option<Spanned<u32>> {
    let most = count.map_or(0, |count| count.value);
    if !scaled {
        if min.value > 0 {
            let draft = Draft::warning("`IdleCountMin` has no effect without `IdleScaleFactor`")
                .label("as with GitLab Runner")
                .hint("remove it, or write how many are to be ready for each one in use");
            problems.at(min.place, draft);
        }
        return None;
    }
    if min.value <= most {
        return Some(min);
    }
    let message = format!(
        "`IdleCountMin` ({}) is more than `IdleCount` ({most})",
        min.value
    );
    let draft = Draft::warning(message)
        .label(format!("counts as {most}, as with GitLab Runner"))
        .hint(format!("write at most {most}"));
    problems.at(min.place, draft);
    Some(spanned(most, min.place))
}

/// With idle machines to keep, GitLab Runner asks for a job only once one is ready.
fn tell_of_jobs(numbers: &Numbers, schedules: &[Spanned<Schedule>], problems: &mut Problems) {
    let scheduled = schedules.iter().map(|schedule| &schedule.value.idle_count);
    let mut counts = std::iter::once(&numbers.count)
        .chain(scheduled)
        .flatten()
        .filter(|count| count.value > 0);
    let Some(count) = counts.next() else { return };
    let draft = Draft::difference(
        "a job does not wait for one of the idle machines: where none is ready, one is made for it",
    )
    .label("and what is being made is counted once, in whatever order")
    .hint(
        "for GitLab Runner's own arithmetic write `compat = \"gitlab\"` below \
         `[runners.headcount]`",
    );
    problems.at(count.place, draft);
}

pub(super) const fn spanned<T>(value: T, place: Place) -> Spanned<T> {
    Spanned { value, place }
}
