//! `headcount cordon` and `headcount uncordon`: gives an agent no new jobs, or jobs again.

use headcount_api::{CordonRequest, Cordoned};

use super::Context;
use crate::cli::CordonArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Cordons, or ends that.
///
/// # Errors
/// The daemon does not answer, knows no such agent, or it cannot be.
pub(crate) async fn run(context: &Context, args: &CordonArgs, undo: bool) -> Result<Exit, Failure> {
    let path = ["agents", &args.agent, "cordon"];
    let request = CordonRequest { undo };
    let cordoned: Cordoned = context.client.post(&path, &request).await?;
    match context.console.json {
        true => context.console.print_json(&cordoned)?,
        false => context.console.print(&line(&cordoned))?,
    }
    Ok(Exit::Done)
}

fn line(told: &Cordoned) -> String {
    let words = match (told.cordoned, told.changed) {
        (true, true) => "is cordoned: what it runs goes on, and it is given no new jobs",
        (true, false) => "is cordoned already",
        (false, true) => "takes jobs again",
        (false, false) => "was not cordoned",
    };
    format!("{} {words}\n", told.agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said() {
        for (cordoned, changed, expected) in [
            (
                true,
                true,
                "a-1-1 is cordoned: what it runs goes on, and it is given no new jobs\n",
            ),
            (true, false, "a-1-1 is cordoned already\n"),
            (false, true, "a-1-1 takes jobs again\n"),
            (false, false, "a-1-1 was not cordoned\n"),
        ] {
            let agent = "a-1-1".to_owned();
            let told = Cordoned {
                agent,
                cordoned,
                changed,
            };
            assert_eq!(line(&told), expected);
        }
    }
}
