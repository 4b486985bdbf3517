//! Whether it is the daemon that answers: by its key, or by who says so.
//!
//! Promise: nobody but the holder of a pinned key, or of one that a pinned key signed for
//! this name and this time, is taken for the daemon; there is no way to switch that off.
//!
//! A pinned key *is* the daemon's, so names and dates of its own certificate add nothing.
//! The key of an authority signs for many: there, names and dates count.

use std::sync::Arc;

use headcount_api::agent::Pin;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};

/// Who is taken for the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Who has one of these keys, or a certificate that one of them signed.
    Pins(Vec<Pin>),
    /// Whom the authorities say is it that this host trusts (`SSL_CERT_FILE`, or where the
    /// system keeps them).
    Host,
}

/// A certificate that has none of the pinned keys behind it.
#[derive(Debug, thiserror::Error)]
#[error("its key is {0}")]
pub(crate) struct NotPinned(pub(crate) Pin);

/// This host trusts nobody.
#[derive(Debug, thiserror::Error)]
#[error(
    "this host has no certificates of authorities to know the daemon by{0}; set HEADCOUNT_AGENT_PIN, or SSL_CERT_FILE to a file of them"
)]
pub(crate) struct NoAuthorities(String);

/// How TLS is spoken to the daemon.
pub(crate) fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, NoAuthorities> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let mut config = match trust {
        Trust::Pins(pins) => {
            let verifier = Pinned {
                pins: pins.clone(),
                algorithms,
            };
            builder(provider)
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
        Trust::Host => builder(provider)
            .with_root_certificates(authorities()?)
            .with_no_client_auth(),
    };
    // Connections are few and long: each is verified anew.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

#[expect(
    clippy::expect_used,
    reason = "the provider is the one this is built with, and has TLS 1.3"
)]
fn builder(
    provider: Arc<CryptoProvider>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3 is there")
}

/// Those of this host; one that cannot be read is passed over, as everywhere.
fn authorities() -> Result<RootCertStore, NoAuthorities> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why = found.errors.first();
        return Err(NoAuthorities(
            why.map(|error| format!(" ({error})")).unwrap_or_default(),
        ));
    }
    Ok(store)
}

/// Knows the daemon by its pins.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(own)?;
        let key = pin_of(&parsed);
        if self.pins.contains(&key) {
            return Ok(ServerCertVerified::assertion());
        }
        let is_pinned = |other: &&CertificateDer<'_>| {
            let parsed = ParsedCertificate::try_from(*other);
            parsed.is_ok_and(|parsed| self.pins.contains(&pin_of(&parsed)))
        };
        let Some(authority) = others.iter().find(is_pinned) else {
            let not_pinned = OtherError(Arc::new(NotPinned(key)));
            return Err(CertificateError::Other(not_pinned).into());
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, others, now, algorithms)?;
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn pin_of(certificate: &ParsedCertificate<'_>) -> Pin {
    let key = certificate.subject_public_key_info();
    Pin(Sha256::digest(&key).into())
}
