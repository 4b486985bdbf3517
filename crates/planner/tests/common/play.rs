//! A well-behaved world played to its end: every order is carried out, agents do as they
//! are told, and time moves only to the next alarm, so a forgotten one shows as a hang.

use headcount_model::{AgentKind, AgentPhase, Answer, Exit, Outcome};
use headcount_planner::{JobPhase, Link, WakeReason};

use super::Scenario;

/// Triggers are read for ever; after this often nothing new comes of it.
const POLLS: usize = 3;

impl Scenario {
    /// Plays until nothing is left to do. Returns the number of steps, at most `most`.
    pub fn play(&mut self, most: usize) -> usize {
        let mut polls = 0;
        for step in 0..most {
            self.plan();
            let quiet = self.outside.pending.is_empty();
            self.ok_all();
            let agents_acted = self.agents_act();
            if !quiet || agents_acted {
                continue;
            }
            match self.last.wake_at.map(|wake| wake.reason) {
                None => return step,
                Some(WakeReason::Polling) if polls >= POLLS && !self.waits_for_removals() => {
                    return step;
                }
                Some(WakeReason::Polling) => polls += 1,
                Some(_) => {}
            }
            self.wake();
        }
        panic!("not at rest after {most} steps:\n{}", self.agents());
    }

    /// What is quarantined is tried again more seldom than triggers are read.
    fn waits_for_removals(&self) -> bool {
        let mut agents = self.world.agents();
        agents.any(|agent| agent.phase() == AgentPhase::Quarantined)
    }

    /// Each agent does its next thing. Whether any did.
    fn agents_act(&mut self) -> bool {
        let numbers: Vec<u32> = self
            .world
            .agents()
            .map(|a| super::names::number(a.id()))
            .collect();
        let mut acted = false;
        for number in numbers {
            acted |= self.agent_acts(number);
        }
        acted
    }

    fn agent_acts(&mut self, number: u32) -> bool {
        let Some(agent) = self.world.agent(super::agent(number)) else {
            return false;
        };
        let at = (agent.record().backend.clone(), agent.id());
        if agent.effect().is_in_flight() || !self.outside.instances.contains_key(&at) {
            return false;
        }
        match (agent.record().kind, agent.phase()) {
            (AgentKind::Worker, AgentPhase::Starting) => {
                self.running(number);
                true
            }
            (AgentKind::Worker, _) => false,
            (_, AgentPhase::Starting) => {
                assert_eq!(self.register(number), Answer::Applied);
                true
            }
            (_, AgentPhase::Draining) if agent.jobs().is_empty() => {
                self.gone(number, Exit::Code(0));
                true
            }
            (_, AgentPhase::Ready | AgentPhase::Draining) => self.works(number),
            _ => false,
        }
    }

    /// A connected agent claims what it was offered and ends what it runs; one that lost
    /// its connection comes back.
    fn works(&mut self, number: u32) -> bool {
        let agent = self.world.agent(super::agent(number)).unwrap();
        let jobs = agent.jobs().to_vec();
        if matches!(agent.link(), Link::Down(_)) {
            self.comes_back(number);
            return true;
        }
        for id in jobs {
            let job = self.world.job(id).unwrap();
            let attempt = job.attempt();
            match job.phase() {
                JobPhase::Assigned if job.effect().is_in_flight() => {
                    assert_eq!(self.claim(number, id.0, attempt), Answer::Applied);
                    return true;
                }
                JobPhase::Running if self.outside.running.contains_key(&id) => {
                    let ended = self.finish(number, id.0, attempt, Outcome::Exited(Exit::Code(0)));
                    assert_eq!(ended, Answer::Applied);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// An agent shows what it truly holds; one that is refused ends.
    pub fn comes_back(&mut self, number: u32) -> Answer {
        let held = self.outside.held_by(super::agent(number)).into_iter();
        let held: Vec<_> = held.map(|id| (id.0, self.attempt_of(id))).collect();
        let answer = self.resume(number, &held);
        if matches!(answer, Answer::Refused(_)) {
            self.gone(number, Exit::Code(1));
        }
        answer
    }

    fn attempt_of(&self, id: headcount_model::JobId) -> u32 {
        let taken = self.outside.taken.get(&id);
        taken.map_or(1, |(_, queued)| queued.info.attempts + 1)
    }
}
