//! The configuration of a running daemon: loaded, previewed and replaced as a whole.

use std::sync::Arc;

use headcount_config::{ConfigPaths, ConfigText, ConfigTexts, Loaded, Platform, Problems};
use headcount_controller::{Handle, PoolChange};
use headcount_gateway::CertificateError;
use headcount_model::{Fleet, StreamSource};
use headcount_ports::MachinePools;
use tokio::sync::{Mutex, OnceCell};

use super::backends::Backends;
use super::machine_pools::Ledger;
use super::remote_agents::RemoteAgents;

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub(crate) enum ConfigOrigin {
    /// Files, read again at each reload.
    Files(ConfigPaths),
    /// A text that came with the program: the demo's.
    Text(ConfigText),
}

/// Why a configuration was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The files say something wrong.
    #[error("the configuration cannot be used:\n\n{}", .0.render(false, 100).trim_end())]
    Problems(Problems),
    /// The host lacks something the configuration asks for.
    #[error("this host lacks what the configuration asks for:\n{}", bullets(.0))]
    Missing(Vec<String>),
    /// The certificate of the agents' listener cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

fn bullets(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("  - {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Loads, checks and replaces the configuration.
pub(crate) struct Configuration {
    origin: ConfigOrigin,
    platform: Platform,
    backends: Backends,
    ledger: Ledger,
    remote: RemoteAgents,
    handle: OnceCell<Handle>,
    /// The streams that are read, once they are.
    sources: OnceCell<Vec<StreamSource>>,
    /// One reload at a time.
    reloading: Mutex<()>,
}

impl Configuration {
    pub(super) fn new(
        origin: ConfigOrigin,
        backends: Backends,
        ledger: Ledger,
        remote: RemoteAgents,
    ) -> Arc<Self> {
        Arc::new(Self {
            origin,
            platform: Platform::current(),
            backends,
            ledger,
            remote,
            handle: OnceCell::new(),
            sources: OnceCell::new(),
            reloading: Mutex::new(()),
        })
    }

    /// Where agents live.
    pub(super) const fn backends(&self) -> &Backends {
        &self.backends
    }

    /// From now on reloads reach this controller.
    pub(super) fn attach(&self, handle: Handle) {
        // Attached once, at start; a second controller would be a second daemon.
        drop(self.handle.set(handle));
    }

    /// From now on these streams are read, and no others until the next start.
    pub(super) fn reads(&self, sources: Vec<StreamSource>) {
        // Told once, at start, as of the controller.
        drop(self.sources.set(sources));
    }

    /// Reads the configuration as it is now and checks it against this host.
    ///
    /// # Errors
    /// With every problem.
    pub(super) fn load(&self) -> Result<Loaded, ConfigError> {
        let loaded = match &self.origin {
            ConfigOrigin::Files(paths) => headcount_config::load(paths, &self.platform),
            ConfigOrigin::Text(text) => {
                let texts = ConfigTexts {
                    main: text.clone(),
                    drop_ins: Vec::new(),
                };
                headcount_config::load_texts(texts, &self.platform)
            }
        };
        let loaded = loaded.map_err(ConfigError::Problems)?;
        self.check_host(&loaded)?;
        Ok(loaded)
    }

    /// A candidate configuration that came as texts.
    ///
    /// # Errors
    /// With every problem.
    pub(super) fn candidate(&self, texts: ConfigTexts) -> Result<Loaded, ConfigError> {
        let loaded = headcount_config::load_texts(texts, &self.platform);
        let loaded = loaded.map_err(ConfigError::Problems)?;
        self.check_host(&loaded)?;
        Ok(loaded)
    }

    fn check_host(&self, loaded: &Loaded) -> Result<(), ConfigError> {
        let mut missing = self.backends.check(&loaded.fleet);
        missing.extend(self.check_sources(&loaded.sources));
        if missing.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Missing(missing))
        }
    }

    fn check_sources(&self, wanted: &[StreamSource]) -> Option<String> {
        let running = self.sources.get()?;
        let changed = |source: &&StreamSource| !running.contains(source);
        let gone = |source: &&StreamSource| wanted.iter().all(|it| it.id != source.id);
        let source = wanted.iter().find(changed);
        let source = source.or_else(|| running.iter().find(gone))?;
        Some(format!(
            "source `{}`: restart required: sources are read as they were when the daemon \
             started",
            source.id
        ))
    }

    /// Makes the machine pools of this fleet known to their ledger, before anything is
    /// reserved in them.
    ///
    /// # Errors
    /// The ledger cannot be kept on this host.
    pub(super) async fn share(&self, fleet: &Fleet) -> Result<(), ConfigError> {
        if let Some(missing) = self.ledger.missing(fleet).await {
            return Err(ConfigError::Missing(vec![missing]));
        }
        self.ledger.configure(fleet).await;
        Ok(())
    }

    /// Where agents of machine pools are reserved.
    pub(super) fn machine_pools(&self) -> Arc<dyn MachinePools> {
        self.ledger.pools()
    }

    /// Reads the configuration again, puts it into effect, whole or not at all, and logs
    /// what came of it.
    ///
    /// # Errors
    /// Nothing has changed.
    pub(crate) async fn reload(&self) -> Result<(Vec<PoolChange>, Problems), ConfigError> {
        let _one_at_a_time = self.reloading.lock().await;
        let result = self.replace().await;
        match &result {
            Ok((changes, warnings)) => {
                if !warnings.is_empty() {
                    tracing::warn!("{}", warnings.render(false, 100));
                }
                tracing::info!(?changes, "reloaded");
            }
            Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
        }
        result
    }

    async fn replace(&self) -> Result<(Vec<PoolChange>, Problems), ConfigError> {
        let loaded = self.load()?;
        let certificate = self.remote.read()?;
        self.share(&loaded.fleet).await?;
        let handle = self.handle.get().ok_or(ConfigError::Stopping)?;
        let changes = handle.configure(loaded.fleet).await;
        let changes = changes.map_err(|_| ConfigError::Stopping)?;
        self.remote.show(certificate);
        Ok((changes, loaded.warnings))
    }
}
