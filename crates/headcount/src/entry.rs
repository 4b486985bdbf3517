//! From arguments to an exit code.

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Cli, Command};
use crate::commands;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging;
use crate::{demo, up};

/// Runs what the arguments ask for.
pub(crate) fn run() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help goes to standard output, anything else to standard error.
            let _ = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
            return code.into();
        }
    };
    let console = Console::detect(cli.global.json);
    match useless(&cli, &matches).map_or_else(|| dispatch(cli, console), Err) {
        Ok(code) => code,
        Err(failure) => {
            if !failure.silent {
                console.complain(&failure);
            }
            failure.exit.into()
        }
    }
}

fn dispatch(cli: Cli, console: Console) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Agent => Ok(commands::agent()),
        Command::Pump { dir, limit } => done(commands::pump(&dir, limit)),
        Command::Up { args, log_format } => {
            logging::init(log_format)?;
            let ending = args.ending();
            let settings = args.settings(cli.global.token_file).map_err(misuse)?;
            runtime(Builder::new_multi_thread())?
                .block_on(up::run(settings, ending))
                .map_err(of_daemon)
        }
        Command::Demo(args) => {
            logging::init_quiet()?;
            runtime(Builder::new_multi_thread())?
                .block_on(demo::run(args))
                .map_err(of_daemon)
        }
        Command::Check(args) => done(commands::check(&args, &console)),
        Command::Provisioner(args) => {
            let tested = commands::provisioner(args, &console);
            done(runtime(Builder::new_multi_thread())?.block_on(tested))
        }
        Command::Periods(args) => done(commands::periods(&args, &console)),
        Command::Schema => done(commands::schema(&console)),
        Command::Completions { shell } => done(commands::completions(shell, &console)),
        asking => {
            let asked = commands::ask(asking, &cli.global, console);
            done(runtime(Builder::new_current_thread())?.block_on(asked))
        }
    }
}

fn done(result: Result<Exit, Failure>) -> Result<ExitCode, Failure> {
    result.map(ExitCode::from)
}

fn runtime(mut builder: Builder) -> Result<Runtime, Failure> {
    let runtime = builder.enable_all().build();
    runtime.map_err(|error| Failure::failed(format!("this host gives no event loop: {error}")))
}

/// What the daemon says of itself, in one sentence with its causes.
fn of_daemon(error: anyhow::Error) -> Failure {
    match up::is_misuse(&error) {
        true => misuse(error),
        false => Failure::failed(format!("{error:#}")),
    }
}

/// What was wrong with what the daemon was given.
fn misuse(error: anyhow::Error) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::usage(format!("{error:#}")),
    }
}

/// An option that was written and means nothing for the command: better told than dropped.
/// What stands in the environment is there for other commands.
fn useless(cli: &Cli, matches: &ArgMatches) -> Option<Failure> {
    let of_command = matches.subcommand().map(|(_, matches)| matches)?;
    let written = |option: &str| {
        let source = of_command.value_source(option);
        source == Some(ValueSource::CommandLine)
    };
    let command = &cli.command;
    let asks = command.asks_daemon();
    let takes_token = asks || matches!(command, Command::Up { .. });
    let prints_json = asks
        || matches!(
            command,
            Command::Check(_) | Command::Periods(_) | Command::Schema | Command::Provisioner(_)
        );
    let option = match () {
        () if written("url") && !asks => "--url",
        () if written("token_file") && !takes_token => "--token-file",
        () if written("json") && !prints_json => "--json",
        () => return None,
    };
    let failure = Failure::usage(format!("`{}` has no use for {option}", command.name()));
    Some(match (command, option) {
        (Command::Up { .. }, "--url") => failure.hint("--listen says where the daemon listens"),
        (Command::Up { .. }, "--json") => failure.hint("--log-format json makes log lines JSON"),
        _ => failure.hint(format!("leave out {option}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<String> {
        let words = line.split(' ');
        let matches = Cli::command().try_get_matches_from(words).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        useless(&cli, &matches).map(|failure| failure.render(false))
    }

    #[test]
    fn an_option_that_means_nothing_is_told() {
        for (line, text) in [
            (
                "headcount up --url http://x",
                "error: `up` has no use for --url\nhint: --listen says where the daemon listens\n",
            ),
            (
                "headcount --url http://x check",
                "error: `check` has no use for --url\nhint: leave out --url\n",
            ),
            (
                "headcount up --json",
                "error: `up` has no use for --json\nhint: --log-format json makes log lines JSON\n",
            ),
            (
                "headcount agent --token-file x",
                "error: `agent` has no use for --token-file\nhint: leave out --token-file\n",
            ),
        ] {
            assert_eq!(told(line).as_deref(), Some(text), "{line}");
        }
        for line in [
            "headcount --url http://x jobs",
            "headcount jobs --url http://x --json --token-file t",
            "headcount up --token-file t",
            "headcount check --json",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
