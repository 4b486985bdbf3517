//! The one thread that writes. Whatever waits when it comes round goes into one
//! transaction and costs one flush; it sleeps when nothing waits.

use std::sync::Arc;

use headcount_model::JobId;
use headcount_ports::StoreError;
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::Step;
use crate::fault::Fault;
use crate::logs::Followers;
use crate::open::StateDir;

/// The most writes that share a transaction.
const MAX_STEPS: usize = 512;
/// A transaction takes no further write once it holds about this much.
const MAX_BYTES: usize = 8 << 20;

pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) dir: StateDir,
    pub(crate) followers: Arc<Followers>,
    pub(crate) waiting: mpsc::Receiver<Box<dyn Step>>,
}

impl Writer {
    /// Runs until every sender is gone and everything sent is answered.
    pub(crate) fn run(mut self) {
        while let Some(first) = self.waiting.blocking_recv() {
            let round = self.gather(first);
            self.write(round);
        }
        self.followers.close();
    }

    fn gather(&mut self, first: Box<dyn Step>) -> Vec<Box<dyn Step>> {
        let mut bytes = first.bytes();
        let mut round = vec![first];
        while round.len() < MAX_STEPS && bytes < MAX_BYTES {
            let Ok(next) = self.waiting.try_recv() else {
                break;
            };
            bytes = bytes.saturating_add(next.bytes());
            round.push(next);
        }
        round
    }

    /// Writes a round and answers it. When the transaction as a whole fails, each write is
    /// tried alone, so that none fails for what another did.
    fn write(&self, mut round: Vec<Box<dyn Step>>) {
        let committed = transact(&self.db, &mut round);
        if committed.is_err() && round.len() > 1 {
            for step in round {
                self.write(vec![step]);
            }
            return;
        }
        let touched: Vec<JobId> = round.iter().flat_map(|step| step.touched()).collect();
        let dir = self.dir.path();
        let committed = committed.map_err(|fault| fault.into_store_error(dir));
        for step in round {
            step.answer(committed.clone(), dir);
        }
        if committed.is_ok() {
            self.followers.wake(&touched);
        }
    }
}

/// All of the round in one transaction; a write that fails leaves nothing of itself and
/// does not fail the others.
fn transact(db: &Connection, round: &mut [Box<dyn Step>]) -> Result<(), Fault> {
    let result = apply_all(db, round);
    if result.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK")?;
    }
    result
}

fn apply_all(db: &Connection, round: &mut [Box<dyn Step>]) -> Result<(), Fault> {
    execute(db, "BEGIN IMMEDIATE")?;
    for step in round {
        execute(db, "SAVEPOINT step")?;
        if !step.apply(db) {
            // A full disk may have ended the whole transaction.
            if db.is_autocommit() {
                let lost = StoreError::Busy("the transaction was rolled back".to_string());
                return Err(Fault::Refused(lost));
            }
            execute(db, "ROLLBACK TO step")?;
        }
        execute(db, "RELEASE step")?;
    }
    execute(db, "COMMIT")
}

fn execute(db: &Connection, sql: &str) -> Result<(), Fault> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}
