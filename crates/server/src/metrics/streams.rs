//! Streams that are read for agents, in numbers.

use std::collections::BTreeMap;

use headcount_model::SourceId;

use super::gauges::{Page, float};
use crate::needs::StreamNumbers;

/// What of a stream a metric tells.
type Read = fn(&StreamNumbers) -> u64;

const COUNTERS: [(&str, &str, Read); 4] = [
    (
        "source_entries_taken",
        "Entries of a stream that became jobs",
        |it| it.taken,
    ),
    (
        "source_entries_claimed",
        "Entries of a stream that were taken over from silent consumers",
        |it| it.claimed,
    ),
    (
        "source_entries_acknowledged",
        "Entries of a stream that were acknowledged",
        |it| it.acknowledged,
    ),
    (
        "source_dead_letters",
        "Entries of a stream that were given up",
        |it| it.buried,
    ),
];

const GAUGES: [(&str, &str, Read); 2] = [
    (
        "source_entries_held",
        "Entries of a stream that are pending for this daemon",
        |it| it.held,
    ),
    (
        "source_ends_untold",
        "Ends of jobs that the server of their stream has not heard of",
        |it| it.untold,
    ),
];

impl Page {
    pub(super) fn streams(&mut self, streams: &BTreeMap<SourceId, StreamNumbers>) {
        if streams.is_empty() {
            return;
        }
        let source = |id: &SourceId| vec![("source", id.to_string())];
        for (name, help, read) in COUNTERS {
            let rows = streams.iter();
            self.counters(name, help, rows.map(|(id, it)| (source(id), read(it))));
        }
        for (name, help, read) in GAUGES {
            let rows = streams.iter();
            self.gauges(
                name,
                help,
                rows.map(|(id, it)| (source(id), float(read(it)))),
            );
        }
    }
}
