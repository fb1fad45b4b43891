//! Which PostgreSQL to use, and how.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};

use super::super::InvalidStoreUrl;

/// Which PostgreSQL database to use, and how much of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    pub(super) server: tokio_postgres::Config,
    pub(super) tls: TlsFiles,
    /// The URL without what is secret.
    shown: String,
    /// At most so many connections, one more for notifications aside.
    pub connections: usize,
    /// After how long the server gives up a statement.
    pub statement_timeout: Duration,
}

/// Where the client's side of TLS is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Who is trusted; the system's authorities when absent.
    pub(super) roots: Option<PathBuf>,
    /// A certificate to show, and its key.
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
}

impl PostgresConfig {
    /// How many connections there are at most unless said otherwise.
    pub const CONNECTIONS: usize = 12;

    /// How long a statement may take unless said otherwise.
    pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

    /// Reads a URL as libpq knows it. TLS is verified whenever it is used:
    /// `sslmode=require`, `verify-ca` and `verify-full` all mean a server whose
    /// certificate is valid for its name.
    pub(in super::super) fn parse(url: &str) -> Result<Self, InvalidStoreUrl> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut tls = TlsFiles::default();
        let mut certificate = None;
        let mut key = None;
        let mut ours = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (name, value) {
                ("sslrootcert", path) => tls.roots = Some(decoded(path)?),
                ("sslcert", path) => certificate = Some(decoded(path)?),
                ("sslkey", path) => key = Some(decoded(path)?),
                ("sslmode", "verify-ca" | "verify-full") => ours.push("sslmode=require".to_owned()),
                _ => ours.push(pair.to_owned()),
            }
        }
        tls.certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(InvalidStoreUrl::HalfCertificate),
        };
        let server = format!("{address}?{}", ours.join("&"));
        let mut server: tokio_postgres::Config = server
            .parse()
            .map_err(|error: tokio_postgres::Error| InvalidStoreUrl::Postgres(words(&error)))?;
        if server.get_application_name().is_none() {
            server.application_name("sfbridge");
        }
        if server.get_connect_timeout().is_none() {
            server.connect_timeout(Duration::from_secs(5));
        }
        if !query.contains("sslmode") && is_on_this_machine(&server) {
            // Debian's server offers TLS with a certificate that nobody signed.
            server.ssl_mode(SslMode::Disable);
        }
        // A server that went away without a word is noticed within a minute.
        server.keepalives_idle(Duration::from_secs(20));
        server.tcp_user_timeout(Duration::from_secs(30));
        Ok(Self {
            server,
            tls,
            shown: without_secret(address),
            connections: Self::CONNECTIONS,
            statement_timeout: Self::STATEMENT_TIMEOUT,
        })
    }

    /// Whether the URL holds a password.
    pub fn has_password(&self) -> bool {
        self.server.get_password().is_some()
    }

    /// Sets the password.
    pub fn set_password(&mut self, password: &str) {
        self.server.password(password);
    }

    /// Whether the server may be spoken with in the clear.
    pub(super) fn wants_tls(&self) -> bool {
        self.server.get_ssl_mode() != SslMode::Disable
    }
}

/// Whether nothing that is said to the server leaves this machine.
fn is_on_this_machine(server: &tokio_postgres::Config) -> bool {
    server.get_hostaddrs().iter().all(IpAddr::is_loopback)
        && server.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                let address: Option<IpAddr> = name.parse().ok();
                name == "localhost" || address.is_some_and(|address| address.is_loopback())
            }
        })
}

/// The driver's words with their cause, which alone says what is wrong.
fn words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn decoded(value: &str) -> Result<PathBuf, InvalidStoreUrl> {
    let path = percent_encoding::percent_decode_str(value).decode_utf8();
    path.map(|path| PathBuf::from(path.as_ref()))
        .map_err(|error| InvalidStoreUrl::Postgres(error.to_string()))
}

/// The address without a password.
fn without_secret(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return "postgres://".to_owned();
    };
    match rest.rsplit_once('@') {
        Some((who, place)) => {
            let user = who.split_once(':').map_or(who, |(user, _)| user);
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

impl fmt::Display for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresConfig").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        let config =
            PostgresConfig::parse("postgres://bridge:hunter2@db:5433/sfbridge?password=x").unwrap();
        assert_eq!(config.to_string(), "postgres://bridge@db:5433/sfbridge");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn files_for_tls_are_read_from_the_url() {
        let url = "postgres://db/x?sslmode=verify-full&sslrootcert=%2Fetc%2Froot.pem";
        let config = PostgresConfig::parse(url).unwrap();
        assert_eq!(config.tls.roots, Some(PathBuf::from("/etc/root.pem")));
        assert_eq!(config.server.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn a_server_on_this_machine_needs_no_tls() {
        let mode = |url: &str| PostgresConfig::parse(url).unwrap().server.get_ssl_mode();
        assert_eq!(mode("postgres://localhost/x"), SslMode::Disable);
        assert_eq!(mode("postgres://%2Frun%2Fpg/x"), SslMode::Disable);
        assert_eq!(mode("postgres://[::1]:5433/x"), SslMode::Disable);
        assert_eq!(
            mode("postgres://127.0.0.1/x?sslmode=require"),
            SslMode::Require
        );
        assert_eq!(mode("postgres://db/x"), SslMode::Prefer);
        assert_eq!(mode("postgres://localhost,db/x"), SslMode::Prefer);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        let refused = |url: &str| PostgresConfig::parse(url).unwrap_err().to_string();
        assert!(refused("postgres://db/x?sslmod=require").contains("sslmod"));
        assert!(refused("postgres://db/x?sslcert=/a.pem").contains("sslkey"));
    }
}
