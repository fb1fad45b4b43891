//! Why a client found no TLS, in words.

use std::error::Error;
use std::fmt;
use std::io;

use tokio_rustls::rustls;
use tokio_rustls::rustls::{AlertDescription, CertificateError};

/// Why TLS was not agreed on, as far as the client can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server's certificate is of no authority that the client trusts.
    UnknownAuthority,
    /// The server's certificate is for other names.
    WrongName,
    /// The server's certificate is not valid at this time.
    NotValidNow,
    /// The server asks for a client certificate.
    NoClientCertificate,
    /// The server does not take the client's certificate.
    ClientCertificateRefused,
    /// What answers does not speak TLS.
    NotTls,
}

impl Trouble {
    /// Looks for it among an error and its causes.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(trouble) = error.downcast_ref().and_then(Self::of_tls) {
                return Some(trouble);
            }
            // An I/O error that wraps another one names only that one's cause.
            let wrapped = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            next = match wrapped {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            };
        }
        None
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use rustls::Error as E;
        match error {
            E::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Some(Self::UnknownAuthority)
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Some(Self::WrongName),
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Some(Self::NotValidNow),
                _ => None,
            },
            E::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired => Some(Self::NoClientCertificate),
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::DecryptError
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::AccessDenied => Some(Self::ClientCertificateRefused),
                _ => None,
            },
            E::InvalidMessage(_) => Some(Self::NotTls),
            _ => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => {
                "the server's certificate is of no authority that is trusted here"
            }
            Self::WrongName => {
                "the server's certificate is not for the host name in the URL; use a name that it \
                 is for"
            }
            Self::NotValidNow => {
                "the server's certificate has expired or is not valid yet; the server has to renew \
                 it, or a clock is wrong"
            }
            Self::NoClientCertificate => "the server asks for a client certificate",
            Self::ClientCertificateRefused => "the server does not take this client certificate",
            Self::NotTls => "what listens there does not speak TLS; for plain text write http://",
        })
    }
}
