//! The time book: what the time of agents went into, and what it cost.

use std::collections::BTreeMap;

use async_trait::async_trait;
use headcount_model::{Account, Money, PoolName, Price, TimeSpent, Timestamp, Usage};

use crate::StoreError;

/// Adds up the time of agents. Called by the API; written through
/// [`Ledger::commit`](crate::Ledger::commit).
#[async_trait]
pub trait TimeBook: Send + Sync {
    /// Time between two moments, by pool and usage; what is under way counts up to `until`.
    ///
    /// # Errors
    /// The book cannot be read.
    async fn spent(&self, since: Timestamp, until: Timestamp) -> Result<SpentTime, StoreError>;

    /// All time that was ever written down, and what is under way at `now`, but for launches:
    /// they are counted once it is known what they came to. Of equal books a later one has
    /// no smaller number.
    ///
    /// # Errors
    /// The book cannot be read.
    async fn totals(&self, now: Timestamp) -> Result<TimeSums, StoreError>;
}

/// Time by pool and usage.
pub type TimeSums = BTreeMap<(PoolName, Usage), TimeSum>;

/// Time between two moments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpentTime {
    /// From when on nothing is missing: as asked, or later where the book begins later.
    pub from: Timestamp,
    /// What there is.
    pub sums: TimeSums,
}

/// Some time, and what it cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeSum {
    /// Milliseconds.
    pub millis: u64,
    /// Those of them whose price is not known.
    pub unpriced_millis: u64,
    /// What the others cost.
    pub money: Money,
}

impl TimeSum {
    /// So much time at one price.
    #[must_use]
    pub fn of(millis: u64, price: Option<Price>) -> Self {
        Self {
            millis,
            unpriced_millis: if price.is_none() { millis } else { 0 },
            money: price.map_or(Money::default(), |price| Money::of(millis, price)),
        }
    }

    /// Of a piece that is over, what lies between two moments.
    #[must_use]
    pub fn within(spent: &TimeSpent, since: Timestamp, until: Timestamp) -> Self {
        Self::between(spent.from.max(since), spent.until.min(until), spent.price)
    }

    /// Of what is under way, what lies between two moments.
    #[must_use]
    pub fn under_way(account: &Account, since: Timestamp, until: Timestamp) -> Self {
        Self::between(account.since.max(since), until, account.price)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            millis: self.millis.saturating_add(other.millis),
            unpriced_millis: self.unpriced_millis.saturating_add(other.unpriced_millis),
            money: self.money.plus(other.money),
        }
    }

    fn between(from: Timestamp, until: Timestamp, price: Option<Price>) -> Self {
        let span = until.since(from).as_millis();
        Self::of(u64::try_from(span).unwrap_or(u64::MAX), price)
    }
}

/// Adds to the sum of a pool and usage; nothing makes no entry.
pub fn add_time(sums: &mut TimeSums, pool: &PoolName, usage: Usage, sum: TimeSum) {
    if sum.millis > 0 {
        let entry = sums.entry((pool.clone(), usage)).or_default();
        *entry = entry.plus(sum);
    }
}
