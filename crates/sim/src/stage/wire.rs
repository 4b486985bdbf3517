//! Connections between agents and the daemon: in order, and any of them may break.
//!
//! Promise: what is said over one connection arrives in the order in which it was said,
//! or not at all. The gateway may notice late that a connection broke; by then the agent
//! may be back over another.

use std::collections::BTreeMap;

use headcount_model::{AgentId, Answer, LinkEvent, Refusal, Timestamp};
use headcount_planner::News;

use super::Stage;
use super::event::{Event, Reply, Tick, Word};
use crate::fake::Said;

/// Longest delay before an agent comes back: shorter than any recovery time.
const LONGEST_RECONNECT: u64 = 10_000;

#[derive(Default)]
pub(super) struct Wires {
    all: BTreeMap<u64, Wire>,
    next: u64,
}

/// One connection.
struct Wire {
    agent: AgentId,
    life: u64,
    open: bool,
    /// Broken, but what was under way to the daemon arrives.
    drains: bool,
    /// When the last thing said to the daemon, and to the agent, arrives.
    last_up: Timestamp,
    last_down: Timestamp,
}

impl Stage {
    /// An agent tries to reach the daemon.
    pub(super) fn connect(&mut self, agent: AgentId) {
        let alive = self.daemon.core.is_some();
        let Some(program) = self.programs.get_mut(&agent) else {
            return;
        };
        if program.conn.is_some() || program.worker {
            return;
        }
        if !alive {
            return self.wait_to_connect(agent);
        }
        self.wires.next += 1;
        let conn = self.wires.next;
        program.conn = Some(conn);
        program.up = false;
        let wire = Wire {
            agent,
            life: self.daemon.life,
            open: true,
            drains: false,
            last_up: self.now,
            last_down: self.now,
        };
        self.wires.all.insert(conn, wire);
        self.say(agent, Said::Greeting);
        if self.random.chance(self.faults.breaks) {
            self.agent_within(agent, 1, 60_000, Tick::Break(conn));
        }
    }

    fn wait_to_connect(&mut self, agent: AgentId) {
        self.agent_within(agent, 50, LONGEST_RECONNECT, Tick::Connect);
    }

    /// An agent says something over its connection.
    pub(super) fn say(&mut self, agent: AgentId, said: Said) {
        let Some(program) = self.programs.get(&agent) else {
            return;
        };
        let Some(conn) = program.conn else {
            return;
        };
        // A greeting comes once per connection; it is repeated over the next one.
        let may_double = said != Said::Greeting;
        let message = match said {
            Said::Greeting if program.welcomed => (
                LinkEvent::Resumed {
                    agent,
                    session: program.session,
                    held: program.held(),
                },
                Reply::Greeting(conn),
            ),
            Said::Greeting => (
                LinkEvent::Registered {
                    agent,
                    token: program.token,
                    session: program.session,
                },
                Reply::Greeting(conn),
            ),
            Said::Claim(job, attempt) => (
                LinkEvent::Claimed {
                    agent,
                    job,
                    attempt,
                },
                Reply::Claim(conn, job, attempt),
            ),
            Said::Decline(job, attempt) => (
                LinkEvent::Declined {
                    agent,
                    job,
                    attempt,
                },
                Reply::Nobody,
            ),
            Said::Finished(job, attempt, outcome) => (
                LinkEvent::Finished {
                    agent,
                    job,
                    attempt,
                    outcome,
                },
                Reply::Finished(conn, job, attempt),
            ),
            Said::Leaving => (LinkEvent::Leaving(agent), Reply::Nobody),
        };
        if may_double && self.random.chance(self.faults.says_twice) {
            self.send_up(conn, message.clone());
        }
        self.send_up(conn, message);
    }

    fn send_up(&mut self, conn: u64, message: (LinkEvent, Reply)) {
        let at = self.soon();
        if let Some(wire) = self.wires.all.get_mut(&conn) {
            wire.last_up = wire.last_up.max(at);
            self.queue
                .push(wire.last_up, Event::Said(conn, Box::new(message)));
        }
    }

    /// The daemon says something over a connection.
    pub(super) fn send(&mut self, conn: u64, word: Word) {
        let at = self.soon();
        if let Some(wire) = self.wires.all.get_mut(&conn) {
            wire.last_down = wire.last_down.max(at);
            self.queue.push(wire.last_down, Event::Heard(conn, word));
        }
    }

    /// Something an agent said reaches the gateway.
    pub(super) fn said(&mut self, conn: u64, event: LinkEvent, reply: Reply) {
        let Some(wire) = self.wires.all.get(&conn) else {
            return;
        };
        if wire.open || wire.drains {
            self.post(wire.life, News::Link(event), reply);
        }
    }

    /// Something the daemon said reaches an agent.
    pub(super) fn heard(&mut self, conn: u64, word: Word) {
        let Some(wire) = self.wires.all.get(&conn).filter(|wire| wire.open) else {
            return;
        };
        let agent = wire.agent;
        if self
            .programs
            .get(&agent)
            .is_some_and(|program| program.conn == Some(conn))
        {
            self.hear(agent, word);
        }
    }

    /// Answers what somebody asked, now that it is durable.
    pub(super) fn reply(&mut self, reply: Reply, agent: Option<AgentId>, answer: Answer) {
        let yes = !matches!(answer, Answer::Refused(_));
        match reply {
            Reply::Nobody | Reply::Reload(_) => {}
            Reply::Intruder => self.judge_intruder(answer),
            Reply::Claim(conn, job, attempt) if yes => self.send(conn, Word::Granted(job, attempt)),
            Reply::Finished(conn, job, attempt) if yes => {
                self.note_recorded(agent, job, attempt, answer);
                self.send(conn, Word::Recorded(job, attempt));
            }
            Reply::Claim(conn, job, attempt) | Reply::Finished(conn, job, attempt) => {
                self.send(conn, Word::Denied(job, attempt));
            }
            Reply::Greeting(conn) if yes => self.welcome(conn, agent),
            Reply::Greeting(conn) => self.refuse(conn, answer),
        }
    }

    fn welcome(&mut self, conn: u64, agent: Option<AgentId>) {
        let (Some(agent), Some(wire)) = (agent, self.wires.all.get(&conn)) else {
            // It broke meanwhile, and the gateway has noticed: the world must hear of it.
            if let Some(agent) = agent
                && !self.daemon.links.contains_key(&agent)
            {
                self.post_now(News::Link(LinkEvent::Disconnected(agent)));
            }
            return;
        };
        // An agent that came back over another connection stays with the newest one.
        let newest = self
            .daemon
            .links
            .get(&agent)
            .is_none_or(|known| *known <= conn);
        if wire.life == self.daemon.life && newest {
            self.daemon.links.insert(agent, conn);
            self.send(conn, Word::Welcome);
        }
    }

    fn refuse(&mut self, conn: u64, answer: Answer) {
        if answer != Answer::Refused(Refusal::Stopping) {
            self.send(conn, Word::Refused);
        }
    }

    /// An agent's connection breaks; it comes back later, if it can.
    pub(super) fn break_wire(&mut self, agent: AgentId, comes_back: bool) {
        let now = self.now;
        let Some(program) = self.programs.get_mut(&agent) else {
            return;
        };
        let Some(conn) = program.conn.take() else {
            return;
        };
        if program.up {
            program.down_since = now;
        }
        program.up = false;
        let drains = self.random.chance(self.faults.drains_out);
        if let Some(wire) = self.wires.all.get_mut(&conn) {
            wire.open = false;
            wire.drains = drains;
        }
        let notices_at = self.within(1, 5000);
        self.queue.push(notices_at, Event::Noticed(conn));
        if comes_back && !self.random.chance(self.faults.vanishes) {
            self.wait_to_connect(agent);
        }
    }

    /// The gateway notices that a connection broke.
    pub(super) fn noticed(&mut self, conn: u64) {
        let Some(wire) = self.wires.all.remove(&conn) else {
            return;
        };
        let current = self.daemon.links.get(&wire.agent) == Some(&conn);
        if self.daemon.is_alive(wire.life) && current {
            self.daemon.links.remove(&wire.agent);
            self.post_now(News::Link(LinkEvent::Disconnected(wire.agent)));
        }
    }

    /// The daemon is gone, and every connection with it.
    pub(super) fn break_all(&mut self) {
        let open = self
            .programs
            .iter()
            .filter(|(_, program)| program.conn.is_some());
        let agents: Vec<AgentId> = open.map(|(agent, _)| *agent).collect();
        for agent in agents {
            self.break_wire(agent, true);
        }
    }

    /// A gone agent's connection is closed for good; it may try again and is refused.
    pub(super) fn forget(&mut self, agent: AgentId) {
        if self.daemon.links.remove(&agent).is_some() {
            self.break_wire(agent, true);
        }
    }
}
