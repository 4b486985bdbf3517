//! `headcount explain`: why a job waits, or would wait, and what to do about it.

use headcount_api::{Explanation, LabelList};

use super::Context;
use crate::cli::{ExplainArgs, ResourceArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::explanation;

/// Explains a job, or labels.
///
/// # Errors
/// The daemon does not answer, or knows no such job.
pub(crate) async fn run(context: &Context, args: &ExplainArgs) -> Result<Exit, Failure> {
    let explanation: Explanation = match args.job {
        Some(job) => {
            context
                .client
                .get(&["explain", &job.to_string()], &[])
                .await?
        }
        None => context.client.get(&["explain"], &query(args)).await?,
    };
    let console = &context.console;
    match console.json {
        true => console.print_json(&explanation)?,
        false => console.print(&explanation::screen(&explanation, console.page))?,
    }
    Ok(Exit::Done)
}

fn query(args: &ExplainArgs) -> Vec<(&'static str, String)> {
    let ResourceArgs {
        cpus,
        memory,
        cpu_request,
        cpu_limit,
        memory_request,
        memory_limit,
    } = args.resources.clone();
    let joined = |lists: &[LabelList]| {
        let all: Vec<&str> = lists
            .iter()
            .flat_map(|l| &l.0)
            .map(String::as_str)
            .collect();
        (!all.is_empty()).then(|| all.join(","))
    };
    let all = [
        ("runsOn", joined(&args.runs_on)),
        ("exclude", joined(&args.exclude)),
        ("cpus", cpus),
        ("memory", memory),
        ("requestCpus", cpu_request),
        ("requestMemory", memory_request),
        ("limitCpus", cpu_limit),
        ("limitMemory", memory_limit),
    ];
    let given = all.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
