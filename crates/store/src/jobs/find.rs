//! Finding jobs again.

use std::collections::HashMap;

use headcount_model::{
    AttemptPhase, AttemptRecord, JobEnd, JobId, Settlement, SourceId, Timestamp,
};
use headcount_ports::{
    AttemptView, JobFilter, JobRecord, JobStatus, MAX_LISTED, NewJob, OpenJob, QueuedJob,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::Fault;
use crate::rows::{self, Wants, WorkRow};

/// All jobs of a source that wait, in order of id.
pub(super) fn queued(db: &Connection, source: &SourceId) -> Result<Vec<QueuedJob>, Fault> {
    let sql = "SELECT id, wants, priority, retries, accepted_at, expires_at, attempts, deliveries
               FROM jobs WHERE status = ?1 AND source = ?2 ORDER BY id";
    let mut query = db.prepare_cached(sql)?;
    let queued = rows::status_to_number(JobStatus::Queued);
    let mut found = query.query(params![queued, source.as_str()])?;
    let mut kinds = Kinds::default();
    let mut jobs = Vec::new();
    while let Some(row) = found.next()? {
        jobs.push(queued_job(row, kinds.of(row)?)?);
    }
    Ok(jobs)
}

/// All jobs of a source whose end it is to be told or was not said to have been, in order
/// of id.
pub(super) fn open(db: &Connection, source: &SourceId) -> Result<Vec<OpenJob>, Fault> {
    let sql = "SELECT id, wants, priority, retries, accepted_at, expires_at, attempts, deliveries,
                      key, status, ending
               FROM jobs WHERE open = 1 AND source = ?1 ORDER BY id";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([source.as_str()])?;
    let mut kinds = Kinds::default();
    let mut jobs = Vec::new();
    while let Some(row) = found.next()? {
        let job = queued_job(row, kinds.of(row)?)?;
        let ending: Option<String> = row.get(10)?;
        let end = ending.map(|ending| rows::end_from_json(job.job, &ending));
        jobs.push(OpenJob {
            key: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
            status: rows::status_from_number(row.get(9)?)?,
            end: end.transpose()?,
            job,
        });
    }
    Ok(jobs)
}

/// What jobs want, read once for each text: a million jobs usually are of a few kinds.
#[derive(Default)]
struct Kinds(HashMap<String, Wants>);

impl Kinds {
    fn of(&mut self, row: &Row<'_>) -> Result<Wants, Fault> {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(wants) = self.0.get(text) {
            return Ok(wants.clone());
        }
        let wants = rows::wants_from_json(text)?;
        self.0.insert(text.to_string(), wants.clone());
        Ok(wants)
    }
}

fn queued_job(row: &Row<'_>, wants: Wants) -> Result<QueuedJob, Fault> {
    let retries = rows::count32(row.get(3)?);
    let attempts = rows::count32(row.get(6)?);
    Ok(QueuedJob {
        job: JobId(rows::count(row.get(0)?)),
        runs_on: wants.runs_on,
        exclude: wants.exclude,
        resources: wants.resources,
        priority: row.get(2)?,
        accepted_at: rows::moment(row.get(4)?),
        expires_at: row.get::<_, Option<i64>>(5)?.map(rows::moment),
        attempts,
        deliveries: rows::count32(row.get(7)?),
        retries_left: retries.saturating_sub(attempts),
        timeout: wants.timeout,
    })
}

/// The newest jobs that pass the filter.
pub(super) fn jobs(db: &Connection, filter: &JobFilter) -> Result<Vec<JobRecord>, Fault> {
    let mut jobs = Vec::new();
    for id in matching(db, filter)? {
        jobs.extend(job(db, id)?);
    }
    Ok(jobs)
}

/// One walk along an index per status, each no longer than the page, then merged: a page
/// costs the same whether there are a hundred jobs or a million.
fn matching(db: &Connection, filter: &JobFilter) -> Result<Vec<JobId>, Fault> {
    let limit = filter.limit.min(MAX_LISTED);
    let before = filter.before.map_or(i64::MAX, |job| rows::sql(job.0));
    let sql_limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut ids: Vec<i64> = Vec::new();
    if filter.statuses.is_empty() {
        let sql = "SELECT id FROM jobs WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
        let mut query = db.prepare_cached(sql)?;
        for id in query.query_map(params![before, sql_limit], |row| row.get(0))? {
            ids.push(id?);
        }
    }
    let sql = "SELECT id FROM jobs WHERE status = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let mut query = db.prepare_cached(sql)?;
    for status in &filter.statuses {
        let number = rows::status_to_number(*status);
        for id in query.query_map(params![number, before, sql_limit], |row| row.get(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    ids.truncate(limit);
    Ok(ids.into_iter().map(|id| JobId(rows::count(id))).collect())
}

/// One job, whole.
pub(super) fn job(db: &Connection, id: JobId) -> Result<Option<JobRecord>, Fault> {
    let sql = "SELECT key, name, wants, work, env, priority, retries, accepted_at, expires_at,
                      ended_at, ending, status, attempts, deliveries, source
               FROM jobs WHERE id = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([rows::sql(id.0)])?;
    match found.next()? {
        Some(row) => Ok(Some(job_record(db, id, row)?)),
        None => Ok(None),
    }
}

fn job_record(db: &Connection, id: JobId, row: &Row<'_>) -> Result<JobRecord, Fault> {
    let status = rows::status_from_number(row.get(11)?)?;
    let latest = latest_attempt(db, id)?;
    let claimed = latest
        .as_ref()
        .filter(|attempt| attempt.claimed_at.is_some());
    let attempts = rows::count32(row.get(12)?);
    let (end, ended_at) = match recorded_end(id, row)? {
        Some((end, at)) => (Some(end), Some(at)),
        None if status.is_ended() => coming_end(db, id)?,
        None => (None, None),
    };
    Ok(JobRecord {
        job: id,
        spec: spec(row)?,
        status,
        accepted_at: rows::moment(row.get(7)?),
        ended_at,
        end,
        attempts: claimed.map_or(attempts, |attempt| attempt.attempt.max(attempts)),
        deliveries: rows::count32(row.get(13)?),
        latest: latest.as_ref().map(AttemptView::from),
    })
}

fn spec(row: &Row<'_>) -> Result<NewJob, Fault> {
    let text = |n: usize| row.get::<_, String>(n);
    let wants = rows::wants_from_json(&text(2)?)?;
    let work: WorkRow = rows::from_json("a job", &text(3)?)?;
    let env: Option<String> = row.get(4)?;
    Ok(NewJob {
        source: SourceId::new(&text(14)?),
        key: row.get(0)?,
        name: row.get(1)?,
        runs_on: wants.runs_on,
        exclude: wants.exclude,
        resources: wants.resources,
        priority: row.get(5)?,
        command: work.command(),
        env: rows::env_from_json(env.as_deref())?,
        log_pressure: work.log_pressure(),
        working_dir: work.working_dir,
        timeout: wants.timeout,
        grace: work.grace,
        retries: rows::count32(row.get(6)?),
        expires_at: row.get::<_, Option<i64>>(8)?.map(rows::moment),
        log_limit_bytes: work.log_limit_bytes,
    })
}

fn recorded_end(id: JobId, row: &Row<'_>) -> Result<Option<(JobEnd, Timestamp)>, Fault> {
    let at: Option<i64> = row.get(9)?;
    let ending: Option<String> = row.get(10)?;
    match at.zip(ending) {
        Some((at, ending)) => Ok(Some((rows::end_from_json(id, &ending)?, rows::moment(at)))),
        None => Ok(None),
    }
}

/// The end that its source is just being told.
fn coming_end(db: &Connection, id: JobId) -> Result<(Option<JobEnd>, Option<Timestamp>), Fault> {
    let sql = "SELECT attempt, record FROM attempts WHERE job = ?1 AND settled = 0
               ORDER BY attempt DESC LIMIT 1";
    Ok(match attempt(db, sql, id)? {
        Some(AttemptRecord {
            phase: AttemptPhase::Settling(Settlement::Complete(end)),
            ended_at,
            ..
        }) => (Some(end), ended_at),
        _ => (None, None),
    })
}

fn latest_attempt(db: &Connection, id: JobId) -> Result<Option<AttemptRecord>, Fault> {
    let sql = "SELECT attempt, record FROM attempts WHERE job = ?1 ORDER BY attempt DESC LIMIT 1";
    attempt(db, sql, id)
}

fn attempt(db: &Connection, sql: &str, id: JobId) -> Result<Option<AttemptRecord>, Fault> {
    let mut query = db.prepare_cached(sql)?;
    let found = query
        .query_row([rows::sql(id.0)], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found
        .map(|(attempt, text)| rows::attempt_from_json(id, attempt, &text))
        .transpose()
}
