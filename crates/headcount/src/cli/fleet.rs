//! Arguments of `drain`.

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
