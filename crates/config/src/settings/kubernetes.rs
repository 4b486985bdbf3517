//! Agents as Jobs of a Kubernetes cluster.

use std::collections::BTreeMap;

pub use headcount_model::Rollout as RolloutStrategy;

/// A cluster, and what all Jobs of one scaler have in common.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kubernetes {
    /// The file with address and credentials; `None` is the cluster this program runs in,
    /// or the usual file of the user.
    pub kubeconfig: Option<String>,
    /// Which context of that file; `None` is its current one.
    pub context: Option<String>,
    /// Where Jobs are; `None` is what the credentials say.
    pub namespace: Option<String>,
    /// Succeeded Jobs that are kept.
    pub successful_jobs: u32,
    /// Failed Jobs that are kept.
    pub failed_jobs: u32,
    /// What becomes of Jobs when their template changes.
    pub rollout: RolloutStrategy,
    /// How Jobs are deleted.
    pub propagation: Propagation,
}

/// Whether a Job that is deleted goes before its pods or after them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Propagation {
    /// The Job first.
    #[default]
    Background,
    /// Its pods first.
    Foreground,
}

/// Who runs jobs in the pod of a Job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KubernetesAgent {
    /// Nobody: the program finds its work by itself.
    #[default]
    Nobody,
    /// The image's own agent.
    Image,
}

/// What a Job is made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KubernetesTemplate {
    /// The `spec` of a Job of `batch/v1`: an object, with at least one named container that
    /// has an image.
    pub job: serde_json::Value,
    /// Who runs jobs in its first container.
    pub agent: KubernetesAgent,
    /// Labels of each Job.
    pub labels: BTreeMap<String, String>,
    /// Annotations of each Job.
    pub annotations: BTreeMap<String, String>,
}
