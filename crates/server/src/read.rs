//! Reading what clients send: bounded, and every mistake told with its place.

mod body;
mod params;
mod suggest;

pub(crate) use body::{json, json_or_default, one_or_many, read};
pub(crate) use params::{Params, agent_id, job_id};
