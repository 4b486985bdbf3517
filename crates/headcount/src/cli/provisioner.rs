//! `headcount provisioner`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::value;

/// What to do with provisioners.
#[derive(Args, Debug)]
pub(crate) struct ProvisionerArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ProvisionerCommand,
}

/// What to do with provisioners.
#[derive(Subcommand, Debug)]
pub(crate) enum ProvisionerCommand {
    /// Try whether a program keeps the contract `headcount/v1`, also when things go wrong
    #[command(long_about = TEST_ABOUT)]
    Test(ProvisionerTestArgs),
}

/// What is tried, and with what.
#[derive(Args, Debug)]
pub(crate) struct ProvisionerTestArgs {
    /// The program
    pub(crate) program: PathBuf,
    /// A file or folder of the program's own, handed to each call
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// A variable that reaches the program, or a prefix of names that ends in `_`
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Vec<String>,
    /// What kind of machine, as the label set's `options`: JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) options: String,
    /// How long a call may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = value::time)]
    pub(crate) deadline: Duration,
    /// How long a machine may take to show in a list, or to be gone
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = value::time)]
    pub(crate) patience: Duration,
    /// Try also calls that ask for this many machines at once, as `createBatch` makes them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=100))]
    pub(crate) batch: Option<u8>,
    /// Run only the cases whose name contains this, without those they build upon
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
}

const TEST_ABOUT: &str = "\
Try whether a program keeps the contract `headcount/v1`, also when things go wrong.

Makes some twenty machines that do nothing, two owners' worth, and takes them away again: \
calls are repeated, made at once, killed half-way, asked for machines that never were; with \
--batch also asked for several machines in one call. Each line of the report is one promise. \
Ends with code 1 when one of them is not kept. The contract is in docs/provisioners.md.";
