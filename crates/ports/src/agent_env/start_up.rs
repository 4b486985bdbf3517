//! What starts an agent on a machine that has just been made: a script, or a document for
//! cloud-init that holds it.
//!
//! Promise: pure texts, quoted so that no value means anything to a shell or to YAML; the
//! token is in a file that is its owner's alone, never in an argument. The whole text is a
//! secret: it holds the token. The agent runs once: a machine that boots again does not
//! start it again, because its token is good for one registration.
//!
//! The machine needs the agent program (`headcount`, which needs nothing else) at `program`;
//! cloud-init's document needs systemd besides.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_model::Secret;

use super::remote::RemoteAgent;
use crate::BackendError;

/// Where cloud-init puts the script: gone with the next boot.
const SCRIPT: &str = "/run/headcount/start-agent";

/// A script for `/bin/sh` that becomes the agent; run by root, or by whoever is to run it.
///
/// # Errors
/// [`BackendError::Invalid`]: a variable has a name that no shell can set.
pub fn script(agent: &RemoteAgent, program: &str) -> Result<Secret, BackendError> {
    let mut text = String::from(
        "#!/bin/sh\n# Starts an agent of Headcount. This holds its one-time token: show it to \
         nobody.\nset -eu\n",
    );
    let places = &agent.places;
    let (token_file, dir) = (quoted(&places.token_file), quoted(&places.dir));
    // Writing to a string does not fail.
    let _ = writeln!(text, "mkdir -p -- \"$(dirname -- {token_file})\" {dir}");
    if let Some(token) = &agent.token {
        let token = quoted(token.expose());
        let _ = writeln!(text, "(umask 077; printf '%s\\n' {token} > {token_file})");
    }
    for (name, variable) in &agent.variables {
        check_name(name)?;
        let _ = writeln!(text, "export {name}={}", quoted(&variable.value));
    }
    let _ = writeln!(text, "exec {} agent", quoted(program));
    Ok(Secret::new(text))
}

/// A document for cloud-init (`#cloud-config`) that runs the script as a unit of systemd.
///
/// # Errors
/// As for [`script`].
pub fn cloud_init(agent: &RemoteAgent, program: &str) -> Result<Secret, BackendError> {
    let content = STANDARD.encode(script(agent, program)?.expose());
    // Not executed itself: nothing below /run may be, on many systems.
    Ok(Secret::new(format!(
        "#cloud-config\n\
         write_files:\n\
         - path: {SCRIPT}\n\
         \x20 owner: root:root\n\
         \x20 permissions: \"0600\"\n\
         \x20 encoding: b64\n\
         \x20 content: {content}\n\
         runcmd:\n\
         - [systemd-run, --unit=headcount-agent, --collect, /bin/sh, {SCRIPT}]\n"
    )))
}

/// A word that a shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn check_name(name: &str) -> Result<(), BackendError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(fine) {
        return Ok(());
    }
    Err(BackendError::Invalid(format!(
        "environment variable `{}` cannot be given to an agent by a start-up script: its name may \
         have letters, digits and `_` only; rename it, or do not forward it",
        name.escape_default()
    )))
}

#[cfg(test)]
mod tests;
