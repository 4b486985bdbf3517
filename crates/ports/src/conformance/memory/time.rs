//! The time book of a memory store.

use async_trait::async_trait;
use headcount_model::{Timestamp, Usage};

use super::state::MemoryStore;
use crate::{SpentTime, StoreError, TimeBook, TimeSum, TimeSums, add_time};

#[async_trait]
impl TimeBook for MemoryStore {
    async fn spent(&self, since: Timestamp, until: Timestamp) -> Result<SpentTime, StoreError> {
        let state = self.state();
        let begins = state.time.values().map(|piece| piece.from);
        let accounts = state.agents.values().filter_map(|agent| agent.account);
        let begins = begins.chain(accounts.map(|account| account.since)).min();
        let from = begins.unwrap_or(until).max(since).min(until);
        let mut sums = TimeSums::new();
        for piece in state.time.values() {
            let sum = TimeSum::within(piece, from, until);
            add_time(&mut sums, &piece.pool, piece.usage, sum);
        }
        for agent in state.agents.values() {
            if let Some(account) = &agent.account {
                let sum = TimeSum::under_way(account, from, until);
                add_time(&mut sums, &agent.pool, account.usage, sum);
            }
        }
        Ok(SpentTime { from, sums })
    }

    async fn totals(&self, now: Timestamp) -> Result<TimeSums, StoreError> {
        let begin = Timestamp::ZERO;
        let state = self.state();
        let mut sums = TimeSums::new();
        for piece in state.time.values() {
            let sum = TimeSum::within(piece, begin, Timestamp::MAX);
            add_time(&mut sums, &piece.pool, piece.usage, sum);
        }
        for agent in state.agents.values() {
            let account = agent.account.filter(|it| it.usage != Usage::Booting);
            if let Some(account) = account {
                let sum = TimeSum::under_way(&account, begin, now);
                add_time(&mut sums, &agent.pool, account.usage, sum);
            }
        }
        Ok(sums)
    }
}
