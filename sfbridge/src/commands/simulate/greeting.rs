//! What the simulator says once it runs.

use std::net::SocketAddr;
use std::path::Path;

use salesforce_sim::OrgDescription;
use serde_json::json;

use crate::output::{Output, OutputError, printable};
use crate::process::reachable;

/// What there is to try.
pub(super) struct Greeting<'a> {
    pub(super) address: SocketAddr,
    pub(super) org: &'a OrgDescription,
    pub(super) key_file: Option<&'a Path>,
}

impl Greeting<'_> {
    pub(super) fn print(&self, output: &mut Output<'_>) -> Result<(), OutputError> {
        let url = self.url();
        let app = &self.org.app;
        if output.is_json() {
            output.json(&json!({
                "address": self.address.to_string(),
                "login_url": url,
                "organization_id": self.org.org.id,
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "username": self.org.user.username,
                "key_file": self.key_file,
            }))?;
            return output.flush();
        }
        let shown = |text: &str| printable(text).into_owned();
        output.line("A pretend Salesforce org; nothing in it is real.")?;
        output.line("")?;
        output.line(format_args!("  login_url      {url}"))?;
        output.line(format_args!("  organisation   {}", shown(&self.org.org.id)))?;
        output.line(format_args!("  client_id      {}", shown(&app.client_id)))?;
        output.line(format_args!(
            "  client_secret  {}",
            shown(&app.client_secret)
        ))?;
        output.line(format_args!(
            "  username       {}",
            shown(&self.org.user.username)
        ))?;
        match self.key_file {
            Some(path) => output.line(format_args!("  private key    {}", path.display()))?,
            None => output.line("  private key    any: signatures are not checked (--key-file)")?,
        }
        for definition in &self.org.outbound_messages {
            let (object, name) = (shown(&definition.object), shown(&definition.name));
            output.line(format_args!("  tells of       {object} ({name})"))?;
        }
        output.line("")?;
        output.line("Let sfbridge log in and write here:")?;
        output.line("")?;
        output.line(format_args!(
            "SFBRIDGE_SALESFORCE_EXTRA_HOSTS={} sfbridge up",
            reachable(self.address)
        ))?;
        output.line("")?;
        output.line("Log in, read Leads, look at what was called, let something go wrong:")?;
        output.line("")?;
        for line in self.curl_lines() {
            output.line(line)?;
        }
        output.line("")?;
        output.line(format_args!(
            "curl -sS {url}/__sim/ lists all that it can be told. Ctrl-C ends it."
        ))?;
        output.flush()
    }

    fn url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Lines that a shell takes as they stand, one after the other.
    fn curl_lines(&self) -> [String; 4] {
        let url = self.url();
        let app = &self.org.app;
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let (id, secret) = (
            quoted(&format!("client_id={}", app.client_id)),
            quoted(&format!("client_secret={}", app.client_secret)),
        );
        [
            format!(
                "TOKEN=$(curl -sS {url}/services/oauth2/token -d grant_type=client_credentials \
                 --data-urlencode {id} --data-urlencode {secret} | \
                 sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
            ),
            format!(
                "curl -sS -H \"Authorization: Bearer $TOKEN\" \
                 '{url}/services/data/v66.0/query?q=SELECT+Id,Name,Company+FROM+Lead+LIMIT+3'"
            ),
            format!("curl -sS {url}/__sim/calls"),
            format!(
                "curl -sS {url}/__sim/failures -d '{{\"on\": \"update\", \
                 \"error\": \"UNABLE_TO_LOCK_ROW\", \"times\": 3}}'"
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_every_line_as_it_stands() {
        let org = OrgDescription::default();
        let greeting = Greeting {
            address: "127.0.0.1:8090".parse().unwrap(),
            org: &org,
            key_file: None,
        };
        for line in greeting.curl_lines() {
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
            assert!(line.contains("http://127.0.0.1:8090/"), "{line}");
        }
    }
}
