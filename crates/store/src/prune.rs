//! Retention: what is kept for how long, and its removal a little at a time.

use std::time::Duration;

use headcount_model::Timestamp;
use headcount_ports::StoreError;
use rusqlite::{Connection, params};

use crate::fault::Fault;
use crate::rows;
use crate::store::SqliteStore;
use crate::thread::Write;
use crate::time;

/// Jobs, attempts or decisions that one call removes at most, of each.
const MAX_ROWS: u64 = 1000;
/// Pieces of output that one call removes at most.
const MAX_CHUNKS: u64 = 4096;
/// Attempts whose output one call looks at when there is too much of it.
const MAX_VICTIMS: u32 = 64;
/// Free pages that are kept for the next writes; more are given back to the disk.
const SPARE_PAGES: i64 = 1024;
/// Free pages that one call gives back at most.
const MAX_RETURNED_PAGES: i64 = 4096;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is kept. Jobs that have not ended, those whose source is to be told of it, and
/// attempts that are not settled, always are; attempts and output go with their job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Ended jobs stay this long.
    pub ended_jobs_for: Duration,
    /// No more ended jobs than this stay; the newest do.
    pub ended_jobs: u64,
    /// Beyond this many bytes the output of the oldest settled attempts goes first.
    pub log_bytes: u64,
    /// Decisions stay this long.
    pub decisions_for: Duration,
    /// No more decisions than this stay; the newest do.
    pub decisions: u64,
    /// What the time of agents went into stays this long, counted from the end of a piece.
    pub machine_time_for: Duration,
    /// No more pieces of it than this stay; the newest do.
    pub machine_time: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ended_jobs_for: 7 * DAY,
            ended_jobs: 100_000,
            log_bytes: 2 << 30,
            decisions_for: 7 * DAY,
            decisions: 10_000,
            machine_time_for: 31 * DAY,
            machine_time: 200_000,
        }
    }
}

/// What one call removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Ended jobs.
    pub jobs: u64,
    /// Attempts, those of the removed jobs included.
    pub attempts: u64,
    /// Bytes of output.
    pub log_bytes: u64,
    /// Decisions.
    pub decisions: u64,
    /// Pieces of the time of agents.
    pub machine_time: u64,
    /// Whether there is more to remove: call again.
    pub more: bool,
}

impl SqliteStore {
    /// Removes what need not be kept at `now`, a bounded amount per call. Idempotent. Meant
    /// to be called beside other writes, once a minute of activity; nothing needs it while
    /// nothing is written.
    ///
    /// # Errors
    /// Nothing was removed.
    pub async fn prune(&self, now: Timestamp) -> Result<Pruned, StoreError> {
        let retention = self.retention().clone();
        self.write(Prune { now, retention }).await
    }
}

struct Prune {
    now: Timestamp,
    retention: Retention,
}

impl Write for Prune {
    type Answer = Pruned;

    fn apply(&self, db: &Connection) -> Result<Pruned, Fault> {
        let mut round = Round {
            db,
            chunks_left: MAX_CHUNKS,
            pruned: Pruned::default(),
        };
        round.old_jobs(self.before(self.retention.ended_jobs_for))?;
        round.surplus_jobs(self.retention.ended_jobs)?;
        round.foreign_attempts(self.before(self.retention.ended_jobs_for))?;
        round.surplus_output(self.retention.log_bytes)?;
        let before = self.before(self.retention.decisions_for);
        round.old_decisions(before, self.retention.decisions)?;
        let before = self.before(self.retention.machine_time_for);
        round.machine_time(before, self.retention.machine_time)?;
        round.return_pages()?;
        Ok(round.finish())
    }
}

impl Prune {
    fn before(&self, kept_for: Duration) -> i64 {
        let kept_for = u64::try_from(kept_for.as_millis()).unwrap_or(u64::MAX);
        rows::sql(self.now.as_millis().saturating_sub(kept_for))
    }
}

struct Round<'db> {
    db: &'db Connection,
    chunks_left: u64,
    pruned: Pruned,
}

impl Round<'_> {
    /// Only a call that removed something promises that another will.
    fn finish(mut self) -> Pruned {
        let pruned = &mut self.pruned;
        let rows = pruned.jobs + pruned.attempts + pruned.decisions + pruned.machine_time;
        pruned.more &= rows > 0 || self.chunks_left < MAX_CHUNKS;
        self.pruned
    }

    fn old_jobs(&mut self, before: i64) -> Result<(), Fault> {
        let sql = "SELECT id FROM jobs WHERE ended_at < ?1 AND open = 0 AND NOT EXISTS
                     (SELECT 1 FROM attempts WHERE job = jobs.id AND settled = 0)
                   ORDER BY ended_at, id LIMIT ?2";
        let jobs = self.ids(sql, before, MAX_ROWS)?;
        self.remove_jobs(&jobs)
    }

    fn surplus_jobs(&mut self, kept: u64) -> Result<(), Fault> {
        let sql = "SELECT count(*) FROM jobs WHERE ended_at IS NOT NULL";
        let ended = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0));
        let surplus = rows::count(ended?).saturating_sub(kept);
        if surplus == 0 {
            return Ok(());
        }
        let sql = "SELECT id FROM jobs WHERE ended_at >= ?1 AND open = 0 AND NOT EXISTS
                     (SELECT 1 FROM attempts WHERE job = jobs.id AND settled = 0)
                   ORDER BY ended_at, id LIMIT ?2";
        let room = MAX_ROWS.saturating_sub(self.pruned.jobs);
        self.pruned.more |= surplus > room;
        let jobs = self.ids(sql, 0, surplus.min(room))?;
        self.remove_jobs(&jobs)
    }

    /// Attempts of jobs that other sources keep.
    fn foreign_attempts(&mut self, before: i64) -> Result<(), Fault> {
        let sql = "SELECT DISTINCT job FROM attempts WHERE settled = 1 AND at < ?1
                     AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = attempts.job)
                     AND NOT EXISTS
                       (SELECT 1 FROM attempts AS held WHERE held.job = attempts.job
                          AND (held.settled = 0 OR held.at >= ?1))
                   LIMIT ?2";
        for job in self.ids(sql, before, MAX_ROWS)? {
            if !self.remove_output_of_job(job)? {
                break;
            }
            self.remove_attempts(job)?;
        }
        Ok(())
    }

    fn ids(&mut self, sql: &str, moment: i64, limit: u64) -> Result<Vec<i64>, Fault> {
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_map(params![moment, rows::sql(limit)], |row| row.get(0))?;
        let ids: Vec<i64> = found.collect::<Result<_, _>>()?;
        self.pruned.more |= ids.len() as u64 == MAX_ROWS;
        Ok(ids)
    }

    fn remove_jobs(&mut self, jobs: &[i64]) -> Result<(), Fault> {
        for job in jobs {
            if !self.remove_output_of_job(*job)? {
                break;
            }
            self.remove_attempts(*job)?;
            let mut delete = self.db.prepare_cached("DELETE FROM jobs WHERE id = ?1")?;
            self.pruned.jobs += delete.execute([job])? as u64;
        }
        Ok(())
    }

    fn remove_attempts(&mut self, job: i64) -> Result<(), Fault> {
        let mut delete = self
            .db
            .prepare_cached("DELETE FROM attempts WHERE job = ?1")?;
        self.pruned.attempts += delete.execute([job])? as u64;
        Ok(())
    }

    /// Whether nothing of it is left.
    fn remove_output_of_job(&mut self, job: i64) -> Result<bool, Fault> {
        let sql = "SELECT attempt FROM log_streams WHERE job = ?1";
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_map([job], |row| row.get(0))?;
        let attempts: Vec<u32> = found.collect::<Result<_, _>>()?;
        for attempt in attempts {
            self.remove_output(job, attempt)?;
            if self.chunks_left == 0 {
                self.pruned.more = true;
                return Ok(false);
            }
            let sql = "DELETE FROM log_streams WHERE job = ?1 AND attempt = ?2";
            self.db
                .prepare_cached(sql)?
                .execute(params![job, attempt])?;
        }
        Ok(true)
    }

    /// Removes output from its beginning, as far as this call may; returns how many bytes.
    fn remove_output(&mut self, job: i64, attempt: u32) -> Result<u64, Fault> {
        let sql = "DELETE FROM log_chunks WHERE job = ?1 AND attempt = ?2 AND number IN
                     (SELECT number FROM log_chunks WHERE job = ?1 AND attempt = ?2
                      ORDER BY number LIMIT ?3)
                   RETURNING length(bytes)";
        let mut delete = self.db.prepare_cached(sql)?;
        let mut removed = delete.query(params![job, attempt, rows::sql(self.chunks_left)])?;
        let mut bytes = 0_u64;
        while let Some(row) = removed.next()? {
            bytes = bytes.saturating_add(rows::count(row.get(0)?));
            self.chunks_left = self.chunks_left.saturating_sub(1);
        }
        let sql = "UPDATE log_streams SET bytes = max(0, bytes - ?3), truncated = 1
                   WHERE job = ?1 AND attempt = ?2";
        let mut update = self.db.prepare_cached(sql)?;
        update.execute(params![job, attempt, rows::sql(bytes)])?;
        self.pruned.log_bytes = self.pruned.log_bytes.saturating_add(bytes);
        Ok(bytes)
    }

    fn surplus_output(&mut self, kept: u64) -> Result<(), Fault> {
        let sql = "SELECT ifnull(sum(bytes), 0) FROM log_streams";
        let total = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0));
        let mut surplus = rows::count(total?).saturating_sub(kept);
        if surplus == 0 {
            return Ok(());
        }
        let sql = "SELECT job, attempt FROM attempts JOIN log_streams USING (job, attempt)
                   WHERE settled = 1 AND bytes > 0 ORDER BY at LIMIT ?1";
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_map([MAX_VICTIMS], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let victims: Vec<(i64, u32)> = found.collect::<Result<_, _>>()?;
        let more_victims = victims.len() == MAX_VICTIMS as usize;
        for (job, attempt) in victims {
            if surplus == 0 || self.chunks_left == 0 {
                break;
            }
            surplus = surplus.saturating_sub(self.remove_output(job, attempt)?);
        }
        // Output of attempts that still run is not ours to remove: then this is all.
        self.pruned.more |= surplus > 0 && (self.chunks_left == 0 || more_victims);
        Ok(())
    }

    fn old_decisions(&mut self, before: i64, kept: u64) -> Result<(), Fault> {
        let sql = "DELETE FROM decisions WHERE id IN
                     (SELECT id FROM decisions
                      WHERE at < ?1 OR id <= (SELECT max(id) FROM decisions) - ?2
                      ORDER BY id LIMIT ?3)";
        let mut delete = self.db.prepare_cached(sql)?;
        let removed = delete.execute(params![before, rows::sql(kept), rows::sql(MAX_ROWS)])?;
        self.pruned.decisions = removed as u64;
        self.pruned.more |= self.pruned.decisions == MAX_ROWS;
        Ok(())
    }

    fn machine_time(&mut self, before: i64, kept: u64) -> Result<(), Fault> {
        let removed = time::remove(self.db, before, kept, MAX_ROWS)?;
        self.pruned.machine_time = removed.pieces;
        self.pruned.more |= removed.more;
        Ok(())
    }

    /// Gives pages back to the disk, but for a reserve that the next writes use.
    fn return_pages(&self) -> Result<(), Fault> {
        let free: i64 = self
            .db
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        let surplus = free.saturating_sub(SPARE_PAGES).min(MAX_RETURNED_PAGES);
        if surplus > 0 {
            let sql = format!("PRAGMA incremental_vacuum({surplus})");
            let mut vacuum = self.db.prepare(&sql)?;
            let mut returned = vacuum.query([])?;
            // Each step returns one page.
            while returned.next()?.is_some() {}
        }
        Ok(())
    }
}
