//! `headcount schema`: the JSON Schema of `scalers.yaml`, for editors.

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Prints the schema.
///
/// # Errors
/// It cannot be written.
pub(crate) fn run(console: &Console) -> Result<Exit, Failure> {
    console.print_json(&headcount_config::json_schema())?;
    Ok(Exit::Done)
}
