//! Orders of a round are carried out: each goes well, fails, is slow, or its answer is
//! lost, as the odds have it.
//!
//! Promise: every answer comes within the order's deadline, as the executor's do, and an
//! effect whose deadline passed first never happens.

use std::time::Duration;

use headcount_controller::Order;
use headcount_model::{Settlement, Timestamp, Trouble, TroubleKind, Unreserved};
use headcount_planner::{Action, Answered, News};

use super::Stage;
use super::event::{Event, Pending, Word};
use crate::promises;
use crate::sabotage::Sabotage;
use crate::scenario::Odds;

/// How one effect goes.
struct Course {
    done_at: Option<Timestamp>,
    answer_at: Timestamp,
    trouble: Option<Trouble>,
}

impl Stage {
    pub(super) fn carry_out(&mut self, mut order: Order) {
        self.mistake(&mut order.action);
        let twin = self.twin(&order);
        self.carry_out_one(order);
        if let Some(twin) = twin {
            self.carry_out_one(twin);
        }
    }

    fn carry_out_one(&mut self, order: Order) {
        if !self.trace.is_off() {
            self.trace
                .line(self.now, format_args!("order: {}", order.action));
        }
        if self.checks {
            let found = promises::of_order(self, &order.action);
            self.found(found);
        }
        match order.action {
            Action::Cancel {
                agent,
                job,
                attempt,
            } => {
                let told = self.hand_over(agent, Word::Cancel(job, attempt));
                self.answer_soon(Answered::Cancel(job, attempt, told));
            }
            Action::Drain { agent, .. } => {
                let told = self.hand_over(agent, Word::Drain);
                self.answer_soon(Answered::Drain(agent, told));
            }
            _ => self.start_effect(order),
        }
    }

    /// Sabotage: a removal hits an agent that works.
    fn mistake(&self, action: &mut Action) {
        if self.sabotage != Some(Sabotage::DestroysWorking) {
            return;
        }
        let Action::Destroy { agent, reason, .. } = action else {
            return;
        };
        if let Some(works) = self.jobs.working().next() {
            *agent = works;
            *reason = headcount_model::Reason::SurplusIdle;
        }
    }

    /// Sabotage: a creation is carried out once more.
    fn twin(&self, order: &Order) -> Option<Order> {
        if self.sabotage != Some(Sabotage::CreatesTwice) {
            return None;
        }
        let mut twin = order.clone();
        let Action::Create(create) = &mut twin.action else {
            return None;
        };
        create.agent.number += 1_000_000;
        Some(twin)
    }

    fn start_effect(&mut self, order: Order) {
        let (deadline, odds) = self.terms(&order.action);
        let mut course = self.course(deadline, odds);
        self.note_call(&order.action, course.answer_at);
        if let (Action::Create(create), Some(trouble)) = (&order.action, &mut course.trouble) {
            self.say_no_capacity(trouble);
            self.trace.line(
                self.now,
                format_args!("  {} will meet {:?}", create.agent, trouble.kind),
            );
        }
        self.note_creation(&order.action);
        let life = self.daemon.life;
        match course.done_at {
            Some(at) => {
                let pending = Pending {
                    order,
                    asked: self.now,
                    answer_at: course.answer_at,
                    trouble: course.trouble,
                };
                self.queue.push(at, Event::Effect(life, Box::new(pending)));
            }
            None => {
                let trouble = course.trouble.unwrap_or_else(|| unknown("no answer"));
                let answer = unanswered(&order.action, trouble);
                let news = News::Answered(answer);
                self.queue.push(course.answer_at, Event::News(life, news));
            }
        }
    }

    /// How long the answer may take, and how likely what goes wrong. What a port's
    /// contract rules out is not among it: a taking or giving back that fails has done
    /// nothing.
    fn terms(&self, action: &Action) -> (Duration, Odds) {
        let faults = &self.faults;
        let sure = |odds: Odds| Odds {
            loses_answer: 0,
            slow: 0,
            ..odds
        };
        match action {
            Action::Create(order) if self.is_slow(action) => {
                let slow = 1000;
                (
                    order.deadline,
                    Odds {
                        slow,
                        ..faults.create
                    },
                )
            }
            Action::Create(order) => (order.deadline, faults.create),
            Action::Destroy { deadline, .. } | Action::Reap { deadline, .. } => {
                (*deadline, faults.destroy)
            }
            Action::List { deadline, .. } | Action::ListOthers { deadline, .. } => {
                (*deadline, faults.list)
            }
            Action::ReapOther { deadline, .. } => (*deadline, faults.destroy),
            Action::Refresh { deadline, .. } => (*deadline, faults.refresh),
            Action::Sample { deadline, .. } => (*deadline, faults.refresh),
            Action::Take { deadline, .. } => (*deadline, sure(faults.take)),
            Action::Assign { deadline, .. } => (*deadline, sure(faults.work)),
            Action::Settle {
                deadline,
                settlement,
                ..
            } => match settlement {
                Settlement::Complete(_) => (*deadline, faults.settle),
                Settlement::Return | Settlement::Retry => (*deadline, sure(faults.settle)),
            },
            Action::EndWaiting { deadline, .. } => (*deadline, faults.settle),
            Action::Reserve(order) => (order.deadline, faults.reserve),
            Action::Release { deadline, .. } => (*deadline, faults.release),
            Action::Cancel { .. } | Action::Drain { .. } => (Duration::ZERO, Odds::default()),
        }
    }

    fn course(&mut self, deadline: Duration, odds: Odds) -> Course {
        let latest = self.now.after(deadline);
        if self.random.chance(odds.fails) {
            return Course {
                done_at: None,
                answer_at: self.soon().min(latest),
                trouble: Some(self.failure_of_effect()),
            };
        }
        if self.random.chance(odds.hangs) {
            return Course {
                done_at: None,
                answer_at: latest,
                trouble: Some(unknown("no answer within the deadline")),
            };
        }
        let deadline = super::duration_millis(deadline);
        let slow = self.random.chance(odds.slow);
        let hop = self.scenario.hop_millis;
        let longest = if slow {
            deadline.saturating_mul(2)
        } else {
            hop
        };
        let done_at = self.within(1, longest);
        let after = self.random.millis(1, if slow { deadline } else { hop });
        let answer_at = self.on_grain(done_at.after(after));
        let lost = self.random.chance(odds.loses_answer) || answer_at > latest;
        Course {
            done_at: (done_at <= latest).then_some(done_at),
            answer_at: answer_at.min(latest),
            trouble: lost.then(|| unknown("the answer was lost")),
        }
    }

    fn failure_of_effect(&mut self) -> Trouble {
        let kinds = [
            TroubleKind::Transient,
            TroubleKind::Transient,
            TroubleKind::Invalid,
        ];
        Trouble {
            kind: self.random.pick(&kinds).unwrap_or(TroubleKind::Transient),
            message: "it did not work".into(),
        }
    }

    fn say_no_capacity(&mut self, trouble: &mut Trouble) {
        let definite = trouble.kind != TroubleKind::Unknown;
        if definite && self.random.chance(self.faults.no_capacity) {
            let after = self.random.chance(500).then(|| Duration::from_secs(7));
            trouble.kind = TroubleKind::NoCapacity(after);
        }
    }

    /// Hands a word to the connection an agent has, if it has one.
    fn hand_over(&mut self, agent: headcount_model::AgentId, word: Word) -> Result<(), Trouble> {
        match self.daemon.links.get(&agent).copied() {
            Some(conn) => {
                self.send(conn, word);
                Ok(())
            }
            None => Err(not_connected()),
        }
    }

    fn answer_soon(&mut self, answer: Answered) {
        let at = self.soon();
        self.tell(at, News::Answered(answer));
    }

    /// The effect is done now; how it went is answered later.
    pub(super) fn perform(&mut self, pending: Pending) {
        let Pending {
            order,
            asked,
            answer_at,
            trouble,
        } = pending;
        let made = self.effect(&order, asked);
        let answer = match trouble {
            Some(trouble) => unanswered(&order.action, trouble),
            None => made,
        };
        self.tell(answer_at.max(self.now), News::Answered(answer));
    }

    pub(super) fn assign(&mut self, action: &Action) -> Result<(), Trouble> {
        let Action::Assign {
            agent,
            job,
            attempt,
            ..
        } = action
        else {
            return Ok(());
        };
        let known = self.jobs.all.get(job).is_some_and(|job| job.end.is_none());
        if !known && self.sabotage != Some(Sabotage::QueueRepeats) {
            return Err(Trouble {
                kind: TroubleKind::Gone,
                message: format!("{job} is gone"),
            });
        }
        self.hand_over(*agent, Word::Assign(*job, *attempt))
    }
}

/// The answer to an action of which nothing else is known.
fn unanswered(action: &Action, trouble: Trouble) -> Answered {
    match action {
        Action::Create(order) => Answered::Create(order.agent, Err(trouble)),
        Action::Reserve(order) => {
            let others = None;
            Answered::Reserve(order.agent, Err(Unreserved { trouble, others }))
        }
        Action::Release { agent, .. } => Answered::Release(*agent, Err(trouble)),
        Action::Destroy { agent, .. } => Answered::Destroy(*agent, Err(trouble)),
        Action::Reap { agent, backend, .. } => {
            Answered::Reap(backend.clone(), *agent, Err(trouble))
        }
        Action::List { backend, .. } => Answered::List(backend.clone(), Err(trouble)),
        Action::ListOthers { backend, .. } => Answered::ListOthers(backend.clone(), Err(trouble)),
        Action::ReapOther { seen, backend, .. } => Answered::ReapOther(
            backend.clone(),
            seen.owner.clone(),
            seen.agent,
            Err(trouble),
        ),
        Action::Refresh { source, .. } => Answered::Refresh(source.clone(), Err(trouble)),
        Action::Sample { pool, .. } => Answered::Sample(pool.clone(), Err(trouble)),
        Action::Take { take, .. } => Answered::Take(*take, Err(trouble)),
        Action::Assign { job, attempt, .. } => Answered::Assign(*job, *attempt, Err(trouble)),
        Action::Cancel { job, attempt, .. } => Answered::Cancel(*job, *attempt, Err(trouble)),
        Action::Drain { agent, .. } => Answered::Drain(*agent, Err(trouble)),
        Action::Settle { job, .. } => Answered::Settle(*job, Err(trouble)),
        Action::EndWaiting { key, .. } => Answered::EndWaiting((**key).clone(), Err(trouble)),
    }
}

fn unknown(message: &str) -> Trouble {
    Trouble {
        kind: TroubleKind::Unknown,
        message: message.into(),
    }
}

fn not_connected() -> Trouble {
    Trouble {
        kind: TroubleKind::Transient,
        message: "agent is not connected".into(),
    }
}
