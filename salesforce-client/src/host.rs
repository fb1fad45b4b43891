//! Hosts that Salesforce is at.
//!
//! Secrets and customers' data go to these and no others, whatever a
//! configuration or an answer says.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::Url;

/// Further places that are taken for Salesforce, by `host:port`, over plain
/// HTTP too: for tests and simulators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraHosts(BTreeSet<String>);

/// A text names no further host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a list of host:port, separated by commas, such as 127.0.0.1:8090")]
pub struct InvalidExtraHost;

/// What kind of host it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Where all organisations of a cloud log in, or all its sandboxes.
    Login {
        /// The cloud's domain.
        domain: &'static str,
        is_sandbox: bool,
    },
    /// An organisation's own host, or the instance that it is on.
    Org {
        /// The cloud's domain.
        domain: &'static str,
        is_sandbox: bool,
    },
    /// One that was configured.
    Extra,
}

/// The domains of Salesforce's clouds: the public one with the government's,
/// the one of the United States' defence, and the one in China.
const DOMAINS: [&str; 3] = ["salesforce.com", "salesforce.mil", "sfcrmproducts.cn"];

impl ExtraHosts {
    /// Reads a list of `host:port`, separated by commas. An empty text is an
    /// empty list.
    ///
    /// # Errors
    ///
    /// [`InvalidExtraHost`] unless each is a host name or an address, and a
    /// port.
    pub fn parse(text: &str) -> Result<Self, InvalidExtraHost> {
        let names = text.split(',').map(str::trim);
        let hosts = names.filter(|name| !name.is_empty()).map(|name| {
            let (_, port) = name.rsplit_once(':').ok_or(InvalidExtraHost)?;
            let _: u16 = port.parse().map_err(|_| InvalidExtraHost)?;
            let url = Url::parse(&format!("http://{name}")).map_err(|_| InvalidExtraHost)?;
            let is_bare = url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none();
            authority(&url).filter(|_| is_bare).ok_or(InvalidExtraHost)
        });
        hosts.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, url: &Url) -> bool {
        authority(url).is_some_and(|authority| self.0.contains(&authority))
    }
}

impl fmt::Display for ExtraHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{host}")?;
        }
        Ok(())
    }
}

impl Host {
    /// What kind of host a URL is at. `None` when it is none of Salesforce's,
    /// or not spoken with as it must be.
    pub(crate) fn of(url: &Url, extra: &ExtraHosts) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        if extra.has(url) {
            return Some(Self::Extra);
        }
        if url.scheme() != "https" || url.port().is_some() {
            return None;
        }
        let name = url.host_str()?;
        DOMAINS.iter().find_map(|domain| Self::within(name, domain))
    }

    fn within(name: &str, domain: &'static str) -> Option<Self> {
        let name = name.strip_suffix(domain)?.strip_suffix('.')?;
        if let Some(own) = name.strip_suffix(".my") {
            return (!own.is_empty()).then(|| Self::Org {
                domain,
                is_sandbox: is_sandbox(own),
            });
        }
        match name {
            "login" => Some(Self::Login {
                domain,
                is_sandbox: false,
            }),
            "test" => Some(Self::Login {
                domain,
                is_sandbox: true,
            }),
            _ => is_instance(name).then(|| Self::Org {
                domain,
                is_sandbox: is_sandbox_instance(name),
            }),
        }
    }
}

/// Whether the part of a name before `.my` is a sandbox's: `acme--dev`,
/// `acme--dev.sandbox`, `acme.scratch`, `acme--dev.cs42`.
fn is_sandbox(own: &str) -> bool {
    let mut labels = own.split('.');
    let first = labels.next().unwrap_or_default();
    first.contains("--")
        || labels.any(|label| matches!(label, "sandbox" | "scratch") || is_sandbox_instance(label))
}

/// Whether a label names an instance, such as `na123`, `usa2s` or `cs42`.
fn is_instance(label: &str) -> bool {
    let letters = label.bytes().take_while(u8::is_ascii_lowercase).count();
    let digits = label.strip_suffix('s').unwrap_or(label);
    let digits = digits.as_bytes().get(letters..).unwrap_or_default();
    (2..=4).contains(&letters)
        && (1..=4).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
}

/// Sandboxes are on instances such as `cs42`, or `usa2s`.
fn is_sandbox_instance(label: &str) -> bool {
    is_instance(label) && (label.starts_with("cs") || label.ends_with('s'))
}

/// The host and the port, whether it is written or not.
fn authority(url: &Url) -> Option<String> {
    let port = url.port_or_known_default()?;
    Some(format!("{}:{port}", url.host_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: impl Into<Option<Host>>) {
        let extra = ExtraHosts::parse("127.0.0.1:8090, sim.example:443").unwrap();
        let url = Url::parse(url).unwrap();
        assert_eq!(Host::of(&url, &extra), expected.into(), "{url}");
    }

    #[test]
    fn salesforces_hosts_are_known() {
        let login = |domain, is_sandbox| Some(Host::Login { domain, is_sandbox });
        let org = |domain, is_sandbox| Some(Host::Org { domain, is_sandbox });
        let com = "salesforce.com";
        check("https://login.salesforce.com", login(com, false));
        check("https://LOGIN.salesforce.com:443/", login(com, false));
        check("https://test.salesforce.com", login(com, true));
        check("https://acme.my.salesforce.com", org(com, false));
        check(
            "https://acme-dev-ed.develop.my.salesforce.com",
            org(com, false),
        );
        check(
            "https://acme--uat.sandbox.my.salesforce.com",
            org(com, true),
        );
        check("https://acme--uat.my.salesforce.com", org(com, true));
        check("https://acme--uat.cs42.my.salesforce.com", org(com, true));
        check(
            "https://power-1234-dev-ed.scratch.my.salesforce.com",
            org(com, true),
        );
        check("https://na123.salesforce.com", org(com, false));
        check("https://usa2s.salesforce.com", org(com, true));
        check("https://cs42.salesforce.com", org(com, true));
        check(
            "https://acme.my.salesforce.mil",
            org("salesforce.mil", false),
        );
        check(
            "https://acme.my.sfcrmproducts.cn",
            org("sfcrmproducts.cn", false),
        );
    }

    #[test]
    fn others_are_not_salesforces() {
        for url in [
            "http://login.salesforce.com",
            "https://login.salesforce.com:8443",
            "https://login.salesforce.com.evil.example",
            "https://login.salesforce.com.",
            "https://evilsalesforce.com",
            "https://my.salesforce.com",
            "https://.my.salesforce.com",
            "https://salesforce.com",
            "https://help.salesforce.com",
            "https://acme.my.site.com",
            "https://127.0.0.1:8091",
            "http://127.0.0.1",
            "https://evil.example/.my.salesforce.com",
            "https://evil.example?.my.salesforce.com",
            "ftp://127.0.0.1:8090",
        ] {
            check(url, None);
        }
    }

    #[test]
    fn configured_hosts_are_taken_by_host_and_port() {
        check("http://127.0.0.1:8090", Some(Host::Extra));
        check("https://127.0.0.1:8090/x", Some(Host::Extra));
        check("https://SIM.example", Some(Host::Extra));
        check("http://sim.example", None);
        let spelled = ExtraHosts::parse("[::1]:80,localhost:1")
            .unwrap()
            .to_string();
        assert_eq!(spelled, "[::1]:80,localhost:1");
        assert!(ExtraHosts::parse(" , ").unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_no_list_of_hosts() {
        for text in [
            "localhost",
            "a:b",
            "a:1/x",
            "u@a:1",
            "http://a:1",
            ":1",
            "a:99999",
            "a:1?x",
        ] {
            assert_eq!(ExtraHosts::parse(text), Err(InvalidExtraHost), "{text}");
        }
    }
}
