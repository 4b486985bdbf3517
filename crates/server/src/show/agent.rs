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
        trouble: view.stays_for.clone(),
        jobs: view.jobs.iter().map(ToString::to_string).collect(),
        slots: record.slots,
        jobs_done: record.jobs_done,
        resources: resources::granted(record.granted),
    }
}

fn reason_text(view: &AgentView) -> String {
    let reason = view.reason.sentence();
    let (waits, stays) = (view.waits_for.as_deref(), view.stays_for.as_deref());
    in_full(reason, waits, stays)
}

/// A reason with what the backend says of it.
fn in_full(sentence: &str, waits_for: Option<&str>, stays_for: Option<&str>) -> String {
    match (waits_for, stays_for) {
        (Some(why), _) => format!("{sentence}; it waits: {why}"),
        (None, Some(why)) => format!("{sentence}; it could not be removed: {why}"),
        (None, None) => sentence.to_owned(),
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
        assert_eq!(in_full(text, None, None), text);
        assert_eq!(
            in_full(text, Some("Unschedulable: no machine"), None),
            format!("{text}; it waits: Unschedulable: no machine")
        );
        assert_eq!(
            in_full("it is done", None, Some("the machine is locked")),
            "it is done; it could not be removed: the machine is locked"
        );
    }
}
