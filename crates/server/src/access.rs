//! Who may talk to the API.
//!
//! Promise: without a token nothing but loopback is served, and nothing that a web page
//! of somebody else can make a browser send; with a token everything but the sign of
//! life and the empty page needs it.

mod bind;
mod site;
mod token;

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use headcount_model::Secret;

pub use bind::{BindRefused, check_bind};
use token::Token;

use crate::refused::Answer;

/// The sign of life, for probes that know nothing.
const ALIVE: &str = "/healthz";
/// The page itself holds no data; it asks for the token.
const PAGE: &str = "/";

/// Who may talk to the API.
pub struct Access {
    token: Option<Token>,
    /// Whether only names of this host may be used to reach it.
    local_names_only: bool,
}

impl Access {
    /// For a listener at `addr`.
    ///
    /// # Errors
    /// The address can be reached from elsewhere, and there is no token.
    pub fn new(addr: SocketAddr, token: Option<Secret>) -> Result<Self, BindRefused> {
        check_bind(addr, token.is_some())?;
        Ok(Self {
            local_names_only: token.is_none(),
            token: token.as_ref().map(Token::new),
        })
    }

    fn check(&self, request: &Request) -> Answer<()> {
        let path = request.uri().path();
        if path == ALIVE {
            return Ok(());
        }
        if self.local_names_only {
            site::check_host(request.headers(), request.uri())?;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            site::check_origin(request.headers())?;
        }
        match &self.token {
            Some(token) if path != PAGE => token.check(request.headers()),
            _ => Ok(()),
        }
    }
}

/// Refuses what [`Access`] refuses.
pub(crate) async fn guard(
    State(server): State<crate::Server>,
    request: Request,
    next: Next,
) -> Response {
    match server.access().check(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}
