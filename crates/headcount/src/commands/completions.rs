//! `headcount completions`: a script that completes commands and options in a shell.

use clap_complete::{Shell, generate};

use crate::cli;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Prints the script.
///
/// # Errors
/// It cannot be written.
pub(crate) fn run(shell: Shell, console: &Console) -> Result<Exit, Failure> {
    console.print_bytes(&script(shell))?;
    Ok(Exit::Done)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), "headcount", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for command in ["submit", "explain", "drain", "runs-on"] {
                assert!(script.contains(command), "{shell}: {command}");
            }
        }
    }
}
