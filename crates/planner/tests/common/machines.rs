//! Machines that are used again: pools played until nothing is left to do now.

use headcount_model::{AgentPhase, Answer};

use super::Scenario;

impl Scenario {
    /// Plans, carries out, lets whoever starts be ready and whoever is offered a job claim it,
    /// until nothing is left to do at this moment.
    pub fn settle(&mut self) -> &mut Self {
        for _ in 0..1000 {
            self.plan();
            let quiet = self.outside.pending.is_empty();
            self.ok_all();
            for number in self.in_phase(AgentPhase::Starting) {
                assert_eq!(self.register(number), Answer::Applied);
            }
            self.claim_all();
            if quiet {
                return self;
            }
        }
        panic!("not settled:\n{}", self.agents());
    }

    /// Whoever was told to leave is gone.
    pub fn let_go(&mut self) -> &mut Self {
        for number in self.in_phase(AgentPhase::Draining) {
            self.gone(number, headcount_model::Exit::Code(0));
        }
        self.settle()
    }

    /// The job that an agent runs ends well.
    pub fn end_job_of(&mut self, number: u32) -> &mut Self {
        let ran = self
            .world
            .jobs()
            .find(|job| super::names::number(job.agent()) == number);
        let (id, attempt) = ran.map(|job| (job.info().job.0, job.attempt())).unwrap();
        assert_eq!(self.exit(number, id, attempt, 0), Answer::Applied);
        self
    }

    /// Everybody who runs a job ends it.
    pub fn end_all_jobs(&mut self) -> &mut Self {
        let agents: Vec<u32> = self.in_use();
        for number in agents {
            self.end_job_of(number);
        }
        self
    }

    /// Agents that have a job, in order.
    pub fn in_use(&self) -> Vec<u32> {
        let jobs = self.world.jobs();
        let mut agents: Vec<u32> = jobs.map(|job| super::names::number(job.agent())).collect();
        agents.sort_unstable();
        agents
    }

    /// Agents of which anything may be there.
    pub fn machines(&self) -> usize {
        self.world.agents().count()
    }
}
