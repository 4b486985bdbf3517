//! The log book of a memory store.

use async_trait::async_trait;
use headcount_model::JobId;

use super::state::{Log, MemoryStore};
use crate::{LogBook, LogChunk, LogPage, StoreError};

#[async_trait]
impl LogBook for MemoryStore {
    async fn append(
        &self,
        job: JobId,
        attempt: u32,
        limit_bytes: u64,
        mut chunks: Vec<LogChunk>,
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        if chunks.is_empty() {
            let log = state.logs.get(&(job, attempt));
            return Ok(log.map_or(0, |log| log.through));
        }
        chunks.sort_by_key(|chunk| chunk.number);
        let log = state.logs.entry((job, attempt)).or_default();
        for chunk in chunks {
            log.take_in(chunk, limit_bytes);
        }
        Ok(log.through)
    }

    async fn read(
        &self,
        job: JobId,
        attempt: Option<u32>,
        after: u64,
        max_bytes: usize,
    ) -> Result<LogPage, StoreError> {
        let state = self.state();
        let attempts = (job, attempt.unwrap_or(0))..=(job, attempt.unwrap_or(u32::MAX));
        let Some(((_, attempt), log)) = state.logs.range(attempts).next_back() else {
            return Ok(LogPage::default());
        };
        Ok(LogPage {
            attempt: Some(*attempt),
            chunks: log.page(after, max_bytes),
            truncated: log.truncated,
        })
    }
}

impl Log {
    fn take_in(&mut self, mut chunk: LogChunk, limit_bytes: u64) {
        if chunk.number <= self.through || self.chunks.contains_key(&chunk.number) {
            return;
        }
        let next = self.through + 1;
        let number = chunk.number;
        let room = usize::try_from(limit_bytes.saturating_sub(self.bytes)).unwrap_or(usize::MAX);
        if !self.truncated {
            self.truncated = chunk.bytes.len() > room;
            chunk.bytes.truncate(room);
            self.bytes += chunk.bytes.len() as u64;
            self.chunks.insert(number, chunk);
        } else if number == next {
            self.through = next;
        }
        while self.chunks.contains_key(&(self.through + 1)) {
            self.through += 1;
        }
    }

    fn page(&self, after: u64, max_bytes: usize) -> Vec<LogChunk> {
        let mut page = Vec::new();
        let mut bytes = 0_usize;
        for (_, chunk) in self.chunks.range(after.saturating_add(1)..) {
            let full = !page.is_empty() && bytes.saturating_add(chunk.bytes.len()) > max_bytes;
            if chunk.number > self.through || full {
                break;
            }
            bytes = bytes.saturating_add(chunk.bytes.len());
            page.push(chunk.clone());
        }
        page
    }
}
