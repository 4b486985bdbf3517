//! Agents of other machines: where they are awaited, what they are shown, and what they are
//! told to find and to know this daemon.
//!
//! Promise: what is shown to agents is what the agents made from then on are told to trust;
//! a certificate that cannot be used changes nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use headcount_api::agent::Pin;
use headcount_gateway::{
    AgentCertificate, AgentListener, BindError, CertificateError, CertificateSource,
    ShownCertificate,
};
use headcount_ports::agent_env::{CallBack, CallBackError, host_of};

/// The daemon's own key, in the state directory.
const OWN_KEY: &str = "agents.key";

/// Whether agents of other machines are awaited, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteSettings {
    /// On which address; nowhere without.
    pub(crate) listen: Option<SocketAddr>,
    /// Under which URL they reach it.
    pub(crate) url: Option<String>,
    /// Files to show instead of a certificate of the daemon's own.
    pub(crate) files: Option<CertificateFiles>,
}

/// Certificates of somebody else.
#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) authorities: Option<PathBuf>,
}

/// What a running daemon knows of agents of other machines.
pub(crate) struct RemoteAgents {
    call_back: CallBack,
    door: Option<Door>,
}

/// Where they come in.
struct Door {
    source: CertificateSource,
    /// Under which name, where it is known.
    host: Option<String>,
    shown: Arc<ShownCertificate>,
}

/// Why they cannot be awaited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// A certificate that was read and is not shown yet.
pub(crate) struct Fresh(Option<AgentCertificate>);

impl RemoteAgents {
    /// Takes the address and reads the certificate; nobody is served yet. `said` is what
    /// the environment says of where agents call back, weaker than the settings.
    ///
    /// # Errors
    /// The address or the certificate cannot be used.
    pub(super) async fn open(
        settings: &RemoteSettings,
        state_dir: &std::path::Path,
        said: Option<String>,
    ) -> Result<(Self, Option<AgentListener>), RemoteError> {
        let named = settings.url.clone().or(said);
        let Some(address) = settings.listen else {
            let call_back = CallBack::new(named.ok_or(CallBackError::NoListener));
            let door = None;
            return Ok((Self { call_back, door }, None));
        };
        let source = match settings.files.clone() {
            None => CertificateSource::Own(state_dir.join(OWN_KEY)),
            Some(files) => CertificateSource::Files {
                chain: files.chain,
                key: files.key,
                authorities: files.authorities,
            },
        };
        let host = match &named {
            Some(url) => host_of(url).map(str::to_owned),
            None => (!address.ip().is_unspecified()).then(|| address.ip().to_string()),
        };
        let certificate = AgentCertificate::load(&source, host.as_deref())?;
        let shown = ShownCertificate::new(certificate);
        let listener = AgentListener::tls(address, shown.clone()).await?;
        let url = match named {
            Some(url) => Ok(url),
            None if address.ip().is_unspecified() => Err(CallBackError::EveryAddress(address)),
            None => listener.url().map_err(|_| CallBackError::NoListener),
        };
        let opened = Self {
            call_back: CallBack::new(url),
            door: Some(Door {
                source,
                host,
                shown,
            }),
        };
        opened.tell_pins();
        Ok((opened, Some(listener)))
    }

    /// What backends tell the agents they make. Follows what is shown.
    pub(super) const fn call_back(&self) -> &CallBack {
        &self.call_back
    }

    /// Reads the certificate again.
    ///
    /// # Errors
    /// It cannot be used; the one that is shown stays.
    pub(super) fn read(&self) -> Result<Fresh, CertificateError> {
        let load = |door: &Door| AgentCertificate::load(&door.source, door.host.as_deref());
        Ok(Fresh(self.door.as_ref().map(load).transpose()?))
    }

    /// Shows what was read to those who come from now on.
    pub(super) fn show(&self, fresh: Fresh) {
        let (Some(door), Some(certificate)) = (&self.door, fresh.0) else {
            return;
        };
        if door.shown.current().pins() != certificate.pins() {
            tracing::warn!(
                "the key that agents trust is another now: those that were made before cannot \
                 come back once they lose their connection"
            );
        }
        door.shown.replace(certificate);
        self.tell_pins();
    }

    fn tell_pins(&self) {
        if let Some(door) = &self.door {
            let pins = Pin::join(door.shown.current().pins());
            self.call_back.trust(Some(pins));
        }
    }
}
