//! Storing output: each number once, up to the limit.

use headcount_model::JobId;
use headcount_ports::{LogChunk, Stream};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::fault::Fault;
use crate::rows;
use crate::thread::Write;

/// About what a chunk takes besides its bytes, for the bound of a transaction.
const CHUNK_BYTES: usize = 48;

pub(super) struct Append {
    job: JobId,
    attempt: u32,
    limit_bytes: u64,
    /// In order of number.
    chunks: Vec<LogChunk>,
}

impl Append {
    pub(super) fn new(
        job: JobId,
        attempt: u32,
        limit_bytes: u64,
        mut chunks: Vec<LogChunk>,
    ) -> Self {
        chunks.sort_by_key(|chunk| chunk.number);
        Self {
            job,
            attempt,
            limit_bytes,
            chunks,
        }
    }
}

impl Write for Append {
    type Answer = u64;

    fn bytes(&self) -> usize {
        let sizes = self
            .chunks
            .iter()
            .map(|chunk| chunk.bytes.len() + CHUNK_BYTES);
        sizes.sum()
    }

    fn apply(&self, db: &Connection) -> Result<u64, Fault> {
        let mut log = Log::load(db, self.job, self.attempt)?;
        if self.chunks.is_empty() {
            return Ok(log.through);
        }
        let mut chunks = Chunks::prepare(db, self.job, self.attempt)?;
        for chunk in &self.chunks {
            log.take_in(&mut chunks, chunk, self.limit_bytes)?;
        }
        log.save(db, self.job, self.attempt)?;
        Ok(log.through)
    }

    fn touched(&self, _through: &u64) -> Vec<JobId> {
        vec![self.job]
    }
}

/// What is known of an attempt's output without looking at it.
#[derive(Default)]
struct Log {
    through: u64,
    bytes: u64,
    truncated: bool,
}

impl Log {
    fn load(db: &Connection, job: JobId, attempt: u32) -> Result<Self, Fault> {
        let sql = "SELECT through, bytes, truncated FROM log_streams
                   WHERE job = ?1 AND attempt = ?2";
        let mut query = db.prepare_cached(sql)?;
        let found = query.query_row(params![rows::sql(job.0), attempt], |row| {
            Ok(Self {
                through: rows::count(row.get(0)?),
                bytes: rows::count(row.get(1)?),
                truncated: row.get(2)?,
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    fn save(&self, db: &Connection, job: JobId, attempt: u32) -> Result<(), Fault> {
        let sql = "INSERT OR REPLACE INTO log_streams (job, attempt, through, bytes, truncated)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        db.prepare_cached(sql)?.execute(params![
            rows::sql(job.0),
            attempt,
            rows::sql(self.through),
            rows::sql(self.bytes),
            self.truncated,
        ])?;
        Ok(())
    }

    /// Stores what there is room for. Beyond the limit a chunk that follows without a gap
    /// counts as stored; one behind a gap does not, because nothing would remember it.
    fn take_in(
        &mut self,
        chunks: &mut Chunks<'_>,
        chunk: &LogChunk,
        limit_bytes: u64,
    ) -> Result<(), Fault> {
        let next = self.through.saturating_add(1);
        if chunk.number < next {
            return Ok(());
        }
        if !self.truncated {
            let room = limit_bytes.saturating_sub(self.bytes);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let fits = chunk.bytes.get(..room).unwrap_or(&chunk.bytes);
            if chunks.insert(chunk, fits)? {
                self.truncated = fits.len() < chunk.bytes.len();
                self.bytes = self.bytes.saturating_add(fits.len() as u64);
            }
        }
        if chunk.number == next {
            self.through = next;
            self.skip_stored(chunks)?;
        }
        Ok(())
    }

    /// A gap that was filled may have more behind it.
    fn skip_stored(&mut self, chunks: &mut Chunks<'_>) -> Result<(), Fault> {
        while chunks.has(self.through.saturating_add(1))? {
            self.through = self.through.saturating_add(1);
        }
        Ok(())
    }
}

/// The chunks of one attempt.
struct Chunks<'db> {
    job: i64,
    attempt: u32,
    insert: CachedStatement<'db>,
    find: CachedStatement<'db>,
}

impl<'db> Chunks<'db> {
    fn prepare(db: &'db Connection, job: JobId, attempt: u32) -> Result<Self, Fault> {
        let insert = "INSERT OR IGNORE INTO log_chunks (job, attempt, number, at, stream, bytes)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let find = "SELECT 1 FROM log_chunks WHERE job = ?1 AND attempt = ?2 AND number = ?3";
        Ok(Self {
            job: rows::sql(job.0),
            attempt,
            insert: db.prepare_cached(insert)?,
            find: db.prepare_cached(find)?,
        })
    }

    /// Whether it was not there yet.
    fn insert(&mut self, chunk: &LogChunk, bytes: &[u8]) -> Result<bool, Fault> {
        let changed = self.insert.execute(params![
            self.job,
            self.attempt,
            rows::sql(chunk.number),
            rows::sql_moment(chunk.at),
            stream_to_number(chunk.stream),
            bytes,
        ])?;
        Ok(changed > 0)
    }

    fn has(&mut self, number: u64) -> Result<bool, Fault> {
        let key = params![self.job, self.attempt, rows::sql(number)];
        Ok(self.find.exists(key)?)
    }
}

/// The numbers are in files on disk and never change.
const fn stream_to_number(stream: Stream) -> i64 {
    match stream {
        Stream::Out => 1,
        Stream::Err => 2,
        Stream::Note => 3,
    }
}

pub(super) fn stream_from_number(number: i64) -> Result<Stream, Fault> {
    match number {
        1 => Ok(Stream::Out),
        2 => Ok(Stream::Err),
        3 => Ok(Stream::Note),
        _ => Err(Fault::Row(format!(
            "a piece of output cannot be read: no stream has number {number}"
        ))),
    }
}
