//! The certificates of a store.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};

/// Makes the authority and the client's certificate of a store.
pub(crate) fn make(certs: &Path) {
    fs::create_dir_all(certs).expect("a folder");
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(itself(), key).expect("a certificate");
    fs::write(certs.join("ca.pem"), authority.pem()).expect("a file");
    fs::write(certs.join("ca-key.pem"), authority.key().serialize_pem()).expect("a file");
    sign(certs, certs, "", "stand-in client");
}

/// A certificate for this host, `<prefix>cert.pem` and `<prefix>key.pem`, signed by the
/// authority of these.
pub(crate) fn sign(certs: &Path, folder: &Path, prefix: &str, subject: &str) {
    let text = |name: &str| fs::read_to_string(certs.join(name)).expect("an authority");
    let key = KeyPair::from_pem(&text("ca-key.pem")).expect("a key");
    let issuer = Issuer::new(itself(), key);
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, subject);
    let key = KeyPair::generate().expect("a key");
    let signed = params.signed_by(&key, &issuer).expect("a certificate");
    fs::write(folder.join(format!("{prefix}cert.pem")), signed.pem()).expect("a file");
    fs::write(folder.join(format!("{prefix}key.pem")), key.serialize_pem()).expect("a file");
}

/// The authority, the same each time; its key is in the store.
fn itself() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "stand-in authority");
    params
}
