//! One run of a provisioner: a document in, a document out.
//!
//! Promise: it ends by its deadline; the program is the leader of a process group of its
//! own, and nothing of that group outlives the call, whether it ends, is late, says too
//! much or is dropped. The program gets the variables it is given and nothing else; what it
//! says is bounded. Leaves to others: what the documents mean.

mod child;
mod output;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use child::Child;
use output::{Head, Tail};

/// A list of 10,000 machines has some 4 MiB; whoever says more is not believed.
pub(crate) const MAX_OUTPUT: usize = 64 * 1024 * 1024;
/// Kept of standard error, its end.
const MAX_WORDS: usize = 16 * 1024;
/// For the kernel to end what was killed.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) program: PathBuf,
    pub(crate) argument: Option<&'static str>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) input: Vec<u8>,
    pub(crate) deadline: Duration,
    pub(crate) max_output: usize,
    /// Whether what it leaves behind is looked for.
    pub(crate) sees_left: bool,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) output: Vec<u8>,
    /// The end of standard error, on one line.
    pub(crate) words: String,
    /// Whether it left somebody behind in its group, if that was to be seen; they are ended.
    pub(crate) left: bool,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// It was not started, so it did nothing.
    #[error("cannot run `{program}`: {reason}")]
    NotStarted {
        /// Its path.
        program: String,
        /// What the system said, and what to do.
        reason: String,
    },
    /// It was ended at its deadline.
    #[error("`{program}` did not answer within {} and was ended{words}", seconds(*deadline))]
    Late {
        /// Its path.
        program: String,
        /// What it was given.
        deadline: Duration,
        /// What it had to say by then.
        words: String,
    },
    /// It was ended because it did not stop talking.
    #[error("`{program}` wrote more than {limit} bytes and was ended")]
    TooMuch {
        /// Its path.
        program: String,
        /// What is taken.
        limit: usize,
    },
    /// It cannot be watched any more; it was ended.
    #[error("`{program}` was lost: {reason}")]
    Lost {
        /// Its path.
        program: String,
        /// What the system said.
        reason: String,
    },
}

impl Call {
    /// Runs it. Dropped half-way, it ends the program.
    ///
    /// # Errors
    /// There is no answer; only [`CallError::NotStarted`] means that nothing was done.
    pub(crate) async fn run(self) -> Result<Said, CallError> {
        let program = self.program.display().to_string();
        let mut child = Child::start(&self).map_err(|reason| CallError::NotStarted {
            program: program.clone(),
            reason,
        })?;
        let mut output = Head::new(self.max_output);
        let mut words = Tail::new(MAX_WORDS);
        let talking = talk(&mut child, &self.input, &mut output, &mut words);
        let talked = timeout(self.deadline, talking).await;
        let lost = |error: std::io::Error| CallError::Lost {
            program: program.clone(),
            reason: error.to_string(),
        };
        match talked {
            Ok(Ok(())) => {}
            Ok(Err(Stop::Full)) => {
                child.end(KILL_WAIT).await.map_err(lost)?;
                let limit = self.max_output;
                return Err(CallError::TooMuch { program, limit });
            }
            Ok(Err(Stop::Io(error))) => return Err(lost(error)),
            Err(_) => {
                child.end(KILL_WAIT).await.map_err(lost)?;
                let words = match words.text() {
                    said if said.is_empty() => said,
                    said => format!("; it said: {said}"),
                };
                let deadline = self.deadline;
                return Err(CallError::Late {
                    program,
                    deadline,
                    words,
                });
            }
        }
        let left = match self.sees_left {
            true => child.leaves_somebody().map_err(lost)?,
            false => false,
        };
        let code = child.end(KILL_WAIT).await.map_err(lost)?;
        // What it wrote is in the pipes; who still holds their other end is not waited for.
        if child.drain(&mut output, &mut words).is_err() {
            let limit = self.max_output;
            return Err(CallError::TooMuch { program, limit });
        }
        Ok(Said {
            code,
            output: output.into_bytes(),
            words: words.text(),
            left,
        })
    }
}

/// Why a program is not listened to any more.
pub(crate) enum Stop {
    /// It says too much.
    Full,
    /// The system fails.
    Io(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Hands it the document and hears it until it has ended.
async fn talk(
    child: &mut Child,
    input: &[u8],
    output: &mut Head,
    words: &mut Tail,
) -> Result<(), Stop> {
    let (pipes, process) = child.parts();
    let feeding = output::feed(pipes.input.take(), input);
    let hearing = async {
        tokio::try_join!(
            output.hear(&mut pipes.output),
            words.hear(&mut pipes.errors)
        )
        .map(drop)
    };
    tokio::pin!(feeding, hearing);
    let (mut fed, mut heard) = (false, false);
    loop {
        tokio::select! {
            ended = process.ended() => return Ok(ended?),
            () = &mut feeding, if !fed => fed = true,
            result = &mut hearing, if !heard => {
                result?;
                heard = true;
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f32())
}

#[cfg(test)]
mod tests;
