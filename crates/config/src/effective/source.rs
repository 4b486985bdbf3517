//! Streams that are read for agents.

use headcount_model::{Command, JobTemplate, LogPressure, Selectors};

use super::queue::redis;
use super::writer::Writer;
use super::{resources, span};
use crate::settings::Source;
use crate::value::format_memory;

pub(super) fn source(out: &mut Writer, source: &Source) {
    out.text("name", &source.name);
    out.text("type", source.word());
    out.map("metadata", |out| {
        redis(out, &source.server);
        out.text("stream", &source.stream);
        out.text("consumerGroup", &source.group);
    });
    span(out, "minIdle", source.min_idle);
    out.plain("attempts", source.attempts);
    out.text("deadLetterStream", &source.dead_letters);
    let left_out: Vec<&String> = source.left_out.iter().collect();
    out.texts("leaveOut", &left_out);
    span(out, "pollingInterval", source.polling);
    out.map("job", |out| job(out, &source.job));
}

fn job(out: &mut Writer, job: &JobTemplate) {
    out.texts("runsOn", &labels(&job.runs_on));
    out.texts("exclude", &labels(&job.exclude));
    resources(out, job.resources);
    out.plain("priority", job.priority);
    match &job.command {
        Command::Argv(argv) => out.texts("command", argv),
        Command::Script(text) => out.text("script", text),
    }
    if !job.env.is_empty() {
        out.map("env", |out| {
            for (name, value) in &job.env {
                out.text(name, value);
            }
        });
    }
    out.optional_text("workingDir", job.working_dir.as_deref());
    if let Some(timeout) = job.timeout {
        span(out, "timeout", timeout);
    }
    span(out, "grace", job.grace);
    out.text("logLimit", &format_memory(job.log_limit_bytes));
    match job.log_pressure {
        None => {}
        Some(LogPressure::Pause) => out.text("logPressure", "pause"),
        Some(LogPressure::Drop) => out.text("logPressure", "drop"),
    }
}

fn labels(asked: &Selectors) -> Vec<&str> {
    asked.iter().collect()
}
