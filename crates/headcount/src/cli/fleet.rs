//! Arguments of `drain`, `cordon`, `uncordon` and `orphans`.

use clap::Args;

/// Arguments of `drain`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DrainArgs {
    /// The pool, as `headcount pools` shows it, or a scaler for all of its pools
    #[arg(value_name = "POOL")]
    pub(crate) pool: String,
    /// Let it take jobs again
    #[arg(long)]
    pub(crate) undo: bool,
}

/// Arguments of `cordon` and `uncordon`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CordonArgs {
    /// The agent, as `headcount agents` shows it
    #[arg(value_name = "AGENT")]
    pub(crate) agent: String,
}

/// Arguments of `orphans`.
#[derive(Args, Clone, Debug)]
pub(crate) struct OrphansArgs {
    /// Remove them now, instead of after their grace; those of other daemons once their lease
    /// and `reapOthersAfter` are over
    #[arg(long)]
    pub(crate) reap: bool,
}
