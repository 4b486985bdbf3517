//! Accepting jobs: all of a call or none.

use headcount_model::{Command, JobId, Timestamp};
use headcount_ports::{BUILT_IN, JobStatus, NewJob, Submitted, key_conflict};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::find;
use crate::fault::Fault;
use crate::rows::{self, WorkRow};
use crate::thread::Write;

/// About what a job takes besides its texts, for the bound of a transaction.
const JOB_BYTES: usize = 256;

pub(super) struct Submit {
    pub(super) jobs: Vec<NewJob>,
    pub(super) at: Timestamp,
}

impl Write for Submit {
    type Answer = Vec<Submitted>;

    fn bytes(&self) -> usize {
        self.jobs.iter().map(size).sum()
    }

    fn apply(&self, db: &Connection) -> Result<Vec<Submitted>, Fault> {
        let sql = "INSERT INTO jobs (key, name, wants, work, env, priority, retries, accepted_at,
                                     expires_at, status, attempts, deliveries, source,
                                     open)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, ?11, ?12)";
        let mut insert = db.prepare_cached(sql)?;
        let mut submitted = Vec::with_capacity(self.jobs.len());
        for job in &self.jobs {
            submitted.push(match known(db, job)? {
                Some(known) => known,
                None => Submitted {
                    job: self.accept(&mut insert, job)?,
                    existed: false,
                    ended: false,
                },
            });
        }
        Ok(submitted)
    }
}

impl Submit {
    fn accept(&self, insert: &mut CachedStatement<'_>, job: &NewJob) -> Result<JobId, Fault> {
        let id = insert.insert(params![
            job.key,
            job.name,
            rows::wants_to_json(job)?,
            rows::to_json(&WorkRow::new(job))?,
            rows::env_to_json(&job.env)?,
            job.priority,
            job.retries,
            rows::sql_moment(self.at),
            job.expires_at.map(rows::sql_moment),
            rows::status_to_number(JobStatus::Queued),
            job.source.as_str(),
            is_told_of_ends(job),
        ])?;
        Ok(JobId(rows::count(id)))
    }
}

/// Whether its source must hear how it ended.
fn is_told_of_ends(job: &NewJob) -> bool {
    job.source.as_str() != BUILT_IN
}

/// The job that has the key of this one already.
fn known(db: &Connection, job: &NewJob) -> Result<Option<Submitted>, Fault> {
    let Some(key) = &job.key else {
        return Ok(None);
    };
    let sql = "SELECT id, ended_at IS NOT NULL FROM jobs WHERE source = ?1 AND key = ?2";
    let mut query = db.prepare_cached(sql)?;
    let found = query
        .query_row([job.source.as_str(), key], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((id, ended)) = found else {
        return Ok(None);
    };
    let id = JobId(rows::count(id));
    let submitted = Submitted {
        job: id,
        existed: true,
        ended,
    };
    // What another source calls the same is the same, though its settings may have changed.
    if is_told_of_ends(job) {
        return Ok(Some(submitted));
    }
    let Some(mut known) = find::job(db, id)? else {
        return Ok(None);
    };
    // The environment of a job that ended is gone and cannot be compared.
    if known.status.is_ended() && known.spec.env.is_empty() {
        known.spec.env.clone_from(&job.env);
    }
    match known.spec.difference(job) {
        Some(field) => Err(key_conflict(key, id, field).into()),
        None => Ok(Some(submitted)),
    }
}

fn size(job: &NewJob) -> usize {
    let command = match &job.command {
        Command::Argv(argv) => argv.iter().map(String::len).sum(),
        Command::Script(text) => text.len(),
    };
    let env: usize = job
        .env
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    JOB_BYTES + command + env
}
