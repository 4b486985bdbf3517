//! The bounds of a job. Whatever passes can be kept, sent to an agent and executed.

use std::time::Duration;

use headcount_model::{Command, Selectors, Timestamp};
use headcount_patterns::Checked;
use headcount_ports::NewJob;

use crate::submit::SubmitError;

/// Jobs in one call.
pub const MAX_BATCH: usize = 10_000;
/// All texts of a job together, in bytes.
pub const MAX_JOB_BYTES: usize = 1 << 20;
/// Program and arguments.
pub const MAX_ARGUMENTS: usize = 10_000;
/// A job's name or key, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// `runsOn` and `exclude`, each.
pub const MAX_LABELS: usize = 64;
/// One label, in bytes.
pub const MAX_LABEL_BYTES: usize = 256;
/// Further attempts.
pub const MAX_RETRIES: u32 = 100;
/// The longest timeout.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest time between TERM and KILL.
pub const MAX_GRACE: Duration = Duration::from_secs(60 * 60);
/// The most stored output, in bytes.
pub const MAX_LOG_LIMIT_BYTES: u64 = 1 << 30;

/// What is wrong: the field and a sentence.
type Wrong = (&'static str, String);

pub(crate) fn check_batch(n_jobs: usize) -> Result<(), SubmitError> {
    if n_jobs <= MAX_BATCH {
        return Ok(());
    }
    Err(SubmitError::Invalid {
        index: MAX_BATCH,
        field: "jobs",
        message: format!("a call holds at most {MAX_BATCH} jobs, this one has {n_jobs}; split it"),
    })
}

/// Checks one job, the `index`th of its call.
pub(crate) fn check(
    index: usize,
    job: &NewJob,
    patterns: &mut Checked,
    now: Timestamp,
) -> Result<(), SubmitError> {
    let checks = [command, texts, env, labels, numbers, size];
    let wrong = checks.iter().find_map(|check| check(job).err());
    let wrong = wrong.or_else(|| of_patterns(job, patterns).err());
    match wrong.or_else(|| expiry(job, now).err()) {
        None => Ok(()),
        Some((field, message)) => Err(SubmitError::Invalid {
            index,
            field,
            message,
        }),
    }
}

fn command(job: &NewJob) -> Result<(), Wrong> {
    const FIELD: &str = "command";
    match &job.command {
        Command::Argv(argv) => {
            let program = argv.first().map_or("", String::as_str);
            require(!program.is_empty(), FIELD, || {
                "the program to run is missing".to_string()
            })?;
            require(argv.len() <= MAX_ARGUMENTS, FIELD, || {
                format!(
                    "at most {MAX_ARGUMENTS} arguments, this one has {}",
                    argv.len()
                )
            })?;
            argv.iter()
                .try_for_each(|argument| no_null(argument, FIELD))
        }
        Command::Script(script) => {
            require(!script.trim().is_empty(), FIELD, || {
                "the script is empty".to_string()
            })?;
            no_null(script, FIELD)
        }
    }
}

fn texts(job: &NewJob) -> Result<(), Wrong> {
    for (text, field) in [(&job.name, "name"), (&job.key, "key")] {
        let Some(text) = text else { continue };
        require((1..=MAX_NAME_BYTES).contains(&text.len()), field, || {
            format!("must have 1 to {MAX_NAME_BYTES} bytes, has {}", text.len())
        })?;
        require(!text.contains(char::is_control), field, || {
            "must not contain control characters".to_string()
        })?;
    }
    if let Some(path) = &job.working_dir {
        require(!path.is_empty(), "workingDir", || {
            "must not be empty; leave it out for a fresh directory".to_string()
        })?;
        no_null(path, "workingDir")?;
    }
    Ok(())
}

fn env(job: &NewJob) -> Result<(), Wrong> {
    for (name, value) in &job.env {
        let usable = !name.is_empty() && !name.contains(['=', '\0']);
        require(usable, "env", || {
            format!(
                "{name:?} cannot be the name of a variable: it must not be empty nor contain = or a null byte"
            )
        })?;
        // The value may be a secret: it is not shown.
        require(!value.contains('\0'), "env", || {
            format!("the value of {name} contains a null byte, which no program can be given")
        })?;
    }
    Ok(())
}

fn labels(job: &NewJob) -> Result<(), Wrong> {
    label_set(&job.runs_on, "runsOn")?;
    label_set(&job.exclude, "exclude")
}

fn of_patterns(job: &NewJob, checked: &mut Checked) -> Result<(), Wrong> {
    for (asked, field) in [(&job.runs_on, "runsOn"), (&job.exclude, "exclude")] {
        if let Some(error) = checked.problems(asked).first() {
            return Err((field, format!("{error}; {}", error.hint())));
        }
    }
    Ok(())
}

fn label_set(asked: &Selectors, field: &'static str) -> Result<(), Wrong> {
    require(asked.len() <= MAX_LABELS, field, || {
        format!("at most {MAX_LABELS} labels, this one has {}", asked.len())
    })?;
    for label in asked.labels().iter().map(|label| label.as_str()) {
        let plain = !label.trim().is_empty()
            && label.trim() == label
            && !label.contains(|c: char| c == ',' || c.is_control());
        require(plain, field, || {
            format!(
                "{label:?} is not a label: no commas, control characters or outer spaces, and not empty"
            )
        })?;
        require(label.len() <= MAX_LABEL_BYTES, field, || {
            format!(
                "a label has at most {MAX_LABEL_BYTES} bytes, one has {}",
                label.len()
            )
        })?;
    }
    Ok(())
}

fn numbers(job: &NewJob) -> Result<(), Wrong> {
    require(job.retries <= MAX_RETRIES, "retries", || {
        format!("at most {MAX_RETRIES}, not {}", job.retries)
    })?;
    let timeout = job.timeout.unwrap_or(MAX_TIMEOUT);
    require(
        !timeout.is_zero() && timeout <= MAX_TIMEOUT,
        "timeout",
        || {
            format!(
                "must be above zero and at most {} days",
                MAX_TIMEOUT.as_secs() / 86_400
            )
        },
    )?;
    require(job.grace <= MAX_GRACE, "grace", || {
        format!("at most {} minutes", MAX_GRACE.as_secs() / 60)
    })?;
    require(
        job.log_limit_bytes <= MAX_LOG_LIMIT_BYTES,
        "logLimit",
        || format!("at most {} MiB", MAX_LOG_LIMIT_BYTES >> 20),
    )
}

fn size(job: &NewJob) -> Result<(), Wrong> {
    let command: usize = match &job.command {
        Command::Argv(argv) => argv.iter().map(String::len).sum(),
        Command::Script(script) => script.len(),
    };
    let env = job.env.iter().map(|(name, value)| name.len() + value.len());
    let labels = job.runs_on.iter().chain(job.exclude.iter());
    let labels: usize = labels.map(str::len).sum();
    let path = job.working_dir.as_ref().map_or(0, String::len);
    let bytes = command + env.sum::<usize>() + labels + path;
    require(bytes <= MAX_JOB_BYTES, "command", || {
        format!(
            "command, environment and labels have {bytes} bytes together, at most {MAX_JOB_BYTES} \
             are taken; fetch large things in the job itself"
        )
    })
}

fn expiry(job: &NewJob, now: Timestamp) -> Result<(), Wrong> {
    let ahead = job.expires_at.is_none_or(|at| at > now);
    require(ahead, "expiry", || "lies in the past".to_string())
}

fn no_null(text: &str, field: &'static str) -> Result<(), Wrong> {
    require(!text.contains('\0'), field, || {
        "contains a null byte, which no program can be given".to_string()
    })
}

fn require(
    holds: bool,
    field: &'static str,
    message: impl FnOnce() -> String,
) -> Result<(), Wrong> {
    if holds {
        Ok(())
    } else {
        Err((field, message()))
    }
}
