//! Random moments that can be repeated.

use std::hash::{BuildHasher, RandomState};

/// Names the seed to repeat.
const SEED: &str = "HEADCOUNT_E2E_SEED";

/// A small generator (SplitMix64): good enough to choose moments.
pub struct Random(u64);

impl Random {
    /// A new seed, or the one that the environment names; printed, so that a failure can be
    /// tried again.
    pub fn new(test: &str) -> Self {
        let named = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
        let seed = named.unwrap_or_else(|| RandomState::new().hash_one(test));
        eprintln!("{test}: repeat with {SEED}={seed}");
        Self(seed)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// One of them.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let last = u64::try_from(items.len()).unwrap().checked_sub(1)?;
        items.get(usize::try_from(self.between(0, last)).unwrap())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
