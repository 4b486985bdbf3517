//! One run of a program: a document in, a document out.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::child::{Child, NoChild};
use crate::maker::Maker;
use crate::output::{self, Head, Tail};

/// Kept of standard error, its end.
pub(crate) const MAX_WORDS: usize = 16 * 1024;
/// For whoever looks whether a log is still written to, which takes no time.
const LOCK_RETRIES: u32 = 50;
const LOCK_STEP: Duration = Duration::from_millis(20);
/// For the kernel to end what was killed.
pub(crate) const KILL_WAIT: Duration = Duration::from_secs(5);

/// What is run.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its absolute path.
    pub program: PathBuf,
    /// Each handed over as it is.
    pub arguments: Vec<String>,
    /// All of its variables.
    pub environment: BTreeMap<String, String>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// Then its group is killed.
    pub deadline: Duration,
    /// Bytes of standard output that are taken.
    pub max_output: usize,
    /// Whether what it leaves behind is looked for.
    pub sees_left: bool,
}

/// How it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: Vec<u8>,
    /// The end of standard error, on one line.
    pub words: String,
    /// Whether it left somebody behind in its group, if that was to be seen; they are ended.
    pub left: bool,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
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

impl NoChild {
    fn of(self, program: &str) -> CallError {
        let program = program.to_owned();
        match self {
            Self::NotStarted(reason) => CallError::NotStarted { program, reason },
            Self::Lost(reason) => CallError::Lost { program, reason },
        }
    }
}

impl Call {
    /// Runs it. Dropped half-way, it ends the program.
    ///
    /// # Errors
    /// There is no answer; only [`CallError::NotStarted`] means that nothing was done.
    pub async fn run(self) -> Result<Said, CallError> {
        self.run_told(|_| {}).await
    }

    /// The same, and `started` is told who it is once it runs, so that another process can
    /// find it again when this one is killed. Not told when that cannot be seen.
    ///
    /// # Errors
    /// Those of [`Call::run`].
    pub async fn run_told(self, started: impl FnOnce(Maker)) -> Result<Said, CallError> {
        let program = self.program.display().to_string();
        let mut child = Child::start(&self).map_err(|none| none.of(&program))?;
        if let Ok(maker) = child.who() {
            started(maker);
        }
        let mut output = Head::new(self.max_output);
        let mut words = Tail::new(MAX_WORDS);
        let talking = talk(&mut child, &self.input, &mut output, &mut words);
        let talked = timeout(self.deadline, talking).await;
        let lost = |error: io::Error| CallError::Lost {
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
                let words = said_so_far(words.text());
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

impl Call {
    /// Runs it without input; what it says goes to the end of this file, of which the last
    /// words are kept. Dropped half-way, it lets the program go on: a program that makes
    /// something elsewhere is better not cut short. `started` is told who it is, so that it
    /// can be found again. The file grows as long as the program writes, and is locked for as
    /// long as anybody can ([`Writer`](crate::Writer)): from before the program is started, so
    /// that also a program of which nobody was told is never taken for none.
    ///
    /// # Errors
    /// There is no answer; only [`CallError::NotStarted`] means that nothing was done.
    pub async fn run_on<F>(
        self,
        log: &Path,
        started: impl FnOnce(Maker) -> F,
    ) -> Result<Said, CallError>
    where
        F: Future<Output = io::Result<()>>,
    {
        let program = self.program.display().to_string();
        let file = locked(log).await.map_err(|none| none.of(&program))?;
        let mut process = Child::start_on(&self, &file).map_err(|none| none.of(&program))?;
        // The lock lasts for as long as the program has the file.
        drop(file);
        process.let_go_when_dropped();
        let told = match process.who() {
            Ok(maker) => started(maker).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            // Nobody would find it again.
            let ended = process.end(KILL_WAIT).await;
            let lost = ended.err().unwrap_or(error);
            return Err(CallError::Lost {
                program,
                reason: lost.to_string(),
            });
        }
        let in_time = timeout(self.deadline, process.ended()).await;
        let code = process.end(KILL_WAIT).await;
        let lost = |error: io::Error| CallError::Lost {
            program: program.clone(),
            reason: error.to_string(),
        };
        let words = last_words(log);
        match in_time {
            Ok(ended) => ended.map_err(lost)?,
            Err(_) => {
                let deadline = self.deadline;
                return Err(CallError::Late {
                    program,
                    deadline,
                    words: said_so_far(words),
                });
            }
        }
        Ok(Said {
            code: code.map_err(lost)?,
            output: Vec::new(),
            words,
            left: false,
        })
    }
}

/// The log, which nobody else writes: else somebody is at what this program is for.
async fn locked(log: &Path) -> Result<File, NoChild> {
    let path = log.display();
    let unusable = |error: io::Error| {
        NoChild::NotStarted(format!("its log `{path}` cannot be written: {error}"))
    };
    let file = File::options().append(true).create(true).open(log);
    let file = file.map_err(unusable)?;
    for _ in 0..LOCK_RETRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(LOCK_STEP).await,
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
    let taken = format!("another one is at work and writes `{path}`");
    Err(NoChild::Lost(taken))
}

/// The end of what a program has written into its log, on one line.
#[must_use]
pub fn last_words(log: &Path) -> String {
    output::end_of(log, MAX_WORDS)
}

fn said_so_far(words: String) -> String {
    match words.is_empty() {
        true => words,
        false => format!("; it said: {words}"),
    }
}

/// Why a program is not listened to any more.
pub(crate) enum Stop {
    /// It says too much.
    Full,
    /// The system fails.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
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
