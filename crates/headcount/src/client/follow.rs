//! A job's output as it comes, across broken connections.
//!
//! Promise: every piece once and in order, however often the connection breaks. Leaves
//! writing it to [`crate::commands`].

use std::time::{Duration, Instant};

use headcount_api::{Job, LogLine, NDJSON};
use headcount_model::JobId;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::lines::Lines;
use super::{Client, ClientError, Patience};

/// A connection that held for this long was a good one: the next break starts afresh.
const GOOD: Duration = Duration::from_secs(10);

/// Which output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct LogQuery {
    /// Which attempt; the latest with output when unset.
    pub(crate) attempt: Option<u32>,
    /// Whether to go on until the job has ended.
    pub(crate) follow: bool,
}

/// What happened to the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Followed {
    /// Something new.
    Line(LogLine),
    /// The connection broke, for this reason; it is tried again. Told once until it is back.
    Interrupted(String),
    /// The connection is back.
    Resumed,
}

/// A stream that mends itself.
#[derive(Debug)]
pub(crate) struct Follow<'a> {
    client: &'a Client,
    job: JobId,
    query: LogQuery,
    /// Attempt and number of the last piece that was given.
    last: Option<(u32, u64)>,
    /// The last attempt that was said to be cut.
    cut: Option<u32>,
    open: Option<Open>,
    /// Whether the open stream began in the middle.
    resumed: bool,
    patience: Patience,
    /// Whether the daemon was there before, so that it may come back.
    known: bool,
    /// Whether a break was told and its end was not.
    away: bool,
    /// Before the next try.
    delay: Option<Duration>,
    over: bool,
}

#[derive(Debug)]
struct Open {
    response: Response,
    lines: Lines,
    since: Instant,
}

impl<'a> Follow<'a> {
    /// A stream that is not open yet. A daemon that is `known` to have been there a moment
    /// ago is waited for from the start.
    pub(crate) fn new(client: &'a Client, job: JobId, query: LogQuery, known: bool) -> Self {
        Self {
            client,
            job,
            query,
            last: None,
            cut: None,
            open: None,
            resumed: false,
            patience: Patience::new(),
            known,
            away: false,
            delay: None,
            over: false,
        }
    }

    /// What comes next; `None` when all has come. Safe to drop and to call again.
    ///
    /// # Errors
    /// The daemon refuses, or is away for too long. Without `follow` every break is one.
    pub(crate) async fn next(&mut self) -> Result<Option<Followed>, ClientError> {
        while !self.over {
            if let Some(delay) = self.delay.take() {
                tokio::time::sleep(delay).await;
            }
            match self.step().await {
                Ok(None) => {}
                Ok(told) => return Ok(told),
                Err(error) => {
                    if let Some(cause) = self.bear(error)? {
                        return Ok(Some(Followed::Interrupted(cause)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// One thing that happens; `None` when there is nothing to tell of it.
    async fn step(&mut self) -> Result<Option<Followed>, ClientError> {
        let Some(open) = &mut self.open else {
            self.resumed = self.last.is_some();
            self.open = Some(self.connect().await?);
            self.known = true;
            let back = std::mem::take(&mut self.away);
            return Ok(back.then_some(Followed::Resumed));
        };
        let line = open.lines.next();
        match line.map_err(|_| self.client.stranger(&open.response))? {
            Some(line) => {
                let ended = matches!(line, LogLine::End { .. });
                if !ended || !self.turn_to_later().await? {
                    return Ok(self.fresh(line).map(Followed::Line));
                }
            }
            None => match open.response.chunk().await {
                Ok(Some(piece)) => open.lines.push(&piece),
                Ok(None) if self.query.follow => return Err(self.client.broken("it hung up")),
                Ok(None) => self.over = true,
                Err(error) => return Err(self.client.of_reading(&error)),
            },
        }
        Ok(None)
    }

    async fn connect(&self) -> Result<Open, ClientError> {
        let mut query = vec![("format", "ndjson".to_owned())];
        if self.query.follow {
            query.push(("follow", "true".to_owned()));
        }
        // A resumption goes on in the attempt that it was in.
        let attempt = self.last.map(|(attempt, _)| attempt).or(self.query.attempt);
        if let Some(attempt) = attempt {
            query.push(("attempt", attempt.to_string()));
        }
        if let Some((_, number)) = self.last {
            query.push(("after", number.to_string()));
        }
        let job = self.job.to_string();
        let response = self.client.open(&["jobs", &job, "logs"], &query).await?;
        let kind = response.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(NDJSON.as_bytes())) {
            return Err(self.client.stranger(&response));
        }
        Ok(Open {
            response,
            lines: Lines::default(),
            since: Instant::now(),
        })
    }

    /// A resumed stream names the attempt it goes on in, and what names an attempt may end
    /// with it: turns to the next attempt, if there is one.
    async fn turn_to_later(&mut self) -> Result<bool, ClientError> {
        let (Some((attempt, _)), true, None) = (self.last, self.resumed, self.query.attempt) else {
            return Ok(false);
        };
        let job: Job = self
            .client
            .get(&["jobs", &self.job.to_string()], &[])
            .await?;
        let later = job.latest.is_some_and(|latest| latest.attempt > attempt);
        if later {
            self.last = Some((attempt.saturating_add(1), 0));
            self.open = None;
        }
        Ok(later)
    }

    /// The line, unless it was given before.
    fn fresh(&mut self, line: LogLine) -> Option<LogLine> {
        match &line {
            LogLine::Output {
                attempt, number, ..
            } => {
                let place = Some((*attempt, *number));
                if place <= self.last {
                    return None;
                }
                self.last = place;
            }
            LogLine::Truncated { attempt } => {
                if self.cut >= Some(*attempt) {
                    return None;
                }
                self.cut = Some(*attempt);
            }
            LogLine::End { .. } => self.over = true,
        }
        Some(line)
    }

    /// Prepares another try, if one makes sense. Tells why when it is the first one.
    fn bear(&mut self, error: ClientError) -> Result<Option<String>, ClientError> {
        let now = Instant::now();
        let held = self.open.take().map(|open| now - open.since);
        if held.is_some_and(|held| held >= GOOD) {
            self.patience.restore();
        }
        if !self.query.follow || !self.known || !error.is_passing() {
            return Err(error);
        }
        match self.patience.delay(now) {
            None => Err(error),
            Some(delay) => {
                self.delay = Some(delay);
                let first = !std::mem::replace(&mut self.away, true);
                Ok(first.then(|| error.to_string()))
            }
        }
    }
}
