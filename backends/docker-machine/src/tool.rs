//! `docker-machine` itself: its verbs, each one bounded process.
//!
//! Promise: every word is an argument of its own; a creation goes on without us and writes
//! to a file, everything else ends with the call. Leaves what follows from an answer to
//! `backend`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headcount_calls::{Call, CallError, Maker, Said};
use tokio::sync::Semaphore;

use crate::environment::environment;
use crate::fault::{sentence, words};
use crate::options::{DockerMachineOptions, Pace, find_program};

/// Of calls that only look, and of `rm`.
const MAX_OUTPUT: usize = 1024 * 1024;
/// Tells the tool not to report crashes to its makers.
const BUGSNAG: &str = "MACHINE_BUGSNAG_API_TOKEN";
const NO_REPORT: &str = "no-report";
/// Where a machine's client certificates are.
const CERTIFICATES: &str = "{{.HostOptions.AuthOptions.StorePath}}";

/// One tool with one store.
pub(crate) struct Tool {
    configured: Option<String>,
    host_env: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    creates: Semaphore,
    calls: Semaphore,
    pub(crate) pace: Pace,
}

impl Tool {
    pub(crate) fn new(options: &DockerMachineOptions, store: &Path) -> Self {
        let pace = options.pace;
        Self {
            configured: options.tool.program.clone(),
            environment: environment(&options.host_env, store),
            host_env: options.host_env.clone(),
            creates: Semaphore::new(pace.creates.max(1)),
            calls: Semaphore::new(pace.calls.max(1)),
            pace,
        }
    }

    /// `create`, with these words. Goes on when it is dropped.
    pub(crate) async fn create<F>(
        &self,
        words: Vec<String>,
        secrets: BTreeMap<String, String>,
        log: &Path,
        started: impl FnOnce(Maker) -> F,
    ) -> Result<Said, CallError>
    where
        F: Future<Output = io::Result<()>>,
    {
        let _room = self.creates.acquire().await;
        let mut call = self.call(words, self.pace.create)?;
        call.environment.extend(secrets);
        call.run_on(log, started).await
    }

    /// Sets up again what a creation may have left half-done.
    pub(crate) async fn provision(&self, name: &str) -> Result<(), String> {
        self.done(&["provision", name], self.pace.create).await
    }

    /// Whether it worked does not matter: what counts is `rm`.
    pub(crate) async fn stop(&self, name: &str) {
        if let Err(why) = self.done(&["stop", name], self.pace.stop).await {
            tracing::debug!(machine = name, error = why, "cannot be stopped");
        }
    }

    /// Removes a machine and then its record; a failure keeps the record.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), String> {
        self.done(&["rm", "-y", name], self.pace.remove).await
    }

    /// Whether its engine answers with the right certificate.
    pub(crate) async fn reach(&self, name: &str) -> Result<(), String> {
        self.done(&["config", name], self.pace.look).await
    }

    /// Where its engine is.
    pub(crate) async fn url(&self, name: &str) -> Result<String, String> {
        let url = self.answer(&["url", name]).await?;
        match url.starts_with("tcp://") {
            true => Ok(url),
            false => Err(format!(
                "`docker-machine url` said `{}`, which is no address of an engine",
                url.escape_debug()
            )),
        }
    }

    /// The folder with the certificates for its engine.
    pub(crate) async fn certificates(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.answer(&["inspect", name, "-f", CERTIFICATES]).await?;
        match path.starts_with('/') {
            true => Ok(path.into()),
            false => Err(format!(
                "`docker-machine inspect` said `{}`, which is no folder of certificates",
                path.escape_debug()
            )),
        }
    }

    /// One line of answer.
    async fn answer(&self, arguments: &[&str]) -> Result<String, String> {
        let said = self.run(arguments, self.pace.look).await?;
        let text = String::from_utf8_lossy(&said.output);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        match (lines.next(), lines.next()) {
            (Some(line), None) => Ok(line.to_owned()),
            _ => Err(format!(
                "`docker-machine {}` did not answer with one line",
                arguments.first().unwrap_or(&"")
            )),
        }
    }

    async fn done(&self, arguments: &[&str], deadline: Duration) -> Result<(), String> {
        self.run(arguments, deadline).await.map(drop)
    }

    /// Any call but `create`. The error is a sentence.
    async fn run(&self, arguments: &[&str], deadline: Duration) -> Result<Said, String> {
        let _room = self.calls.acquire().await;
        let words_of = arguments.iter().map(|word| (*word).to_owned()).collect();
        let call = self.call(words_of, deadline);
        let call = call.map_err(|error| error.to_string())?;
        let said = call.run().await.map_err(|error| error.to_string())?;
        match said.code {
            Some(0) => Ok(said),
            _ => Err(sentence(
                arguments.first().unwrap_or(&""),
                &said,
                &words(&said, None),
            )),
        }
    }

    fn call(&self, words: Vec<String>, deadline: Duration) -> Result<Call, CallError> {
        // Looked for each time: it may be installed, or mended, while the daemon runs.
        let program = find_program(self.configured.as_deref(), &self.host_env);
        let program = program.map_err(|reason| CallError::NotStarted {
            program: "docker-machine".into(),
            reason,
        })?;
        let token = self.host_env.get(BUGSNAG).filter(|it| !it.is_empty());
        let token = token.map_or(NO_REPORT, String::as_str);
        let mut arguments = vec![format!("--bugsnag-api-token={token}")];
        arguments.extend(words);
        Ok(Call {
            program,
            arguments,
            environment: self.environment.clone(),
            input: Vec::new(),
            deadline,
            max_output: MAX_OUTPUT,
            sees_left: false,
        })
    }
}
