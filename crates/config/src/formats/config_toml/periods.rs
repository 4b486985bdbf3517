//! `[[runners.machine.autoscaling]]` and the off-peak keys, as schedules.
//!
//! Promise: a pattern means what its author meant; where GitLab Runner takes it for
//! something else, that is named. A section says all its numbers: what it leaves out is
//! zero, not the number of the table above it.

use headcount_periods::{Grammar, Pattern, Zone};

use super::Shared;
use super::idle::{Numbers, count_within, numbers, seconds, spanned};
use super::keys::AUTOSCALING;
use super::own::Own;
use super::reading::read_period;
use super::table::{Table, asks_for_nothing, called, table};
use crate::manifest::scalar;
use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written::Schedule;
use crate::yaml::{Entry, Kind};

/// As the zone of the host is called in a native file.
const LOCAL: &str = "local";

/// The schedules of the sections, in their order.
pub(super) fn sections(
    entry: &Entry,
    limit: Option<u32>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Vec<Spanned<Schedule>> {
    let items = match &entry.value.kind {
        Kind::List(items) if items.iter().all(|item| matches!(item.kind, Kind::Map(_))) => items,
        _ => {
            let draft = Draft::error("`autoscaling` must be a list of tables")
                .label(format!("this is {}", called(&entry.value)))
                .hint("write `[[runners.machine.autoscaling]]`, with two brackets");
            problems.at(entry.key_place, draft);
            return Vec::new();
        }
    };
    let mut schedules = Vec::new();
    for item in items {
        let noun = "`[[runners.machine.autoscaling]]`";
        let section = table(noun, AUTOSCALING, item, problems);
        let own = section.get("Periods");
        let periods = own.map(|entry| texts("Periods", entry, problems));
        let periods: Vec<_> = periods.into_iter().flatten().collect();
        let mut schedule = numbers(&section, limit, problems).into_schedule(item.place);
        schedule.timezone = Some(zone(section.get("Timezone"), item.place, problems));
        if periods.is_empty() {
            let draft = Draft::warning("this section never holds: it has no `Periods`")
                .hint("write for example `Periods = [\"* * 9-17 * * mon-fri *\"]`");
            problems.at(own.map_or(item.place, Entry::place), draft);
            continue;
        }
        let place = own.map_or(item.place, Entry::place);
        let periods = periods.into_iter();
        let periods = periods.map(|period| read_period(period, shared, problems));
        schedule.periods = Some(spanned(periods.collect(), place));
        schedules.push(spanned(schedule, item.place));
    }
    schedules
}

/// The schedule of the off-peak keys, as they were meant before GitLab Runner 14.0, in a
/// table with these numbers.
pub(super) fn off_peak(
    machine: &Table<'_>,
    all: &Numbers,
    own: &Own,
    limit: Option<u32>,
    shared: &mut Shared<'_>,
    problems: &mut Problems,
) -> Option<Spanned<Schedule>> {
    let zone_entry = machine.get("OffPeakTimezone");
    let count = machine.get("OffPeakIdleCount");
    let count = count.and_then(|n| count_within("OffPeakIdleCount", n, limit, problems));
    let time = machine.get("OffPeakIdleTime");
    let time = time.and_then(|entry| seconds(entry, problems));
    let entry = machine.get("OffPeakPeriods");
    let periods = entry.map(|entry| texts("OffPeakPeriods", entry, problems));
    let periods = periods.unwrap_or_default();
    let Some(entry) = entry.filter(|_| !periods.is_empty()) else {
        tell_of_no_periods(machine, problems);
        return None;
    };
    let why = match machine.get("autoscaling") {
        Some(_) => Some("the sections hold"),
        None if own.is_as_gitlab() => Some("as with GitLab Runner since 14.0"),
        None => None,
    };
    if let Some(why) = why {
        let draft = Draft::warning("the off-peak keys have no effect").label(why);
        problems.at(entry.key_place, draft.hint("remove them"));
        return None;
    }
    if let Some((place, why)) = unusable(&periods, zone_entry) {
        let draft = Draft::warning(format!("the off-peak keys are left out: {why}"))
            .label("GitLab Runner since 14.0 leaves them out in any case")
            .hint("correct it, or write `[[runners.machine.autoscaling]]` instead");
        problems.at(place, draft);
        return None;
    }
    let draft = Draft::difference("off-peak hours hold here")
        .label("GitLab Runner since 14.0 ignores these keys")
        .hint("remove them, or write `[[runners.machine.autoscaling]]` instead");
    problems.at(entry.key_place, draft);
    let place = entry.place();
    let timezone = zone(zone_entry, place, problems);
    let periods = periods.into_iter();
    let periods = periods.map(|period| read_period(period, shared, problems));
    let periods = periods.collect();
    let count = count.unwrap_or(spanned(0, place));
    // The others stay as the table says: there are no off-peak keys for them.
    let schedule = Schedule {
        place,
        foreign: true,
        periods: Some(spanned(periods, place)),
        timezone: Some(timezone),
        idle_count_min: lower_min(all, &count, problems),
        idle_count: Some(count),
        idle_time: Some(time.unwrap_or(spanned(std::time::Duration::ZERO, place))),
        ..Schedule::default()
    };
    Some(spanned(schedule, place))
}

/// Numbers without hours; `gitlab-runner register` writes those that ask for nothing.
fn tell_of_no_periods(machine: &Table<'_>, problems: &mut Problems) {
    for name in ["OffPeakTimezone", "OffPeakIdleCount", "OffPeakIdleTime"] {
        let entry = machine.get(name);
        if let Some(entry) = entry.filter(|entry| !asks_for_nothing(&entry.value)) {
            let draft = Draft::warning(format!("`{name}` has no effect without `OffPeakPeriods`"))
                .label("as with GitLab Runner")
                .hint("remove it, or write `[[runners.machine.autoscaling]]` instead");
            problems.at(entry.key_place, draft);
        }
    }
}

/// What `IdleCountMin` comes to while fewer than that are kept at all: as many machines as
/// are kept are enough for GitLab Runner's arithmetic, whatever the minimum. Nothing where it
/// stays as the table says.
fn lower_min(all: &Numbers, count: &Spanned<u32>, problems: &mut Problems) -> Option<Spanned<u32>> {
    let min = all.min.as_ref().filter(|min| min.value > count.value)?;
    let message = format!(
        "`IdleCountMin` ({}) is more than `OffPeakIdleCount` ({})",
        min.value, count.value
    );
    let draft = Draft::warning(message)
        .label(format!("counts as {} in off-peak hours", count.value))
        .hint(
            "nothing, if that is meant: a `[[runners.machine.autoscaling]]` may have an \
             `IdleCountMin` of its own",
        );
    problems.at(count.place, draft);
    Some(count.clone())
}

/// What forbids to make anything of the off-peak keys.
fn unusable(periods: &[Spanned<String>], zone: Option<&Entry>) -> Option<(Place, String)> {
    for period in periods {
        match Pattern::parse(&period.value, Grammar::Period) {
            Err(error) => return Some((period.place, error.message)),
            Ok(pattern) if pattern.never_matches() => {
                return Some((period.place, "no day or time is in it".to_owned()));
            }
            Ok(_) => {}
        }
    }
    let zone = zone?;
    let name = scalar(&zone.value)?;
    let known = name.is_empty() || Zone::named(name).is_some();
    (!known).then(|| {
        (
            zone.place(),
            format!("there is no time zone {}", quoted(name)),
        )
    })
}

/// Texts of a list; what is none has been noted.
fn texts(name: &str, entry: &Entry, problems: &mut Problems) -> Vec<Spanned<String>> {
    let Kind::List(items) = &entry.value.kind else {
        let draft = Draft::error(format!("`{name}` must be a list of texts"))
            .label(format!("this is {}", called(&entry.value)))
            .hint("write for example `[\"* * 9-17 * * mon-fri *\"]`");
        problems.at(entry.place(), draft);
        return Vec::new();
    };
    let mut texts = Vec::new();
    for item in items {
        match &item.kind {
            Kind::Scalar(found) if found.means == crate::yaml::Plain::Text => {
                texts.push(spanned(found.text.clone(), item.place));
            }
            _ => {
                let draft = Draft::error(format!("`{name}` must be a list of texts"))
                    .label(format!("this is {}", called(item)))
                    .hint("put it in quotes");
                problems.at(item.place, draft);
            }
        }
    }
    texts
}

/// Without a name it is the zone of the host. Whether there is such a zone is checked as in
/// a native file.
fn zone(entry: Option<&Entry>, place: Place, problems: &mut Problems) -> Spanned<String> {
    let Some(entry) = entry else {
        return spanned(LOCAL.to_owned(), place);
    };
    match scalar(&entry.value) {
        Some("") => spanned(LOCAL.to_owned(), entry.place()),
        Some(name) => spanned(name.to_owned(), entry.place()),
        None => {
            let draft = Draft::error(format!("`{}` must be a text", entry.key))
                .label(format!("this is {}", called(&entry.value)))
                .hint("write an IANA name such as `Europe/Berlin`");
            problems.at(entry.place(), draft);
            spanned(LOCAL.to_owned(), place)
        }
    }
}
