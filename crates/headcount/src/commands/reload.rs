//! `headcount reload`: makes the daemon read its configuration again.

use headcount_api::Reload;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::change;

/// Reloads and says what changed.
///
/// # Errors
/// The daemon does not answer, or its configuration is wrong: then nothing has changed.
pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let reload: Reload = context
        .client
        .post(&["reload"], &serde_json::Map::new())
        .await?;
    let console = &context.console;
    if console.json {
        console.print_json(&reload)?;
        return Ok(Exit::Done);
    }
    let warnings = change::warnings(&reload.warnings, console.page.color);
    let changes = match reload.changes.is_empty() {
        true => "nothing changed\n".to_owned(),
        false => change::changes(&reload.changes, console.page.color),
    };
    console.print(&format!("{warnings}{changes}"))?;
    Ok(Exit::Done)
}
