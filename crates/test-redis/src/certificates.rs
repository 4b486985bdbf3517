//! An authority of its own, a server's certificate and a client's.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// Certificates for 127.0.0.1 and localhost, as texts (PEM) and as files.
pub struct Certificates {
    dir: TempDir,
    /// The authority's certificate.
    pub ca: String,
    /// A client's certificate.
    pub client: String,
    /// Its key.
    pub client_key: String,
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn make() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params
            .distinguished_name
            .push(DnType::CommonName, "headcount test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let (server, server_key) = sign(&authority, &["127.0.0.1", "localhost"]);
        let (client, client_key) = sign(&authority, &["client"]);
        let made = Self {
            dir,
            ca: authority.pem(),
            client,
            client_key,
        };
        let texts = [&made.ca, &server, &server_key];
        for (file, text) in made.files().iter().zip(texts) {
            std::fs::write(file, text).expect("our own folder");
        }
        made
    }

    /// The authority, the server's certificate, its key.
    pub(crate) fn files(&self) -> [PathBuf; 3] {
        ["ca.pem", "server.pem", "server.key"].map(|name| self.dir.path().join(name))
    }
}

fn sign(authority: &CertifiedIssuer<'_, KeyPair>, names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let params = CertificateParams::new(names).expect("proper names");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a signature");
    (certificate.pem(), key.serialize_pem())
}
