//! Scalers of Kubernetes clusters: what of them has no effect, and what they come to.

use headcount_model::{ClusterAccess, ClusterAddress, HistoryLimits, KubernetesRecipe};

use crate::problem::{Draft, Problems};
use crate::settings::{Kubernetes, KubernetesTemplate, Readiness};
use crate::written;

/// Warns of what no Job takes.
pub(super) fn check(scaler: &written::Scaler, problems: &mut Problems) {
    if let Some(url) = &scaler.orchestrator_url {
        let draft = Draft::warning("`orchestratorUrl` has no effect on Jobs of Kubernetes")
            .hint("remove it: their programs find their work by themselves");
        problems.at(url.place, draft);
    }
}

/// Where a scaler's cluster is.
pub(super) fn address(cluster: &Kubernetes) -> ClusterAddress {
    let access = match (&cluster.kubeconfig, &cluster.context) {
        (None, None) => ClusterAccess::Detected,
        (path, context) => ClusterAccess::Kubeconfig {
            path: path.clone(),
            context: context.clone(),
        },
    };
    ClusterAddress {
        access,
        namespace: cluster.namespace.clone(),
    }
}

pub(super) fn recipe(
    cluster: &Kubernetes,
    template: &KubernetesTemplate,
    readiness: &Readiness,
) -> KubernetesRecipe {
    KubernetesRecipe {
        cluster: address(cluster),
        template: template.job.to_string(),
        container: None,
        agent_url: None,
        pending_conditions: match readiness {
            Readiness::Queue(queue) => queue.pending_pod_conditions.clone(),
            Readiness::Idle(_) | Readiness::WarmPool(_) => Vec::new(),
        },
        history: HistoryLimits {
            successful: cluster.successful_jobs,
            failed: cluster.failed_jobs,
        },
        rollout: cluster.rollout,
        labels: template.labels.clone(),
        annotations: template.annotations.clone(),
    }
}
