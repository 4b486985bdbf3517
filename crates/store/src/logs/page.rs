//! Reading output, a page at a time.

use headcount_model::JobId;
use headcount_ports::{LogChunk, LogPage};
use rusqlite::{Connection, OptionalExtension, params};

use super::append::stream_from_number;
use crate::fault::Fault;
use crate::rows;

/// A page has no more chunks than this, however small they are.
const MAX_CHUNKS: i64 = 10_000;

/// Where a page starts.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) job: JobId,
    pub(super) attempt: Option<u32>,
    pub(super) after: u64,
}

/// The next chunks without a gap, at least one if there is any.
pub(super) fn page(db: &Connection, place: Place, max_bytes: usize) -> Result<LogPage, Fault> {
    let Some(log) = stream(db, place)? else {
        return Ok(LogPage::default());
    };
    let sql = "SELECT number, at, stream, bytes FROM log_chunks
               WHERE job = ?1 AND attempt = ?2 AND number > ?3 AND number <= ?4
               ORDER BY number LIMIT ?5";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query(params![
        rows::sql(place.job.0),
        log.attempt,
        rows::sql(place.after),
        log.through,
        MAX_CHUNKS,
    ])?;
    let mut chunks: Vec<LogChunk> = Vec::new();
    let mut size = 0_usize;
    while let Some(row) = found.next()? {
        let bytes: Vec<u8> = row.get(3)?;
        size = size.saturating_add(bytes.len());
        if size > max_bytes && !chunks.is_empty() {
            break;
        }
        chunks.push(LogChunk {
            number: rows::count(row.get(0)?),
            at: rows::moment(row.get(1)?),
            stream: stream_from_number(row.get(2)?)?,
            bytes,
        });
    }
    Ok(LogPage {
        attempt: Some(log.attempt),
        chunks,
        truncated: log.truncated,
    })
}

struct Log {
    attempt: u32,
    through: i64,
    truncated: bool,
}

/// The attempt asked for, or the latest that has output.
fn stream(db: &Connection, place: Place) -> Result<Option<Log>, Fault> {
    let sql = "SELECT attempt, through, truncated FROM log_streams
               WHERE job = ?1 AND attempt = ifnull(?2, attempt)
               ORDER BY attempt DESC LIMIT 1";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_row(params![rows::sql(place.job.0), place.attempt], |row| {
        Ok(Log {
            attempt: row.get(0)?,
            through: row.get(1)?,
            truncated: row.get(2)?,
        })
    });
    Ok(found.optional()?)
}
