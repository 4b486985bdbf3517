//! Which directory holds the state.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The one that was named, else systemd's, else root's, else the user's own.
pub(super) fn choose(named: Option<PathBuf>) -> Result<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    // systemd may name several, joined by colons; the first is ours.
    let systemd = env("STATE_DIRECTORY").map(|dirs| {
        let dirs = dirs.to_string_lossy().into_owned();
        PathBuf::from(dirs.split(':').next().unwrap_or_default())
    });
    if let Some(dir) = named.or(systemd) {
        return Ok(dir);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/headcount"));
    }
    let state = env("XDG_STATE_HOME").map(PathBuf::from);
    let home = || env("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = state
        .or_else(home)
        .context("no place for the state: set --state-dir, HEADCOUNT_STATE_DIR or HOME")?;
    Ok(state.join("headcount"))
}
