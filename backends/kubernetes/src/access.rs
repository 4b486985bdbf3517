//! The API server a backend speaks to: found when it is needed.
//!
//! Promise: a cluster that is away, or a kubeconfig that cannot be read, is an error of each
//! call, never of the daemon; every call has a deadline; no more is asked than [`Pace`]
//! allows. Leaves to others: what is asked (`backend`).
//!
//! [`Pace`]: crate::Pace

use std::future::Future;
use std::time::Duration;

use headcount_model::{ClusterAccess, ClusterAddress};
use headcount_ports::BackendError;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};

use crate::fault::Fault;
use crate::options::Pace;

/// For an answer that the server gives at once.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// For a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// A client and the namespace it works in.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

pub(crate) struct Access {
    address: ClusterAddress,
    pace: Pace,
    place: Mutex<Option<Place>>,
}

impl Access {
    pub(crate) fn new(address: ClusterAddress, pace: Pace) -> Self {
        Self {
            address,
            pace,
            place: Mutex::new(None),
        }
    }

    /// The client; made at the first call, and again after [`Access::forget`].
    pub(crate) async fn place(&self) -> Result<Place, Fault> {
        let mut known = self.place.lock().await;
        if let Some(place) = &*known {
            return Ok(place.clone());
        }
        let connecting = timeout(ANSWER_WAIT, self.connect()).await;
        let late = |_| Err(format!("no credentials within {} s", ANSWER_WAIT.as_secs()));
        let place = connecting.unwrap_or_else(late).map_err(Fault::away)?;
        *known = Some(place.clone());
        Ok(place)
    }

    /// A login program that a kubeconfig names is waited for by a thread of its own.
    async fn connect(&self) -> Result<Place, String> {
        let config = config(&self.address.access).await?;
        let (namespace, pace) = (self.address.namespace.clone(), self.pace);
        let connecting = tokio::task::spawn_blocking(move || connect(config, namespace, pace));
        let ended = |error| Err(format!("no client for the cluster: {error}"));
        connecting.await.unwrap_or_else(ended)
    }

    /// Reads the credentials anew next time: they may have been renewed.
    pub(crate) async fn forget(&self) {
        *self.place.lock().await = None;
    }
}

fn connect(mut config: Config, namespace: Option<String>, pace: Pace) -> Result<Place, String> {
    // Retries are the planner's, which knows what else could be done.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_WAIT);
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let builder = ClientBuilder::try_from(config);
    let builder = builder.map_err(|error| format!("no client for the cluster: {error}"))?;
    let rate = pace.requests_per_second.max(1);
    let client = builder
        .with_layer(&RateLimitLayer::new(rate, Duration::from_secs(1)))
        .with_layer(&ConcurrencyLimitLayer::new(pace.at_once.max(1)))
        .build();
    Ok(Place { client, namespace })
}

async fn config(access: &ClusterAccess) -> Result<Config, String> {
    match access {
        ClusterAccess::InCluster => in_cluster(),
        ClusterAccess::Kubeconfig { path, context } => {
            kubeconfig(path.as_deref(), context.clone()).await
        }
        ClusterAccess::Detected => match Config::incluster() {
            Ok(config) => Ok(config),
            Err(_) => kubeconfig(None, None).await,
        },
    }
}

fn in_cluster() -> Result<Config, String> {
    Config::incluster().map_err(|error| {
        format!(
            "this daemon does not run in a cluster, or its pod has no service account: {error}; \
             name a kubeconfig"
        )
    })
}

async fn kubeconfig(path: Option<&str>, context: Option<String>) -> Result<Config, String> {
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let place = path.unwrap_or("KUBECONFIG or ~/.kube/config");
    let unusable = |error: &dyn std::fmt::Display| {
        format!(
            "the kubeconfig `{place}` cannot be used: {error}; is it there, and readable by the daemon?"
        )
    };
    let config = match path {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| unusable(&error))?;
            Config::from_custom_kubeconfig(file, &options).await
        }
        None => Config::from_kubeconfig(&options).await,
    };
    config.map_err(|error| unusable(&error))
}

/// Waits for an answer, but not longer.
pub(crate) async fn within<T>(
    what: &str,
    wait: Duration,
    asking: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Fault> {
    match timeout(wait, asking).await {
        Ok(answer) => answer.map_err(|error| Fault::new(what, &error)),
        Err(_) => Err(Fault::late(what, wait)),
    }
}

impl From<Fault> for BackendError {
    fn from(fault: Fault) -> Self {
        fault.as_not_done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let access = ClusterAccess::Kubeconfig {
            path: Some("/nowhere/config".to_owned()),
            context: None,
        };
        let address = ClusterAddress {
            access,
            namespace: None,
        };
        let place = Access::new(address, Pace::default()).place().await;
        let told = place.err().map(|fault| fault.message).unwrap_or_default();
        let start = "the kubeconfig `/nowhere/config` cannot be used: ";
        let end = "; is it there, and readable by the daemon?";
        assert!(told.starts_with(start) && told.ends_with(end), "{told}");
    }
}
