//! The schema of the state file and its numbered steps.

use rusqlite::{Connection, TransactionBehavior};

/// The newest schema this program knows: the number of the last migration.
pub const SCHEMA: u32 = 4;

/// "HDCT": marks a database as ours.
pub(super) const APPLICATION_ID: i32 = 0x4844_4354;

/// Step n leads from schema n to n + 1. Steps that were released never change.
const MIGRATIONS: [&str; SCHEMA as usize] = [
    include_str!("../../migrations/0001_base.sql"),
    include_str!("../../migrations/0002_sources.sql"),
    include_str!("../../migrations/0003_machine_time.sql"),
    include_str!("../../migrations/0004_cordons.sql"),
];

/// Brings a file of schema `found` up to [`SCHEMA`], in one transaction: a crash leaves
/// the old schema or the new one.
pub(super) fn migrate(db: &mut Connection, found: u32) -> rusqlite::Result<()> {
    if found >= SCHEMA {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}
