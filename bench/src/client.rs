//! Who hands jobs to a daemon and sees when they begin: each prints the moment of its first
//! act, by the clock of this machine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use headcount_api::{
    Agent, AgentState, Event, Job, JobState, ProvisioningEvent, ProvisioningStep, SubmitJob,
    SubmittedJob,
};

use crate::daemon::{Daemon, Events};
use crate::http::Connection;

/// For one of many jobs to begin, behind all others.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks at many jobs.
const STEP: Duration = Duration::from_millis(200);

/// Submits jobs and follows what happens.
pub(crate) struct Client {
    events: Events,
    connection: Connection,
    body: String,
}

impl Client {
    /// For jobs of this command, which prints the nanoseconds since 1970 when it begins.
    pub(crate) async fn to_run(daemon: &Daemon, command: &[&str]) -> Result<Self> {
        let command = command.iter().map(|word| (*word).to_owned());
        let job = SubmitJob {
            command: Some(command.collect()),
            runs_on: headcount_api::LabelList(vec!["bench".to_owned()]),
            ..SubmitJob::default()
        };
        Ok(Self {
            connection: daemon.ready().await?,
            events: daemon.events().await?,
            body: serde_json::to_string(&job)?,
        })
    }

    /// Waits until so many agents are ready and no other exists.
    pub(crate) async fn rest(&mut self, ready: usize) -> Result<()> {
        loop {
            let agents: Vec<Agent> = self.connection.get("/api/v1/agents").await?;
            let idle = |a: &Agent| a.state == AgentState::Idle && a.connected == Some(true);
            if agents.len() == ready && agents.iter().all(idle) {
                return Ok(());
            }
            self.events.next().await?;
        }
    }

    /// Runs one job; how long until it began, from the moment it was sent and from the
    /// moment it was accepted.
    pub(crate) async fn job(&mut self) -> Result<(Duration, Duration)> {
        let body = self.body.clone();
        let sent = now();
        let answer = self.connection.post("/api/v1/jobs", body).await?;
        let accepted = now();
        let job = submitted(&answer.json()?)?;
        self.ended(&job).await?;
        let text = self.output(&job).await?;
        // A job may begin before the answer arrives; then it waited for nothing.
        let from_accepted = between(accepted, &text).unwrap_or_default();
        Ok((between(sent, &text)?, from_accepted))
    }

    /// Hands in so many jobs with one call and waits until all of them run: how long until
    /// the last instance was made, and until the last job began. Then ends them.
    pub(crate) async fn many(&mut self, count: usize) -> Result<(Duration, Duration)> {
        let one: serde_json::Value = serde_json::from_str(&self.body)?;
        let body = serde_json::to_string(&vec![one; count])?;
        let sent = now();
        let answer = self.connection.post("/api/v1/jobs", body).await?;
        let jobs: Vec<SubmittedJob> = answer.json()?;
        for job in &jobs {
            self.runs(&job.id).await?;
        }
        let (mut made, mut began) = (Duration::ZERO, Duration::ZERO);
        for job in &jobs {
            made = made.max(self.made(&job.id, sent).await?);
            began = began.max(between(sent, &self.said(&job.id).await?)?);
        }
        for job in &jobs {
            let path = format!("/api/v1/jobs/{}/cancel", job.id);
            let cancelled = self.connection.post(&path, "{}".to_owned()).await?;
            cancelled.json::<serde_json::Value>()?;
        }
        Ok((made, began))
    }

    /// Waits until a job runs. Seldom asks: what is measured is not disturbed by it.
    async fn runs(&mut self, job: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown: Job = self.connection.get(&format!("/api/v1/jobs/{job}")).await?;
            ensure!(!shown.state.is_ended(), "{job} is {}", shown.state.word());
            if shown.state == JobState::Running {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{job} does not begin");
            tokio::time::sleep(STEP).await;
        }
    }

    /// How long after `sent` the instance for a job was made, by the daemon's own account. An
    /// agent may be ready before its engine has answered.
    async fn made(&mut self, job: &str, sent: SystemTime) -> Result<Duration> {
        let path = format!("/api/v1/jobs/{job}/provisioning");
        let steps: Vec<ProvisioningEvent> = self.connection.get(&path).await?;
        let exists = [ProvisioningStep::Started, ProvisioningStep::Ready];
        let mut steps = steps.iter();
        let made = steps.find(|step| exists.contains(&step.event));
        let made = made.with_context(|| format!("nothing tells when {job}'s agent was made"))?;
        let made = UNIX_EPOCH + Duration::from_millis(made.at.as_millis());
        Ok(made.duration_since(sent).unwrap_or_default())
    }

    /// What a job that runs has printed. It may just be about to.
    async fn said(&mut self, job: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.output(job).await?;
            if text.ends_with('\n') {
                return Ok(text);
            }
            ensure!(Instant::now() < deadline, "{job} prints nothing");
            tokio::time::sleep(STEP).await;
        }
    }

    async fn output(&mut self, job: &str) -> Result<String> {
        let logs = format!("/api/v1/jobs/{job}/logs?format=text");
        Ok(String::from_utf8(self.connection.ask(&logs).await?.body)?)
    }

    /// Waits for the end of a job, which must be a success. Asks nothing meanwhile: the
    /// daemon has its hands free for the job.
    async fn ended(&mut self, job: &str) -> Result<()> {
        loop {
            match self.events.next().await? {
                Event::Job {
                    job: which, state, ..
                } if which == job && state.is_ended() => {
                    ensure!(
                        state == JobState::Succeeded,
                        "{job} ended as {}",
                        state.word()
                    );
                    return Ok(());
                }
                Event::Missed { .. } => bail!("events were missed"),
                _ => {}
            }
        }
    }
}

/// One job is answered as one, or as a list of one.
fn submitted(answer: &serde_json::Value) -> Result<String> {
    let one = answer
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(answer);
    let job: SubmittedJob = serde_json::from_value(one.clone())?;
    Ok(job.id)
}

pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// From a moment to the one a stamp says.
pub(crate) fn between(from: SystemTime, stamp: &str) -> Result<Duration> {
    let nanos: u64 = stamp
        .trim()
        .parse()
        .with_context(|| format!("not a stamp: {stamp:?}"))?;
    let then = UNIX_EPOCH + Duration::from_nanos(nanos);
    then.duration_since(from)
        .context("the clock was set meanwhile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back() {
        let from = UNIX_EPOCH + Duration::from_nanos(5);
        assert_eq!(between(from, "12\n").unwrap(), Duration::from_nanos(7));
        assert!(between(from, "3\n").is_err());
        assert!(between(from, "").is_err());
    }
}
