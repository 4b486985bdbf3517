//! The output of one attempt, from the pipe until the daemon has stored it.
//!
//! Promise: what is kept is numbered without gaps and, once handed out, never changes, so
//! that sending it again does no harm; memory stays within [`WINDOW_BYTES`] plus what the
//! job's pipes held when it ended; what is left out leaves a note that says so.
//!
//! Leaves to others: reading pipes (`capture`), sending (`desk`, `line`), clocks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use headcount_api::agent::{LogPressure, Stream};

/// Output kept for one attempt while it is not stored, in bytes.
pub(crate) const WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// The most that is read from a pipe at once, and the largest chunk.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// This much is sent without waiting for more.
const FLUSH_BYTES: usize = 64 * 1024;
/// Less is sent at most this often.
const FLUSH_EVERY: Duration = Duration::from_millis(50);
/// What a chunk costs beyond its bytes, so that many tiny ones are bounded too.
const CHUNK_COST: usize = 64;

/// A piece of output, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) number: u64,
    pub(crate) at_ms: u64,
    pub(crate) stream: Stream,
    pub(crate) bytes: Vec<u8>,
}

/// When there is something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Now.
    Now,
    /// Then, unless more comes before.
    At(Instant),
    /// Nothing to send.
    Never,
}

/// The output of one attempt.
pub(crate) struct Outbox {
    pressure: LogPressure,
    limit_bytes: u64,
    accepted_bytes: u64,
    limit_reached: bool,
    kept: VecDeque<Piece>,
    kept_cost: usize,
    last_number: u64,
    /// Pieces up to here were handed out once; they do not change any more.
    frozen_through: u64,
    /// Pieces up to here were handed out on this connection.
    sent_through: u64,
    /// The bytes of the pieces after `sent_through`.
    unsent_bytes: usize,
    last_flush: Option<Instant>,
    losses: Losses,
    closed: bool,
}

/// Lines that were dropped since the last note.
#[derive(Default)]
struct Losses {
    dropping: bool,
    lines: u64,
    /// Per stream: the last line was dropped in part, so its rest goes too.
    cut: [bool; 2],
}

impl Outbox {
    pub(crate) fn new(pressure: LogPressure, limit_bytes: u64) -> Self {
        Self {
            pressure,
            limit_bytes,
            accepted_bytes: 0,
            limit_reached: false,
            kept: VecDeque::new(),
            kept_cost: 0,
            last_number: 0,
            frozen_through: 0,
            sent_through: 0,
            unsent_bytes: 0,
            last_flush: None,
            losses: Losses::default(),
            closed: false,
        }
    }

    /// Whether the pipes may be read now. When not, it becomes so with `stored`.
    pub(crate) fn has_room(&self) -> bool {
        self.pressure == LogPressure::Drop
            || self.limit_reached
            || self.kept_cost + CHUNK_BYTES + CHUNK_COST <= WINDOW_BYTES
    }

    /// Takes what was read from a pipe, or accounts for leaving it out.
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8], at_ms: u64) {
        if self.limit_reached || bytes.is_empty() {
            return;
        }
        let rest = match self.pressure {
            LogPressure::Pause => bytes,
            LogPressure::Drop => self.lose(stream, bytes),
        };
        if !rest.is_empty() {
            self.note_losses(at_ms);
            self.accept(stream, rest, at_ms);
        }
    }

    /// Both pipes are at their end: nothing more comes.
    pub(crate) fn close(&mut self, at_ms: u64) {
        let cut = self.losses.cut.iter().filter(|cut| **cut).count();
        self.losses.lines += cut as u64;
        self.losses.cut = [false; 2];
        if !self.limit_reached {
            self.note_losses(at_ms);
        }
        self.closed = true;
    }

    /// When the next pieces should be sent. The first output goes at once.
    pub(crate) fn due(&self, now: Instant) -> Due {
        if self.sent_through == self.last_number {
            return Due::Never;
        }
        let again = self.sent_through < self.frozen_through;
        if again || self.closed || self.unsent_bytes >= FLUSH_BYTES {
            return Due::Now;
        }
        match self.last_flush.map(|last| last + FLUSH_EVERY) {
            Some(next) if next > now => Due::At(next),
            _ => Due::Now,
        }
    }

    /// Hands out the next pieces, at most `max_cost` (their bytes, and [`CHUNK_COST`] for
    /// each, which is about what a message grows by), at least one piece if any.
    pub(crate) fn take(&mut self, now: Instant, max_cost: usize) -> Vec<Piece> {
        let mut taken = Vec::new();
        let mut cost = 0;
        for piece in self.kept.range(self.first_unsent()..) {
            cost += piece.bytes.len() + CHUNK_COST;
            if !taken.is_empty() && cost > max_cost {
                break;
            }
            self.unsent_bytes -= piece.bytes.len();
            taken.push(piece.clone());
        }
        if let Some(last) = taken.last() {
            self.sent_through = last.number;
            self.frozen_through = self.frozen_through.max(last.number);
            self.last_flush = Some(now);
        }
        taken
    }

    /// The daemon has stored everything up to `through`. A number that was never handed
    /// out says nothing.
    pub(crate) fn stored(&mut self, through: u64) {
        if through > self.frozen_through {
            return;
        }
        while self
            .kept
            .front()
            .is_some_and(|piece| piece.number <= through)
        {
            if let Some(piece) = self.kept.pop_front() {
                self.kept_cost -= piece.bytes.len() + CHUNK_COST;
            }
        }
        if through > self.sent_through {
            self.sent_through = through;
            self.count_unsent();
        }
    }

    /// A new connection: what is not stored goes again.
    pub(crate) fn rewind(&mut self) {
        let first_kept = self.kept.front().map(|piece| piece.number);
        self.sent_through = first_kept.map_or(self.last_number, |number| number - 1);
        self.count_unsent();
    }

    /// Whether everything there is was handed out on this connection.
    pub(crate) fn all_sent(&self) -> bool {
        self.sent_through == self.last_number
    }

    /// Accounts for what has no room; returns what may be kept.
    fn lose<'a>(&mut self, stream: Stream, bytes: &'a [u8]) -> &'a [u8] {
        let losses = &mut self.losses;
        // Half the window must be free again before lines are kept, so that the notes
        // between dropped lines stay few.
        losses.dropping = if losses.dropping {
            self.kept_cost > WINDOW_BYTES / 2
        } else {
            self.kept_cost + bytes.len() + CHUNK_COST > WINDOW_BYTES
        };
        let cut = &mut losses.cut[usize::from(stream == Stream::Err)];
        if losses.dropping {
            losses.lines += count_lines(bytes);
            *cut = bytes.last() != Some(&b'\n');
            return &[];
        }
        if !*cut {
            return bytes;
        }
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                *cut = false;
                losses.lines += 1;
                &bytes[end + 1..]
            }
            None => &[],
        }
    }

    fn note_losses(&mut self, at_ms: u64) {
        let text = match std::mem::take(&mut self.losses.lines) {
            0 => return,
            1 => "1 line dropped".to_owned(),
            lines => format!("{lines} lines dropped"),
        };
        self.append(Stream::Note, text.as_bytes(), at_ms);
    }

    /// Keeps `bytes` as far as the job's limit allows.
    fn accept(&mut self, stream: Stream, bytes: &[u8], at_ms: u64) {
        let left = self.limit_bytes - self.accepted_bytes;
        let allowed = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.accepted_bytes += allowed as u64;
        for part in bytes[..allowed].chunks(CHUNK_BYTES) {
            self.append(stream, part, at_ms);
        }
        if allowed < bytes.len() {
            self.limit_reached = true;
            let text = format!(
                "output limit of {} reached, the rest is dropped",
                size(self.limit_bytes)
            );
            self.append(Stream::Note, text.as_bytes(), at_ms);
        }
    }

    /// Adds to the last piece while nobody has seen it, else makes a new one.
    fn append(&mut self, stream: Stream, bytes: &[u8], at_ms: u64) {
        let frozen = self.frozen_through;
        let last = self.kept.back_mut().filter(|last| {
            last.number > frozen
                && last.stream == stream
                && stream != Stream::Note
                && last.bytes.len() + bytes.len() <= CHUNK_BYTES
        });
        self.kept_cost += bytes.len();
        self.unsent_bytes += bytes.len();
        if let Some(last) = last {
            last.bytes.extend_from_slice(bytes);
            return;
        }
        self.kept_cost += CHUNK_COST;
        self.last_number += 1;
        self.kept.push_back(Piece {
            number: self.last_number,
            at_ms,
            stream,
            bytes: bytes.to_vec(),
        });
    }

    fn first_unsent(&self) -> usize {
        self.kept
            .partition_point(|piece| piece.number <= self.sent_through)
    }

    fn count_unsent(&mut self) {
        let unsent = self.kept.range(self.first_unsent()..);
        self.unsent_bytes = unsent.map(|piece| piece.bytes.len()).sum();
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// A number of bytes for a person: `64 MiB`, `1500 bytes`.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    units
        .into_iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}

#[cfg(test)]
mod tests;
