//! Arguments of `submit`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use headcount_api::LabelList;

use super::value;

/// Arguments of `submit`.
#[derive(Args, Clone, Debug)]
#[command(
    group = ArgGroup::new("what").required(true).args(["script", "batch", "command"]),
    override_usage = "headcount submit [OPTIONS] -- COMMAND...\n       \
                      headcount submit [OPTIONS] --script FILE\n       \
                      headcount submit --batch FILE [--wait]",
    after_help = SUBMIT_EXAMPLES
)]
pub(crate) struct SubmitArgs {
    /// One job.
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// What it reserves and may use.
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
    /// Hand in the shell script in this file, `-` for standard input; it runs with
    /// `/bin/sh -e -c`
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub(crate) script: Option<PathBuf>,
    /// Hand in many jobs at once, all or none: a file (`-` for standard input) with a JSON
    /// array, or one JSON object a line, with the keys of the API
    #[arg(long, value_name = "FILE", conflicts_with_all = ["script", "command", "follow", "job", "ResourceArgs"])]
    pub(crate) batch: Option<PathBuf>,
    /// Wait until the job has ended and exit as it did. Ctrl-C stops waiting and leaves the
    /// job alone; a second one within three seconds cancels it
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait, and show what the job writes as it comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Program and arguments, run as they are, without a shell
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// What a job asks for, apart from what it runs. (Clap fills a group only where nothing is
/// flattened into it, so resources stand beside.)
#[derive(Args, Clone, Debug, Default)]
#[group(id = "job", multiple = true)]
pub(crate) struct JobArgs {
    /// Labels the agent must have; several with commas. `gpu-*` and `/gpu-[0-9]+/` are
    /// patterns: one label must match
    #[arg(long, visible_alias = "labels", value_name = "LABELS", value_parser = value::labels)]
    pub(crate) runs_on: Vec<LabelList>,
    /// Labels the agent must not have, or patterns that none may match; several with commas
    #[arg(long, value_name = "LABELS", value_parser = value::labels)]
    pub(crate) exclude: Vec<LabelList>,
    /// A name for people; it need not be unique
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A variable for the job; a name alone takes its value from here. May be repeated
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = value::variable)]
    pub(crate) env: Vec<(String, String)>,
    /// Where to run; without it, a fresh directory that is removed afterwards
    #[arg(long, value_name = "DIR")]
    pub(crate) working_dir: Option<String>,
    /// End the job after this long
    #[arg(long, value_name = "SPAN", value_parser = value::span)]
    pub(crate) timeout: Option<String>,
    /// How long between TERM and KILL when the job is ended
    #[arg(long, value_name = "SPAN", value_parser = value::span)]
    pub(crate) grace: Option<String>,
    /// Higher goes first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// Run it again so many times if it fails
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// A key of your own: the same key again is the same job, so it is safe to repeat
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Give up if it still waits after this long
    #[arg(long, value_name = "SPAN", value_parser = value::span)]
    pub(crate) expires_after: Option<String>,
    /// Keep so much of its output
    #[arg(long, value_name = "SIZE", value_parser = value::memory)]
    pub(crate) log_limit: Option<String>,
    /// What happens to output that comes faster than it can be sent
    #[arg(long, value_enum)]
    pub(crate) log_pressure: Option<Pressure>,
}

/// What a job reserves and may use.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ResourceArgs {
    /// Processors to reserve, and not to exceed
    #[arg(long, value_name = "N", value_parser = value::cpus, conflicts_with_all = ["cpu_request", "cpu_limit"])]
    pub(crate) cpus: Option<String>,
    /// Memory to reserve, and not to exceed
    #[arg(long, value_name = "SIZE", value_parser = value::memory, conflicts_with_all = ["memory_request", "memory_limit"])]
    pub(crate) memory: Option<String>,
    /// Processors to reserve
    #[arg(long, value_name = "N", value_parser = value::cpus)]
    pub(crate) cpu_request: Option<String>,
    /// Processors not to exceed
    #[arg(long, value_name = "N", value_parser = value::cpus)]
    pub(crate) cpu_limit: Option<String>,
    /// Memory to reserve
    #[arg(long, value_name = "SIZE", value_parser = value::memory)]
    pub(crate) memory_request: Option<String>,
    /// Memory not to exceed
    #[arg(long, value_name = "SIZE", value_parser = value::memory)]
    pub(crate) memory_limit: Option<String>,
}

/// What happens to output that comes faster than it can be sent.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pressure {
    /// The job waits; nothing is lost
    Pause,
    /// Lines are dropped, and a mark says how many
    Drop,
}

const SUBMIT_EXAMPLES: &str = "\
Examples:
  headcount submit -- make test
  headcount submit --wait --follow --runs-on linux --cpus 2 --memory 4g -- cargo test
  headcount submit --script build.sh --timeout 30m --retries 1
  headcount submit --batch jobs.jsonl --wait";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn the_examples_are_understood() {
        let examples: Vec<&str> = SUBMIT_EXAMPLES.lines().skip(1).map(str::trim).collect();
        assert_eq!(examples.len(), 4);
        for example in examples {
            let parsed = Cli::try_parse_from(example.split(' '));
            assert!(parsed.is_ok(), "{example}: {parsed:?}");
        }
    }
}
