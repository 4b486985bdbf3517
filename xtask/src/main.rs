//! Developer commands. `cargo xtask test` is all that CI runs.
//!
//! Promise: each command sets up what it needs, says what it skipped and why, and ends
//! with the counts of the tool it ran.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

mod docs;
mod run;
mod setup;
mod test;

use std::path::Path;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Headcount")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set everything up and run every check and test: what CI runs
    Test,
    /// Run the benchmarks and print their table; `docs/benchmarks.md` keeps the last one
    Bench {
        /// Only rows whose name contains one of these words
        rows: Vec<String>,
    },
    /// Run the simulation over many seeds, or repeat one
    Sim {
        /// How many seeds, from 0
        #[arg(long, default_value_t = 10_000)]
        seeds: u64,
        /// Just this seed, with its trace
        #[arg(long, conflicts_with = "seeds")]
        seed: Option<u64>,
        /// Tell weeks with machines instead of some minutes of anything
        #[arg(long)]
        week: bool,
    },
    /// What takes too long for a test: simulate for so many minutes, or kill daemons
    Soak {
        /// How long
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        #[command(flatten)]
        instead: Instead,
    },
    /// Write the documentation that is made from the code
    Docs,
}

/// What is soaked in instead.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Instead {
    /// Instead: simulate so many weeks with machines, each from a seed of its own
    #[arg(long, conflicts_with = "minutes")]
    weeks: Option<u64>,
    /// Instead: kill the daemon so often during bursts, on each container engine
    #[arg(long, conflicts_with = "minutes")]
    kills: Option<u32>,
    /// Instead: kill the daemon every few seconds for so many minutes of work on real machines
    #[arg(long, conflicts_with = "minutes")]
    machines: Option<u32>,
}

fn main() -> Result<()> {
    let root = run::root();
    match Arguments::parse().command {
        Command::Test => test::test(&root),
        Command::Bench { rows } => {
            run::cargo(&root, &["build", "--release", "--quiet", "-p", "headcount"])?;
            let mut words = vec!["run", "--release", "--quiet", "-p", "headcount-bench", "--"];
            words.extend(rows.iter().map(String::as_str));
            run::cargo(&root, &words)
        }
        Command::Sim { seeds, seed, week } => {
            let (word, number) = match seed {
                Some(seed) => ("--seed", seed),
                None => ("--seeds", seeds),
            };
            let week = week.then_some("--week");
            let number = number.to_string();
            let words = week.into_iter().chain([word, number.as_str()]);
            simulate(&root, &words.collect::<Vec<_>>())
        }
        Command::Soak { minutes, instead } => soak(&root, minutes, &instead),
        Command::Docs => docs::write(&root),
    }
}

fn soak(root: &Path, minutes: u64, instead: &Instead) -> Result<()> {
    if let Some(weeks) = instead.weeks {
        return simulate(root, &["--week", "--seeds", &weeks.to_string()]);
    }
    if let Some(kills) = instead.kills {
        let test = "containers_daemon_killed::";
        return end_to_end(root, test, ("HEADCOUNT_E2E_KILLS", kills));
    }
    if let Some(minutes) = instead.machines {
        let test = "machines_daemon_killed::";
        return end_to_end(root, test, ("HEADCOUNT_E2E_MINUTES", minutes));
    }
    simulate(root, &["--minutes", &minutes.to_string()])
}

/// The end-to-end tests of this module, told to do so much. Not under nextest, which ends
/// tests that take long.
fn end_to_end(root: &Path, test: &str, (variable, much): (&str, u32)) -> Result<()> {
    let words = ["test", "--quiet", "-p", "headcount", "--test", "e2e", "--"];
    let words = [&words[..], &[test, "--nocapture"]].concat();
    run::cargo_with(root, &words, &[(variable, &much.to_string())])
}

fn simulate(root: &Path, words: &[&str]) -> Result<()> {
    let all = ["run", "--release", "--quiet", "-p", "headcount-sim", "--"];
    run::cargo(root, &[&all[..], words].concat())
}
