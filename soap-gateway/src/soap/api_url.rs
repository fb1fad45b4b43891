//! The API addresses that a message names.

use http::Uri;
use sfbridge_values::OrganizationId;

/// What an `EnterpriseUrl` or `PartnerUrl` gives away about its sender.
///
/// The message is not signed, so its addresses are never called and not kept.
/// Only what does not fit is worth a warning.
#[derive(Debug)]
pub(super) struct ApiUrl {
    is_at_salesforce: bool,
    organization_id: Option<OrganizationId>,
}

impl ApiUrl {
    /// Real addresses have about 80 bytes.
    const MOST_BYTES: usize = 2_048;

    /// Looks at an address, surrounding white space aside.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        let uri = Some(text)
            .filter(|text| text.len() <= Self::MOST_BYTES)
            .and_then(|text| text.parse::<Uri>().ok());
        let last_segment = uri.as_ref().and_then(|uri| uri.path().rsplit('/').next());
        Self {
            is_at_salesforce: uri.as_ref().is_some_and(is_at_salesforce),
            organization_id: last_segment.and_then(|id| OrganizationId::parse(id).ok()),
        }
    }

    /// Whether it is an https address of a host below `salesforce.com`.
    pub(super) fn is_at_salesforce(&self) -> bool {
        self.is_at_salesforce
    }

    /// The organisation at its end, if there is one.
    pub(super) fn organization_id(&self) -> Option<&OrganizationId> {
        self.organization_id.as_ref()
    }
}

fn is_at_salesforce(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    // 8443 is for mutual TLS.
    let is_usual_port = match authority.port() {
        None => !authority.as_str().ends_with(':'),
        Some(port) => matches!(port.as_u16(), 443 | 8443),
    };
    let host = authority.host().to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    uri.scheme_str() == Some("https")
        && !authority.as_str().contains('@')
        && is_usual_port
        && host
            .strip_suffix(".salesforce.com")
            .is_some_and(|labels| labels.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: bool) {
        assert_eq!(ApiUrl::read(url).is_at_salesforce(), expected, "{url}");
    }

    #[test]
    fn hosts_of_salesforce_are_known() {
        check(
            "https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062",
            true,
        );
        check(" https://acme--sbx.sandbox.my.salesforce.com/\n", true);
        check("https://acme--sbx.cs101.my.salesforce.com", true);
        check("https://na5-api.salesforce.com/x", true);
        check("https://usa2s.sfdc-abcd12.salesforce.com/x", true);
        check("HTTPS://ACME.MY.SALESFORCE.COM/x", true);
        check("https://acme.my.salesforce.com:8443/x", true);
    }

    #[test]
    fn look_alikes_are_told_apart() {
        for url in [
            "",
            "/services/Soap/c/60.0/00D000000000062",
            "http://acme.my.salesforce.com/x",
            "https://acme.my.salesforce.com.evil.io/x",
            "https://evilsalesforce.com/x",
            "https://.salesforce.com/x",
            "https://my.salesforce.com@evil.io/x",
            "https://user@acme.my.salesforce.com/x",
            "https://acme.my.salesforce.com:80@10.0.0.1/x",
            "https://acme.my.salesforce.com:8080/x",
            "https://acme.my.salesforce.com./x",
            "https://acme%2emy.salesforce.com/x",
            "https://acme.my.sаlesforce.com/x",
            "https://[::1]/x",
            "https://10.0.0.1/.salesforce.com",
            "javascript:alert(1)",
        ] {
            check(url, false);
        }
        check(
            &format!("https://a.salesforce.com/{}", "x".repeat(10_000)),
            false,
        );
    }

    #[test]
    fn the_organisation_is_the_last_segment() {
        let organization = |url| ApiUrl::read(url).organization_id;
        let id = organization("https://x.my.salesforce.com/services/Soap/u/60.0/00D000000000062");
        assert_eq!(id, OrganizationId::parse("00D000000000062EAA").ok());
        assert_eq!(
            organization("https://x.my.salesforce.com/services/Soap/u/60.0"),
            None
        );
    }
}
