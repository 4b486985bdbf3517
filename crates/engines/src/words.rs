//! The last output of a container, as its engine kept it.
//!
//! Promise: bounded whatever the container wrote; it only explains, so what cannot be read
//! is left out. Leaves to others: bounding what the engine keeps (`body`).

use std::time::Duration;

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use headcount_ports::texts::last_lines;
use tokio::time::timeout;

use crate::engine::Client;

/// Lines that are remembered of a container that is gone.
pub const REMEMBERED_LINES: usize = 50;
/// For the engine to hand over the lines.
const READ_WAIT: Duration = Duration::from_secs(5);
/// Read at most, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The last lines, oldest first, at most `max_lines`.
pub async fn last_words(client: &Client, name: &str, max_lines: usize) -> Vec<String> {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .tail(&max_lines.to_string())
        .build();
    let mut text = Vec::new();
    let reading = async {
        let mut pieces = client.docker.logs(name, Some(options));
        while let Some(Ok(piece)) = pieces.next().await {
            text.extend_from_slice(piece.as_ref());
            if text.len() > MAX_BYTES {
                text.drain(..text.len() - MAX_BYTES);
            }
        }
    };
    // What came in time is still worth showing.
    let _ = timeout(READ_WAIT, reading).await;
    last_lines(&String::from_utf8_lossy(&text), max_lines)
}
