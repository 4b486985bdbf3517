//! Agents as Jobs of a Kubernetes cluster (`type: kubernetes`).
//!
//! Promise: [`KubernetesBackend`] makes one `batch/v1` Job an agent, marked with owner,
//! backend, pool and agent in the call that makes it; it touches nothing without its own
//! mark; a cluster that is away is an error, never an empty list, and what happened
//! meanwhile is found when it is back.
//!
//! Leaves to others: when to make and end agents (`controller`), what an agent does
//! (`agent`), reading the configuration (`config`), retries of pods within a Job (the Job
//! controller, as the template says).
//!
//! # Why a Job is what an agent is
//!
//! A Job that is over has no pod that runs, so its agent is over: that is told, the Job no
//! longer counts, and it stays as history up to the limits of its pool. See
//! `docs/decisions/0012-kubernetes-jobs.md`.
//!
//! # What a pod is given
//!
//! A worker's pod is what its template says, with marks. A managed agent is told who it is
//! and where the daemon listens through a Secret of its own, which its Job owns: nothing of
//! it stands in the Job.

mod access;
mod backend;
mod body;
mod census;
mod environment;
mod fault;
mod marks;
mod options;
mod standing;
mod template;

pub use backend::KubernetesBackend;
pub use options::{KubernetesOptions, Pace};
pub use template::{TemplateError, check_template};
