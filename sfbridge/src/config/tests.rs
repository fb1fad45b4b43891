use std::fs;

use core_service::domain::Perishable;
use core_service::sealing::{SecretKeySource, SecretKeys};
use secrecy::{ExposeSecret as _, SecretString};

use super::*;

fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(
    file: Option<&str>,
    variables: &[(&str, &str)],
    flags: &[(Setting, &str)],
    role: Role,
) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sfbridge.toml");
    fs::write(&path, file.unwrap_or_default()).unwrap();
    let flags = flags
        .iter()
        .map(|(setting, value)| (*setting, (*value).to_owned()));
    let path = file.map(|_| path.as_path());
    Config::new(Layers::read(path, pairs(variables), flags)?, role)
}

/// The error of a configuration, without the file's folder.
#[track_caller]
fn refused(file: Option<&str>, variables: &[(&str, &str)]) -> String {
    let error = read(file, variables, &[], Role::Up)
        .unwrap_err()
        .to_string();
    match error.split_once("/sfbridge.toml") {
        Some((_, rest)) => format!("FILE{rest}"),
        None => error,
    }
}

#[test]
fn flags_count_more_than_the_environment_and_that_more_than_the_file() {
    let file = "core_listen = \"127.0.0.1:1\"\ngateway_listen = \"127.0.0.1:1\"\n\
                operator_listen = \"127.0.0.1:1\"\ninstallations = \"strict\"";
    let config = read(
        Some(file),
        &[
            ("SFBRIDGE_CORE_LISTEN", "127.0.0.1:2"),
            ("SFBRIDGE_GATEWAY_LISTEN", "127.0.0.1:2"),
            ("HOME", "/nowhere"),
        ],
        &[(Setting::CoreListen, "127.0.0.1:3")],
        Role::Up,
    )
    .unwrap();
    assert_eq!(config.core.listen.port(), 3);
    assert_eq!(config.gateway.listen.port(), 2);
    assert_eq!(config.operator_listen.port(), 1);
    assert_eq!(
        config.gateway.installations,
        soap_gateway::InstallationMode::Strict
    );

    let source = |setting| config.shown(setting).unwrap().1.to_string();
    assert_eq!(source(Setting::CoreListen), "the flag --core-listen");
    assert_eq!(
        source(Setting::GatewayListen),
        "the environment variable SFBRIDGE_GATEWAY_LISTEN"
    );
    assert!(source(Setting::OperatorListen).ends_with("sfbridge.toml"));
    assert_eq!(source(Setting::Log), "the default");
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let up = read(None, &[], &[], Role::Up).unwrap();
    assert_eq!(up.gateway.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(up.core.listen, "127.0.0.1:50051".parse().unwrap());
    assert_eq!(up.operator_listen, "127.0.0.1:8081".parse().unwrap());
    assert_eq!(up.shutdown_deadline, Duration::from_secs(20));
    assert_eq!(up.gateway.max_body_bytes, 16 * 1024 * 1024);
    assert_eq!(up.gateway.xml, soap_gateway::soap::Limits::default());
    assert_eq!(up.gateway.organization_rate, None);
    assert_eq!(up.core.store_write_delay, Duration::ZERO);
    assert!(up.data_dir.is_absolute() && up.data_dir.ends_with("data"));
    let path = up.data_dir.join("sfbridge.db");
    assert_eq!(up.store, StoreConfig::Sqlite { path });

    let core = read(None, &[], &[], Role::Core).unwrap();
    assert_eq!(core.operator_listen, "127.0.0.1:8082".parse().unwrap());
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        refused(Some("gateway_lisen = \"127.0.0.1:1\""), &[]),
        "FILE: `gateway_lisen` is not known; did you mean `gateway_listen`?"
    );
    assert_eq!(
        refused(None, &[("SFBRIDGE_GATEWAY_LISEN", "127.0.0.1:1")]),
        "the environment variable SFBRIDGE_GATEWAY_LISEN is not known; did you mean `SFBRIDGE_GATEWAY_LISTEN`?"
    );
    assert_eq!(
        refused(Some("xyz = 1"), &[]),
        "FILE: `xyz` is not known; `sfbridge config show` lists all keys"
    );
}

#[test]
fn secret_keys_are_given_by_value_or_by_file_or_are_our_own() {
    let core = |variables: &[(&str, &str)]| read(None, variables, &[], Role::Up).unwrap().core;
    let (one, two) = ("11".repeat(32), "22".repeat(32));
    let both = format!("{one},{two}");
    let SecretKeySource::Given(keys) = core(&[("SFBRIDGE_SECRET_KEY", &both)]).secret_keys else {
        panic!("keys are given");
    };
    let alone = SecretKeys::parse(&SecretString::from(two)).unwrap();
    assert!(keys.has(alone.first()) && keys.first() != alone.first());
    // It is read when the core starts: other commands need not be able to.
    let SecretKeySource::File(path) =
        core(&[("SFBRIDGE_SECRET_KEY_FILE", "/nowhere/key")]).secret_keys
    else {
        panic!("a file is given");
    };
    assert_eq!(path, std::path::Path::new("/nowhere/key"));
    let SecretKeySource::Own(path) = core(&[("SFBRIDGE_DATA_DIR", "/here")]).secret_keys else {
        panic!("nothing is given");
    };
    assert_eq!(path, std::path::Path::new("/here/secret.key"));

    let text = refused(
        None,
        &[
            ("SFBRIDGE_SECRET_KEY", &one),
            ("SFBRIDGE_SECRET_KEY_FILE", "/nowhere/key"),
        ],
    );
    assert!(text.contains("both set") && !text.contains(&one), "{text}");
    let text = refused(None, &[("SFBRIDGE_SECRET_KEY", "hunter2")]);
    assert!(text.contains("openssl rand -base64 32"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn salesforce_is_where_it_is_unless_further_hosts_are_named() {
    let plain = read(None, &[], &[], Role::Core).unwrap().core.salesforce;
    assert!(plain.extra_hosts.is_empty());
    assert_eq!(plain.api_version.to_string(), "66.0");
    let file = "salesforce_extra_hosts = [\"127.0.0.1:8090\", \"sim:80\"]\n\
                salesforce_api_version = 62.0";
    let given = read(Some(file), &[], &[], Role::Core)
        .unwrap()
        .core
        .salesforce;
    assert_eq!(given.extra_hosts.to_string(), "127.0.0.1:8090,sim:80");
    assert_eq!(given.api_version.to_string(), "62.0");
}

#[test]
fn what_is_kept_for_how_long_goes_together() {
    let kept = |file: Option<&str>| {
        let core = read(file, &[], &[], Role::Core).unwrap().core;
        let retention = core.expiring.retention;
        Perishable::ALL.map(|what| retention.of(what).to_string())
    };
    assert_eq!(
        kept(None),
        [
            "30d", "forever", "forever", "90d", "90d", "30d", "forever", "forever"
        ]
    );
    let file = "retention_idempotency_keys = \"8d\"\nretention_events = \"365d\"\n\
                retention_quarantine_resolved = \"8d\"\nretention_visits = \"1d\"";
    assert_eq!(
        kept(Some(file)),
        ["8d", "365d", "forever", "90d", "90d", "8d", "1d", "forever"]
    );
    // The key that is refused is the one that was given.
    let keys = "retention_idempotency_keys = \"forever\"";
    let text = refused(Some(keys), &[]);
    assert!(text.contains("`retention_lead_enrichments`"), "{text}");
    assert!(text.contains("are kept (forever)"), "{text}");
}

#[test]
fn an_invalid_value_is_refused_with_its_source_its_key_and_what_to_write() {
    for (name, value, expected) in [
        ("SFBRIDGE_GATEWAY_LISTEN", "8080", "is not an address"),
        (
            "SFBRIDGE_INSTALLATIONS",
            "closed",
            "`auto`, `open` or `strict`",
        ),
        ("SFBRIDGE_SHUTDOWN_DEADLINE", "20", "such as 500ms"),
        (
            "SFBRIDGE_STORE",
            "postgres://user:pw@host/db?sslmod=require",
            "sslmod",
        ),
        ("SFBRIDGE_CORE_URL", "ftp://core:443", "https://host:port"),
        ("SFBRIDGE_CORE_MAX_CONNECTIONS", "0", "from 1 up"),
        ("SFBRIDGE_CORE_URL", "http://a:1,core", "http://host:port"),
        ("SFBRIDGE_GATEWAY_MAX_DEPTH", "0", "from 1 up"),
        ("SFBRIDGE_GATEWAY_MAX_NOTIFICATIONS", "0", "from 1 up"),
        ("SFBRIDGE_GATEWAY_ORGANIZATION_RATE", "0", "from 1 up"),
        ("SFBRIDGE_STORE_WRITE_DELAY", "1", "such as 500ms"),
        ("SFBRIDGE_DEFAULT_IGRP_FIELDS", "IGRP,1x", "`1x`"),
        (
            "SFBRIDGE_TRUSTED_PROXIES",
            "10.0.0.1,proxy.internal",
            "`proxy.internal`",
        ),
        (
            "SFBRIDGE_GATEWAY_ALLOWED_ADDRESSES",
            "10.0.0.1/8",
            "write 10.0.0.0/8",
        ),
        (
            "SFBRIDGE_GATEWAY_CLIENT_CERTIFICATES",
            "00:11",
            "`00:11`, which is not the SHA-256 fingerprint",
        ),
        (
            "SFBRIDGE_GATEWAY_CLIENT_ADDRESS_HEADER",
            "x-real-ip",
            "`x-forwarded-for` or `forwarded`",
        ),
        (
            "SFBRIDGE_GATEWAY_CLIENT_CERTIFICATE_HEADER",
            "a b",
            "not the name of a header",
        ),
        (
            "SFBRIDGE_GATEWAY_CLIENT_CERTIFICATE_HEADER",
            "x-client-cert",
            "name them in `trusted_proxies`",
        ),
        (
            "SFBRIDGE_RETENTION_EVENTS",
            "2 years",
            "such as 90d, or forever",
        ),
        (
            "SFBRIDGE_RETENTION_IDEMPOTENCY_KEYS",
            "7d",
            "write 8d or more",
        ),
        (
            "SFBRIDGE_RETENTION_EVENTS",
            "29d",
            "shorter than idempotency keys are kept (30d)",
        ),
        (
            "SFBRIDGE_RETENTION_QUARANTINE",
            "10d",
            "would be recorded anew",
        ),
        ("SFBRIDGE_LOG_FORMAT", "xml", "`text` or `json`"),
        ("SFBRIDGE_LOG", "a=b=c", "is not a log filter"),
        ("SFBRIDGE_STORE", "", "is empty"),
        ("SFBRIDGE_SALESFORCE_API_VERSION", "61.0", "62.0 to 67.0"),
        ("SFBRIDGE_SALESFORCE_EXTRA_HOSTS", "sim", "host:port"),
        (
            "SFBRIDGE_SALESFORCE_EXTRA_HOSTS",
            "http://sim:80",
            "host:port",
        ),
        (
            "SFBRIDGE_CORE_API_KEY_FILE",
            "/nowhere/key",
            "can't be read",
        ),
    ] {
        let text = refused(None, &[(name, value)]);
        assert!(text.contains(expected) && text.contains(name), "{text}");
        assert!(!text.contains("pw"), "{text}");
    }
    assert!(refused(Some("log = [1]"), &[]).contains("list of texts"));
    assert!(refused(Some("log = "), &[]).contains("is not TOML"));
}

#[test]
fn a_list_may_be_a_list_in_the_file() {
    let file = "core_url = [\"http://a:1\", \"http://b:2\"]\ngateway_max_depth = 9\n\
                core_reflection = false";
    let config = read(Some(file), &[], &[], Role::Up).unwrap();
    assert_eq!(config.upstream.urls.len(), 2);
    assert_eq!(config.gateway.xml.depth, 9);
    assert!(!config.core.reflection);
}

#[test]
fn senders_and_proxies_are_lists() {
    let config = read(
        Some("trusted_proxies = [\"10.0.0.0/8\", \"fd00::/8\"]"),
        &[
            (
                "SFBRIDGE_GATEWAY_ALLOWED_ADDRESSES",
                "192.0.2.1, 2001:db8::/32",
            ),
            ("SFBRIDGE_GATEWAY_CLIENT_ADDRESS_HEADER", "Forwarded"),
            (
                "SFBRIDGE_GATEWAY_CLIENT_CERTIFICATE_HEADER",
                "X-Client-Cert",
            ),
        ],
        &[],
        Role::Up,
    );
    let senders = config.unwrap().gateway.senders;
    let shown = |ranges: &[sfbridge_values::AddressRange]| {
        let ranges: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        ranges.join(" ")
    };
    assert_eq!(shown(&senders.trusted_proxies), "10.0.0.0/8 fd00::/8");
    assert_eq!(shown(&senders.allowed_addresses), "192.0.2.1 2001:db8::/32");
    assert_eq!(senders.client_address_header.to_string(), "forwarded");
    assert_eq!(senders.client_certificate_header.unwrap(), "x-client-cert");
    assert!(senders.client_certificates.is_empty());
}

#[test]
fn a_secret_is_read_and_never_shown() {
    let config = read(
        None,
        &[("SFBRIDGE_CORE_API_KEY", "tops3cret")],
        &[],
        Role::Up,
    )
    .unwrap();
    let key = config.upstream.api_key.as_ref().unwrap();
    assert_eq!(key.expose_secret(), "tops3cret");
    let (shown, _) = config.shown(Setting::CoreApiKey).unwrap();
    assert_eq!(shown, "(hidden)");
    assert!(!format!("{config:?}").contains("tops3cret"));

    let spaced = refused(None, &[("SFBRIDGE_CORE_API_KEY", "tops3cret key")]);
    assert!(!spaced.contains("tops3cret"), "{spaced}");
}

#[test]
fn a_key_comes_from_a_file_or_from_a_value_but_not_from_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "from-a-file\n").unwrap();
    let path = path.display().to_string();
    let variables = [("SFBRIDGE_CORE_API_KEY_FILE", path.as_str())];
    let config = read(None, &variables, &[], Role::Up).unwrap();
    let key = config.upstream.api_key.as_ref().unwrap();
    assert_eq!(key.expose_secret(), "from-a-file");

    let both = [variables[0], ("SFBRIDGE_CORE_API_KEY", "x")];
    let text = refused(None, &both);
    assert!(text.contains("both set"), "{text}");
}
