//! Developer commands. `cargo xtask test` is all that CI runs.
//!
//! Promise: each command sets up what it needs, says what it skipped and why, and ends
//! with the counts of the tool it ran.
#![expect(clippy::print_stdout, reason = "a command line speaks by printing")]

mod docs;
mod run;
mod setup;
mod test;

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
    },
    /// What takes too long for a test: simulate for so many minutes, or kill daemons
    Soak {
        /// How long
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        /// Instead: kill the daemon so often during bursts, on each container engine
        #[arg(long, conflicts_with = "minutes")]
        kills: Option<u32>,
    },
    /// Write the documentation that is made from the code
    Docs,
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
        Command::Sim { seeds, seed } => {
            let words = match seed {
                Some(seed) => ["--seed".to_owned(), seed.to_string()],
                None => ["--seeds".to_owned(), seeds.to_string()],
            };
            simulate(&root, &words)
        }
        Command::Soak {
            kills: Some(kills), ..
        } => kill(&root, kills),
        Command::Soak { minutes, .. } => {
            simulate(&root, &["--minutes".to_owned(), minutes.to_string()])
        }
        Command::Docs => docs::write(&root),
    }
}

/// The end-to-end test of killed daemons, with so many kills. Not under nextest, which ends
/// tests that take long.
fn kill(root: &std::path::Path, kills: u32) -> Result<()> {
    let test = "containers_daemon_killed::";
    let words = ["test", "--quiet", "-p", "headcount", "--test", "e2e", "--"];
    let words = [&words[..], &[test, "--nocapture"]].concat();
    let kills = kills.to_string();
    run::cargo_with(root, &words, &[("HEADCOUNT_E2E_KILLS", &kills)])
}

fn simulate(root: &std::path::Path, words: &[String]) -> Result<()> {
    let mut all = vec!["run", "--release", "--quiet", "-p", "headcount-sim", "--"];
    all.extend(words.iter().map(String::as_str));
    run::cargo(root, &all)
}
