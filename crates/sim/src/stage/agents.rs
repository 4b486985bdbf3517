//! What agents' processes do: hear, claim, run, say, leave, die.

use std::time::Duration;

use headcount_model::{AgentId, Answer, BackendEvent, Exit, JobId, LinkEvent, Outcome};
use headcount_planner::News;

use super::Stage;
use super::event::{Event, Reply, Tick, Word};
use crate::fake::{Doing, RunStage, Said};
use crate::promises;
use crate::sabotage::Sabotage;

/// An agent without a daemon and without a job gives up after this, as the real one.
const IDLE_PATIENCE: Duration = Duration::from_secs(600);

impl Stage {
    pub(super) fn tick(&mut self, agent: AgentId, tick: Tick) {
        let Some(program) = self.programs.get(&agent) else {
            return;
        };
        match tick {
            Tick::Started => self.started(agent),
            Tick::Connect => {
                let waited = self.now.since(program.down_since);
                if program.is_free() && waited > IDLE_PATIENCE {
                    self.die(agent, Exit::Code(3));
                } else {
                    self.connect(agent);
                }
            }
            Tick::Break(conn) if program.conn == Some(conn) => self.break_wire(agent, true),
            Tick::Break(_) => {}
            Tick::RunEnds(job, attempt, outcome) => self.run_ends(agent, job, attempt, outcome),
            Tick::Read => self.reader_reads(agent),
            Tick::Acknowledge => self.reader_acknowledges(agent),
            Tick::Leave if program.worker => self.die(agent, Exit::Code(0)),
            Tick::Leave => self.leave(agent),
            Tick::Die(exit) => self.die(agent, exit),
        }
    }

    fn started(&mut self, agent: AgentId) {
        let mark = (self.owner().clone(), agent);
        let Some(birth) = self.births.get(&agent) else {
            return;
        };
        let backend = birth.backend.clone();
        let place = self.backends.entry(backend.clone()).or_default();
        let reads = birth.pool == crate::scenario::queue_pool();
        if place.runs(&mark) {
            self.emit(backend, BackendEvent::Running(agent));
            if reads {
                self.reader_begins(agent);
            }
        }
    }

    /// An agent hears a word of the daemon.
    pub(super) fn hear(&mut self, agent: AgentId, word: Word) {
        let declines = self.random.chance(self.faults.declines);
        let Some(program) = self.programs.get_mut(&agent) else {
            return;
        };
        let mut doing = Doing::Nothing;
        let mut said: Vec<Said> = Vec::new();
        match word {
            Word::Welcome => {
                said = program.reconnected();
                self.tempt_intruder(agent);
            }
            Word::Refused => return self.die(agent, Exit::Code(4)),
            Word::Assign(job, attempt) => {
                said.extend(program.offered(job, attempt, declines));
                self.maybe_run_unasked(agent, job, attempt);
            }
            Word::Granted(job, attempt) => {
                let (does, says) = program.granted(job, attempt);
                doing = does;
                said.extend(says);
            }
            Word::Denied(job, attempt) => doing = program.denied(job, attempt),
            Word::Recorded(job, attempt) => program.recorded(job, attempt),
            Word::Cancel(job, attempt) => {
                let (does, says) = program.cancelled(job, attempt);
                doing = does;
                said.extend(says);
            }
            Word::Drain if program.stubborn => {}
            Word::Drain => said.extend(program.leave()),
        }
        self.act_on(agent, doing, said);
    }

    fn act_on(&mut self, agent: AgentId, doing: Doing, said: Vec<Said>) {
        match doing {
            Doing::Nothing => {}
            Doing::Start(job, attempt) => self.execute(agent, job, attempt),
            Doing::Stop(job, attempt) => {
                let tick = Tick::RunEnds(job, attempt, Outcome::Cancelled);
                self.agent_within(agent, 1, 2000, tick);
            }
        }
        for words in said {
            self.say(agent, words);
        }
        self.leave_if_done(agent);
    }

    fn leave(&mut self, agent: AgentId) {
        let said = self
            .programs
            .get_mut(&agent)
            .and_then(|program| program.leave());
        self.act_on(agent, Doing::Nothing, said.into_iter().collect());
    }

    fn leave_if_done(&mut self, agent: AgentId) {
        if self
            .programs
            .get(&agent)
            .is_some_and(|program| program.has_left())
        {
            self.agent_within(agent, 1, 200, Tick::Die(Exit::Code(0)));
        }
    }

    /// A job really begins to run.
    fn execute(&mut self, agent: AgentId, job: JobId, attempt: u32) {
        self.trace.line(
            self.now,
            format_args!("{agent} runs {job} attempt {attempt}"),
        );
        if let Some(birth) = self.births.get_mut(&agent) {
            birth.executions += 1;
        }
        if self.checks {
            let found = promises::of_execution(self, agent, job, attempt);
            self.found(found);
        }
        self.counts.executions += 1;
        self.jobs.run_starts(job, attempt, agent);
        let Some(truth) = self.jobs.all.get(&job) else {
            return;
        };
        let Some(spec) = self.scenario.jobs.get(truth.spec) else {
            return;
        };
        if spec.timeout.is_some() && self.random.chance(self.faults.overruns) {
            return;
        }
        let (takes, outcome) = (spec.takes, spec.outcome(attempt));
        let at = self.on_grain(self.now.after(takes));
        let tick = Tick::RunEnds(job, attempt, outcome);
        self.queue.push(at, Event::Agent(agent, tick));
    }

    fn run_ends(&mut self, agent: AgentId, job: JobId, attempt: u32, outcome: Outcome) {
        let Some(program) = self.programs.get_mut(&agent) else {
            return;
        };
        let running = matches!(
            program.is_held(job, attempt),
            Some(RunStage::Running | RunStage::Disowned)
        );
        if !running {
            return;
        }
        let said = program.run_ended(job, attempt, outcome.clone());
        self.jobs
            .run_ends((job, attempt), agent, Some(outcome), self.now);
        self.act_on(agent, Doing::Nothing, said.into_iter().collect());
    }

    /// The daemon said that it recorded a result: from now on that stands.
    pub(super) fn note_recorded(
        &mut self,
        agent: Option<AgentId>,
        job: JobId,
        attempt: u32,
        answer: Answer,
    ) {
        // "Known" may also mean that the attempt was fenced off long ago.
        if answer != Answer::Applied {
            return;
        }
        let runs = self
            .jobs
            .all
            .get_mut(&job)
            .map(|truth| &mut truth.executions);
        for run in runs.into_iter().flatten() {
            if Some(run.agent) == agent && run.attempt == attempt {
                run.recorded = true;
            }
        }
    }

    /// A process and all that runs in it end.
    pub(super) fn end_process(&mut self, agent: AgentId) {
        self.break_wire(agent, false);
        let Some(program) = self.programs.remove(&agent) else {
            return;
        };
        let pool = self.births.get(&agent).map(|birth| &birth.pool);
        if pool == Some(&crate::scenario::queue_pool()) {
            self.entries.gone(agent);
        }
        for (job, attempt) in program.running() {
            self.jobs.run_ends((job, attempt), agent, None, self.now);
        }
    }

    /// Somebody who saw what the agent showed tries to be let in with it.
    fn tempt_intruder(&mut self, agent: AgentId) {
        if !self.random.chance(self.faults.intruder) {
            return;
        }
        let stolen = self.random.chance(500);
        let session = self.some_digest();
        let Some(program) = self.programs.get(&agent) else {
            return;
        };
        let event = if stolen {
            LinkEvent::Registered {
                agent,
                token: program.token,
                session,
            }
        } else {
            LinkEvent::Resumed {
                agent,
                session,
                held: Vec::new(),
            }
        };
        let life = self.daemon.life;
        self.post(life, News::Link(event), Reply::Intruder);
    }

    fn maybe_run_unasked(&mut self, agent: AgentId, job: JobId, attempt: u32) {
        let unasked = self.sabotage == Some(Sabotage::RunsBeforeGrant);
        if unasked && let Some(program) = self.programs.get_mut(&agent) {
            program.runs_unasked(job, attempt);
            self.execute(agent, job, attempt);
        }
    }
}
