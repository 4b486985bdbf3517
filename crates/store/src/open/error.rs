//! Why a state directory or file cannot be used. Each is for a person; the daemon ends.

use std::io;
use std::path::PathBuf;

/// Why the state cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon runs on it: stop that one, or use another directory.
    #[error(
        "state directory {} is in use by another headcount ({}); stop that one, or give \
         this one a directory of its own with --state-dir",
        dir.display(),
        holder(*pid)
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who has it, unless it has not said so yet.
        pid: Option<u32>,
    },
    /// The directory cannot be made or written.
    #[error(
        "state directory {} cannot be used: {source}; make it writable for this user, or \
         choose another with --state-dir",
        dir.display()
    )]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer program wrote it.
    #[error(
        "state file {path} was written by a newer headcount (schema {found}, this one knows \
         {known}); start that version again, or choose another directory with --state-dir",
        path = file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema this program knows.
        known: u32,
    },
    /// It is a database, but not ours.
    #[error(
        "state file {path} belongs to another program; choose another directory with --state-dir",
        path = file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// It is damaged, or no database at all.
    #[error(
        "state file {path} is damaged: {detail}; restore it from a backup, or move it away to \
         start empty",
        path = file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What the check found.
        detail: String,
    },
    /// There is no room to open it.
    #[error(
        "state disk is full: {path} cannot be opened for writing; free some space there",
        path = file.display()
    )]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// Anything else the system said.
    #[error("state file {path} cannot be opened: {detail}", path = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        detail: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "pid not known yet".to_string(),
        |pid| format!("pid {pid}"),
    )
}
