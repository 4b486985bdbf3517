//! How many jobs a second are accepted durably, through the HTTP API of a real daemon. No
//! pool serves them, so that nothing else is measured.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use headcount_api::{LabelList, SubmitJob, SubmittedJob};

use super::block_on;
use crate::daemon::{Daemon, Home};
use crate::http::Connection;
use crate::stats::{Sample, ms, per_second, rate};
use crate::table::Line;

/// Jobs of one batch call.
const BATCH: usize = 1_000;
/// Batch calls, one after the other.
const BATCHES: usize = 30;
const BATCH_BUDGET: f64 = 50_000.0;
/// Keep-alive connections, each with one request at a time.
const CONNECTIONS: usize = 64;
/// Jobs sent over each, one a request.
const JOBS_EACH: usize = 300;
const SINGLE_BUDGET: f64 = 5_000.0;
/// Requests before those that count, over each connection.
const WARM_UP: usize = 5;

const CONFIG: &str = "version: 1\nscalers: []\n";

pub(crate) fn measure() -> Result<Vec<Line>> {
    block_on(async {
        let home = Home::new(CONFIG)?;
        let daemon = home.start()?;
        daemon.ready().await?;
        let lines = vec![batch(&daemon).await?, single(&daemon).await?];
        daemon.stop(&home).await?;
        Ok(lines)
    })
}

fn job() -> SubmitJob {
    SubmitJob {
        command: Some(vec!["true".to_owned()]),
        runs_on: LabelList(vec!["nobody-has-this".to_owned()]),
        ..SubmitJob::default()
    }
}

async fn batch(daemon: &Daemon) -> Result<Line> {
    let mut connection = daemon.connect().await?;
    let body = serde_json::to_string(&vec![job(); BATCH])?;
    let mut times = Vec::with_capacity(BATCHES);
    for n in 0..BATCHES + WARM_UP {
        let body = body.clone();
        let started = Instant::now();
        let answer = connection.post("/api/v1/jobs", body).await?;
        let took = started.elapsed();
        let jobs: Vec<SubmittedJob> = answer.json()?;
        ensure!(
            jobs.len() == BATCH,
            "{} of {BATCH} jobs were accepted",
            jobs.len()
        );
        if n >= WARM_UP {
            times.push(took);
        }
    }
    let times = Sample::new(times);
    let measured = per_second(BATCH, times.median());
    Ok(Line {
        what: "durable submits, one batch call of 1,000".into(),
        budget: "≥ 50,000/s".into(),
        measured: format!(
            "{} ({} a call, p99 {})",
            rate(measured),
            ms(times.median()),
            ms(times.percentile(99))
        ),
        holds: (measured >= BATCH_BUDGET).into(),
    })
}

async fn single(daemon: &Daemon) -> Result<Line> {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(daemon.connect().await?);
    }
    let body = serde_json::to_string(&job())?;
    rounds(&mut connections, |c| submit(c, &body, WARM_UP)).await?;
    let took = rounds(&mut connections, |c| submit(c, &body, JOBS_EACH)).await?;
    let submits = per_second(CONNECTIONS * JOBS_EACH, took);
    // The same requests without anything durable: what HTTP and the client leave over.
    let took = rounds(&mut connections, |c| healthy(c, JOBS_EACH)).await?;
    let bare = per_second(CONNECTIONS * JOBS_EACH, took);
    Ok(Line {
        what: "durable submits, 64 keep-alive connections".into(),
        budget: "≥ 5,000/s".into(),
        measured: format!(
            "{} (requests that store nothing: {})",
            rate(submits),
            rate(bare)
        ),
        holds: (submits >= SINGLE_BUDGET).into(),
    })
}

/// Runs the same over every connection at once; how long all of them took.
async fn rounds<'a, F>(
    connections: &'a mut [Connection],
    each: impl Fn(&'a mut Connection) -> F,
) -> Result<Duration>
where
    F: Future<Output = Result<()>>,
{
    let started = Instant::now();
    try_join_all(connections.iter_mut().map(each)).await?;
    Ok(started.elapsed())
}

async fn submit(connection: &mut Connection, body: &str, jobs: usize) -> Result<()> {
    for _ in 0..jobs {
        let answer = connection.post("/api/v1/jobs", body.to_owned()).await?;
        ensure!(answer.status == 201, "answered {}", answer.status);
    }
    Ok(())
}

async fn healthy(connection: &mut Connection, requests: usize) -> Result<()> {
    for _ in 0..requests {
        let answer = connection.ask("/healthz").await?;
        ensure!(answer.status == 200, "answered {}", answer.status);
    }
    Ok(())
}
