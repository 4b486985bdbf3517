//! Asking the daemon.
//!
//! Promise: every question has a deadline or is kept alive on purpose; whatever goes
//! wrong comes back as [`ClientError`], which says whether asking again can help. Nothing
//! is sent to another host than the one that was named (no redirects, no proxies).
//! Leaves what to ask and how to show it to [`crate::commands`].

mod error;
mod follow;
mod http;
mod lines;
mod patience;
mod settings;

pub(crate) use error::{ClientError, item};
pub(crate) use follow::{Follow, Followed, LogQuery};
pub(crate) use http::Client;
pub(crate) use patience::Patience;
pub(crate) use settings::{ClientSettings, read_token};
