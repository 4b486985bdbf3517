//! Arguments of `jobs`, `logs` and `cancel`.

use clap::Args;
use headcount_api::JobState;
use headcount_model::JobId;

/// The most jobs that the daemon lists at once.
const MAX_LIMIT: i64 = headcount_api::MAX_LIMIT as i64;

/// Arguments of `jobs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct JobsArgs {
    /// Only jobs that stand like this; several with commas
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = state)]
    pub(crate) states: Vec<JobState>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=MAX_LIMIT))]
    pub(crate) limit: u32,
    /// Only jobs older than this one, to see the next page
    #[arg(long, value_name = "JOB")]
    pub(crate) before: Option<JobId>,
}

/// The words for how a job stands.
fn state(word: &str) -> Result<JobState, String> {
    JobState::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = JobState::ALL.iter().map(|state| state.word()).collect();
        format!("a job is one of {}", words.join(", "))
    })
}

/// Arguments of `logs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogsArgs {
    /// The job, as `headcount submit` printed it
    pub(crate) job: JobId,
    /// Go on until the job has ended
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Which attempt; without it, the latest that wrote something
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempt: Option<u32>,
}

/// Arguments of `cancel`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CancelArgs {
    /// The jobs, as `headcount submit` printed them
    #[arg(required = true, value_name = "JOB")]
    pub(crate) jobs: Vec<JobId>,
}
