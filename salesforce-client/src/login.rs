//! How to log in.

use secrecy::SecretString;

use crate::login_url::LoginUrl;
use crate::private_key::PrivateKey;

/// Where to log in, and by what. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Login {
    url: LoginUrl,
    credentials: Credentials,
}

/// By what an app logs in. Both are flows of OAuth 2.0.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The JWT bearer flow: the app signs, and acts for a user.
    JwtBearer {
        /// The app's consumer key.
        client_id: String,
        /// The user's name in Salesforce.
        username: String,
        /// What belongs to the certificate that the app has.
        private_key: PrivateKey,
    },
    /// The client credentials flow: the app acts for the user that is set as
    /// its "run as" user.
    ClientCredentials {
        /// The app's consumer key.
        client_id: String,
        /// The app's consumer secret.
        client_secret: SecretString,
    },
}

/// The parts of a log-in don't fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogin {
    /// Salesforce serves this flow at an organisation's own host only.
    #[error(
        "is a host where all organisations log in, and client credentials log in at the \
         organisation's own; write its My Domain, such as https://acme.my.salesforce.com"
    )]
    ClientCredentialsElsewhere,
}

impl Login {
    /// Puts a log-in together.
    ///
    /// # Errors
    ///
    /// [`InvalidLogin`] is the end of a sentence that begins with the URL's
    /// name.
    pub fn new(url: LoginUrl, credentials: Credentials) -> Result<Self, InvalidLogin> {
        let needs_own_host = matches!(credentials, Credentials::ClientCredentials { .. });
        if needs_own_host && !url.is_own_host() {
            return Err(InvalidLogin::ClientCredentialsElsewhere);
        }
        Ok(Self { url, credentials })
    }

    /// Where to log in.
    pub fn url(&self) -> &LoginUrl {
        &self.url
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ExtraHosts;

    fn login(url: &str) -> Result<Login, InvalidLogin> {
        let extra = ExtraHosts::parse("127.0.0.1:8090").unwrap();
        Login::new(
            LoginUrl::parse(url, &extra).unwrap(),
            Credentials::ClientCredentials {
                client_id: "3MVG9".to_owned(),
                client_secret: SecretString::from("hush".to_owned()),
            },
        )
    }

    #[test]
    fn client_credentials_log_in_at_the_organisations_own_host() {
        for url in ["login.salesforce.com", "test.salesforce.com"] {
            let refused = login(url).unwrap_err();
            assert_eq!(refused, InvalidLogin::ClientCredentialsElsewhere);
        }
        for url in ["acme.my.salesforce.com", "http://127.0.0.1:8090"] {
            let shown = format!("{:?}", login(url).unwrap());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
