//! Jobs as they were written, read with the one grammar.

use std::time::Duration;

use headcount_api::{LogPressure as Pressure, ProblemItem, Quantity, SubmitJob};
use headcount_model::{Command, LogPressure, SourceId, Timestamp};
use headcount_patterns::Checked;
use headcount_ports::{BUILT_IN, NewJob};

use super::class::{read_resources, read_selectors};
use crate::needs::{Grammar, GrammarError, JobDefaults};
use crate::refused::{Answer, Kind, Refused};

/// So many problems of a batch are told; a client that made one mistake has often made
/// it in every job.
const MAX_PROBLEMS: usize = 100;

/// What is wrong with a field.
pub(super) type Wrong = (&'static str, GrammarError);

/// All jobs of a batch, or all of its problems.
pub(crate) fn parse_all(
    asked: Vec<SubmitJob>,
    grammar: &dyn Grammar,
    defaults: JobDefaults,
    now: Timestamp,
) -> Answer<Vec<NewJob>> {
    let mut jobs = Vec::with_capacity(asked.len());
    let mut problems = Vec::new();
    let mut checked = Checked::default();
    for (index, job) in asked.into_iter().enumerate() {
        match parse(job, (grammar, &mut checked), defaults, now) {
            Ok(job) => jobs.push(job),
            Err(wrong) => problems.extend(wrong.into_iter().map(|wrong| item(index, wrong))),
        }
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    if problems.is_empty() {
        Ok(jobs)
    } else {
        Err(refused(problems))
    }
}

fn item(index: usize, (field, error): Wrong) -> ProblemItem {
    ProblemItem {
        index: Some(index as u64),
        field: Some(field.to_owned()),
        hint: Some(error.hint),
        ..ProblemItem::error(error.message)
    }
}

/// One problem is told in the detail, several are counted there.
pub(super) fn refused(problems: Vec<ProblemItem>) -> Refused {
    let detail = match problems.as_slice() {
        [only] => {
            let field = only.field.as_deref().unwrap_or("job");
            format!("{field}: {}", only.message)
        }
        several => format!("{} things are wrong; see `problems`", several.len()),
    };
    let hint = match problems.as_slice() {
        [only] => only.hint.clone(),
        _ => None,
    };
    let refused = Refused::new(Kind::InvalidJob, detail).problems(problems);
    match hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

fn parse(
    asked: SubmitJob,
    (grammar, checked): (&dyn Grammar, &mut Checked),
    defaults: JobDefaults,
    now: Timestamp,
) -> Result<NewJob, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut read = |asked, field, wrong: &mut Vec<Wrong>| {
        read_selectors(asked, field, (grammar, &mut *checked), wrong)
    };
    let runs_on = read(&asked.runs_on, "runsOn", &mut wrong);
    let exclude = read(&asked.exclude, "exclude", &mut wrong);
    let resources = read_resources(&asked.resources, grammar, &mut wrong);
    let mut span = |asked: &Option<Quantity>, field| {
        let span = asked.as_ref().map(|asked| span(asked, grammar));
        keep(span.transpose(), field, &mut wrong).flatten()
    };
    let timeout = span(&asked.timeout, "timeout");
    let grace = span(&asked.grace, "grace");
    let expires_after = span(&asked.expires_after, "expiresAfter");
    let log_limit = asked.log_limit.as_ref().map(|q| grammar.memory(q.as_str()));
    let log_limit = keep(log_limit.transpose(), "logLimit", &mut wrong).flatten();
    let command = keep(command(asked.command, asked.script), "command", &mut wrong);
    match command {
        Some(command) if wrong.is_empty() => Ok(NewJob {
            source: SourceId::new(BUILT_IN),
            key: asked.key,
            name: asked.name,
            runs_on,
            exclude,
            resources,
            priority: asked.priority,
            command,
            env: asked.env,
            working_dir: asked.working_dir,
            timeout,
            grace: grace.unwrap_or(defaults.grace),
            retries: asked.retries,
            expires_at: expires_after.map(|span| now.after(span)),
            log_limit_bytes: log_limit.unwrap_or(defaults.log_limit_bytes),
            log_pressure: asked.log_pressure.map(pressure),
        }),
        _ => Err(wrong),
    }
}

/// The value, or a note of what is wrong with the field.
pub(super) fn keep<T>(
    read: Result<T, GrammarError>,
    field: &'static str,
    wrong: &mut Vec<Wrong>,
) -> Option<T> {
    read.map_err(|error| wrong.push((field, error))).ok()
}

/// A number is a number of seconds.
fn span(asked: &Quantity, grammar: &dyn Grammar) -> Result<Duration, GrammarError> {
    match asked {
        Quantity::Text(text) => grammar.duration(text),
        Quantity::Number(number) => grammar.duration(&format!("{number}s")),
    }
}

fn command(command: Option<Vec<String>>, script: Option<String>) -> Result<Command, GrammarError> {
    let error = |message: &str, hint: &str| {
        Err(GrammarError {
            message: message.to_owned(),
            hint: hint.to_owned(),
        })
    };
    match (command, script) {
        (Some(argv), None) => Ok(Command::Argv(argv)),
        (None, Some(script)) => Ok(Command::Script(script)),
        (None, None) => error(
            "the job says nothing to run",
            "give `command`, a list of program and arguments, or `script`, a text for the shell",
        ),
        (Some(_), Some(_)) => error(
            "the job has both `command` and `script`",
            "leave one of them out",
        ),
    }
}

const fn pressure(pressure: Pressure) -> LogPressure {
    match pressure {
        Pressure::Pause => LogPressure::Pause,
        Pressure::Drop => LogPressure::Drop,
    }
}
