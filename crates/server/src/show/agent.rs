//! Agents.

use headcount_api::{Agent, AgentState};
use headcount_controller::{AgentView, Link};
use headcount_model::{AgentKind, AgentPhase};

use super::{moment, resources};

pub(crate) fn agent(view: &AgentView) -> Agent {
    let record = &view.record;
    let state = agent_state(record.phase, !view.jobs.is_empty());
    let (connected, disconnected_since) = match view.link {
        Link::Never => (None, None),
        Link::Up => (Some(true), None),
        Link::Down(since) => (Some(false), Some(moment(since))),
    };
    Agent {
        id: record.id.to_string(),
        pool: record.pool.to_string(),
        scaler: record.scaler.to_string(),
        backend: record.backend.to_string(),
        kind: kind(record.kind).to_owned(),
        state,
        since: moment(record.phase_since),
        created_at: moment(record.created_at),
        reason: view.reason.code().to_owned(),
        reason_text: reason_text(view),
        connected,
        disconnected_since,
        idle_since: (state == AgentState::Idle).then(|| moment(view.idle_since)),
        cordoned: record.cordoned,
        trouble: view.stays_for.clone().or_else(|| view.unclear.clone()),
        jobs: view.jobs.iter().map(ToString::to_string).collect(),
        slots: record.slots,
        jobs_done: record.jobs_done,
        resources: resources::granted(record.granted),
    }
}

fn reason_text(view: &AgentView) -> String {
    let said = Said {
        waits_for: view.waits_for.as_deref(),
        unclear: view.unclear.as_deref(),
        stays_for: view.stays_for.as_deref(),
    };
    in_full(view.reason.sentence(), &said)
}

/// What the backend says of an agent.
#[derive(Default)]
struct Said<'a> {
    waits_for: Option<&'a str>,
    unclear: Option<&'a str>,
    stays_for: Option<&'a str>,
}

/// A reason with what the backend says of it.
fn in_full(sentence: &str, said: &Said<'_>) -> String {
    if let Some(why) = said.waits_for {
        format!("{sentence}; it waits: {why}")
    } else if let Some(why) = said.unclear {
        format!("{sentence}; whether it was made is unclear: {why}")
    } else if let Some(why) = said.stays_for {
        format!("{sentence}; it could not be removed: {why}")
    } else {
        sentence.to_owned()
    }
}

pub(crate) const fn agent_state(phase: AgentPhase, has_jobs: bool) -> AgentState {
    match phase {
        AgentPhase::Reserving => AgentState::Reserving,
        AgentPhase::Creating => AgentState::Creating,
        AgentPhase::Starting => AgentState::Starting,
        AgentPhase::Ready if has_jobs => AgentState::Busy,
        AgentPhase::Ready => AgentState::Idle,
        AgentPhase::Draining => AgentState::Draining,
        AgentPhase::Destroying => AgentState::Destroying,
        AgentPhase::Quarantined => AgentState::Quarantined,
        AgentPhase::Releasing => AgentState::Releasing,
    }
}

pub(super) const fn kind(kind: AgentKind) -> &'static str {
    match kind {
        AgentKind::Managed => "managed",
        AgentKind::Sidecar => "sidecar",
        AgentKind::Worker => "worker",
    }
}

#[cfg(test)]
mod tests {
    use headcount_model::Reason;

    use super::*;

    #[test]
    fn what_an_agent_waits_for_stands_behind_its_reason() {
        let reason = Reason::DemandWaiting;
        let text = reason.sentence();
        assert_eq!(in_full(text, &Said::default()), text);
        let waits = Said {
            waits_for: Some("Unschedulable: no machine"),
            ..Said::default()
        };
        assert_eq!(
            in_full(text, &waits),
            format!("{text}; it waits: Unschedulable: no machine")
        );
        let unclear = Said {
            unclear: Some("create did not answer within 5s"),
            ..Said::default()
        };
        assert_eq!(
            in_full("work waits", &unclear),
            "work waits; whether it was made is unclear: create did not answer within 5s"
        );
        let stays = Said {
            stays_for: Some("the machine is locked"),
            ..Said::default()
        };
        assert_eq!(
            in_full("it is done", &stays),
            "it is done; it could not be removed: the machine is locked"
        );
    }
}
