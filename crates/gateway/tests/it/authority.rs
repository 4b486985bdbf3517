//! An authority of a test's own, and certificates that it signs.

use std::fs;
use std::path::{Path, PathBuf};

use headcount_gateway::CertificateSource;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

/// Signs what it is asked to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// From the first to the last year in which a certificate is good.
pub type Years = (i32, i32);

/// Longer than these tests are used.
pub const NOW: Years = (2000, 2900);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "tests' authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    /// Its own certificate, as a text.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Files `<stem>.pem` (with the authority behind it) and `<stem>.key`.
    pub fn sign(&self, dir: &Path, stem: &str, name: &str, years: Years) -> CertificateSource {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let [chain, secret] = ["pem", "key"].map(|end| dir.join(format!("{stem}.{end}")));
        fs::write(&chain, certificate.pem() + &self.pem()).unwrap();
        fs::write(&secret, key.serialize_pem()).unwrap();
        CertificateSource::Files {
            chain,
            key: secret,
            authorities: None,
        }
    }
}

/// The same with other files.
pub fn files(chain: PathBuf, key: PathBuf, authorities: Option<PathBuf>) -> CertificateSource {
    CertificateSource::Files {
        chain,
        key,
        authorities,
    }
}
