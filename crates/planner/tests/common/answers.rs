//! Answers that say no, and the secrets that agents show.

use headcount_model::{AgentId, Trouble, TroubleKind, Unreserved};
use headcount_planner::{Action, Answered};

/// Each agent's token and session, told apart by their first byte.
pub fn token_of(agent: AgentId) -> u8 {
    u8::try_from(agent.number % 100).unwrap()
}

pub fn session_of(agent: AgentId) -> u8 {
    100 + token_of(agent)
}

pub fn refused(action: &Action, kind: TroubleKind) -> Answered {
    let trouble = Trouble {
        kind,
        message: "it did not work".to_owned(),
    };
    match action {
        Action::List { backend, .. } => Answered::List(backend.clone(), Err(trouble)),
        Action::Refresh { source, .. } => Answered::Refresh(source.clone(), Err(trouble)),
        Action::Sample { pool, .. } => Answered::Sample(pool.clone(), Err(trouble)),
        Action::Reserve(order) => {
            let others = None;
            Answered::Reserve(order.agent, Err(Unreserved { trouble, others }))
        }
        Action::Release { agent, .. } => Answered::Release(*agent, Err(trouble)),
        Action::Create(order) => Answered::Create(order.agent, Err(trouble)),
        Action::Destroy { agent, .. } => Answered::Destroy(*agent, Err(trouble)),
        Action::Reap { agent, backend, .. } => {
            Answered::Reap(backend.clone(), *agent, Err(trouble))
        }
        Action::ListOthers { backend, .. } => Answered::ListOthers(backend.clone(), Err(trouble)),
        Action::ReapOther { seen, backend, .. } => Answered::ReapOther(
            backend.clone(),
            seen.owner.clone(),
            seen.agent,
            Err(trouble),
        ),
        Action::Drain { agent, .. } => Answered::Drain(*agent, Err(trouble)),
        Action::Assign { job, attempt, .. } => Answered::Assign(*job, *attempt, Err(trouble)),
        Action::Cancel { job, attempt, .. } => Answered::Cancel(*job, *attempt, Err(trouble)),
        Action::Take { take, .. } => Answered::Take(*take, Err(trouble)),
        Action::Settle { job, .. } => Answered::Settle(*job, Err(trouble)),
        Action::EndWaiting { key, .. } => Answered::EndWaiting((**key).clone(), Err(trouble)),
    }
}
