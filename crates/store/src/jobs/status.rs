//! How jobs stand. The column is kept in step with attempts and ends by whoever writes
//! those, so that lists and counts need not derive it.

use std::collections::BTreeMap;

use headcount_model::JobId;
use headcount_ports::JobStatus;
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;
use crate::rows;

/// Sets the status of a job that has not ended after its latest unsettled attempt.
pub(crate) fn refresh_status(db: &Connection, job: JobId) -> Result<(), Fault> {
    let sql = "SELECT status FROM attempts WHERE job = ?1 AND settled = 0
               ORDER BY attempt DESC LIMIT 1";
    let mut query = db.prepare_cached(sql)?;
    let held: Option<i64> = query
        .query_row([rows::sql(job.0)], |row| row.get(0))
        .optional()?;
    let status = held.unwrap_or(rows::status_to_number(JobStatus::Queued));
    let sql = "UPDATE jobs SET status = ?2 WHERE id = ?1 AND ended_at IS NULL AND status <> ?2";
    let mut update = db.prepare_cached(sql)?;
    update.execute(params![rows::sql(job.0), status])?;
    Ok(())
}

pub(super) fn counts(db: &Connection) -> Result<BTreeMap<JobStatus, u64>, Fault> {
    let mut counts: BTreeMap<_, _> = rows::STATUSES.map(|status| (status, 0)).into();
    let mut query = db.prepare_cached("SELECT status, jobs FROM job_counts")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let status = rows::status_from_number(row.get(0)?)?;
        counts.insert(status, rows::count(row.get(1)?));
    }
    Ok(counts)
}
