//! The one binary: the daemon, its agents, and everything that asks the daemon.
//!
//! Promise: no logic of the fleet is here; the daemon's parts are only wired. Whatever goes
//! wrong ends with a sentence that says what to do and with the exit code that stands for
//! it.
//!
//! ```text
//! entry          from arguments to an exit code
//!   cli          what can be written
//!   commands     what each command does
//!     client     asking the daemon
//!     show       how things look on a terminal
//!   up           the daemon
//!   demo         the five-minute door
//! console        where words go
//! failure, exit  why a command failed, and as which code
//! ```

mod cli;
mod client;
mod commands;
mod console;
mod demo;
mod entry;
mod exit;
mod failure;
mod logging;
mod show;
mod up;

fn main() -> std::process::ExitCode {
    entry::run()
}
