//! Counters, for metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::refusal::Code;

/// What happened so far, at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GatewayStats {
    /// Agents that are connected now.
    pub connected: u64,
    /// Agents that were welcomed, every reconnect counted.
    pub welcomed: u64,
    /// Connections refused, by the word that was sent; codes without any are absent.
    pub refused: BTreeMap<&'static str, u64>,
    /// Bytes of output stored, before encoding.
    pub output_bytes: u64,
    /// Times that storing output failed and was tried again.
    pub store_retries: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connected: AtomicU64,
    pub(crate) welcomed: AtomicU64,
    pub(crate) output_bytes: AtomicU64,
    pub(crate) store_retries: AtomicU64,
    refused: [AtomicU64; Code::ALL.len()],
}

impl Counters {
    pub(crate) fn refused(&self, code: Code) {
        self.refused[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> GatewayStats {
        let refused = Code::ALL
            .into_iter()
            .zip(&self.refused)
            .map(|(code, count)| (code.word(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0);
        GatewayStats {
            connected: self.connected.load(Ordering::Relaxed),
            welcomed: self.welcomed.load(Ordering::Relaxed),
            refused: refused.collect(),
            output_bytes: self.output_bytes.load(Ordering::Relaxed),
            store_retries: self.store_retries.load(Ordering::Relaxed),
        }
    }
}
