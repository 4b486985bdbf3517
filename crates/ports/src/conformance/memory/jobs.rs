//! The job book of a memory store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use headcount_model::{
    AttemptPhase, AttemptRecord, JobEnd, JobId, Settlement, SourceId, Timestamp,
};

use super::state::{Job, MemoryStore, State};
use crate::{
    AttemptView, BUILT_IN, JobBook, JobFilter, JobRecord, JobStatus, MAX_LISTED, NewJob, OpenJob,
    QueuedJob, StoreError, Submitted, key_conflict,
};

#[async_trait]
impl JobBook for MemoryStore {
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError> {
        let mut state = self.state();
        let last_job = state.last_job;
        let mut submitted = Vec::with_capacity(jobs.len());
        for spec in jobs {
            match state.accept(spec, at) {
                Ok(answer) => submitted.push(answer),
                Err(error) => {
                    state.jobs.retain(|job, _| job.0 <= last_job);
                    state.last_job = last_job;
                    return Err(error);
                }
            }
        }
        Ok(submitted)
    }

    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError> {
        let state = self.state();
        let own = state
            .jobs
            .iter()
            .filter(|(_, job)| job.spec.source == *source);
        let waiting = own.filter(|(id, job)| state.status(**id, job) == JobStatus::Queued);
        Ok(waiting.map(|(id, job)| queued(*id, job)).collect())
    }

    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError> {
        let state = self.state();
        let own = state.jobs.iter();
        let own = own.filter(|(_, job)| job.open && job.spec.source == *source);
        let open = own.map(|(id, job)| OpenJob {
            job: queued(*id, job),
            key: job.spec.key.clone().unwrap_or_default(),
            status: state.status(*id, job),
            end: job.end.as_ref().map(|(end, _)| end.clone()),
        });
        Ok(open.collect())
    }

    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError> {
        let mut state = self.state();
        for id in jobs {
            if let Some(job) = state.jobs.get_mut(&id).filter(|job| job.end.is_some()) {
                job.open = false;
            }
        }
        Ok(())
    }

    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        let state = self.state();
        Ok(state.jobs.get(&job).map(|row| state.record(job, row)))
    }

    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        let state = self.state();
        let listed = state
            .jobs
            .iter()
            .rev()
            .filter(|(id, _)| filter.before.is_none_or(|before| **id < before))
            .map(|(id, job)| state.record(*id, job))
            .filter(|job| filter.statuses.is_empty() || filter.statuses.contains(&job.status));
        Ok(listed.take(filter.limit.min(MAX_LISTED)).collect())
    }

    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        let mut state = self.state();
        let mut new = Vec::new();
        for (id, end) in ends {
            if let Some(job) = state.jobs.get_mut(&id).filter(|job| job.end.is_none()) {
                job.end = Some((end, at));
                job.spec.env.clear();
                new.push(id);
            }
        }
        Ok(new)
    }

    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(job) = state.jobs.get_mut(&job).filter(|job| job.end.is_none()) {
            job.attempts = attempts;
            job.deliveries = deliveries;
        }
        Ok(())
    }

    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
        let state = self.state();
        let mut counts: BTreeMap<_, _> = JobStatus::ALL.map(|status| (status, 0)).into();
        for (id, job) in &state.jobs {
            *counts.entry(state.status(*id, job)).or_default() += 1;
        }
        Ok(counts)
    }
}

impl State {
    fn accept(&mut self, spec: NewJob, at: Timestamp) -> Result<Submitted, StoreError> {
        if let Some(known) = self.known(&spec)? {
            let job = self.jobs.get(&known);
            return Ok(Submitted {
                job: known,
                existed: true,
                ended: job.is_some_and(|job| job.end.is_some()),
            });
        }
        self.last_job += 1;
        let job = JobId(self.last_job);
        let row = Job {
            open: spec.source.as_str() != BUILT_IN,
            spec,
            accepted_at: at,
            end: None,
            attempts: 0,
            deliveries: 0,
        };
        self.jobs.insert(job, row);
        Ok(Submitted {
            job,
            existed: false,
            ended: false,
        })
    }

    fn known(&self, spec: &NewJob) -> Result<Option<JobId>, StoreError> {
        let Some(key) = &spec.key else {
            return Ok(None);
        };
        let Some((id, job)) = self
            .jobs
            .iter()
            .find(|(_, job)| job.spec.source == spec.source && job.spec.key.as_ref() == Some(key))
        else {
            return Ok(None);
        };
        if spec.source.as_str() != BUILT_IN {
            return Ok(Some(*id));
        }
        let mut known = job.spec.clone();
        if job.end.is_some() {
            known.env.clone_from(&spec.env);
        }
        match known.difference(spec) {
            Some(field) => Err(key_conflict(key, *id, field)),
            None => Ok(Some(*id)),
        }
    }

    fn status(&self, id: JobId, job: &Job) -> JobStatus {
        match (&job.end, self.unsettled(id)) {
            (Some((end, _)), _) => JobStatus::of_end(end),
            (None, Some(attempt)) => JobStatus::of_attempt(attempt),
            (None, None) => JobStatus::Queued,
        }
    }

    fn unsettled(&self, id: JobId) -> Option<&AttemptRecord> {
        let mut attempts = self.attempts.range((id, 0)..=(id, u32::MAX)).rev();
        let found = attempts.find(|(_, attempt)| !attempt.settled);
        found.map(|(_, attempt)| &attempt.record)
    }

    /// The recorded end, or the one that its source is just being told.
    fn end_of(&self, id: JobId, job: &Job) -> Option<(JobEnd, Option<Timestamp>)> {
        if let Some((end, at)) = &job.end {
            return Some((end.clone(), Some(*at)));
        }
        let attempt = self.unsettled(id)?;
        match &attempt.phase {
            AttemptPhase::Settling(Settlement::Complete(end)) => {
                Some((end.clone(), attempt.ended_at))
            }
            _ => None,
        }
    }

    fn record(&self, id: JobId, job: &Job) -> JobRecord {
        let latest = self.attempts.range((id, 0)..=(id, u32::MAX)).next_back();
        let latest = latest.map(|(_, attempt)| &attempt.record);
        let claimed = latest.filter(|attempt| attempt.claimed_at.is_some());
        let (end, ended_at) = self.end_of(id, job).unzip();
        JobRecord {
            job: id,
            spec: job.spec.clone(),
            status: self.status(id, job),
            accepted_at: job.accepted_at,
            ended_at: ended_at.flatten(),
            end,
            attempts: claimed.map_or(job.attempts, |it| it.attempt.max(job.attempts)),
            deliveries: job.deliveries,
            latest: latest.map(AttemptView::from),
        }
    }
}

fn queued(id: JobId, job: &Job) -> QueuedJob {
    QueuedJob {
        job: id,
        runs_on: job.spec.runs_on.clone(),
        exclude: job.spec.exclude.clone(),
        resources: job.spec.resources,
        priority: job.spec.priority,
        accepted_at: job.accepted_at,
        expires_at: job.spec.expires_at,
        attempts: job.attempts,
        deliveries: job.deliveries,
        retries_left: job.spec.retries.saturating_sub(job.attempts),
        timeout: job.spec.timeout,
    }
}
