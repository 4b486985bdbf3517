//! The queue's side: what orders do there, and what it tells unasked.

use headcount_model::{ClassKey, JobEnd, JobId, Settlement, SourceEvent};
use headcount_planner::{Action, Answered, News};

use super::{Stage, source_id};
use crate::fake::Job;
use crate::options::Promise;
use crate::promises::jobs;
use crate::sabotage::Sabotage;

impl Stage {
    pub(super) fn source_effect(&mut self, action: &Action) -> Answered {
        match action {
            Action::Take {
                take, key, agents, ..
            } => {
                let specs = &self.scenario.jobs;
                let mut taken = self.jobs.take(key, agents.len(), specs);
                if self.sabotage == Some(Sabotage::QueueRepeats) {
                    self.jobs.repeat_ended(&mut taken, agents.len(), specs);
                }
                self.tell_demand(key);
                Answered::Take(*take, Ok(taken))
            }
            Action::Refresh { source, .. } => {
                Answered::Refresh(source.clone(), Ok(self.jobs.demand()))
            }
            Action::Settle {
                job,
                settlement,
                attempts,
                deliveries,
                ..
            } => {
                self.settle(*job, settlement, (*attempts, *deliveries));
                Answered::Settle(*job, Ok(()))
            }
            Action::EndWaiting { key, end, .. } => {
                self.end_waiting(key, end);
                Answered::EndWaiting((**key).clone(), Ok(()))
            }
            other => {
                self.fail(Promise::Config, format!("nobody carries out: {other}"));
                Answered::Refresh(source_id(), Ok(self.jobs.demand()))
            }
        }
    }

    fn settle(&mut self, job: JobId, settlement: &Settlement, (attempts, deliveries): (u32, u32)) {
        match settlement {
            Settlement::Return | Settlement::Retry => {
                if self.checks {
                    let found = jobs::given_back(self, job, settlement, attempts);
                    self.found(found);
                }
                if self.jobs.give_back(job, attempts, deliveries) {
                    self.tell_demand_of(job);
                }
            }
            Settlement::Complete(end) => {
                if self.sabotage == Some(Sabotage::QueueForgetsEnds) {
                    return;
                }
                self.end_job(job, end);
            }
        }
    }

    pub(super) fn end_job(&mut self, job: JobId, end: &JobEnd) {
        if self.checks {
            let found = jobs::ended(self, job, end);
            self.found(found);
        }
        let waited = self.jobs.is_waiting(job);
        self.jobs.end(job, end);
        // The end of a taken job changes no number.
        if waited {
            self.tell_demand_of(job);
        }
    }

    fn end_waiting(&mut self, key: &ClassKey, end: &JobEnd) {
        let now = self.now;
        let expired = |job: &Job| job.expires_at.is_some_and(|at| at <= now);
        let all = |_: &Job| true;
        if self.checks {
            let found = jobs::class_ended(self, key, end);
            self.found(found);
        }
        let ended = match end {
            JobEnd::Expired => self.jobs.end_waiting(key, end, expired),
            _ => self.jobs.end_waiting(key, end, all),
        };
        if !ended.is_empty() {
            self.tell_demand(key);
        }
    }

    pub(super) fn tell_demand_of(&mut self, job: JobId) {
        if let Some(class) = self.jobs.all.get(&job).map(|job| job.class.clone()) {
            self.tell_demand(&class);
        }
    }

    /// How a class stands, as far as it arrives in order: late, twice, or as "unknown".
    pub(super) fn tell_demand(&mut self, class: &ClassKey) {
        let (count, sample) = self.jobs.count(class);
        let event = SourceEvent::Demand {
            sample,
            class: class.clone(),
            count,
        };
        let late = self.random.chance(self.faults.demand_late);
        let at = self.within(1, if late { 5000 } else { 5 });
        if self.random.chance(self.faults.demand_doubled) {
            let again = self.within(1, 8000);
            self.tell(again, News::Source(source_id(), event.clone()));
        }
        if self.random.chance(self.faults.demand_unknown) {
            let unknown = SourceEvent::Unknown("the queue lost count".into());
            self.tell(at, News::Source(source_id(), unknown));
        }
        self.tell(at, News::Source(source_id(), event));
    }
}
