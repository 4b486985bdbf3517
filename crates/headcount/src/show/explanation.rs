//! Why a job waits, on one screen.

use std::fmt::Write;

use headcount_api::{Explanation, JobState, Moment, PoolAnswer, ProvisioningStep, Verdict};

use super::amount::{count, resources};
use super::paint::{Tone, paint, safe};
use super::table::{Cell, Column, Page, Table};
use super::time::age;
use super::{command_line, ending};

/// Pools beyond these are only counted: it is one screen.
const MAX_POOLS: usize = 12;

/// Lines of a failed agent's output; `--json` shows all that are kept.
const MAX_OUTPUT: usize = 10;

/// The screen.
pub(crate) fn screen(explanation: &Explanation, page: Page) -> String {
    let mut out = headline(explanation, page.color);
    asked(&mut out, explanation);
    if waits(explanation) {
        standing(&mut out, explanation);
        pools(&mut out, explanation, page);
        schedules(&mut out, explanation);
        unmatched(&mut out, explanation);
        nearest(&mut out, explanation);
        failed_launches(&mut out, explanation);
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

/// Which schedule says how many agents are ready, in pools that could serve it.
fn schedules(out: &mut String, explanation: &Explanation) {
    let candidates = explanation.pools.iter().take(MAX_POOLS);
    let candidates = candidates.filter(|it| matches!(it.verdict, Verdict::Candidate { .. }));
    for answer in candidates {
        let Some(schedule) = &answer.schedule else {
            continue;
        };
        let by = match schedule.index {
            Some(n) => format!("schedules[{n}] is in force"),
            None => "no schedule is in force".to_owned(),
        };
        let until = schedule
            .until
            .map(|until| format!(", for {} more", between(explanation.at, until)));
        let text = format!("{}: {by}{}", answer.pool, until.unwrap_or_default());
        let _ = writeln!(out, "{}", safe(&text));
    }
}

fn row(answer: &PoolAnswer, explanation: &Explanation) -> [Cell; 4] {
    let pool = answer.pool.as_str().into();
    match &answer.verdict {
        Verdict::Candidate {
            blocked_by_text,
            blocked_by_detail,
            since,
            next_launch_at,
            ..
        } => {
            let next = next_launch_at
                .map(|next| format!("; next try in {}", between(explanation.at, next)))
                .unwrap_or_default();
            let since = since
                .map(|since| between(since, explanation.at))
                .unwrap_or_default();
            let why = match (blocked_by_text, &explanation.impossible) {
                (Some(text), _) => match blocked_by_detail {
                    Some(detail) => format!("{text}: {detail}{next}"),
                    None => format!("{text}{next}"),
                },
                (None, Some(impossible)) => format!(
                    "never: it would reserve {}, {} allows {}",
                    impossible.asked, impossible.cap, impossible.allowed
                ),
                (None, None) => blocked_by_detail
                    .clone()
                    .unwrap_or_else(|| "nothing".to_owned()),
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
    say("only takes jobs that ask by name for", mandatory);
    parts.join("; ")
}

/// A glob that matches nothing and is like a label is told with that label alone.
fn unmatched(out: &mut String, explanation: &Explanation) {
    let near = |pattern: &String| explanation.nearest.iter().any(|n| n.asked == *pattern);
    for pattern in explanation.unmatched.iter().filter(|p| !near(p)) {
        let _ = write!(
            out,
            "\nNo pool has a label that matches `{}`.\n",
            safe(pattern)
        );
    }
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

/// The last launch that failed, with the last lines its agent said.
fn failed_launches(out: &mut String, explanation: &Explanation) {
    let steps = explanation.provisioning.iter();
    let mut failed = steps.filter(|step| step.event == ProvisioningStep::Failed);
    let (number, Some(last)) = (failed.clone().count(), failed.next_back()) else {
        return;
    };
    let _ = writeln!(
        out,
        "\n{} failed{}; the last {} ago, in {}:",
        count(number as u64, "launch", "launches"),
        if explanation.job.is_some() {
            " while it waited"
        } else {
            " for jobs like it"
        },
        between(last.at, explanation.at),
        safe(&last.pool)
    );
    let message = last.message.as_deref().unwrap_or("nobody knows why");
    let _ = writeln!(out, "  {}", safe(message));
    let hidden = last.output.len().saturating_sub(MAX_OUTPUT);
    for line in last.output.iter().skip(hidden) {
        let _ = writeln!(out, "  | {}", safe(line));
    }
}

#[cfg(test)]
mod tests;
