//! Certificates and keys of somebody else, read from files.
//!
//! Leaves to others: whether they are any good (`certificate`).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::CertificateError;

/// No chain of certificates is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the files hold.
pub(super) struct Material {
    /// What is shown: the certificate, those that signed it, the authorities.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Whose keys agents are told.
    pub(super) anchors: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Reads them. Agents know only the keys of authorities, so they are shown those too.
pub(super) fn read(
    chain: &Path,
    key: &Path,
    authorities: Option<&Path>,
) -> Result<Material, CertificateError> {
    let mut certificates = certificates(chain)?;
    let anchors = match authorities {
        Some(file) => self::certificates(file)?,
        None => certificates.last().cloned().into_iter().collect(),
    };
    for anchor in &anchors {
        if !certificates.contains(anchor) {
            certificates.push(anchor.clone());
        }
    }
    Ok(Material {
        certificates,
        anchors,
        key: private_key(key)?,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let text = text(path)?;
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| broken(path, &error))?;
    match found.is_empty() {
        true => Err(content(
            path,
            "holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)",
        )),
        false => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let text = text(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        PemError::NoItemsFound => content(
            path,
            "holds no private key in PEM form that is not encrypted (`-----BEGIN PRIVATE \
             KEY-----`)",
        ),
        other => broken(path, &other),
    })
}

fn text(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(cause) => Err(CertificateError::File {
            path: path.to_owned(),
            cause,
        }),
    }
}

fn broken(path: &Path, error: &PemError) -> CertificateError {
    content(path, &format!("is not in PEM form: {error}"))
}

fn content(path: &Path, problem: &str) -> CertificateError {
    CertificateError::Content {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}
