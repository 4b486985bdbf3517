//! Machine time and what it cost.

use headcount_ports::TimeSums;

use super::count::Labels;
use super::gauges::{Page, float};

impl Page {
    /// Kept in the ledger, so that they go on over a restart.
    pub(super) fn machine_time(&mut self, sums: &TimeSums) {
        let labels = |pool: &headcount_model::PoolName, state: &str| -> Labels {
            vec![("pool", pool.to_string()), ("state", state.to_owned())]
        };
        let seconds = sums
            .iter()
            .map(|((pool, usage), sum)| (labels(pool, usage.code()), float(sum.millis) / 1000.0));
        let help = "Machine time by what it went into; a launch is counted once it is over";
        self.sums("machine_seconds", help, seconds);
        let cost = sums.iter().map(|((pool, usage), sum)| {
            (labels(pool, usage.code()), float(sum.money.micros()) / 1e6)
        });
        let help = "What machine time cost, where a price is known, in its unit of money";
        self.sums("machine_cost", help, cost);
    }
}
