//! `headcount jobs`: jobs, newest first.

use headcount_api::Job;

use super::Context;
use crate::cli::JobsArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::table::{Cell, Column, Page, Table};
use crate::show::time::{age, now_millis, span};
use crate::show::{command_line, ending};

/// Lists them.
///
/// # Errors
/// The daemon does not answer, or not with jobs.
pub(crate) async fn run(context: &Context, args: &JobsArgs) -> Result<Exit, Failure> {
    let mut query = vec![("limit", args.limit.to_string())];
    if !args.states.is_empty() {
        let words: Vec<&str> = args.states.iter().map(|state| state.word()).collect();
        query.push(("state", words.join(",")));
    }
    if let Some(before) = args.before {
        query.push(("before", before.to_string()));
    }
    let jobs: Vec<Job> = context.client.get(&["jobs"], &query).await?;
    let console = &context.console;
    if console.json {
        console.print_json(&jobs)?;
        return Ok(Exit::Done);
    }
    console.print(&table(&jobs, now_millis(), console.page))?;
    if let (Some(last), true) = (jobs.last(), jobs.len() >= args.limit as usize) {
        console.note(&format!("older ones: --before {}", last.id));
    }
    Ok(Exit::Done)
}

fn table(jobs: &[Job], now_millis: u64, page: Page) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let mut table = Table::new([
        Column::text("ID"),
        Column::text("STATE"),
        Column::text("AGE"),
        Column::text("RAN"),
        Column::long("RUNS ON"),
        Column::long("NAME"),
        Column::long("COMMAND"),
        Column::long("WHY"),
    ]);
    for job in jobs {
        let ran = ending::ran(job, Some(now_millis)).map(span);
        table.row([
            job.id.as_str().into(),
            Cell::state(job.state.word()),
            age(job.accepted_at.as_millis(), now_millis).into(),
            ran.unwrap_or_default().into(),
            job.runs_on.join(",").into(),
            job.name.as_deref().unwrap_or_default().into(),
            command_line::of(job).into(),
            why(job).into(),
        ]);
    }
    table.render(page)
}

/// Nothing where nothing is to be told.
fn why(job: &Job) -> String {
    match job.state.word() {
        "running" => String::new(),
        _ => ending::words(job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::ending::tests::job;
    use serde_json::json;

    const PAGE: Page = Page {
        width: Some(80),
        color: false,
    };

    #[test]
    fn jobs_stand_in_a_table() {
        let jobs = [
            job(json!({
                "id": "job-12", "runsOn": ["gpu"], "acceptedAt": "1970-01-01T00:01:00Z",
                "reason": "no_matching_pool",
                "reasonText": "no pool has the labels the job asks for"
            })),
            job(json!({
                "id": "job-3", "state": "failed", "reason": "command_failed", "exitCode": 7,
                "runsOn": ["linux"], "command": ["sh", "-c", "echo hi; exit 7"],
                "startedAt": "1970-01-01T00:00:01Z", "endedAt": "1970-01-01T00:00:04Z"
            })),
            job(json!({
                "id": "job-2", "state": "running", "reasonText": "it runs a job",
                "startedAt": "1970-01-01T00:00:20Z", "runsOn": ["linux"]
            })),
        ];
        assert_eq!(
            table(&jobs, 80_000, PAGE),
            "\
ID      STATE    AGE     RAN   RUNS ON  COMMAND              WHY
job-12  queued   20s           gpu      make                 no pool has the la…
job-3   failed   1m 20s  3.0s  linux    sh -c 'echo hi; ex…  exit code 7
job-2   running  1m 20s  1m    linux    make
"
        );
    }

    #[test]
    fn no_jobs_is_said() {
        assert_eq!(table(&[], 0, PAGE), "no jobs\n");
    }
}
