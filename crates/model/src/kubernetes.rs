//! What a Kubernetes cluster is told to make, and where that cluster is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::BackendId;

/// One Job for each agent: what it is made from and how it is judged.
///
/// Its hash is of what a Job is made from: what holds for those that exist as well, such as
/// how many finished ones stay, makes no agent outdated and is left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KubernetesRecipe {
    /// Who makes it.
    pub cluster: ClusterAddress,
    /// A `batch/v1` `JobSpec` as JSON text, as a `jobTargetRef` has it; checked by the edge.
    pub template: String,
    /// The container that is the agent; `None` is the first of the template.
    pub container: Option<String>,
    /// Where managed agents call back; `None` is what the daemon says.
    pub agent_url: Option<String>,
    /// Conditions a pod must have, all at once, to count as running; empty: its phase counts.
    pub pending_conditions: Vec<String>,
    /// How many finished Jobs stay to be looked at.
    pub history: HistoryLimits,
    /// What becomes of agents that were made from another recipe.
    pub rollout: Rollout,
    /// Written on the Job beside our own, which win.
    pub labels: BTreeMap<String, String>,
    /// Written on the Job beside our own, which win.
    pub annotations: BTreeMap<String, String>,
}

impl Hash for KubernetesRecipe {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            cluster,
            template,
            container,
            agent_url,
            pending_conditions,
            history: _,
            rollout: _,
            labels,
            annotations,
        } = self;
        (cluster, template, container, agent_url).hash(state);
        (pending_conditions, labels, annotations).hash(state);
    }
}

/// What becomes of living agents once others would be made in their place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rollout {
    /// They end by themselves.
    #[default]
    Gradual,
    /// They are ended at once, whatever they do.
    Immediate,
}

/// How many finished Jobs of a pool stay; the oldest go first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryLimits {
    /// Of those that succeeded.
    pub successful: u32,
    /// Of those that failed.
    pub failed: u32,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            successful: 100,
            failed: 100,
        }
    }
}

/// Where Jobs are made. Each is a backend of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ClusterAddress {
    /// How the cluster is found.
    pub access: ClusterAccess,
    /// `None` is what the access itself names: the context's, or the daemon's own.
    pub namespace: Option<String>,
}

/// How a cluster is found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ClusterAccess {
    /// The cluster this daemon runs in, else what `KUBECONFIG` or `~/.kube/config` says.
    #[default]
    Detected,
    /// The cluster this daemon runs in.
    InCluster,
    /// A kubeconfig file.
    Kubeconfig {
        /// `None` is `KUBECONFIG` or `~/.kube/config`.
        path: Option<String>,
        /// `None` is its current context.
        context: Option<String>,
    },
}

/// What every Kubernetes backend's id starts with.
const BACKEND: &str = "kubernetes";

impl ClusterAddress {
    /// The backend that speaks to it: `kubernetes`, then `:` and the namespace, then
    /// `?in-cluster` or `?kubeconfig=PATH&context=NAME`, each only where it is said.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        let namespace = self.namespace.as_ref().map(|name| format!(":{name}"));
        let access = match &self.access {
            ClusterAccess::Detected => String::new(),
            ClusterAccess::InCluster => "?in-cluster".into(),
            ClusterAccess::Kubeconfig { path, context } => {
                let path = path.as_deref().unwrap_or_default();
                let context = context.as_ref().map(|name| format!("&context={name}"));
                format!("?kubeconfig={path}{}", context.unwrap_or_default())
            }
        };
        BackendId::new(&format!(
            "{BACKEND}{}{access}",
            namespace.unwrap_or_default()
        ))
    }

    /// The cluster of a backend whose configuration may be gone; `None` for other backends.
    #[must_use]
    pub fn of_backend(id: &BackendId) -> Option<Self> {
        let rest = id.as_str().strip_prefix(BACKEND)?;
        let (place, access) = match rest.split_once('?') {
            Some((place, access)) => (place, Some(access)),
            None => (rest, None),
        };
        let namespace = match place {
            "" => None,
            place => Some(place.strip_prefix(':').filter(|name| !name.is_empty())?),
        };
        let access = match access {
            None => ClusterAccess::Detected,
            Some("in-cluster") => ClusterAccess::InCluster,
            Some(file) => kubeconfig(file.strip_prefix("kubeconfig=")?),
        };
        Some(Self {
            access,
            namespace: namespace.map(Into::into),
        })
    }
}

fn kubeconfig(text: &str) -> ClusterAccess {
    let (path, context) = match text.rsplit_once("&context=") {
        Some((path, context)) => (path, Some(context.into())),
        None => (text, None),
    };
    let path = (!path.is_empty()).then(|| path.into());
    ClusterAccess::Kubeconfig { path, context }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: Option<&str>, context: Option<&str>) -> ClusterAccess {
        ClusterAccess::Kubeconfig {
            path: path.map(Into::into),
            context: context.map(Into::into),
        }
    }

    #[test]
    fn only_what_a_job_is_made_from_makes_another_recipe() {
        let recipe = KubernetesRecipe {
            cluster: ClusterAddress::default(),
            template: "{}".into(),
            container: None,
            agent_url: None,
            pending_conditions: Vec::new(),
            history: HistoryLimits::default(),
            rollout: Rollout::Gradual,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        };
        let print = crate::fingerprint(&recipe);
        let kept = KubernetesRecipe {
            history: HistoryLimits {
                successful: 3,
                failed: 5,
            },
            rollout: Rollout::Immediate,
            ..recipe.clone()
        };
        assert_eq!(crate::fingerprint(&kept), print);
        let other = KubernetesRecipe {
            template: "{\"backoffLimit\":0}".into(),
            ..recipe
        };
        assert_ne!(crate::fingerprint(&other), print);
    }

    #[test]
    fn a_backends_id_says_where_its_cluster_is() {
        for (access, namespace, id) in [
            (ClusterAccess::Detected, None, "kubernetes"),
            (ClusterAccess::Detected, Some("ci"), "kubernetes:ci"),
            (
                ClusterAccess::InCluster,
                Some("ci"),
                "kubernetes:ci?in-cluster",
            ),
            (file(None, None), None, "kubernetes?kubeconfig="),
            (
                file(Some("/x?a&b"), Some("prod")),
                Some("ci"),
                "kubernetes:ci?kubeconfig=/x?a&b&context=prod",
            ),
            (
                file(None, Some("prod")),
                None,
                "kubernetes?kubeconfig=&context=prod",
            ),
        ] {
            let address = ClusterAddress {
                access,
                namespace: namespace.map(Into::into),
            };
            assert_eq!(address.backend_id().as_str(), id);
            assert_eq!(
                ClusterAddress::of_backend(&BackendId::new(id)),
                Some(address)
            );
        }
        for other in ["bare-metal", "kubernetes:", "kubernetesx", "kubernetes?x"] {
            assert_eq!(
                ClusterAddress::of_backend(&BackendId::new(other)),
                None,
                "{other}"
            );
        }
    }
}
