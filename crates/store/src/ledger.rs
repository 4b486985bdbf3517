//! The ledger: rounds, decisions, and what a start finds.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use headcount_model::{AgentId, AttemptRecord, Changes, JobId, OwnerId, PoolName, Timestamp};
use headcount_ports::{DecisionRow, JobStatus, Ledger, Recovered, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;
use crate::jobs::refresh_status;
use crate::rows;
use crate::store::SqliteStore;
use crate::thread::Write;

/// About what a record takes, for the bound of a transaction.
const RECORD_BYTES: usize = 512;
const OWNER: &str = "owner";
const EPOCH: &str = "epoch";

#[async_trait]
impl Ledger for SqliteStore {
    async fn load(&self) -> Result<Recovered, StoreError> {
        self.write(Load).await
    }

    async fn commit(
        &self,
        changes: Changes,
        decision: Option<DecisionRow>,
    ) -> Result<(), StoreError> {
        if changes.is_empty() && decision.is_none() {
            return Ok(());
        }
        self.write(Round { changes, decision }).await
    }

    async fn prune(&self, now: Timestamp) -> Result<(), StoreError> {
        Self::prune(self, now).await.map(|_pruned| ())
    }

    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError> {
        self.read(move |db| decisions(db, limit)).await
    }
}

/// A start: a new epoch, and everything that is not over.
struct Load;

impl Write for Load {
    type Answer = Recovered;

    fn apply(&self, db: &Connection) -> Result<Recovered, Fault> {
        Ok(Recovered {
            owner: owner(db)?,
            epoch: next_epoch(db)?,
            agents: agents(db)?,
            attempts: unsettled(db)?,
            drained_pools: drained_pools(db)?,
        })
    }
}

fn owner(db: &Connection) -> Result<OwnerId, Fault> {
    if let Some(owner) = meta(db, OWNER)? {
        return Ok(OwnerId::new(&owner));
    }
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random)
        .map_err(|error| Fault::Io(std::io::Error::other(error.to_string())))?;
    let mut owner = String::new();
    for byte in random {
        // Writing to a string cannot fail.
        let _ = write!(owner, "{byte:02x}");
    }
    set_meta(db, OWNER, &owner)?;
    Ok(OwnerId::new(&owner))
}

fn next_epoch(db: &Connection) -> Result<u64, Fault> {
    let last: u64 = match meta(db, EPOCH)? {
        Some(text) => rows::from_json("the epoch", &text)?,
        None => 0,
    };
    let clock = SystemTime::now().duration_since(UNIX_EPOCH);
    let clock = clock.map_or(0, |since| since.as_secs());
    let epoch = clock.max(last.saturating_add(1));
    set_meta(db, EPOCH, &epoch.to_string())?;
    Ok(epoch)
}

fn meta(db: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    let mut query = db.prepare_cached(sql)?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

fn set_meta(db: &Connection, name: &str, value: &str) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute([name, value])?;
    Ok(())
}

fn agents(db: &Connection) -> Result<Vec<headcount_model::AgentRecord>, Fault> {
    let sql = "SELECT epoch, number, record FROM agents ORDER BY epoch, number";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([])?;
    let mut agents = Vec::new();
    while let Some(row) = found.next()? {
        let id = AgentId {
            epoch: rows::count(row.get(0)?),
            number: row.get(1)?,
        };
        agents.push(rows::agent_from_json(
            id,
            row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?,
        )?);
    }
    Ok(agents)
}

fn unsettled(db: &Connection) -> Result<Vec<AttemptRecord>, Fault> {
    let sql = "SELECT job, attempt, record FROM attempts WHERE settled = 0 ORDER BY job, attempt";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([])?;
    let mut attempts = Vec::new();
    while let Some(row) = found.next()? {
        let (job, attempt) = (JobId(rows::count(row.get(0)?)), row.get(1)?);
        let text: String = row.get(2)?;
        attempts.push(rows::attempt_from_json(job, attempt, &text)?);
    }
    Ok(attempts)
}

fn drained_pools(db: &Connection) -> Result<Vec<PoolName>, Fault> {
    let mut query = db.prepare_cached("SELECT pool FROM drained_pools ORDER BY pool")?;
    let pools = query.query_map([], |row| Ok(PoolName::new(row.get_ref(0)?.as_str()?)))?;
    Ok(pools.collect::<Result<_, _>>()?)
}

fn decisions(db: &Connection, limit: usize) -> Result<Vec<DecisionRow>, Fault> {
    let sql = "SELECT at, lines FROM decisions ORDER BY id DESC LIMIT ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut decisions = Vec::new();
    while let Some(row) = found.next()? {
        let lines: String = row.get(1)?;
        decisions.push(DecisionRow {
            at: rows::moment(row.get(0)?),
            lines: rows::from_json("a decision", &lines)?,
        });
    }
    Ok(decisions)
}

/// One round of the controller.
struct Round {
    changes: Changes,
    decision: Option<DecisionRow>,
}

impl Write for Round {
    type Answer = ();

    fn bytes(&self) -> usize {
        let changes = &self.changes;
        let records = changes.agents.len() + changes.attempts.len() + changes.time_spent.len();
        let lines = self.decision.iter().flat_map(|decision| &decision.lines);
        records * RECORD_BYTES + lines.map(String::len).sum::<usize>()
    }

    fn apply(&self, db: &Connection) -> Result<(), Fault> {
        self.write_agents(db)?;
        self.write_attempts(db)?;
        for job in self.jobs() {
            refresh_status(db, job)?;
        }
        self.write_drained_pools(db)?;
        crate::time::write(db, &self.changes.time_spent)?;
        self.write_decision(db)
    }

    fn touched(&self, (): &()) -> Vec<JobId> {
        self.jobs()
    }
}

impl Round {
    fn write_agents(&self, db: &Connection) -> Result<(), Fault> {
        let sql = "INSERT OR REPLACE INTO agents (epoch, number, record) VALUES (?1, ?2, ?3)";
        let mut insert = db.prepare_cached(sql)?;
        for agent in &self.changes.agents {
            let record = rows::agent_to_json(agent)?;
            insert.execute(params![rows::sql(agent.id.epoch), agent.id.number, record])?;
        }
        let sql = "DELETE FROM agents WHERE epoch = ?1 AND number = ?2";
        let mut delete = db.prepare_cached(sql)?;
        for gone in &self.changes.agents_gone {
            delete.execute(params![rows::sql(gone.epoch), gone.number])?;
        }
        Ok(())
    }

    /// Settles first: an attempt that is also given as it is now was assigned anew.
    fn write_attempts(&self, db: &Connection) -> Result<(), Fault> {
        let sql = "UPDATE attempts SET settled = 1 WHERE job = ?1 AND attempt = ?2";
        let mut settle = db.prepare_cached(sql)?;
        for (job, attempt) in &self.changes.attempts_settled {
            settle.execute(params![rows::sql(job.0), attempt])?;
        }
        let sql = "INSERT OR REPLACE INTO attempts (job, attempt, settled, status, at, record)
                   VALUES (?1, ?2, 0, ?3, ?4, ?5)";
        let mut insert = db.prepare_cached(sql)?;
        for attempt in &self.changes.attempts {
            insert.execute(params![
                rows::sql(attempt.job.0),
                attempt.attempt,
                rows::status_to_number(JobStatus::of_attempt(attempt)),
                rows::sql_moment(rows::last_moment(attempt)),
                rows::attempt_to_json(attempt)?,
            ])?;
        }
        Ok(())
    }

    fn write_drained_pools(&self, db: &Connection) -> Result<(), Fault> {
        let Some(pools) = &self.changes.drained_pools else {
            return Ok(());
        };
        db.prepare_cached("DELETE FROM drained_pools")?
            .execute([])?;
        let mut insert = db.prepare_cached("INSERT OR IGNORE INTO drained_pools VALUES (?1)")?;
        for pool in pools {
            insert.execute([pool.as_str()])?;
        }
        Ok(())
    }

    fn write_decision(&self, db: &Connection) -> Result<(), Fault> {
        if let Some(decision) = &self.decision {
            let sql = "INSERT INTO decisions (at, lines) VALUES (?1, ?2)";
            let lines = rows::to_json(&decision.lines)?;
            let at = rows::sql_moment(decision.at);
            db.prepare_cached(sql)?.execute(params![at, lines])?;
        }
        Ok(())
    }

    fn jobs(&self) -> Vec<JobId> {
        let settled = self.changes.attempts_settled.iter().map(|(job, _)| *job);
        let attempts = self.changes.attempts.iter().map(|attempt| attempt.job);
        let mut jobs: Vec<JobId> = settled.chain(attempts).collect();
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }
}
