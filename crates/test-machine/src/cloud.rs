//! The machines: TLS ports in front of an engine of this host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// For one call of the engine, in seconds.
const CALL_SECONDS: u64 = 120;
/// What our agents' containers say of the machine they are on.
const MACHINE: &str = "headcount.machine";

/// All machines that cost money.
#[derive(Default)]
pub(crate) struct Cloud {
    machines: Mutex<BTreeMap<String, Machine>>,
}

struct Machine {
    port: u16,
    front: AbortHandle,
}

impl Cloud {
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn port(&self, name: &str) -> Option<u16> {
        self.lock().get(name).map(|machine| machine.port)
    }

    /// Makes one, whose server's certificate is in this folder.
    pub(crate) async fn make(&self, name: &str, folder: &Path, engine: &Path) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let acceptor = acceptor(folder);
        let engine = engine.to_owned();
        let front = tokio::spawn(async move {
            let mut doors = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("callers come");
                let (acceptor, engine) = (acceptor.clone(), engine.clone());
                doors.spawn(async move {
                    if let (Ok(mut outside), Ok(mut inside)) = (
                        acceptor.accept(stream).await,
                        UnixStream::connect(&engine).await,
                    ) {
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
                while doors.try_join_next().is_some() {}
            }
        });
        let front = front.abort_handle();
        self.lock().insert(name.to_owned(), Machine { port, front });
        port
    }

    /// Ends one with all that runs on it.
    pub(crate) async fn end(&self, name: &str, engine: &Path) {
        let machine = self.lock().remove(name);
        if let Some(machine) = machine {
            machine.front.abort();
            remove_containers(name, engine).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let file = |name: &str| folder.join(name);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(file("ca.pem")).expect("an authority");
    roots.add(authority).expect("it is one");
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let clients = clients.build().expect("a verifier");
    let certificate = CertificateDer::from_pem_file(file("server-cert.pem")).expect("a server's");
    let key = PrivateKeyDer::from_pem_file(file("server-key.pem")).expect("a server's");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    TlsAcceptor::from(Arc::new(config))
}

async fn remove_containers(machine: &str, engine: &Path) {
    let socket = engine.to_string_lossy();
    let docker = Docker::connect_with_unix(&socket, CALL_SECONDS, API_DEFAULT_VERSION);
    let Ok(docker) = docker else { return };
    let Ok(docker) = docker.negotiate_version().await else {
        return;
    };
    let filter = vec![format!("{MACHINE}={machine}")];
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&std::collections::HashMap::from([("label", filter)]))
        .build();
    let found = docker.list_containers(Some(options)).await;
    for container in found.unwrap_or_default() {
        let force = RemoveContainerOptionsBuilder::default().force(true).build();
        let id = container.id.unwrap_or_default();
        let _ = docker.remove_container(&id, Some(force)).await;
    }
}
