//! `headcount agents`: agents, and why each of them is there.

use headcount_api::Agent;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::table::{Cell, Column, Page, Table};
use crate::show::time::{age, now_millis};

/// Lists them.
///
/// # Errors
/// The daemon does not answer, or not with agents.
pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let agents: Vec<Agent> = context.client.get(&["agents"], &[]).await?;
    let console = &context.console;
    match console.json {
        true => console.print_json(&agents)?,
        false => console.print(&table(&agents, now_millis(), console.page))?,
    }
    Ok(Exit::Done)
}

fn table(agents: &[Agent], now_millis: u64, page: Page) -> String {
    if agents.is_empty() {
        return "no agents\n".to_owned();
    }
    let mut table = Table::new([
        Column::text("ID"),
        Column::text("STATE"),
        Column::text("AGE"),
        Column::long("POOL"),
        Column::long("JOBS"),
        Column::number("DONE"),
        Column::long("WHY"),
    ]);
    for agent in agents {
        table.row([
            agent.id.as_str().into(),
            state(agent),
            age(agent.created_at.as_millis(), now_millis).into(),
            agent.pool.as_str().into(),
            agent.jobs.join(",").into(),
            agent.jobs_done.to_string().into(),
            why(agent, now_millis).into(),
        ]);
    }
    table.render(page)
}

/// A cordoned one is told apart, as it is neither idle nor busy for its pool.
fn state(agent: &Agent) -> Cell {
    match agent.cordoned {
        true => Cell::state(&format!("{},cordoned", agent.state.word())),
        false => Cell::state(agent.state.word()),
    }
}

fn why(agent: &Agent, now_millis: u64) -> String {
    match agent.disconnected_since {
        Some(since) => format!(
            "{} (away for {})",
            agent.reason_text,
            age(since.as_millis(), now_millis)
        ),
        None => agent.reason_text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn agent(fields: Value) -> Agent {
        let mut agent = json!({
            "id": "a-65f1c2a0-7", "pool": "builders/linux", "scaler": "builders",
            "backend": "bare-metal", "kind": "managed", "state": "idle",
            "since": "1970-01-01T00:00:00Z", "createdAt": "1970-01-01T00:00:00Z",
            "reason": "kept_ready", "reasonText": "the idle rule keeps it ready",
            "jobs": [], "slots": 1, "jobsDone": 0
        });
        for (key, value) in fields.as_object().unwrap() {
            agent[key] = value.clone();
        }
        serde_json::from_value(agent).unwrap()
    }

    #[test]
    fn agents_stand_in_a_table() {
        let agents = [
            agent(json!({})),
            agent(json!({
                "id": "a-65f1c2a0-12", "state": "busy", "jobs": ["job-4"], "jobsDone": 3,
                "reason": "connection_lost", "reasonText": "its connection broke",
                "disconnectedSince": "1970-01-01T00:00:50Z"
            })),
            agent(
                json!({"id": "a-65f1c2a0-13", "cordoned": true, "reasonText": "it was cordoned"}),
            ),
        ];
        let (width, color) = (None, false);
        assert_eq!(
            table(&agents, 60_000, Page { width, color }),
            "\
ID             STATE          AGE  POOL            JOBS   DONE  WHY
a-65f1c2a0-7   idle           1m   builders/linux            0  the idle rule keeps it ready
a-65f1c2a0-12  busy           1m   builders/linux  job-4     3  its connection broke (away for 10s)
a-65f1c2a0-13  idle,cordoned  1m   builders/linux            0  it was cordoned
"
        );
        assert_eq!(table(&[], 0, Page { width, color }), "no agents\n");
    }
}
