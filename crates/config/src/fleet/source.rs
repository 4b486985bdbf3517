//! Streams that are read for agents, as whoever reads them takes them.

use std::sync::Arc;

use headcount_model::{SourceId, StreamSource};

use super::queue::connection;
use crate::secrets::Secrets;
use crate::settings::Source;

/// Secrets that cannot be read are problems; the source is left out then.
pub(crate) fn lower_sources(sources: &[Source], secrets: &mut Secrets<'_>) -> Vec<StreamSource> {
    let sources = sources.iter();
    sources
        .filter_map(|source| lower(source, secrets))
        .collect()
}

fn lower(source: &Source, secrets: &mut Secrets<'_>) -> Option<StreamSource> {
    Some(StreamSource {
        id: SourceId::new(&source.name),
        connection: Arc::new(connection(&source.server, secrets)?),
        stream: source.stream.clone(),
        group: source.group.clone(),
        dead_letters: source.dead_letters.clone(),
        min_idle: source.min_idle,
        attempts: source.attempts,
        left_out: source.left_out.clone(),
        polling: source.polling,
        job: source.job.clone(),
    })
}
