//! What a Kubernetes cluster is told to make, and where that cluster is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::BackendId;

/// One Job for each agent: what it is made from and how it is judged.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
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
    /// Written on the Job beside our own, which win.
    pub labels: BTreeMap<String, String>,
    /// Written on the Job beside our own, which win.
    pub annotations: BTreeMap<String, String>,
}

/// How many finished Jobs of a pool stay; the oldest go first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
