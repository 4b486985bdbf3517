//! What each command does: ask, show, say how it ended.
//!
//! Promise: a command writes its result once it is whole (logs excepted) and never says
//! "done" of what was refused. Leaves the daemon itself to [`crate::up`].

mod agent;
mod agents;
mod cancel;
mod check;
mod completions;
mod cordon;
mod cost;
mod drain;
mod explain;
mod jobs;
mod logs;
mod orphans;
mod output;
mod periods;
mod plan;
mod pools;
mod provisioner;
mod pump;
mod reload;
mod schema;
mod submit;

pub(crate) use agent::run as agent;
pub(crate) use check::run as check;
pub(crate) use completions::run as completions;
pub(crate) use periods::run as periods;
pub(crate) use provisioner::run as provisioner;
pub(crate) use pump::run as pump;
pub(crate) use schema::run as schema;

use crate::cli::{Command, GlobalArgs};
use crate::client::{Client, ClientSettings};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// What a command that asks the daemon works with.
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) client: Client,
}

/// Runs a command that asks the daemon.
///
/// # Errors
/// Why it did not do what it was asked.
pub(crate) async fn ask(
    command: Command,
    global: &GlobalArgs,
    console: Console,
) -> Result<Exit, Failure> {
    let settings = ClientSettings::read(&global.url, global.token_file.as_deref())?;
    let client = Client::new(settings)?;
    let context = Context { console, client };
    match command {
        Command::Plan(args) => plan::run(&context, &args).await,
        Command::Reload => reload::run(&context).await,
        Command::Submit(args) => submit::run(&context, *args).await,
        Command::Jobs(args) => jobs::run(&context, &args).await,
        Command::Logs(args) => logs::run(&context, &args).await,
        Command::Cancel(args) => cancel::run(&context, &args).await,
        Command::Explain(args) => explain::run(&context, &args).await,
        Command::Agents => agents::run(&context).await,
        Command::Pools => pools::run(&context).await,
        Command::Cost(args) => cost::run(&context, &args).await,
        Command::Cordon(args) => cordon::run(&context, &args, false).await,
        Command::Uncordon(args) => cordon::run(&context, &args, true).await,
        Command::Orphans(args) => orphans::run(&context, &args).await,
        Command::Drain(args) => drain::run(&context, &args).await,
        other => Err(Failure::failed(format!(
            "`{}` asks no daemon",
            other.name()
        ))),
    }
}
