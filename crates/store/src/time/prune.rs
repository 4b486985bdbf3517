//! Pieces of time that need not be kept any more. Totals keep what they were.

use rusqlite::{Connection, params};

use super::KEPT_FROM;
use crate::fault::Fault;
use crate::rows;

/// Totals of pools without pieces stay while there are no more than so many rows: a pool that
/// is renamed every day is no reason to grow for ever.
const MAX_TOTALS: i64 = 10_000;

/// What one call removed.
pub(crate) struct Removed {
    pub(crate) pieces: u64,
    /// Whether there is more to remove.
    pub(crate) more: bool,
}

/// Removes pieces that ended before a moment, and the oldest of more than `kept`; at most
/// `most` in one call.
pub(crate) fn remove(db: &Connection, before: i64, kept: u64, most: u64) -> Result<Removed, Fault> {
    let sql = "SELECT count(*) FROM machine_time";
    let pieces: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    let surplus = rows::count(pieces).saturating_sub(kept).min(most);
    let old = "SELECT count(*) FROM
                 (SELECT 1 FROM machine_time WHERE until_at < ?1 LIMIT ?2)";
    let mut query = db.prepare_cached(old)?;
    let old = query.query_row(params![before, rows::sql(most)], |row| row.get(0));
    let wanted = surplus.max(rows::count(old?));
    if wanted == 0 {
        return Ok(Removed {
            pieces: 0,
            more: false,
        });
    }
    let sql = "DELETE FROM machine_time WHERE (epoch, number, from_at) IN
                 (SELECT epoch, number, from_at FROM machine_time
                  ORDER BY until_at LIMIT ?1)
               RETURNING until_at";
    let mut delete = db.prepare_cached(sql)?;
    let mut removed = delete.query([rows::sql(wanted)])?;
    let (mut pieces, mut last) = (0, 0_i64);
    while let Some(row) = removed.next()? {
        pieces += 1;
        last = last.max(row.get(0)?);
    }
    note_begin(db, last)?;
    bound_totals(db)?;
    Ok(Removed {
        pieces,
        more: wanted == most,
    })
}

/// What ended by then may be missing.
fn note_begin(db: &Connection, last: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value
               WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)";
    db.prepare_cached(sql)?
        .execute(params![KEPT_FROM, last.to_string()])?;
    Ok(())
}

fn bound_totals(db: &Connection) -> Result<(), Fault> {
    let sql = "SELECT count(*) FROM machine_totals";
    let totals: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    if totals > MAX_TOTALS {
        let sql = "DELETE FROM machine_totals WHERE pool NOT IN (SELECT pool FROM machine_time)";
        db.prepare_cached(sql)?.execute([])?;
    }
    Ok(())
}
