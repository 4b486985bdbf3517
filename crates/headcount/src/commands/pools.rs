//! `headcount pools`: what pools have, what they want and what stands in the way.

use headcount_api::{Pool, PoolSchedule, PoolSignal, TriggerReading};

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::paint::{Tone, paint, safe};
use crate::show::table::{Cell, Column, Page, Table};
use crate::show::time::{age, now_millis};

/// Lists them.
///
/// # Errors
/// The daemon does not answer, or not with pools.
pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let pools: Vec<Pool> = context.client.get(&["pools"], &[]).await?;
    let console = &context.console;
    if console.json {
        console.print_json(&pools)?;
        return Ok(Exit::Done);
    }
    let now = now_millis();
    let text = format!(
        "{}{}",
        table(&pools, console.page),
        troubles(&pools, now, console.page)
    );
    console.print(&text)?;
    Ok(Exit::Done)
}

fn table(pools: &[Pool], page: Page) -> String {
    if pools.is_empty() {
        return "no pools\n".to_owned();
    }
    let mut table = Table::new([
        Column::long("POOL"),
        Column::text("STATE"),
        Column::number("BUSY"),
        Column::number("IDLE"),
        Column::number("STARTING"),
        Column::number("LEAVING"),
        Column::number("SCALER"),
        Column::number("WANTED"),
        Column::long("WHY NOT MORE"),
    ]);
    for pool in pools {
        let agents = pool.agents;
        table.row([
            pool.name.as_str().into(),
            Cell::state(pool.state.word()),
            number(agents.busy),
            number(agents.idle),
            number(agents.starting),
            number(agents.draining + agents.destroying + agents.quarantined),
            share(pool).into(),
            number(pool.wanted),
            pool.limited_by_text.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(page)
}

/// A zero is shown, but faintly.
fn number(n: u32) -> Cell {
    let tone = if n == 0 { Tone::Faint } else { Tone::Plain };
    Cell::toned(n.to_string(), tone)
}

/// Agents of the scaler of those it may have.
fn share(pool: &Pool) -> String {
    match pool.max_agents {
        Some(max) => format!("{}/{max}", pool.scaler_agents),
        None => pool.scaler_agents.to_string(),
    }
}

fn troubles(pools: &[Pool], now_millis: u64, page: Page) -> String {
    let mut out = String::new();
    for pool in pools {
        let name = paint(&safe(&pool.name), Tone::Strong, page.color);
        if let (true, Some(failure)) = (pool.launch_failures > 0, &pool.last_failure) {
            let ago = age(failure.at.as_millis(), now_millis);
            let next = pool
                .next_launch_at
                .map(|at| age(now_millis, at.as_millis()));
            let next = next
                .map(|span| format!("; next try in {span}"))
                .unwrap_or_default();
            let n = pool.launch_failures;
            let times = if n == 1 {
                "launch failed".to_owned()
            } else {
                format!("{n} launches in a row failed")
            };
            let message = safe(&failure.message);
            out.push_str(&format!("\n{name}: {times}, {ago} ago: {message}{next}"));
            if let Some(line) = failure.output.last() {
                out.push_str(&format!("\n{name}: it said last: {}", safe(line)));
            }
        }
        if pool.agents.quarantined > 0 {
            let n = pool.agents.quarantined;
            out.push_str(&format!(
                "\n{name}: {} cannot be removed and counts; `headcount agents` says why",
                if n == 1 {
                    "1 agent".to_owned()
                } else {
                    format!("each of {n} agents")
                }
            ));
        }
        if let Some(schedule) = &pool.schedule {
            out.push_str(&format!(
                "\n{name}: {}",
                in_force(pool, schedule, now_millis)
            ));
        }
        if let Some(signal) = &pool.signal {
            out.push_str(&format!("\n{name}: {}", safe(&told(signal))));
        }
        let detail = pool.limited_by_detail.as_ref();
        if let Some(detail) = detail.filter(|detail| !is_told(pool, detail)) {
            out.push_str(&format!("\n{name}: {}", safe(detail)));
        }
        if let Some(trouble) = &pool.backend_trouble {
            out.push_str(&format!(
                "\n{name}: its backend does not answer: {}",
                safe(trouble)
            ));
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// `4 ready by schedules[0], for 2h more`.
fn in_force(pool: &Pool, schedule: &PoolSchedule, now_millis: u64) -> String {
    let by = match schedule.index {
        Some(n) => format!("schedules[{n}]"),
        None => "the policy itself, no schedule".to_owned(),
    };
    let until = schedule
        .until
        .as_ref()
        .map(|at| age(now_millis, at.as_millis()));
    let until = until.map(|span| format!(", for {span} more"));
    format!(
        "{} ready by {by}{}",
        pool.idle_count,
        until.unwrap_or_default()
    )
}

/// What triggers say: `triggers ask for 4 agents: jobs: 3 waiting, 1 in flight`.
fn told(signal: &PoolSignal) -> String {
    let asked = match signal.desired {
        Some(1) => "triggers ask for 1 agent".to_owned(),
        Some(n) => format!("triggers ask for {n} agents"),
        None => "triggers cannot say how many agents they want".to_owned(),
    };
    let readings: Vec<String> = signal.triggers.iter().map(reading).collect();
    format!("{asked}: {}", readings.join("; "))
}

/// Whether a trigger says so already.
fn is_told(pool: &Pool, detail: &str) -> bool {
    let mut triggers = pool.signal.iter().flat_map(|signal| &signal.triggers);
    triggers.any(|trigger| trigger.trouble.as_deref() == Some(detail))
}

fn reading(trigger: &TriggerReading) -> String {
    let name = &trigger.name;
    let counts = [
        (trigger.waiting, "waiting"),
        (trigger.in_flight, "in flight"),
        (trigger.claimable, "claimable"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter_map(|(n, what)| Some(format!("{} {what}", (*n)?)))
        .collect();
    match (&trigger.trouble, trigger.value) {
        (Some(trouble), _) => format!("{name} is unknown ({trouble})"),
        (None, None) => format!("{name} was not read yet"),
        (None, Some(value)) if counts.is_empty() => format!("{name} says {value}"),
        (None, Some(_)) => format!("{name} has {}", counts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PAGE: Page = Page {
        width: None,
        color: false,
    };

    fn pool(fields: Value) -> Pool {
        let mut pool = json!({
            "name": "builders/linux", "scaler": "builders", "state": "active",
            "labels": ["linux"], "systemLabels": [],
            "agents": {"starting": 0, "idle": 0, "busy": 0, "draining": 0, "destroying": 0, "total": 0},
            "maxAgents": 8, "scalerAgents": 0, "idleCount": 0, "slots": 1, "wanted": 0,
            "launchFailures": 0
        });
        for (key, value) in fields.as_object().unwrap() {
            pool[key] = value.clone();
        }
        serde_json::from_value(pool).unwrap()
    }

    #[test]
    fn pools_stand_in_a_table() {
        let pools = [
            pool(json!({
                "agents": {"starting": 1, "idle": 0, "busy": 6, "draining": 1, "destroying": 0, "total": 8},
                "scalerAgents": 8, "wanted": 12,
                "limitedByText": "the scaler runs as many agents as its maxAgents allows"
            })),
            pool(json!({"name": "old/x", "state": "removed", "maxAgents": null})),
        ];
        assert_eq!(
            table(&pools, PAGE),
            "\
POOL            STATE    BUSY  IDLE  STARTING  LEAVING  SCALER  WANTED  WHY NOT MORE
builders/linux  active      6     0         1        1     8/8      12  the scaler runs as many agents as its maxAgents allows
old/x           removed     0     0         0        0       0       0
"
        );
        assert_eq!(table(&[], PAGE), "no pools\n");
    }

    #[test]
    fn troubles_stand_below() {
        let pools = [pool(json!({
            "state": "failing", "launchFailures": 3, "nextLaunchAt": "1970-01-01T00:01:04Z",
            "lastFailure": {"at": "1970-01-01T00:00:56Z", "message": "no such\nprogram", "output": ["a", "sh: x:\tnot found"]},
            "backendTrouble": "cannot list"
        }))];
        assert_eq!(
            troubles(&pools, 60_000, PAGE),
            "\nbuilders/linux: 3 launches in a row failed, 4.0s ago: no such program; next try in 4.0s\
             \nbuilders/linux: it said last: sh: x: not found\
             \nbuilders/linux: its backend does not answer: cannot list\n"
        );
        assert_eq!(troubles(&[pool(json!({}))], 0, PAGE), "");
    }

    #[test]
    fn the_schedule_in_force_stands_below() {
        let scheduled = |schedule: Value| {
            let pool = pool(json!({"idleCount": 4, "schedule": schedule}));
            troubles(&[pool], 0, PAGE)
        };
        assert_eq!(
            scheduled(json!({"index": 0, "until": "1970-01-01T02:00:00Z"})),
            "\nbuilders/linux: 4 ready by schedules[0], for 2h more\n"
        );
        assert_eq!(
            scheduled(json!({})),
            "\nbuilders/linux: 4 ready by the policy itself, no schedule\n"
        );
    }

    #[test]
    fn what_triggers_say_stands_below() {
        let pools = [pool(json!({"name": "w/queue", "signal": {
            "desired": 2, "min": 0, "compat": "headcount", "used": true, "unread": 1,
            "triggers": [
                {"name": "jobs", "target": 1.0, "value": 4.0, "waiting": 3, "inFlight": 1, "claimable": 0},
                {"name": "list", "target": 1.0, "value": 2.5},
                {"name": "other", "target": 1.0, "trouble": "connection refused"}
            ]
        }}))];
        assert_eq!(
            troubles(&pools, 0, PAGE),
            "\nw/queue: triggers ask for 2 agents: jobs has 3 waiting, 1 in flight, 0 claimable; \
             list says 2.5; other is unknown (connection refused)\n"
        );
    }
}
