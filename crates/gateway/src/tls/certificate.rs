//! What the listener shows, and what agents are told of it.
//!
//! Promise: a certificate that agents would refuse is refused here first, with what is
//! wrong with it; what agents are told (the pins) holds for as long as what it pins lives.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use headcount_api::agent::Pin;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError as Refused, Error, InconsistentKeys, RootCertStore};
use sha2::{Digest, Sha256};

use super::{files, own};

/// Where the certificate comes from. Read again at each reload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CertificateSource {
    /// A key of the daemon's own, made once and kept in this file; its certificate is made
    /// anew each time.
    Own(PathBuf),
    /// Files of somebody else, PEM.
    Files {
        /// The certificate, then those that signed it.
        chain: PathBuf,
        /// Its key, not encrypted.
        key: PathBuf,
        /// Certificates of authorities, which agents trust instead of the last of `chain`.
        authorities: Option<PathBuf>,
    },
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("`{}` cannot be used: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file holds something else.
    #[error("`{}` {problem}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The two do not belong together.
    #[error(
        "the key in `{}` is not the one of the certificate in `{}`; name the two that were made together", key.display(), chain.display()
    )]
    Strangers {
        /// Of the certificate.
        chain: PathBuf,
        /// Of the key.
        key: PathBuf,
    },
    /// Agents would refuse it.
    #[error("agents would refuse the certificate in `{}`: {problem}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        problem: String,
    },
    /// No certificate could be made.
    #[error("no certificate can be made for the agents' listener: {0}")]
    Making(String),
}

/// A certificate with its key, and how agents know it.
#[derive(Debug)]
pub struct AgentCertificate {
    pub(super) key: Arc<CertifiedKey>,
    pins: Vec<Pin>,
}

impl AgentCertificate {
    /// Reads or makes it. `host` is the name or address under which agents reach the
    /// listener, where it is known.
    ///
    /// # Errors
    /// It cannot be used, or agents would refuse it.
    pub fn load(source: &CertificateSource, host: Option<&str>) -> Result<Self, CertificateError> {
        match source {
            CertificateSource::Own(file) => {
                let (certificate, key) = own::make(file, host)?;
                let pins = vec![pin_of(&certificate).map_err(|it| making(&it))?];
                let key = certify(vec![certificate], key).map_err(|it| making(&it))?;
                Ok(Self { key, pins })
            }
            CertificateSource::Files {
                chain,
                key,
                authorities,
            } => {
                let material = files::read(chain, key, authorities.as_deref())?;
                from_files(material, chain, key, host)
            }
        }
    }

    /// What agents are told: each trusts who has one of these keys, or a certificate that
    /// one of them signed.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }
}

fn from_files(
    material: files::Material,
    chain: &std::path::Path,
    key: &std::path::Path,
    host: Option<&str>,
) -> Result<AgentCertificate, CertificateError> {
    let refused = |problem| CertificateError::Refused {
        path: chain.to_owned(),
        problem,
    };
    let files::Material {
        certificates,
        anchors,
        key: secret,
    } = material;
    let unusable = |error: Error| refused(format!("it cannot be used: {error}"));
    let pins: Result<Vec<Pin>, Error> = anchors.iter().map(pin_of).collect();
    let pins = pins.map_err(unusable)?;
    let [own, others @ ..] = &*certificates else {
        return Err(refused("there is none".to_owned()));
    };
    if !pins.contains(&pin_of(own).map_err(unusable)?) {
        check(own, others, &anchors, host).map_err(|error| refused(problem(&error, host)))?;
    }
    match certify(certificates, secret) {
        Ok(key) => Ok(AgentCertificate { key, pins }),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CertificateError::Strangers {
                chain: chain.to_owned(),
                key: key.to_owned(),
            })
        }
        Err(error) => Err(unusable(error)),
    }
}

/// The very check that agents make.
fn check(
    own: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    anchors: &[CertificateDer<'static>],
    host: Option<&str>,
) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(own)?;
    let mut roots = RootCertStore::empty();
    for anchor in anchors {
        roots.add(anchor.clone())?;
    }
    // A clock before 1970 finds every certificate not valid yet.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = UnixTime::since_unix_epoch(now.unwrap_or_default());
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    verify_server_cert_signed_by_trust_anchor(&parsed, &roots, others, now, algorithms.all)?;
    if let Some(host) = host {
        let name = ServerName::try_from(host).map_err(|_| Refused::NotValidForName)?;
        verify_server_name(&parsed, &name)?;
    }
    Ok(())
}

fn problem(error: &Error, host: Option<&str>) -> String {
    let host = host.unwrap_or_default();
    match error {
        Error::InvalidCertificate(Refused::Expired | Refused::ExpiredContext { .. }) => {
            "it, or one that signed it, has expired; renew it".to_owned()
        }
        Error::InvalidCertificate(Refused::NotValidYet | Refused::NotValidYetContext { .. }) => {
            "it, or one that signed it, is not valid yet; is this machine's clock right?".to_owned()
        }
        Error::InvalidCertificate(Refused::NotValidForNameContext { presented, .. }) => format!(
            "it is for {}, and agents are told `{host}`; change --agent-url, or get a certificate \
             for that name",
            names(presented)
        ),
        Error::InvalidCertificate(Refused::NotValidForName) => {
            format!(
                "it is not for `{host}`; change --agent-url, or get a certificate for that name"
            )
        }
        Error::InvalidCertificate(Refused::UnknownIssuer | Refused::BadSignature) => {
            "none of the authorities signed it; put those that signed it behind it, and the \
             authority's own into --agent-ca"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// As people write them: `DnsName("h")` is `h`.
fn names(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| {
        let inner = name.split_once('(').map_or(&**name, |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"')
    });
    bare.collect::<Vec<_>>().join(", ")
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, Error> {
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider).map(Arc::new)
}

fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let key = parsed.subject_public_key_info();
    Ok(Pin(Sha256::digest(&key).into()))
}

fn making(error: &Error) -> CertificateError {
    CertificateError::Making(error.to_string())
}
