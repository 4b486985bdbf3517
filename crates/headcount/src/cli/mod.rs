//! What can be written after `headcount`.
//!
//! Promise: whatever is wrong with the arguments is told before anything is done, with
//! exit code 2. Leaves doing it to [`crate::commands`], [`crate::up`] and [`crate::demo`].

mod config;
mod cost;
#[cfg(test)]
mod doc;
mod explain;
mod fleet;
mod job;
#[cfg(test)]
mod packaging;
mod provisioner;
mod submit;
mod value;

pub(crate) use config::{CheckArgs, ConfigArgs, PeriodsArgs, PlanArgs};
pub(crate) use cost::CostArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use fleet::{CordonArgs, DrainArgs, OrphansArgs};
pub(crate) use job::{CancelArgs, JobsArgs, LogsArgs};
pub(crate) use provisioner::{ProvisionerArgs, ProvisionerCommand, ProvisionerTestArgs};
pub(crate) use submit::{JobArgs, Pressure, ResourceArgs, SubmitArgs};

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::demo::DemoArgs;
use crate::exit::EXIT_CODES;
use crate::logging::LogFormat;
use crate::up::UpArgs;

/// Where a daemon listens unless told otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:4870";

/// Brings up agents for the jobs that wait, and lets them go.
#[derive(Parser, Debug)]
#[command(
    name = "headcount",
    version,
    after_long_help = EXIT_CODES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// For every command.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that may stand before or after the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct GlobalArgs {
    /// Where the daemon listens
    #[arg(
        long,
        global = true,
        env = "HEADCOUNT_URL",
        default_value = DEFAULT_URL,
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub(crate) url: String,
    /// A file with the token of the API: `up` asks for it, all others send it
    #[arg(
        long,
        global = true,
        env = "HEADCOUNT_TOKEN_FILE",
        value_name = "FILE",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// Print results as JSON, and errors too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the daemon: watch the queue, bring up agents, serve the API
    Up {
        /// Of the daemon.
        #[command(flatten)]
        args: UpArgs,
        /// How log lines look on standard error; HEADCOUNT_LOG chooses which there are
        #[arg(
            long,
            env = "HEADCOUNT_LOG_FORMAT",
            value_enum,
            default_value_t,
            hide_env_values = true
        )]
        log_format: LogFormat,
    },
    /// See it work: a daemon, a burst of jobs and a fleet that grows and shrinks, in one go
    Demo(DemoArgs),
    /// Check a configuration without a daemon and tell everything that is wrong with it
    Check(CheckArgs),
    /// Show when schedules of idle agents and time windows of triggers change next
    Periods(PeriodsArgs),
    /// Ask the daemon what another configuration would change, and change nothing
    Plan(PlanArgs),
    /// Make the daemon read its configuration again
    Reload,
    /// Hand in a job, or many
    Submit(Box<SubmitArgs>),
    /// List jobs, newest first
    Jobs(JobsArgs),
    /// Show what a job wrote
    Logs(LogsArgs),
    /// Cancel a job, whether it waits or runs
    Cancel(CancelArgs),
    /// Say why a job waits, pool by pool, and what to do about it
    Explain(ExplainArgs),
    /// List agents and why each of them is there
    Agents,
    /// List pools: what they have, what they want and what stands in the way
    Pools,
    /// Show what machine time went into and what it cost, by pool or by label
    Cost(CostArgs),
    /// Give a pool no new jobs and let its agents leave
    Drain(DrainArgs),
    /// Give an agent no new jobs; what it runs goes on
    Cordon(CordonArgs),
    /// Give a cordoned agent jobs again
    Uncordon(CordonArgs),
    /// List instances that nobody knows or vouches for any more, or remove them
    Orphans(OrphansArgs),
    /// Try programs that make machines
    Provisioner(ProvisionerArgs),
    /// Print the JSON Schema of `scalers.yaml`, for editors
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Run jobs on behalf of a daemon; backends start this, people need not
    #[command(long_about = AGENT_ABOUT)]
    Agent,
    /// Keep the output of a program bounded; backends start this
    #[command(hide = true)]
    Pump {
        /// Where the output goes
        dir: PathBuf,
        /// Bytes kept at most
        limit: u64,
    },
}

impl Command {
    /// Whether it asks a daemon, so that `--url` means something.
    pub(crate) const fn asks_daemon(&self) -> bool {
        !matches!(
            self,
            Self::Up { .. }
                | Self::Demo(_)
                | Self::Check(_)
                | Self::Provisioner(_)
                | Self::Periods(_)
                | Self::Schema
                | Self::Completions { .. }
                | Self::Agent
                | Self::Pump { .. }
        )
    }

    /// What the command is called.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Up { .. } => "up",
            Self::Demo(_) => "demo",
            Self::Check(_) => "check",
            Self::Periods(_) => "periods",
            Self::Plan(_) => "plan",
            Self::Reload => "reload",
            Self::Submit(_) => "submit",
            Self::Jobs(_) => "jobs",
            Self::Logs(_) => "logs",
            Self::Cancel(_) => "cancel",
            Self::Explain(_) => "explain",
            Self::Agents => "agents",
            Self::Pools => "pools",
            Self::Cost(_) => "cost",
            Self::Drain(_) => "drain",
            Self::Cordon(_) => "cordon",
            Self::Uncordon(_) => "uncordon",
            Self::Orphans(_) => "orphans",
            Self::Provisioner(_) => "provisioner",
            Self::Schema => "schema",
            Self::Completions { .. } => "completions",
            Self::Agent => "agent",
            Self::Pump { .. } => "pump",
        }
    }
}

/// The command line as clap sees it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

const AGENT_ABOUT: &str = "\
Run jobs on behalf of a daemon; backends start this, people need not.

It takes no arguments. The daemon tells it who it is by HEADCOUNT_AGENT_URL, \
HEADCOUNT_AGENT_ID, HEADCOUNT_AGENT_TOKEN_FILE, HEADCOUNT_AGENT_DIR, HEADCOUNT_AGENT_LABELS \
and HEADCOUNT_AGENT_SLOTS; HEADCOUNT_LOG chooses what it logs to standard error.

Its exit codes are its own: 0 it left after its jobs were done, 2 its settings cannot be \
used, 3 the daemon refused it, 4 the daemon was out of reach for too long, 5 this host \
refuses something it needs, 6 it was told to end at once.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds() {
        command().debug_assert();
    }

    #[test]
    fn wrong_arguments_are_told_before_anything_is_done() {
        for (line, told) in [
            (
                "submit",
                "the following required arguments were not provided",
            ),
            ("submit --script a -- b", "cannot be used with"),
            ("submit --batch a --name n", "cannot be used with"),
            ("submit --batch a --follow", "cannot be used with"),
            ("submit --cpus 2 --cpu-limit 3 -- a", "cannot be used with"),
            (
                "submit --memory 4gb -- a",
                "invalid value '4gb' for '--memory <SIZE>'",
            ),
            (
                "submit --timeout 10 -- a",
                "write the unit, for example `10s` or `10m`",
            ),
            (
                "jobs --state done",
                "a job is one of queued, assigned, running",
            ),
            ("jobs --limit 0", "0 is not in 1..=1000"),
            ("logs 4x", "not a job id; one looks like job-42"),
            (
                "explain",
                "the following required arguments were not provided",
            ),
            ("explain job-1 --runs-on a", "cannot be used with"),
            (
                "submit --runs-on a,/b[/ -- a",
                "`/b[/` is not a regular expression: unclosed character class, at character 3, `[/`",
            ),
            (
                "explain --runs-on a --exclude //",
                "the regular expression `//` is empty",
            ),
            ("explain job-1 --cpus 2", "cannot be used with"),
            (
                "cancel",
                "the following required arguments were not provided",
            ),
            ("agents all", "unexpected argument 'all' found"),
            ("logz job-1", "unrecognized subcommand 'logz'"),
        ] {
            let words = std::iter::once("headcount").chain(line.split(' '));
            let error = Cli::try_parse_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(told), "{line}: {error}");
        }
    }
}
