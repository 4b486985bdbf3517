//! What can happen, and who deals with it.

use headcount_controller::Order;
use headcount_model::{
    AgentId, Answer, BackendId, Exit, JobId, LinkEvent, Outcome, Timestamp, Trouble,
};
use headcount_planner::News;

use super::Stage;
use crate::scenario::Deed;

/// One thing that happens at a moment.
#[derive(Debug)]
pub(super) enum Event {
    /// News reaches the inbox of this life of the daemon.
    News(u64, News),
    /// An effect is done, if the daemon that asked for it still lives.
    Effect(u64, Box<Pending>),
    /// Writing ends.
    Written(u64),
    /// The daemon ends, as it was told to.
    Terminate(u64),
    /// The daemon starts.
    Start,
    /// What an agent said reaches the gateway over this connection.
    Said(u64, Box<(LinkEvent, Reply)>),
    /// What the daemon said reaches an agent over this connection.
    Heard(u64, Word),
    /// The gateway notices that this connection broke.
    Noticed(u64),
    /// Something happens to an agent's process.
    Agent(AgentId, Tick),
    /// Somebody looks which machines there are.
    Look(u64, BackendId),
    /// People or fate.
    Deed(Deed),
}

/// An effect under way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) order: Order,
    /// When it was asked for.
    pub(super) asked: Timestamp,
    /// When it is answered.
    pub(super) answer_at: Timestamp,
    /// The answer, if it is not how it went.
    pub(super) trouble: Option<Trouble>,
}

/// Something that happens to an agent's process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tick {
    /// Its instance executes.
    Started,
    /// It tries to reach the daemon.
    Connect,
    /// Its connection breaks, if it is still this one.
    Break(u64),
    /// A run ends like this.
    RunEnds(JobId, u32, Outcome),
    /// A worker of the stream reads.
    Read,
    /// And has done what it read.
    Acknowledge,
    /// It is told to leave, by somebody else than the daemon.
    Leave,
    /// It dies.
    Die(Exit),
}

/// Who waits for an answer, and about what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// Nobody.
    Nobody,
    /// A greeting over this connection.
    Greeting(u64),
    /// A claim.
    Claim(u64, JobId, u32),
    /// A result.
    Finished(u64, JobId, u32),
    /// Somebody who must not be let in.
    Intruder,
    /// Somebody who loaded this configuration.
    Reload(usize),
}

/// What the daemon says to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Welcome,
    Refused,
    Assign(JobId, u32),
    Granted(JobId, u32),
    Denied(JobId, u32),
    Recorded(JobId, u32),
    Cancel(JobId, u32),
    Drain,
}

/// News, and who waits until it is durable.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(super) news: News,
    pub(super) reply: Reply,
}

/// An answer that may be given once its round is durable.
pub(super) type Answered = (Reply, Option<AgentId>, Answer);

impl Stage {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::News(life, news) => self.post(life, news, Reply::Nobody),
            Event::Effect(life, pending) => {
                if self.daemon.is_alive(life) {
                    self.perform(*pending);
                }
            }
            Event::Written(life) => {
                if self.daemon.is_alive(life) {
                    self.written();
                }
            }
            Event::Terminate(life) => {
                if self.daemon.is_alive(life) {
                    self.crash("told to stop");
                }
            }
            Event::Start => self.start(),
            Event::Said(conn, said) => self.said(conn, said.0, said.1),
            Event::Heard(conn, word) => self.heard(conn, word),
            Event::Noticed(conn) => self.noticed(conn),
            Event::Agent(agent, tick) => self.tick(agent, tick),
            Event::Look(life, backend) => {
                if self.daemon.is_alive(life) {
                    self.look(&backend);
                }
            }
            Event::Deed(deed) => self.deed(deed),
        }
    }

    /// Puts news into the inbox, if the daemon it is for still lives.
    pub(super) fn post(&mut self, life: u64, news: News, reply: Reply) {
        if self.daemon.is_alive(life) {
            self.daemon.inbox.push_back(Mail { news, reply });
        }
    }

    /// News that reaches the daemon of now at that moment, unless it ends before.
    pub(super) fn tell(&mut self, at: Timestamp, news: News) {
        if self.daemon.core.is_some() {
            self.queue.push(at, Event::News(self.daemon.life, news));
        }
    }
}
