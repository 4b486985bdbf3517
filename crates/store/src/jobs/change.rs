//! What becomes of accepted jobs: ends, tellings and requeues.

use headcount_model::{JobEnd, JobId, Timestamp};
use headcount_ports::JobStatus;
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::rows;
use crate::thread::Write;

/// About what an end takes, for the bound of a transaction.
const END_BYTES: usize = 128;

pub(super) struct End {
    pub(super) ends: Vec<(JobId, JobEnd)>,
    pub(super) at: Timestamp,
}

impl Write for End {
    type Answer = Vec<JobId>;

    fn bytes(&self) -> usize {
        self.ends.len() * END_BYTES
    }

    fn apply(&self, db: &Connection) -> Result<Vec<JobId>, Fault> {
        let sql = "UPDATE jobs SET ended_at = ?2, ending = ?3, status = ?4, env = NULL
                   WHERE id = ?1 AND ended_at IS NULL";
        let mut update = db.prepare_cached(sql)?;
        let mut new = Vec::new();
        for (job, end) in &self.ends {
            let changed = update.execute(params![
                rows::sql(job.0),
                rows::sql_moment(self.at),
                rows::end_to_json(end)?,
                rows::status_to_number(JobStatus::of_end(end)),
            ])?;
            if changed > 0 {
                new.push(*job);
            }
        }
        Ok(new)
    }

    fn touched(&self, answer: &Vec<JobId>) -> Vec<JobId> {
        answer.clone()
    }
}

/// The ends of these jobs are known where they came from.
pub(super) struct Told {
    pub(super) jobs: Vec<JobId>,
}

impl Write for Told {
    type Answer = ();

    fn bytes(&self) -> usize {
        self.jobs.len() * END_BYTES
    }

    fn apply(&self, db: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE jobs SET open = 0 WHERE id = ?1 AND ended_at IS NOT NULL";
        let mut update = db.prepare_cached(sql)?;
        for job in &self.jobs {
            update.execute([rows::sql(job.0)])?;
        }
        Ok(())
    }
}

pub(super) struct Requeue {
    pub(super) job: JobId,
    pub(super) attempts: u32,
    pub(super) deliveries: u32,
}

impl Write for Requeue {
    type Answer = ();

    fn apply(&self, db: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE jobs SET attempts = ?2, deliveries = ?3
                   WHERE id = ?1 AND ended_at IS NULL";
        let mut update = db.prepare_cached(sql)?;
        update.execute(params![
            rows::sql(self.job.0),
            self.attempts,
            self.deliveries
        ])?;
        Ok(())
    }
}
