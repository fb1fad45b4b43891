//! `sfbridge credentials set`.

use clap::{ArgGroup, Args};
use secrecy::ExposeSecret as _;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;

use super::secret_input::SecretInput;
use super::{client, shown};
use crate::client::{Refused, block_on};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, note, printable};

/// How to log in.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("secret").required(true), after_help = AFTER_HELP)]
pub(crate) struct Set {
    /// The installation's IGRP id
    igrp: i64,
    /// Where to log in: login.salesforce.com, test.salesforce.com for a sandbox, or the
    /// organisation's My Domain; a client secret needs the My Domain
    #[arg(long, value_name = "URL")]
    login_url: String,
    /// The consumer key of the External Client App
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The user to log in as by a private key
    #[arg(
        long,
        value_name = "NAME",
        requires = "private_key_file",
        conflicts_with = "client_secret_file"
    )]
    username: Option<String>,
    /// The file with the private RSA key, as PEM, whose certificate the app has; - is standard
    /// input
    #[arg(long, value_name = "FILE", requires = "username", group = "secret")]
    private_key_file: Option<SecretInput>,
    /// The file with the app's consumer secret; - is standard input
    #[arg(long, value_name = "FILE", group = "secret")]
    client_secret_file: Option<SecretInput>,
}

const AFTER_HELP: &str = "\
Examples:
  sfbridge credentials set 1001 --login-url https://login.salesforce.com --client-id 3MVG9... \\
      --username integration@acme.example.com --private-key-file sfbridge.key
  sfbridge credentials set 1001 --login-url https://acme.my.salesforce.com --client-id 3MVG9... \\
      --client-secret-file - < secret";

impl Set {
    pub(super) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let igrp = self.igrp;
        let request = self.into_request()?;
        let answer = block_on(async {
            let mut client = client(config).await?;
            let answer = client.set_salesforce_credentials(request).await;
            Ok(answer.map_err(Refused)?.into_inner())
        })?;
        if output.is_json() {
            return Ok(output.message("SetSalesforceCredentialsResponse", &answer)?);
        }
        let connection = answer.salesforce_connection.unwrap_or_default();
        shown::print(igrp, &connection, output)?;
        for warning in answer.warnings {
            note(printable(&warning));
        }
        Ok(())
    }

    fn into_request(self) -> Result<pb::SetSalesforceCredentialsRequest, Failure> {
        let Self {
            igrp,
            login_url,
            client_id,
            username,
            private_key_file,
            client_secret_file,
        } = self;
        let credentials = match (private_key_file, client_secret_file) {
            (Some(file), _) => Credentials::JwtBearer(pb::JwtBearer {
                client_id,
                username: username.unwrap_or_default(),
                private_key_pem: file.read("--private-key-file")?.expose_secret().to_owned(),
            }),
            (None, Some(file)) => Credentials::ClientCredentials(pb::ClientCredentials {
                client_id,
                client_secret: file
                    .read("--client-secret-file")?
                    .expose_secret()
                    .to_owned(),
            }),
            (None, None) => {
                return Err(Failure::usage(
                    "give --private-key-file or --client-secret-file",
                ));
            }
        };
        Ok(pb::SetSalesforceCredentialsRequest {
            igrp,
            login_url,
            credentials: Some(credentials),
        })
    }
}
