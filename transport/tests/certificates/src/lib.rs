//! Authorities and certificates for tests of TLS, made anew for each test.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "what helpers can't do fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls_pki_types::CertificateDer;

/// From when to when something is valid, in days from today.
pub type Days = (i32, i32);

/// Valid today and tomorrow.
pub const NOW: Days = (-1, 2);
/// Valid until yesterday.
pub const PAST: Days = (-9, -1);

/// An authority that tests have certificates from.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The certificate as PEM.
    pub certificate_pem: String,
    /// Its key as PEM.
    pub key_pem: String,
}

impl Authority {
    /// An authority of its own, valid now.
    pub fn new(name: &str) -> Self {
        Self::valid(name, NOW)
    }

    /// An authority of its own, valid on these days.
    pub fn valid(name: &str, days: Days) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority(name, days), key).unwrap())
    }

    /// An authority below this one.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(authority(name, NOW), key, &self.0).unwrap())
    }

    /// Its own certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for these names and addresses.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.server_valid(names, NOW)
    }

    /// The same, valid on these days.
    pub fn server_valid(&self, names: &[&str], days: Days) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        set(&mut params, "server", days);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A client's certificate.
    pub fn client(&self) -> Identity {
        self.client_valid(NOW)
    }

    /// The same, valid on these days.
    pub fn client_valid(&self, days: Days) -> Identity {
        let mut params = CertificateParams::default();
        set(&mut params, "client", days);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// A certificate that nobody but itself vouches for, as an authority or not.
    pub fn self_signed(name: &str, is_authority: bool, days: Days) -> Self {
        let mut params = if is_authority {
            authority(name, days)
        } else {
            CertificateParams::default()
        };
        set(&mut params, name, days);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// Writes both into a folder; returns the files of certificate and key.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        fs::write(&certificate, &self.certificate_pem).unwrap();
        fs::write(&key, &self.key_pem).unwrap();
        (certificate, key)
    }
}

fn authority(name: &str, days: Days) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    set(&mut params, name, days);
    params
}

fn set(params: &mut CertificateParams, name: &str, (from, to): Days) {
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = day(from).into();
    params.not_after = day(to).into();
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are made for the time of the test"
)]
fn day(days: i32) -> SystemTime {
    const DAY: Duration = Duration::from_hours(24);
    let distance = DAY * days.unsigned_abs();
    let now = SystemTime::now();
    if days < 0 {
        now - distance
    } else {
        now + distance
    }
}
