//! Wire types: the agent protocol and the HTTP API with its OpenAPI document.
//!
//! Promise: what is here is all that other programs see, and nothing else of ours is
//! serialised. Depends on nothing of ours; the edges convert.

pub mod agent;
