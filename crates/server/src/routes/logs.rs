//! Output of jobs: what is there, and what comes.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use headcount_api::{LogLine, NDJSON, Problem};
use headcount_model::JobId;
use headcount_ports::{LogPage, StoreError};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use super::jobs::find;
use crate::needs::JobWatch;
use crate::read::{Params, job_id};
use crate::refused::Answer;
use crate::server::Server;
use crate::show;

/// One page read from the book, in bytes; what a slow client holds up.
const PAGE_BYTES: usize = 64 * 1024;
const PLAIN: &str = "text/plain; charset=utf-8";

/// Which output, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct LogParams {
    /// Which attempt, from 1; the latest that has output when left out. A followed log
    /// goes on with later attempts.
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// Only output after this number; with `attempt`, to go on where a stream broke.
    after: Option<u64>,
    /// Goes on until the job has ended.
    follow: Option<bool>,
    /// `text` is the output as it came; `ndjson` is one JSON object a line.
    format: Option<Format>,
}

/// How output is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// As it came, both streams together; remarks begin with `[headcount] `.
    #[default]
    Text,
    /// One [`LogLine`] a line.
    Ndjson,
}

/// A job's output, while it grows if `follow` is set.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/logs",
    operation_id = "getJobLogs",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id", example = "job-42"), LogParams),
    responses(
        (status = 200, description = "The output: as text, or as one `LogLine` a line", content(
            (String = "text/plain"),
            (LogLine = "application/x-ndjson"),
        )),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many streams are open", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn logs(
    State(server): State<Server>,
    Path(id): Path<String>,
    Params(params): Params<LogParams>,
) -> Answer<Response> {
    let job = job_id(&id)?;
    let follow = params.follow.unwrap_or(false);
    // Watched before anything is read, so that nothing falls between.
    let watch = match follow {
        true => Some(server.queue().watch(job)?),
        false => None,
    };
    find(&server, job).await?;
    let format = params.format.unwrap_or_default();
    let reader = Reader {
        _place: server.stream_place()?,
        server,
        job,
        attempt: params.attempt,
        after: params.after.unwrap_or(0),
        watch,
        format,
        told_truncated: false,
        ended: false,
    };
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        Ok::<_, StoreError>(piece.map(|piece| (piece, reader)))
    });
    let kind = match format {
        Format::Text => PLAIN,
        Format::Ndjson => NDJSON,
    };
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response())
}

/// Reads a job's output piece by piece, as fast as the client takes it.
struct Reader {
    _place: OwnedSemaphorePermit,
    server: Server,
    job: JobId,
    /// The attempt that is read; unset until one has output.
    attempt: Option<u32>,
    /// The last number sent of it.
    after: u64,
    /// Set while following.
    watch: Option<Box<dyn JobWatch>>,
    format: Format,
    told_truncated: bool,
    /// Whether everything was sent.
    ended: bool,
}

impl Reader {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while !self.ended {
            // How the job stands is read before its output: what is stored after an end
            // was seen does not exist.
            let record = self.server.jobs().get(self.job).await?;
            let page = self.page().await?;
            let piece = self.piece(page);
            if !piece.is_empty() {
                return Ok(Some(piece.into()));
            }
            let newest = record.as_ref().and_then(|record| record.latest.as_ref());
            if self.go_on_with_later(newest.map(|latest| latest.attempt)) {
                continue;
            }
            let end = record.as_ref().filter(|record| record.status.is_ended());
            if let Some(record) = end {
                self.ended = true;
                let state = show::job_state(record.status);
                return Ok(self.line(&LogLine::End { state }).map(Bytes::from));
            }
            if record.is_none() || !self.wait().await? {
                self.ended = true;
            }
        }
        Ok(None)
    }

    async fn page(&mut self) -> Result<LogPage, StoreError> {
        let logs = self.server.logs();
        logs.read(self.job, self.attempt, self.after, PAGE_BYTES)
            .await
    }

    /// What a page says, and where it leaves us.
    fn piece(&mut self, page: LogPage) -> Vec<u8> {
        let mut piece = Vec::new();
        let Some(attempt) = page.attempt else {
            return piece;
        };
        self.attempt = Some(attempt);
        let at_end = page.chunks.is_empty();
        for chunk in page.chunks {
            self.after = chunk.number;
            match self.format {
                Format::Text => piece.extend(show::plain_bytes(chunk)),
                Format::Ndjson => {
                    let line = show::log_line(attempt, chunk);
                    piece.extend(self.line(&line).unwrap_or_default());
                }
            }
        }
        if at_end && page.truncated && !self.told_truncated {
            self.told_truncated = true;
            piece.extend(self.truncated(attempt));
        }
        piece
    }

    fn truncated(&self, attempt: u32) -> Vec<u8> {
        match self.format {
            Format::Text => b"[headcount] output beyond the job's limit was not stored\n".to_vec(),
            Format::Ndjson => self
                .line(&LogLine::Truncated { attempt })
                .unwrap_or_default(),
        }
    }

    /// One line of the stream; nothing for plain text.
    fn line(&self, line: &LogLine) -> Option<Vec<u8>> {
        if self.format == Format::Text {
            return None;
        }
        // Only texts and numbers, which always can be written as JSON.
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        Some(text)
    }

    /// Turns to the next attempt, if all was read of this one and there is a later one.
    fn go_on_with_later(&mut self, newest: Option<u32>) -> bool {
        let (Some(attempt), Some(newest)) = (self.attempt, newest) else {
            return false;
        };
        let later = self.watch.is_some() && newest > attempt;
        if later {
            self.attempt = Some(attempt + 1);
            self.after = 0;
            self.told_truncated = false;
        }
        later
    }

    /// Waits for something new; whether there may be any.
    async fn wait(&mut self) -> Result<bool, StoreError> {
        let Some(watch) = &mut self.watch else {
            return Ok(false);
        };
        let closing = self.server.closing();
        match closing.run_until_cancelled(watch.changed()).await {
            Some(changed) => changed.map(|()| true),
            None => Ok(false),
        }
    }
}
