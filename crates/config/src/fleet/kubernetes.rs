//! Scalers of Kubernetes clusters: what of them has no effect, and what they come to.

use headcount_model::{ClusterAccess, ClusterAddress, HistoryLimits, KubernetesRecipe};

use crate::problem::{Draft, Problems};
use crate::settings::{Kubernetes, KubernetesTemplate, Readiness, Scaler};
use crate::written::{self, AgentPlace};

/// Warns of what no Job takes.
pub(super) fn check(scaler: &written::Scaler, problems: &mut Problems) {
    let mut sets = scaler.label_sets.iter().flat_map(|sets| &sets.value);
    let is_managed = |set: &written::LabelSet| {
        let agent = set.agent.as_ref();
        agent.is_some_and(|agent| agent.value == AgentPlace::Image)
    };
    if let Some(url) = &scaler.orchestrator_url
        && !sets.any(|set| is_managed(&set.value))
    {
        let draft = Draft::warning("`orchestratorUrl` has no effect on Jobs of Kubernetes").hint(
            "remove it: their programs find their work by themselves; or write `agent: image` \
                 at the label set",
        );
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
    scaler: &Scaler,
    cluster: &Kubernetes,
    template: &KubernetesTemplate,
) -> KubernetesRecipe {
    KubernetesRecipe {
        cluster: address(cluster),
        template: template.job.to_string(),
        container: None,
        agent_url: scaler.orchestrator_url.clone(),
        pending_conditions: match &scaler.readiness {
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
