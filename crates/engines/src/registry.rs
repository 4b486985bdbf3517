//! What a registry is shown when an image is fetched: the login of this host.
//!
//! Promise: whatever `docker login` or `podman login` left for the daemon's user is found,
//! in files or behind credential helpers, and read anew for each fetch. A login that is
//! there and cannot be read is an error that names the file or the program, never
//! "anonymous". No secret appears in an error or in a debug text.
//!
//! Leaves to others: logging in, and telling the engine (`images`).

mod config_file;
mod error;
mod helper;
mod host_login;
mod reference;

pub use error::LoginError;
pub use host_login::{HostLogin, Login};
