//! An agent link carries words between the daemon and agents that speak to it.

use async_trait::async_trait;
use headcount_model::{AgentId, JobId, JobWork};

/// Carries words to agents. Called by the controller's executor only.
///
/// A success means "handed to the agent's connection", not "done": what the agent makes
/// of it comes back as a [`LinkEvent`](headcount_model::LinkEvent). All methods are idempotent at the agent and
/// return at once; an agent that is not connected is [`LinkError::NotConnected`].
#[async_trait]
pub trait AgentLink: Send + Sync {
    /// Offers a job. The agent answers with [`LinkEvent::Claimed`](headcount_model::LinkEvent::Claimed) before it runs it.
    ///
    /// # Errors
    /// The agent has not heard of it; the claim deadline decides what happens next.
    async fn assign(&self, request: AssignRequest) -> Result<(), LinkError>;

    /// Asks the agent to end a job: TERM, grace, KILL. It answers with `Finished`.
    ///
    /// # Errors
    /// The agent has not heard of it.
    async fn cancel(&self, agent: AgentId, job: JobId, attempt: u32) -> Result<(), LinkError>;

    /// Asks the agent to take nothing new and to leave once its jobs have ended.
    ///
    /// # Errors
    /// The agent has not heard of it.
    async fn drain(&self, agent: AgentId) -> Result<(), LinkError>;

    /// Closes the agent's connection for good; it must not come back.
    async fn forget(&self, agent: AgentId);
}

/// All an agent needs to claim and run one attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssignRequest {
    /// Who is offered it.
    pub agent: AgentId,
    /// Which attempt of the job, from 1.
    pub attempt: u32,
    /// What to run.
    pub work: JobWork,
}

/// Why a word did not reach an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// Wait for it to come back; its deadline runs.
    #[error("agent is not connected")]
    NotConnected,
    /// It is connected but does not read; its deadline runs.
    #[error("agent does not read its messages")]
    Congested,
}
