//! The daemon: rounds, writing, kills and starts.
//!
//! Promise: does what the controller's loop does, in its order: take in, plan, write,
//! and only then answer and carry out. It can be killed between any two of these.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use headcount_controller::{Core, Mint, Order, Round, bookings};
use headcount_model::{
    AgentId, BackendId, Changes, LinkEvent, Secret, Timestamp, Trouble, TroubleKind,
};
use headcount_planner::{News, Wake, plan};

use super::event::{Answered, Event, Mail, Reply};
use super::machines::Front;
use super::{Stage, source_id};
use crate::options::Promise;
use crate::promises::{config, reasons};
use crate::random::Random;
use crate::sabotage::Sabotage;

/// Mails taken in by one round at most, as in the controller.
const MAX_MAILS: usize = 1024;
/// A ledger that cannot be written is tried again after this, doubling, as in the
/// controller.
const FIRST_WRITE_RETRY: Duration = Duration::from_millis(200);
const LONGEST_WRITE_RETRY: Duration = Duration::from_secs(10);

/// What the daemon holds in memory.
#[derive(Default)]
pub(crate) struct Daemon {
    /// Counts starts; what belongs to an earlier life is void.
    pub(crate) life: u64,
    pub(crate) core: Option<Core>,
    pub(crate) inbox: VecDeque<Mail>,
    wake: Option<Wake>,
    writing: Option<Writing>,
    /// The first round after a start is due without news.
    starting: bool,
    /// The connection of each agent that was welcomed.
    pub(super) links: BTreeMap<AgentId, u64>,
    /// What it knows of each provisioner's machines.
    pub(super) fronts: BTreeMap<BackendId, Front>,
    /// Which fleet took effect last.
    pub(crate) fleet: usize,
}

/// A round that is being written.
struct Writing {
    changes: Changes,
    delay: Duration,
    work: Work,
}

/// What is done once a round is durable.
struct Work {
    replies: Vec<Answered>,
    gone: Vec<AgentId>,
    orders: Vec<Order>,
}

/// One-time tokens that follow from the seed.
pub(crate) struct SeededMint(pub(crate) Random);

impl Mint for SeededMint {
    fn token(&mut self) -> Secret {
        Secret::new(format!("{:016x}", self.0.next()))
    }
}

impl Daemon {
    pub(super) const fn is_alive(&self, life: u64) -> bool {
        self.core.is_some() && self.life == life
    }

    /// Whether nothing of the past is being written or waits to be taken in.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.core.is_some() && self.writing.is_none() && self.inbox.is_empty() && !self.starting
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let due =
            self.starting || !self.inbox.is_empty() || self.wake.is_some_and(|wake| wake.at <= now);
        due && self.core.is_some() && self.writing.is_none()
    }

    /// When time alone makes it act.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        let free = self.core.is_some() && self.writing.is_none();
        self.wake.filter(|_| free).map(|wake| wake.at)
    }
}

impl Stage {
    pub(super) fn round(&mut self) {
        let Some(mut core) = self.daemon.core.take() else {
            return;
        };
        self.daemon.starting = false;
        self.counts.rounds += 1;
        let replies = self.take_in(&mut core);
        let round = self.plan(&mut core);
        self.daemon.core = Some(core);
        self.daemon.wake = round.wake_at;
        self.write(replies, round);
    }

    fn take_in(&mut self, core: &mut Core) -> Vec<Answered> {
        let n = self.daemon.inbox.len().min(MAX_MAILS);
        let mails: Vec<Mail> = self.daemon.inbox.drain(..n).collect();
        let mut replies = Vec::with_capacity(mails.len());
        for Mail { news, reply } in mails {
            let agent = match &news {
                News::Link(event) => Some(speaker(event)),
                _ => None,
            };
            if !self.trace.is_off() {
                self.trace.line(self.now, format_args!("  {news:?}"));
            }
            self.note_answer(&news);
            let answer = core.observe(news, self.now);
            if !self.trace.is_off() {
                self.trace.line(self.now, format_args!("    -> {answer:?}"));
            }
            if let Reply::Reload(fleet) = reply {
                self.daemon.fleet = fleet;
                self.note_limits();
            }
            replies.push((reply, agent, answer));
        }
        replies
    }

    /// One round of the core; with checks, its plan is looked at before and after.
    fn plan(&mut self, core: &mut Core) -> Round {
        if !self.checks {
            return core.round(self.now);
        }
        core.look_ahead(self.now);
        let mut preview = plan(core.world(), self.now);
        if self.sabotage == Some(Sabotage::LosesReason) {
            preview.report.agents.pop();
        }
        self.found(reasons::of_plan(core.world(), &preview, self.now));
        let round = core.round(self.now);
        self.found(reasons::of_round(core.world(), &preview, &round, self.now));
        if let Some(fleet) = self.scenario.fleets.get(self.daemon.fleet) {
            let found = match self.sabotage {
                None => config::whole(core.world(), fleet),
                Some(sabotage) => {
                    let mut told = fleet.clone();
                    sabotage.conceals(&mut told);
                    config::whole(core.world(), &told)
                }
            };
            self.found(found);
        }
        round
    }

    fn write(&mut self, replies: Vec<Answered>, round: Round) {
        let nothing = round.changes.is_empty() && round.decision.is_none();
        let work = Work {
            replies,
            gone: round.changes.agents_gone.clone(),
            orders: round.orders,
        };
        if nothing {
            return self.release(work);
        }
        if self.random.chance(self.faults.crash_before_write) {
            return self.crash("before a round was written");
        }
        let slow = self.random.chance(self.faults.slow_write);
        let writing = Writing {
            changes: round.changes,
            delay: FIRST_WRITE_RETRY,
            work,
        };
        self.daemon.writing = Some(writing);
        if slow || self.ledger.full_until > self.now {
            let at = self.within(1, if slow { 3000 } else { 1 });
            self.queue.push(at, Event::Written(self.daemon.life));
        } else {
            self.written();
        }
    }

    /// The write ends: well, or not yet.
    pub(super) fn written(&mut self) {
        let Some(mut writing) = self.daemon.writing.take() else {
            return;
        };
        if self.ledger.full_until > self.now {
            self.trace
                .line(self.now, format_args!("state disk is full"));
            let at = self.now.after(writing.delay);
            writing.delay = (writing.delay * 2).min(LONGEST_WRITE_RETRY);
            self.daemon.writing = Some(writing);
            self.queue.push(at, Event::Written(self.daemon.life));
            return;
        }
        if self.sabotage == Some(Sabotage::LedgerForgetsAgents) {
            writing.changes.agents.clear();
        }
        self.ledger.commit(writing.changes);
        if self.random.chance(self.faults.crash_after_write) {
            return self.crash("after a round was written");
        }
        self.release(writing.work);
    }

    /// The round is durable: answers are given and orders carried out.
    fn release(&mut self, work: Work) {
        let life = self.daemon.life;
        for (reply, agent, answer) in work.replies {
            self.reply(reply, agent, answer);
        }
        for agent in work.gone {
            self.forget(agent);
        }
        for order in work.orders {
            if self.random.chance(self.faults.crash_in_orders) {
                self.crash("in the middle of a round's orders");
            }
            if !self.daemon.is_alive(life) {
                return;
            }
            self.carry_out(order);
        }
    }

    /// The daemon is gone, with all that it held in memory.
    pub(super) fn crash(&mut self, when: &str) {
        self.trace.line(self.now, format_args!("CRASH {when}"));
        self.counts.crashes += 1;
        self.daemon = Daemon {
            life: self.daemon.life + 1,
            fleet: self.daemon.fleet,
            ..Daemon::default()
        };
        for birth in self.births.values_mut() {
            birth.in_flight = None;
        }
        self.break_all();
        self.pools.daemon_died(self.now);
        let longest = self
            .random
            .pick(&[100, 2000, 30_000, 200_000])
            .unwrap_or(100);
        let at = self.within(50, longest);
        self.queue.push(at, Event::Start);
    }

    pub(super) fn start(&mut self) {
        if self.daemon.core.is_some() {
            return;
        }
        self.trace.line(self.now, format_args!("START"));
        let Some(mut fleet) = self.scenario.fleets.get(self.file).cloned() else {
            return;
        };
        if let Some(sabotage) = self.sabotage {
            sabotage.conceals(&mut fleet);
        }
        let recovered = self.ledger.load(self.now);
        let held = &self.ledger.attempts;
        self.jobs.restart(|job| held.contains_key(&job));
        self.pools.configure(&fleet.machine_pools);
        self.pools.adopt(bookings(&recovered.agents));
        let mint = Box::new(SeededMint(self.random.fork()));
        let core = Core::recover(recovered, vec![source_id().into()], fleet, mint, self.now);
        self.daemon.core = Some(core);
        self.daemon.starting = true;
        self.daemon.fleet = self.file;
        self.note_limits();
        self.expect_machines();
        self.greet_quiet();
    }

    /// Whether the daemon let somebody in who must stay out.
    pub(super) fn judge_intruder(&mut self, answer: headcount_model::Answer) {
        if !matches!(answer, headcount_model::Answer::Refused(_)) {
            self.fail(
                Promise::Jobs,
                format!("somebody with a stolen credential was answered {answer:?}"),
            );
        }
    }

    /// A limit of jobs that a configuration raises is raised for living agents too.
    pub(super) fn note_limits(&mut self) {
        let Some(fleet) = self.scenario.fleets.get(self.daemon.fleet) else {
            return;
        };
        let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
        for pool in pools {
            let births = self.births.values_mut();
            for birth in births.filter(|birth| birth.pool == pool.name) {
                birth.max_jobs = larger(birth.max_jobs, pool.max_jobs);
            }
        }
    }

    /// Whether the ledger had this agent before the daemon of now started.
    pub(crate) fn world_knows(&self, agent: AgentId) -> bool {
        let since = self.ledger.agents.get(&agent).map(|row| row.created_at);
        since.is_some_and(|since| since < self.now)
    }

    /// An answered creation is no longer in flight, unless its outcome is unknown.
    fn note_answer(&mut self, news: &News) {
        let News::Answered(headcount_planner::Answered::Create(agent, result)) = news else {
            return;
        };
        let unknown = |trouble: &Trouble| trouble.kind == TroubleKind::Unknown;
        let clear = result.as_ref().is_err_and(|trouble| !unknown(trouble));
        let (agent, known) = (*agent, !result.as_ref().is_err_and(unknown));
        if clear {
            self.note_not_made(agent);
        }
        if known && let Some(birth) = self.births.get_mut(&agent) {
            birth.in_flight = None;
        }
    }

    /// News of a reply that nobody waits for, from the daemon's own door.
    pub(super) fn post_now(&mut self, news: News) {
        let life = self.daemon.life;
        self.post(life, news, Reply::Nobody);
    }
}

fn larger(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.zip(other).map(|(one, other)| one.max(other))
}

const fn speaker(event: &LinkEvent) -> AgentId {
    match event {
        LinkEvent::Registered { agent, .. }
        | LinkEvent::Resumed { agent, .. }
        | LinkEvent::Disconnected(agent)
        | LinkEvent::Claimed { agent, .. }
        | LinkEvent::Declined { agent, .. }
        | LinkEvent::Finished { agent, .. }
        | LinkEvent::Leaving(agent) => *agent,
    }
}
