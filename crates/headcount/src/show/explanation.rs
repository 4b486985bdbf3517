//! Why a job waits, on one screen.

use std::fmt::Write;

use headcount_api::{Explanation, JobState, Moment, PoolAnswer, Verdict};

use super::amount::{count, resources};
use super::paint::{Tone, paint, safe};
use super::table::{Cell, Column, Page, Table};
use super::time::age;
use super::{command_line, ending};

/// Pools beyond these are only counted: it is one screen.
const MAX_POOLS: usize = 12;

/// The screen.
pub(crate) fn screen(explanation: &Explanation, page: Page) -> String {
    let mut out = headline(explanation, page.color);
    asked(&mut out, explanation);
    if waits(explanation) {
        standing(&mut out, explanation);
        pools(&mut out, explanation, page);
        nearest(&mut out, explanation);
    }
    if let Some(advice) = &explanation.advice {
        let title = paint("What to do:", Tone::Strong, page.color);
        let _ = write!(out, "\n{title} {}\n", safe(advice));
    }
    out
}

/// Where it could go matters only as long as it is nowhere.
fn waits(explanation: &Explanation) -> bool {
    let state = explanation.job.as_ref().map(|job| job.state);
    matches!(state, None | Some(JobState::Queued))
}

fn headline(explanation: &Explanation, color: bool) -> String {
    let who = match &explanation.job {
        None => "a job like this".to_owned(),
        Some(job) => match &job.name {
            Some(name) => format!("{} ({})", job.id, safe(name)),
            None => job.id.clone(),
        },
    };
    let what = match (&explanation.job, &explanation.reason_text) {
        (Some(job), _) if job.state.is_ended() => {
            let sentence = ending::sentence(job);
            let rest = sentence.strip_prefix(&job.id).unwrap_or(&sentence);
            rest.trim_start().to_owned()
        }
        (Some(job), Some(why)) => match job.state {
            JobState::Queued => format!("waits: {why}"),
            state => format!("is {}: {why}", state.word()),
        },
        (Some(job), None) => format!("is {}", job.state.word()),
        (None, _) if explanation.impossible.is_some() => "could never run".to_owned(),
        (None, Some(why)) => format!("would wait: {why}"),
        (None, None) => "would not wait".to_owned(),
    };
    format!(
        "{}\n",
        paint(&format!("{who} {}", safe(&what)), Tone::Strong, color)
    )
}

fn asked(out: &mut String, explanation: &Explanation) {
    let class = &explanation.class;
    let mut parts = vec![match class.runs_on.is_empty() {
        true => "any labels".to_owned(),
        false => class.runs_on.join(", "),
    }];
    if !class.exclude.is_empty() {
        parts.push(format!("but not {}", class.exclude.join(", ")));
    }
    parts.extend(resources(&class.resources));
    if class.priority != 0 {
        parts.push(format!("priority {}", class.priority));
    }
    line(out, "asks for", &parts.join("; "));
    if let Some(job) = &explanation.job {
        line(out, "runs", &command_line::of(job));
        if let Some(latest) = &job.latest {
            let text = format!("{} (attempt {})", latest.agent, latest.attempt);
            line(out, "agent", &text);
        }
    }
}

fn standing(out: &mut String, explanation: &Explanation) {
    let class = &explanation.class;
    let at = explanation.at;
    let oldest = class
        .oldest_at
        .map(|oldest| format!(", the oldest for {}", between(oldest, at)));
    let waiting = match class.waiting {
        0 => "no job like it waits".to_owned(),
        n => format!(
            "{} like it{}",
            count(n, "job waits", "jobs wait"),
            oldest.unwrap_or_default()
        ),
    };
    let ahead = explanation.position.map(|position| match position.ahead {
        0 => "; it is next".to_owned(),
        n => format!("; {n} before it"),
    });
    line(
        out,
        "queue",
        &format!("{waiting}{}", ahead.unwrap_or_default()),
    );
    if let Some(job) = &explanation.job {
        let expiry = job
            .expires_at
            .map(|expiry| format!(", gives up in {}", between(at, expiry)));
        let text = format!(
            "{}{}",
            between(job.accepted_at, at),
            expiry.unwrap_or_default()
        );
        line(out, "waits for", &text);
    }
}

fn between(from: Moment, to: Moment) -> String {
    age(from.as_millis(), to.as_millis())
}

fn line(out: &mut String, title: &str, text: &str) {
    let _ = writeln!(out, "  {title:<10} {}", safe(text));
}

fn pools(out: &mut String, explanation: &Explanation, page: Page) {
    out.push('\n');
    if explanation.pools.is_empty() {
        out.push_str("No pool is configured.\n");
        return;
    }
    let mut table = Table::new([
        Column::text("POOL"),
        Column::text("FITS"),
        Column::text("SINCE"),
        Column::long("WHAT STANDS IN THE WAY"),
    ]);
    for answer in explanation.pools.iter().take(MAX_POOLS) {
        table.row(row(answer, explanation));
    }
    out.push_str(&table.render(page));
    let more = explanation.pools.len().saturating_sub(MAX_POOLS);
    if more > 0 {
        let _ = writeln!(
            out,
            "and {}; --json shows all",
            count(more as u64, "more pool", "more pools")
        );
    }
}

fn row(answer: &PoolAnswer, explanation: &Explanation) -> [Cell; 4] {
    let pool = answer.pool.as_str().into();
    match &answer.verdict {
        Verdict::Candidate {
            blocked_by_text,
            since,
            ..
        } => {
            let since = since
                .map(|since| between(since, explanation.at))
                .unwrap_or_default();
            let why = match (blocked_by_text, &explanation.impossible) {
                (Some(text), _) => text.clone(),
                (None, Some(impossible)) => format!(
                    "never: it would reserve {}, {} allows {}",
                    impossible.asked, impossible.cap, impossible.allowed
                ),
                (None, None) => "nothing".to_owned(),
            };
            [
                pool,
                Cell::toned("yes", Tone::Good),
                since.into(),
                why.into(),
            ]
        }
        Verdict::Unfit { .. } => [
            pool,
            Cell::toned("no", Tone::Faint),
            "".into(),
            unfit(&answer.verdict).into(),
        ],
    }
}

fn unfit(verdict: &Verdict) -> String {
    let Verdict::Unfit {
        missing,
        excluded,
        mandatory,
        worker,
    } = verdict
    else {
        return String::new();
    };
    let mut parts = Vec::new();
    if *worker {
        parts.push("its agents find their work themselves".to_owned());
    }
    let mut say = |what: &str, labels: &[String]| {
        if !labels.is_empty() {
            parts.push(format!("{what} {}", labels.join(", ")));
        }
    };
    say("lacks", missing);
    say("has the excluded", excluded);
    say("only takes jobs that ask for", mandatory);
    parts.join("; ")
}

fn nearest(out: &mut String, explanation: &Explanation) {
    for label in &explanation.nearest {
        let (asked, nearest) = (safe(&label.asked), safe(&label.nearest));
        let _ = write!(
            out,
            "\nNo pool has `{asked}`; the nearest label is `{nearest}`.\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::ending::tests::job;
    use serde_json::{Value, json};

    fn show(value: Value) -> String {
        let explanation: Explanation = serde_json::from_value(value).unwrap();
        let (width, color) = (Some(100), false);
        screen(&explanation, Page { width, color })
    }

    fn class(runs_on: &[&str], waiting: u64) -> Value {
        json!({
            "source": "queue", "runsOn": runs_on, "exclude": [], "priority": 0,
            "waiting": waiting, "oldestAt": "1970-01-01T00:00:10Z", "shares": []
        })
    }

    #[test]
    fn a_job_that_nobody_can_run() {
        let text = show(json!({
            "at": "1970-01-01T00:05:10Z",
            "job": {
                "id": "job-42", "name": "unit tests", "state": "queued",
                "runsOn": ["linux", "gpux"], "exclude": [], "priority": 0,
                "command": ["make", "test"], "graceMs": 10000, "retries": 0,
                "logLimitBytes": 0, "acceptedAt": "1970-01-01T00:00:10Z",
                "expiresAt": "1970-01-02T00:05:10Z", "attempts": 0
            },
            "class": class(&["linux", "gpux"], 1),
            "position": {"ahead": 0},
            "reason": "no_matching_pool",
            "reasonText": "no pool has the labels the job asks for",
            "advice": "Compare `runsOn` and `exclude` with the label sets.",
            "pools": [
                {"pool": "big/gpu+linux", "labels": ["gpu", "linux"], "verdict": "unfit", "missing": ["gpux"]},
                {"pool": "feeders/x", "labels": ["x"], "verdict": "unfit", "missing": ["gpux", "linux"], "worker": true}
            ],
            "nearest": [{"asked": "gpux", "nearest": "gpu"}]
        }));
        assert_eq!(
            text,
            "\
job-42 (unit tests) waits: no pool has the labels the job asks for
  asks for   linux, gpux
  runs       make test
  queue      1 job waits like it, the oldest for 5m; it is next
  waits for  5m, gives up in 1d

POOL           FITS  WHAT STANDS IN THE WAY
big/gpu+linux  no    lacks gpux
feeders/x      no    its agents find their work themselves; lacks gpux, linux

No pool has `gpux`; the nearest label is `gpu`.

What to do: Compare `runsOn` and `exclude` with the label sets.
"
        );
    }

    #[test]
    fn a_job_that_waits_for_room() {
        let text = show(json!({
            "at": "1970-01-01T00:05:10Z",
            "class": class(&[], 3),
            "reason": "scaler_at_max_agents",
            "reasonText": "the scaler runs as many agents as its maxAgents allows",
            "advice": "Raise `maxAgents` of the scaler, or wait for running jobs to end.",
            "pools": [
                {"pool": "a/linux", "labels": ["linux"], "verdict": "candidate",
                 "blockedBy": "scaler_at_max_agents",
                 "blockedByText": "the scaler runs as many agents as its maxAgents allows",
                 "since": "1970-01-01T00:04:10Z"}
            ]
        }));
        assert_eq!(
            text,
            "\
a job like this would wait: the scaler runs as many agents as its maxAgents allows
  asks for   any labels
  queue      3 jobs wait like it, the oldest for 5m

POOL     FITS  SINCE  WHAT STANDS IN THE WAY
a/linux  yes   1m     the scaler runs as many agents as its maxAgents allows

What to do: Raise `maxAgents` of the scaler, or wait for running jobs to end.
"
        );
    }

    #[test]
    fn a_job_that_has_ended_waits_for_nothing() {
        let mut job = serde_json::to_value(job(json!({
            "state": "failed", "reason": "command_failed", "exitCode": 7,
            "latest": {"attempt": 2, "agent": "a-1-7", "assignedAt": "1970-01-01T00:00:00Z"}
        })))
        .unwrap();
        job["runsOn"] = json!(["linux"]);
        let text = show(json!({
            "at": "1970-01-01T00:05:10Z", "job": job, "class": class(&["linux"], 3),
            "advice": "Read its output with `headcount logs`.",
            "pools": [{"pool": "a/linux", "labels": ["linux"], "verdict": "candidate"}]
        }));
        assert_eq!(
            text,
            "\
job-1 failed: exit code 7
  asks for   linux
  runs       make
  agent      a-1-7 (attempt 2)

What to do: Read its output with `headcount logs`.
"
        );
    }

    #[test]
    fn a_job_that_is_too_large() {
        let text = show(json!({
            "at": "1970-01-01T00:05:10Z",
            "class": {
                "source": "queue", "runsOn": ["linux"], "exclude": ["spot"], "priority": 5,
                "resources": {"requests": {"memoryBytes": 6_442_450_944_u64}},
                "waiting": 0, "shares": []
            },
            "pools": [{"pool": "a/linux", "labels": ["linux"], "verdict": "candidate"}],
            "impossible": {"cap": "scaler_memory_cap", "asked": "6g", "allowed": "4g"}
        }));
        assert_eq!(
            text,
            "\
a job like this could never run
  asks for   linux; but not spot; 6g (no limit); priority 5
  queue      no job like it waits

POOL     FITS  WHAT STANDS IN THE WAY
a/linux  yes   never: it would reserve 6g, scaler_memory_cap allows 4g
"
        );
    }
}
