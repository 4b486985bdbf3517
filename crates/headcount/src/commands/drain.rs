//! `headcount drain`: gives a pool no new jobs and lets its agents leave, or ends that.

use headcount_api::{DrainRequest, Drained};

use super::Context;
use crate::cli::DrainArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Drains, or ends a drain.
///
/// # Errors
/// The daemon does not answer, or knows no such pool.
pub(crate) async fn run(context: &Context, args: &DrainArgs) -> Result<Exit, Failure> {
    let request = DrainRequest { undo: args.undo };
    let path = ["pools", &args.pool, "drain"];
    let drained: Drained = context.client.post(&path, &request).await?;
    match context.console.json {
        true => context.console.print_json(&drained)?,
        false => context.console.print(&lines(&drained, args.undo))?,
    }
    Ok(Exit::Done)
}

fn lines(drained: &Drained, undo: bool) -> String {
    let (now, before) = match undo {
        false => (
            "drains: its agents finish their jobs and leave",
            "drains already",
        ),
        true => ("takes jobs again", "was not draining"),
    };
    let mut out = String::new();
    for pool in &drained.changed {
        out.push_str(&format!("{pool} {now}\n"));
    }
    for pool in &drained.unchanged {
        out.push_str(&format!("{pool} {before}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said() {
        let drained = Drained {
            changed: vec!["a/linux".to_owned()],
            unchanged: vec!["a/mac".to_owned()],
        };
        assert_eq!(
            lines(&drained, false),
            "a/linux drains: its agents finish their jobs and leave\na/mac drains already\n"
        );
        assert_eq!(
            lines(&drained, true),
            "a/linux takes jobs again\na/mac was not draining\n"
        );
    }
}
