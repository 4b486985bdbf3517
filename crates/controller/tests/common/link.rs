//! The connections to agents, of which only what was said is kept.

use std::sync::Mutex;

use async_trait::async_trait;
use headcount_model::{AgentId, JobId};
use headcount_ports::{AgentLink, AssignRequest, LinkError};

#[derive(Default)]
pub struct TestLink {
    said: Mutex<Vec<String>>,
}

impl TestLink {
    /// One line a word, in order: `assign job-1 attempt 1 to a-1-1`.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    fn say(&self, line: String) {
        self.said.lock().unwrap().push(line);
    }
}

#[async_trait]
impl AgentLink for TestLink {
    async fn assign(&self, request: AssignRequest) -> Result<(), LinkError> {
        let (agent, attempt, job) = (request.agent, request.attempt, request.work.job);
        self.say(format!("assign {job} attempt {attempt} to {agent}"));
        Ok(())
    }

    async fn cancel(&self, agent: AgentId, job: JobId, _: u32) -> Result<(), LinkError> {
        self.say(format!("cancel {job} on {agent}"));
        Ok(())
    }

    async fn drain(&self, agent: AgentId) -> Result<(), LinkError> {
        self.say(format!("drain {agent}"));
        Ok(())
    }

    async fn forget(&self, agent: AgentId) {
        self.say(format!("forget {agent}"));
    }
}
