//! Where to log in.

use std::fmt;

use reqwest::Url;

use crate::host::{ExtraHosts, Host};

/// A place where an organisation logs in: `https://login.salesforce.com`,
/// `https://test.salesforce.com`, or its own My Domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginUrl {
    // Invariant: a scheme and a host, without a path.
    origin: String,
    host: Host,
}

/// A text is no place to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLoginUrl {
    /// Not a URL.
    #[error("is not a URL, such as https://acme.my.salesforce.com")]
    NotAUrl,
    /// More than a host.
    #[error(
        "has more than a host; write it as in https://acme.my.salesforce.com, without user, path \
         or query"
    )]
    MoreThanAHost,
    /// Secrets would cross the net in the clear.
    #[error("is not an https URL, and secrets would cross the net in the clear")]
    NotHttps,
    /// A host that people see in the browser, but nobody logs in at by API.
    #[error(
        "is a page for people; write the organisation's My Domain instead, such as \
         https://acme.my.salesforce.com (Setup, My Domain)"
    )]
    Page,
    /// Not one of Salesforce's hosts.
    #[error(
        "is at none of Salesforce's hosts; write https://login.salesforce.com, \
         https://test.salesforce.com for a sandbox, or the organisation's My Domain, such as \
         https://acme.my.salesforce.com"
    )]
    UnknownHost,
}

impl LoginUrl {
    /// Reads a URL, surrounding white space aside. A host alone is completed.
    ///
    /// # Errors
    ///
    /// [`InvalidLoginUrl`] says which rule the text breaks.
    pub fn parse(text: &str, extra: &ExtraHosts) -> Result<Self, InvalidLoginUrl> {
        let text = text.trim();
        let url = if text.contains("://") {
            Url::parse(text).map_err(|_| InvalidLoginUrl::NotAUrl)?
        } else {
            complete(text)?
        };
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare && url.has_host() {
            return Err(InvalidLoginUrl::MoreThanAHost);
        }
        let Some(host) = Host::of(&url, extra) else {
            return Err(why_unknown(&url, extra));
        };
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            host,
        })
    }

    /// The URL, without a path.
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Whether it is an organisation's own host, and not one where all log in.
    pub fn is_own_host(&self) -> bool {
        !matches!(self.host, Host::Login { .. })
    }

    /// Whom a JWT is for. Salesforce wants one of the two hosts where all log
    /// in, also from those who log in at their own; a pretend org takes its own
    /// address.
    pub(crate) fn audience(&self) -> String {
        match self.host {
            Host::Login { domain, is_sandbox } | Host::Org { domain, is_sandbox } => {
                let name = if is_sandbox { "test" } else { "login" };
                format!("https://{name}.{domain}")
            }
            Host::Extra => self.origin.clone(),
        }
    }
}

impl fmt::Display for LoginUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Makes a URL of a host. What runs on this machine has no certificate.
fn complete(text: &str) -> Result<Url, InvalidLoginUrl> {
    let parse = |scheme: &str| Url::parse(&format!("{scheme}://{text}"));
    let url = parse("https").map_err(|_| InvalidLoginUrl::NotAUrl)?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if is_local {
        return parse("http").map_err(|_| InvalidLoginUrl::NotAUrl);
    }
    Ok(url)
}

fn why_unknown(url: &Url, extra: &ExtraHosts) -> InvalidLoginUrl {
    const PAGES: [&str; 5] = [
        ".lightning.force.com",
        ".my.site.com",
        ".my.salesforce-setup.com",
        ".force.com",
        ".sfcrmapps.cn",
    ];

    let name = url.host_str().unwrap_or_default();
    if name.is_empty() {
        return InvalidLoginUrl::NotAUrl;
    }
    if PAGES.iter().any(|page| name.ends_with(page)) {
        return InvalidLoginUrl::Page;
    }
    let mut secure = url.clone();
    let is_known = secure.set_scheme("https").is_ok() && Host::of(&secure, extra).is_some();
    if url.scheme() != "https" && is_known {
        return InvalidLoginUrl::NotHttps;
    }
    InvalidLoginUrl::UnknownHost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LoginUrl, InvalidLoginUrl> {
        LoginUrl::parse(text, &ExtraHosts::parse("127.0.0.1:8090").unwrap())
    }

    #[track_caller]
    fn check(text: &str, url: &str, audience: &str) {
        let parsed = parse(text).unwrap();
        assert_eq!(
            (parsed.as_str(), parsed.audience().as_str()),
            (url, audience)
        );
    }

    #[test]
    fn a_jwt_is_for_the_host_where_all_log_in() {
        let production = "https://login.salesforce.com";
        let sandbox = "https://test.salesforce.com";
        check(" login.salesforce.com ", production, production);
        check("https://login.salesforce.com/", production, production);
        check("test.salesforce.com", sandbox, sandbox);
        check(
            "https://Acme.my.salesforce.com",
            "https://acme.my.salesforce.com",
            production,
        );
        let own = "https://acme--uat.sandbox.my.salesforce.com";
        check(own, own, sandbox);
        let china = "https://acme.my.sfcrmproducts.cn";
        check(china, china, "https://login.sfcrmproducts.cn");
        let pretended = "http://127.0.0.1:8090";
        check(pretended, pretended, pretended);
        check("127.0.0.1:8090", pretended, pretended);
    }

    #[test]
    fn what_is_wrong_with_other_texts_is_told() {
        for (text, expected) in [
            ("", InvalidLoginUrl::NotAUrl),
            ("https://", InvalidLoginUrl::NotAUrl),
            ("two words", InvalidLoginUrl::NotAUrl),
            ("mailto:a@b.example://", InvalidLoginUrl::NotAUrl),
            ("http://login.salesforce.com", InvalidLoginUrl::NotHttps),
            (
                "https://login.salesforce.com/services/oauth2/token",
                InvalidLoginUrl::MoreThanAHost,
            ),
            (
                "https://user:secret@login.salesforce.com",
                InvalidLoginUrl::MoreThanAHost,
            ),
            ("https://acme.lightning.force.com", InvalidLoginUrl::Page),
            ("https://example.com", InvalidLoginUrl::UnknownHost),
            ("127.0.0.1:8091", InvalidLoginUrl::UnknownHost),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
