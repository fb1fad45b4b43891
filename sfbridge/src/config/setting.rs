//! The settings, one row each: from here come the keys of the file, the
//! environment variables, the flags and their help.

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Setting {
    DataDir,
    Store,
    StorePasswordFile,
    StoreConnections,
    StoreStatementTime,
    StoreWriteDelay,
    RetentionIdempotencyKeys,
    RetentionEvents,
    RetentionCallRatings,
    RetentionLeadEnrichments,
    RetentionQuarantine,
    RetentionQuarantineResolved,
    RetentionVisits,
    RetentionCalls,
    Installations,
    SecretKey,
    SecretKeyFile,
    SalesforceExtraHosts,
    SalesforceApiVersion,
    CoreListen,
    CoreTlsCertificateFile,
    CoreTlsKeyFile,
    CoreClientCaFile,
    CoreMaxConnections,
    CoreReflection,
    GatewayListen,
    GatewayTlsCertificateFile,
    GatewayTlsKeyFile,
    GatewayClientCaFile,
    TrustedProxies,
    GatewayClientAddressHeader,
    GatewayClientCertificateHeader,
    GatewayAllowedAddresses,
    GatewayClientCertificates,
    GatewayMaxConnections,
    GatewayMaxConnectionsPerAddress,
    GatewayMaxRequests,
    GatewayOrganizationRate,
    GatewayMaxBodyBytes,
    GatewayMaxHeldBytes,
    GatewayHeaderTime,
    GatewayBodyTime,
    GatewayRequestTime,
    GatewayCoreTime,
    GatewayNoticeTime,
    GatewayMaxDepth,
    GatewayMaxAttributes,
    GatewayMaxNameBytes,
    GatewayMaxNodes,
    GatewayMaxMessageNodes,
    GatewayMaxNotifications,
    DefaultIgrpFields,
    DefaultVisitorIdFields,
    DefaultCallRefFields,
    CoreUrl,
    CoreUrlCaFile,
    CoreUrlCertificateFile,
    CoreUrlKeyFile,
    CoreApiKey,
    CoreApiKeyFile,
    OperatorListen,
    Log,
    LogFormat,
    ShutdownDeadline,
}

/// What a setting belongs to. A command has the flags of the groups it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Where everything is.
    Place,
    /// The store.
    Store,
    /// What to do about unknown installations.
    Installations,
    /// The core's own.
    Core,
    /// The gateway's own.
    Gateway,
    /// How notifications are read.
    Mapping,
    /// How to reach a core in another process.
    Upstream,
    /// The life of a process that serves.
    Process,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The key in the file. `SFBRIDGE_` and this in upper case is the
    /// environment variable, `--` and this with hyphens the flag.
    pub(crate) key: &'static str,
    /// What it belongs to.
    pub(crate) group: Group,
    /// The default, where it is a plain text.
    pub(crate) default: Option<&'static str>,
    /// What stands for the value in help texts.
    pub(crate) value_name: &'static str,
    /// One sentence.
    pub(crate) help: &'static str,
}

impl Setting {
    /// All settings, in the order in which people read them.
    pub(crate) const ALL: [Self; 64] = [
        Self::DataDir,
        Self::Store,
        Self::StorePasswordFile,
        Self::Installations,
        Self::GatewayListen,
        Self::CoreListen,
        Self::OperatorListen,
        Self::CoreUrl,
        Self::CoreUrlCaFile,
        Self::CoreUrlCertificateFile,
        Self::CoreUrlKeyFile,
        Self::CoreApiKey,
        Self::CoreApiKeyFile,
        Self::CoreTlsCertificateFile,
        Self::CoreTlsKeyFile,
        Self::CoreClientCaFile,
        Self::CoreMaxConnections,
        Self::CoreReflection,
        Self::GatewayTlsCertificateFile,
        Self::GatewayTlsKeyFile,
        Self::GatewayClientCaFile,
        Self::TrustedProxies,
        Self::GatewayClientAddressHeader,
        Self::GatewayClientCertificateHeader,
        Self::GatewayAllowedAddresses,
        Self::GatewayClientCertificates,
        Self::GatewayMaxConnections,
        Self::GatewayMaxConnectionsPerAddress,
        Self::GatewayMaxRequests,
        Self::GatewayOrganizationRate,
        Self::GatewayMaxBodyBytes,
        Self::GatewayMaxHeldBytes,
        Self::GatewayHeaderTime,
        Self::GatewayBodyTime,
        Self::GatewayRequestTime,
        Self::GatewayCoreTime,
        Self::GatewayNoticeTime,
        Self::GatewayMaxDepth,
        Self::GatewayMaxAttributes,
        Self::GatewayMaxNameBytes,
        Self::GatewayMaxNodes,
        Self::GatewayMaxMessageNodes,
        Self::GatewayMaxNotifications,
        Self::DefaultIgrpFields,
        Self::DefaultVisitorIdFields,
        Self::DefaultCallRefFields,
        Self::SecretKey,
        Self::SecretKeyFile,
        Self::SalesforceExtraHosts,
        Self::SalesforceApiVersion,
        Self::RetentionIdempotencyKeys,
        Self::RetentionEvents,
        Self::RetentionCallRatings,
        Self::RetentionLeadEnrichments,
        Self::RetentionQuarantine,
        Self::RetentionQuarantineResolved,
        Self::RetentionVisits,
        Self::RetentionCalls,
        Self::StoreConnections,
        Self::StoreStatementTime,
        Self::StoreWriteDelay,
        Self::Log,
        Self::LogFormat,
        Self::ShutdownDeadline,
    ];

    /// The setting of this key.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|setting| setting.row().key == key)
    }

    /// The key in the file.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }

    /// The environment variable.
    pub(crate) fn variable(self) -> String {
        format!("SFBRIDGE_{}", self.key().to_ascii_uppercase())
    }

    /// The flag without its hyphens.
    pub(crate) fn flag(self) -> String {
        self.key().replace('_', "-")
    }

    /// Whether the value must never be shown. Such a setting has no flag:
    /// everybody on the machine can read the flags of a process.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::CoreApiKey | Self::SecretKey)
    }

    /// Its row of the table.
    pub(crate) fn row(self) -> Row {
        let (key, group, default, value_name, help) = self.columns();
        Row {
            key,
            group,
            default,
            value_name,
            help,
        }
    }

    #[rustfmt::skip]
    #[expect(clippy::too_many_lines, reason = "the table has a row for each setting")]
    fn columns(self) -> (&'static str, Group, Option<&'static str>, &'static str, &'static str) {
        use Group::{Core, Gateway, Installations, Mapping, Place, Process, Store, Upstream};
        match self {
            Self::DataDir => ("data_dir", Place, Some("data"), "DIR",
                "Where the embedded database and addresses.json are"),
            Self::Store => ("store", Store, None, "URL",
                "The store, as sqlite:///path/to/file.db or postgres://user@host/database \
                 [default: sfbridge.db in the data directory]"),
            Self::StorePasswordFile => ("store_password_file", Store, None, "FILE",
                "The file that holds the password for a PostgreSQL store"),
            Self::StoreConnections => ("store_connections", Store, Some("12"), "NUMBER",
                "How many connections to a PostgreSQL store this process has at most; it listens \
                 on one more"),
            Self::StoreStatementTime => ("store_statement_time", Store, Some("30s"), "TIME",
                "After how long PostgreSQL gives up a statement, or waiting for a lock"),
            Self::StoreWriteDelay => ("store_write_delay", Core, Some("0s"), "TIME",
                "How long the store takes for each item at least, such as 1ms: for rehearsals of a \
                 slow disk, never in production"),
            Self::Installations => ("installations", Installations, Some("auto"), "MODE",
                "What to do about unknown installations: strict refuses them, open creates them, \
                 auto is open for what plainly comes from this machine"),
            Self::RetentionIdempotencyKeys => ("retention_idempotency_keys", Core, None, "DAYS",
                "How long it is remembered what was seen before, as 30d or forever; 8d at least"),
            Self::RetentionEvents => ("retention_events", Core, None, "DAYS",
                "How long events are kept, as 730d or forever"),
            Self::RetentionCallRatings => ("retention_call_ratings", Core, None, "DAYS",
                "How long the ratings of a call are kept after the last one"),
            Self::RetentionLeadEnrichments => ("retention_lead_enrichments", Core, None, "DAYS",
                "How long lead enrichments that have ended are kept, with their attempts"),
            Self::RetentionQuarantine => ("retention_quarantine", Core, None, "DAYS",
                "How long notifications wait in the quarantine after their last receipt"),
            Self::RetentionQuarantineResolved => ("retention_quarantine_resolved", Core, None,
                "DAYS", "How long notifications are kept that were replayed, discarded or recorded"),
            Self::RetentionVisits => ("retention_visits", Core, None, "DAYS",
                "How long visits are kept; attribution knows nothing of those that are gone"),
            Self::RetentionCalls => ("retention_calls", Core, None, "DAYS",
                "How long calls are kept; events and ratings of those that are gone are unmatched"),
            Self::SecretKey => ("secret_key", Core, None, "KEY",
                "The key that seals Salesforce credentials: 32 bytes as base64 or hexadecimal; of \
                 several, comma-separated, the first seals and all open"),
            Self::SecretKeyFile => ("secret_key_file", Core, None, "FILE",
                "The file that holds that key [default: secret.key in the data directory, which is \
                 made when it is missing]"),
            Self::SalesforceExtraHosts => ("salesforce_extra_hosts", Core, None, "HOSTS",
                "Further hosts that are taken for Salesforce, as host:port, comma-separated, over \
                 plain HTTP too: for tests and simulators"),
            Self::SalesforceApiVersion => ("salesforce_api_version", Core, None, "VERSION",
                "The version of Salesforce's API, 62.0 to 67.0"),
            Self::CoreListen => ("core_listen", Core, Some("127.0.0.1:50051"), "ADDRESS",
                "Where the core takes gRPC; port 0 picks a free one"),
            Self::CoreTlsCertificateFile => ("core_tls_certificate_file", Core, None, "FILE",
                "The core's TLS certificate with those of its authorities, as PEM; without one it \
                 speaks plain text"),
            Self::CoreTlsKeyFile => ("core_tls_key_file", Core, None, "FILE",
                "The private key of the core's TLS certificate, as PEM, not encrypted"),
            Self::CoreClientCaFile => ("core_client_ca_file", Core, None, "FILE",
                "The authorities of the core's callers, as PEM; nobody calls it without a \
                 certificate of theirs"),
            Self::CoreMaxConnections => ("core_max_connections", Core, Some("1024"), "NUMBER",
                "How many connections the core holds at once; a further one takes an idle one's \
                 place"),
            Self::CoreReflection => ("core_reflection", Core, Some("true"), "BOOL",
                "Whether the core describes its API to grpcurl and the like"),
            Self::GatewayListen => ("gateway_listen", Gateway, Some("127.0.0.1:8080"), "ADDRESS",
                "Where the gateway takes outbound messages; port 0 picks a free one"),
            Self::GatewayTlsCertificateFile => ("gateway_tls_certificate_file", Gateway, None, "FILE",
                "The gateway's TLS certificate with those of its authorities, as PEM; without one \
                 it speaks plain text"),
            Self::GatewayTlsKeyFile => ("gateway_tls_key_file", Gateway, None, "FILE",
                "The private key of the gateway's TLS certificate, as PEM, not encrypted"),
            Self::GatewayClientCaFile => ("gateway_client_ca_file", Gateway, None, "FILE",
                "The authorities of senders' client certificates, or such certificates, as PEM"),
            Self::TrustedProxies => ("trusted_proxies", Gateway, None, "RANGES",
                "The proxies whose headers say who sends: addresses or ranges such as \
                 10.0.0.0/8, comma-separated"),
            Self::GatewayClientAddressHeader => ("gateway_client_address_header", Gateway, None, "NAME",
                "The header in which trusted proxies name the client's address: x-forwarded-for \
                 or forwarded"),
            Self::GatewayClientCertificateHeader => ("gateway_client_certificate_header", Gateway, None, "NAME",
                "The header in which trusted proxies pass on the client's certificate, which \
                 they have verified"),
            Self::GatewayAllowedAddresses => ("gateway_allowed_addresses", Gateway, None, "RANGES",
                "The addresses that messages are taken from: addresses or ranges, \
                 comma-separated [default: all]"),
            Self::GatewayClientCertificates => ("gateway_client_certificates", Gateway, None, "FINGERPRINTS",
                "The client certificates that messages are taken with: SHA-256 fingerprints of \
                 them or of their authorities, comma-separated [default: none is needed]"),
            Self::GatewayMaxConnections => ("gateway_max_connections", Gateway, None, "NUMBER",
                "How many connections the gateway holds at once; a further one takes an idle \
                 one's place"),
            Self::GatewayMaxConnectionsPerAddress => ("gateway_max_connections_per_address", Gateway,
                None, "NUMBER",
                "How many of them one IPv4 address or 64-bit IPv6 network may have [default: half \
                 of gateway_max_connections]"),
            Self::GatewayMaxRequests => ("gateway_max_requests", Gateway, None, "NUMBER",
                "How many messages the gateway works on at once, shared out by organisation; \
                 further ones get 503"),
            Self::GatewayOrganizationRate => ("gateway_organization_rate", Gateway, None, "NUMBER",
                "How many messages each organisation may send in a second; further ones get 429 \
                 [default: any number]"),
            Self::GatewayMaxBodyBytes => ("gateway_max_body_bytes", Gateway, None, "BYTES",
                "How large a message may be, also after it is decompressed"),
            Self::GatewayMaxHeldBytes => ("gateway_max_held_bytes", Gateway, None, "BYTES",
                "How many bytes all messages may hold at once; what does not fit gets 503"),
            Self::GatewayHeaderTime => ("gateway_header_time", Gateway, None, "TIME",
                "How long a connection may take for a request's header, or stay idle"),
            Self::GatewayBodyTime => ("gateway_body_time", Gateway, None, "TIME",
                "How long a message may take to arrive"),
            Self::GatewayRequestTime => ("gateway_request_time", Gateway, None, "TIME",
                "How long a message may take in all"),
            Self::GatewayCoreTime => ("gateway_core_time", Gateway, None, "TIME",
                "How long one of several cores may take for a message before another is asked"),
            Self::GatewayNoticeTime => ("gateway_notice_time", Gateway, None, "TIME",
                "How long a gateway that shuts down takes messages after /readyz has said so, for \
                 load balancers to notice; at most half of shutdown_deadline"),
            Self::GatewayMaxDepth => ("gateway_max_depth", Gateway, None, "NUMBER",
                "How deep a message's elements may be nested"),
            Self::GatewayMaxAttributes => ("gateway_max_attributes", Gateway, None, "NUMBER",
                "How many attributes an element may have, namespace declarations counted"),
            Self::GatewayMaxNameBytes => ("gateway_max_name_bytes", Gateway, None, "BYTES",
                "How long the name of an element or attribute may be"),
            Self::GatewayMaxNodes => ("gateway_max_nodes", Gateway, None, "NUMBER",
                "How many elements, comments and the like a notification may have"),
            Self::GatewayMaxMessageNodes => ("gateway_max_message_nodes", Gateway, None, "NUMBER",
                "How many elements, comments and the like a message may have in all"),
            Self::GatewayMaxNotifications => ("gateway_max_notifications", Gateway, None, "NUMBER",
                "How many notifications a message may have; Salesforce sends at most 100"),
            Self::DefaultIgrpFields => ("default_igrp_fields", Mapping, None, "NAMES",
                "The fields that give the IGRP id when no parameter does, comma-separated"),
            Self::DefaultVisitorIdFields => ("default_visitor_id_fields", Mapping, None, "NAMES",
                "The fields that give the visitor id when no parameter does, comma-separated"),
            Self::DefaultCallRefFields => ("default_call_ref_fields", Mapping, None, "NAMES",
                "The fields that give the call reference when no parameter does, comma-separated"),
            Self::CoreUrl => ("core_url", Upstream, None, "URL",
                "Where the core is, as http://host:port or https://host:port; several, \
                 comma-separated, stand in for each other"),
            Self::CoreUrlCaFile => ("core_url_ca_file", Upstream, None, "FILE",
                "The authorities of an https core, as PEM [default: those of the system]"),
            Self::CoreUrlCertificateFile => ("core_url_certificate_file", Upstream, None, "FILE",
                "The client certificate to show to an https core, as PEM"),
            Self::CoreUrlKeyFile => ("core_url_key_file", Upstream, None, "FILE",
                "The private key of that certificate, as PEM, not encrypted"),
            Self::CoreApiKey => ("core_api_key", Upstream, None, "KEY",
                "The API key for the core"),
            Self::CoreApiKeyFile => ("core_api_key_file", Upstream, None, "FILE",
                "The file that holds the API key for the core"),
            Self::OperatorListen => ("operator_listen", Process, None, "ADDRESS",
                "Where /healthz, /readyz and /metrics are [default: 127.0.0.1:8081, for a core \
                 alone 127.0.0.1:8082]"),
            Self::Log => ("log", Process, Some("info,refinery_core=warn,tokio_postgres=warn"), "FILTER",
                "What to log on standard error: error, warn, info, debug, trace, or a filter such \
                 as info,core_service=debug"),
            Self::LogFormat => ("log_format", Process, Some("text"), "FORMAT",
                "How to write the log: text or json"),
            Self::ShutdownDeadline => ("shutdown_deadline", Process, Some("20s"), "TIME",
                "How long a shutdown may take before connections are cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_one_key_in_three_spellings() {
        for setting in Setting::ALL {
            assert_eq!(Setting::of_key(setting.key()), Some(setting));
        }
        assert_eq!(Setting::GatewayListen.variable(), "SFBRIDGE_GATEWAY_LISTEN");
        assert_eq!(Setting::GatewayListen.flag(), "gateway-listen");
    }
}
