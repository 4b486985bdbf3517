//! `headcount periods`: when schedules of idle agents and time windows of triggers change
//! next, without a daemon.

use headcount_config::{Platform, load};
use headcount_controller::timetable;
use headcount_model::{Compat, CronWindow, Fleet, IdleRule, PoolSpec, Timestamp, TriggerKind};
use headcount_periods::Window;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::check::refuse;
use crate::cli::PeriodsArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::amount::count;
use crate::show::table::{Column, Page, Table};
use crate::show::time::{now_millis, span};

/// About a year of timetables of eight days.
const MAX_TABLES: usize = 46;

/// Lists them.
///
/// # Errors
/// The configuration cannot be used, or a schedule means nothing on this host.
pub(crate) fn run(args: &PeriodsArgs, console: &Console) -> Result<Exit, Failure> {
    let paths = args.config.paths()?;
    let loaded =
        load(&paths, &Platform::current()).map_err(|problems| refuse(console, &problems))?;
    let now = Timestamp::from_millis(now_millis());
    let turns = turns(&loaded.fleet, now, usize::from(args.next))?;
    if console.json {
        console.print_json(&turns)?;
    } else {
        console.print(&table(&turns, console.page))?;
    }
    Ok(Exit::Done)
}

/// What applies from one moment on.
#[derive(Serialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Turn {
    pool: String,
    /// `schedules[0]`, `policy`, or the name of a trigger.
    in_force: String,
    /// As the clocks of the zone show it.
    from: String,
    /// Whether that moment is now.
    now: bool,
    zone: String,
    applies: String,
}

/// What applies now, and up to `next` changes of each pool and each window.
fn turns(fleet: &Fleet, now: Timestamp, next: usize) -> Result<Vec<Turn>, Failure> {
    let mut turns = Vec::new();
    for pool in fleet.scalers.iter().flat_map(|scaler| &scaler.pools) {
        if !pool.schedules.is_empty() {
            turns.extend(schedules(pool, now, next)?);
        }
        for trigger in pool.queue.iter().flat_map(|rule| &rule.triggers) {
            if let TriggerKind::Cron(cron) = &trigger.kind {
                turns.extend(window(pool, &trigger.name, cron, now, next)?);
            }
        }
    }
    Ok(turns)
}

fn schedules(pool: &PoolSpec, now: Timestamp, next: usize) -> Result<Vec<Turn>, Failure> {
    let mut turns = Vec::new();
    let mut zone = "UTC";
    let mut last: Option<Option<usize>> = None;
    let mut from = now;
    // A timetable reaches some days; what changes rarely is looked for further ahead.
    for _ in 0..MAX_TABLES {
        let table = timetable(&pool.schedules, from)
            .map_err(|error| Failure::failed(format!("{}: {error}", pool.name)))?;
        for (at, schedule) in &table.turns {
            if last == Some(*schedule) {
                continue;
            }
            if turns.len() > next {
                return Ok(turns);
            }
            last = Some(*schedule);
            let named = schedule.and_then(|n| pool.schedules.get(n));
            // The end of a schedule is told in its own zone.
            zone = named.map_or(zone, |schedule| schedule.timezone.as_str());
            turns.push(Turn {
                pool: pool.name.to_string(),
                in_force: schedule.map_or("policy".to_owned(), |n| format!("schedules[{n}]")),
                from: shown(*at, zone),
                now: *at == now,
                zone: zone.to_owned(),
                applies: rule(&named.map_or(pool.idle, |schedule| schedule.rule)),
            });
        }
        if table.ends == Timestamp::MAX {
            break;
        }
        from = table.ends;
    }
    Ok(turns)
}

fn window(
    pool: &PoolSpec,
    name: &str,
    cron: &CronWindow,
    now: Timestamp,
    next: usize,
) -> Result<Vec<Turn>, Failure> {
    let window = Window::parse(&cron.timezone, &cron.start, &cron.end)
        .map_err(|error| Failure::failed(format!("{}: {name}: {error}", pool.name)))?;
    let mut turns: Vec<Turn> = Vec::new();
    let mut at = now;
    while turns.len() <= next {
        let Some(moment) = moment(at) else { break };
        let open = match cron.compat {
            Compat::Headcount => window.open(moment),
            Compat::Keda => window.open_as_keda(moment),
        };
        turns.push(Turn {
            pool: pool.name.to_string(),
            in_force: name.to_owned(),
            from: shown(at, &cron.timezone),
            now: at == now,
            zone: cron.timezone.clone(),
            applies: match open.active {
                true => format!("open: {}", count(cron.desired.into(), "agent", "agents")),
                false => "closed".to_owned(),
            },
        });
        let until = open
            .until
            .map(|until| u64::try_from(until.as_millisecond()));
        let Some(Ok(until)) = until else { break };
        at = Timestamp::from_millis(until);
    }
    Ok(turns)
}

fn rule(rule: &IdleRule) -> String {
    let ready = match rule.scale {
        None => format!("{} ready", rule.keep),
        Some(scale) => format!(
            "{} ready for each in use, from {} to {}",
            scale.factor.0,
            scale.min.max(1).min(rule.keep),
            rule.keep
        ),
    };
    format!("{ready}, idle time {}", span(rule.idle_time))
}

fn moment(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()
}

/// As the clocks of the zone show it, with their distance from UTC.
fn shown(at: Timestamp, zone: &str) -> String {
    let zone = match zone {
        "local" => TimeZone::system(),
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    match moment(at) {
        Some(at) => at
            .to_zoned(zone)
            .strftime("%a %Y-%m-%d %H:%M:%S %:z")
            .to_string(),
        None => "never".to_owned(),
    }
}

fn table(turns: &[Turn], page: Page) -> String {
    if turns.is_empty() {
        return "no schedules and no windows of time\n".to_owned();
    }
    let mut table = Table::new([
        Column::long("POOL"),
        Column::text("IN FORCE"),
        Column::text("FROM"),
        Column::text("ZONE"),
        Column::long("WHAT APPLIES"),
    ]);
    for turn in turns {
        let from = match turn.now {
            true => "now",
            false => turn.from.as_str(),
        };
        table.row([
            turn.pool.as_str().into(),
            turn.in_force.as_str().into(),
            from.into(),
            turn.zone.as_str().into(),
            turn.applies.as_str().into(),
        ]);
    }
    table.render(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_config::{ConfigTexts, load_texts};

    const PAGE: Page = Page {
        width: None,
        color: false,
    };

    fn told(text: &str, now: &str, next: usize) -> String {
        let loaded = load_texts(ConfigTexts::single("c", text), &Platform::current()).unwrap();
        let now: jiff::Timestamp = now.parse().unwrap();
        let now = Timestamp::from_millis(now.as_millisecond().unsigned_abs());
        table(&turns(&loaded.fleet, now, next).unwrap(), PAGE)
    }

    #[test]
    fn schedules_and_windows_are_told_with_their_zones() {
        let text = "version: 1
scalers:
- name: m
  type: bare-metal
  maxAgents: 9
  policy: {kind: idle, idleCount: 1, schedules: [{periods: ['* 9-17 * * mon-fri'], timezone: Europe/Berlin, idleCount: 4, idleTime: 30m}]}
  labelSets: [{labels: [a]}]
- name: w
  type: bare-metal
  maxAgents: 9
  triggers: [{type: cron, name: night, metadata: {timezone: UTC, start: '0 22 * * *', end: '0 6 * * *', desiredReplicas: 2}}]
  labelSets: [{labels: [b], command: [x]}]
";
        // A Friday before the clocks of Berlin are set back.
        assert_eq!(
            told(text, "2026-10-23T12:00:00Z", 2),
            "\
POOL  IN FORCE      FROM                            ZONE           WHAT APPLIES
m/a   schedules[0]  now                             Europe/Berlin  4 ready, idle time 30m
m/a   policy        Fri 2026-10-23 18:00:00 +02:00  Europe/Berlin  1 ready, idle time 0s
m/a   schedules[0]  Mon 2026-10-26 09:00:00 +01:00  Europe/Berlin  4 ready, idle time 30m
w/b   night         now                             UTC            closed
w/b   night         Fri 2026-10-23 22:00:00 +00:00  UTC            open: 2 agents
w/b   night         Sat 2026-10-24 06:00:00 +00:00  UTC            closed
"
        );
    }

    #[test]
    fn what_changes_rarely_is_found_and_nothing_is_told_as_such() {
        let yearly = "version: 1
scalers:
- name: m
  type: bare-metal
  maxAgents: 9
  policy: {kind: idle, schedules: [{periods: ['* * 24 dec *'], idleCount: 2}]}
  labelSets: [{labels: [a]}]
";
        let found = told(yearly, "2026-01-10T12:00:00Z", 1);
        assert!(found.contains("Thu 2026-12-24 00:00:00 +00:00"), "{found}");
        assert_eq!(
            told("version: 1\nscalers: []\n", "2026-01-10T12:00:00Z", 1),
            "no schedules and no windows of time\n"
        );
    }
}
