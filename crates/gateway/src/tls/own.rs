//! The daemon's own key, and a certificate that it signs for itself.
//!
//! Promise: the key is made once, is its owner's alone from its first moment, and stays, so
//! that agents which trust it still do after a restart. The certificate around it is made anew
//! at each start and has no end that a daemon could reach, so it never runs out. It proves
//! nothing but the key, which is what agents know it by.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::CertificateError;

/// A key file is far smaller.
const MAX_BYTES: u64 = 64 * 1024;

/// The key of this file, made if there is none, with a certificate for this host.
pub(super) fn make(
    file: &Path,
    host: Option<&str>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), CertificateError> {
    let key = key(file)?;
    let making = |error: rcgen::Error| CertificateError::Making(error.to_string());
    let names = host.into_iter().chain(["localhost"]).map(str::to_owned);
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).map_err(making)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "headcount agents");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2999, 12, 31);
    let certificate = params.self_signed(&key).map_err(making)?;
    let key = PrivateKeyDer::try_from(key.serialize_der());
    let key = key.map_err(|error| CertificateError::Making(error.to_owned()))?;
    Ok((certificate.der().clone(), key))
}

fn key(file: &Path) -> Result<KeyPair, CertificateError> {
    let failed = |cause| CertificateError::File {
        path: file.to_owned(),
        cause,
    };
    if let Some(text) = kept(file).map_err(failed)? {
        return KeyPair::from_pem(&text).map_err(|error| CertificateError::Content {
            path: file.to_owned(),
            problem: format!(
                "holds no key of this program's ({error}); restore it, or remove it: then a new \
                 one is made, and agents that run cannot come back"
            ),
        });
    }
    let key = KeyPair::generate().map_err(|error| CertificateError::Making(error.to_string()))?;
    keep(file, &key.serialize_pem()).map_err(failed)?;
    Ok(key)
}

/// The text of the file, closed to others if it was open to them.
fn kept(file: &Path) -> io::Result<Option<String>> {
    let found = match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if found.len() > MAX_BYTES {
        return Err(io::Error::other("it is far too large for a key"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    fs::read_to_string(file).map(Some)
}

/// Written beside it and moved into place when it is on disk: half a key is never found.
fn keep(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}
