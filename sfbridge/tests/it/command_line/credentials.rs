//! How installations log in to Salesforce.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::harness::{PretendOrg, Role, Server, Start};

const CLIENT_ID: &str = "3MVG9pretended.sfbridge.simulator";

/// A process that takes a pretend org for Salesforce, with installation 7.
async fn started(org: &PretendOrg) -> Server {
    let up = Start::new(Role::Up)
        .variable("SFBRIDGE_SALESFORCE_EXTRA_HOSTS", org.host())
        .on_lasting_ports()
        .start()
        .await;
    create(&up).await;
    up
}

async fn create(up: &Server) {
    let create = "installations create 7 --organization-id 00D000000000062EAA";
    up.run(create).await.ok();
}

/// A file in a folder that goes with the test.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn credentials_are_set_shown_tested_and_removed() {
    let org = PretendOrg::start("").await;
    let up = started(&org).await;
    let folder = tempfile::tempdir().unwrap();
    let none = up.run("credentials show 7").await;
    assert!(
        none.failed(1).contains("sfbridge credentials set 7"),
        "{none:?}"
    );
    let none = up.run("credentials test 7").await;
    assert!(
        none.failed(1).contains("no Salesforce credentials are set"),
        "{none:?}"
    );

    let secret = file(&folder, "secret", "pretended-secret\n");
    let url = org.url();
    let set = format!(
        "credentials set 7 --login-url {url} --client-id {CLIENT_ID} --client-secret-file {secret}"
    );
    let done = up.run(&set).await;
    for words in [
        "working since",
        url.as_str(),
        "client credentials",
        "Acme (pretended)",
    ] {
        assert!(done.ok().contains(words), "{words} in {done:?}");
    }
    assert!(!done.out.contains("pretended-secret"), "{done:?}");

    let key = salesforce_sim::DemoKey::generate().unwrap();
    let key = file(&folder, "key.pem", key.private_key());
    let set = format!(
        "credentials set 7 --login-url {url} --client-id {CLIENT_ID} --username \
         integration@acme.example.com --private-key-file {key} --json"
    );
    let done = up.run(&set).await.json();
    let connection = &done["salesforce_connection"];
    assert_eq!(connection["state"], "SALESFORCE_CONNECTION_STATE_WORKING");
    assert_eq!(connection["login_flow"], "SALESFORCE_LOGIN_FLOW_JWT_BEARER");
    let shown = up.run("credentials show 7 --json").await.json();
    assert_eq!(&shown, connection);

    let tested = up.run("credentials test 7").await;
    for words in ["00D000000000062EAA", "66.0", "linked to", "all fields"] {
        assert!(tested.ok().contains(words), "{words} in {tested:?}");
    }
    up.run("credentials remove 7").await.ok();
    up.run("credentials show 7").await.failed(1);
    up.run("credentials remove 7").await.failed(1);
}

#[tokio::test]
async fn a_connection_that_does_not_work_is_a_failure_of_its_test() {
    let org = PretendOrg::start("").await;
    let up = started(&org).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = file(&folder, "secret", "wrong");
    let url = org.url();
    let set = format!(
        "credentials set 7 --login-url {url} --client-id {CLIENT_ID} --client-secret-file {secret}"
    );
    let done = up.run(&set).await;
    assert!(done.ok().contains("broken since"), "{done:?}");
    assert!(done.err.contains("sfbridge credentials test 7"), "{done:?}");
    let tested = up.run("credentials test 7").await;
    assert!(tested.failed(1).contains("invalid_client"), "{tested:?}");
    let tested = up.run("credentials test 7 --json").await;
    assert_eq!(tested.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&tested.out).unwrap();
    let state = &found["salesforce_connection"]["state"];
    assert_eq!(state, "SALESFORCE_CONNECTION_STATE_BROKEN");
}

#[tokio::test]
async fn secrets_come_from_files_or_standard_input_and_never_from_flags() {
    let org = PretendOrg::start("").await;
    let up = started(&org).await;
    let folder = tempfile::tempdir().unwrap();
    let url = org.url();
    let set = format!("credentials set 7 --login-url {url} --client-id {CLIENT_ID}");
    for flags in [
        "",
        "--client-secret hush",
        "--private-key-file key.pem",
        "--username someone@acme.example.com",
        "--client-secret-file a --private-key-file b --username c",
        "--client-secret-file /nowhere/secret",
        "--client-secret-file -",
    ] {
        let line = format!("{set} {flags}");
        up.run(line.trim_end()).await.failed(2);
    }

    let secret = file(&folder, "secret", "pretended-secret\n");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sfbridge"));
    command
        .args(set.split(' '))
        .args(["--client-secret-file", "-", "--data-dir"])
        .arg(up.data_dir())
        .stdin(Stdio::from(fs::File::open(secret).unwrap()));
    let done = tokio::task::spawn_blocking(move || command.output()).await;
    let done = done.unwrap().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(String::from_utf8(done.stdout).unwrap().contains("working"));
}

#[tokio::test]
async fn a_mapping_is_checked_where_the_connection_works() {
    let org = PretendOrg::start("").await;
    let up = started(&org).await;
    let folder = tempfile::tempdir().unwrap();
    let unchecked = up.run("installations update 7 --map src=LeadSource").await;
    unchecked.ok();
    assert!(unchecked.err.contains("not checked"), "{unchecked:?}");
    let secret = file(&folder, "secret", "pretended-secret");
    let url = org.url();
    let set = format!(
        "credentials set 7 --login-url {url} --client-id {CLIENT_ID} --client-secret-file {secret}"
    );
    up.run(&set).await.ok();
    let refused = up.run("installations update 7 --map src=Nowhere__c").await;
    let told = refused.failed(1);
    assert!(told.contains("src is mapped to Nowhere__c"), "{told}");
    let taken = up
        .run("installations update 7 --map src=Infinity_Source__c")
        .await;
    taken.ok();
    assert!(!taken.err.contains("not checked"), "{taken:?}");
}

#[tokio::test]
async fn a_core_makes_its_secret_key_and_changes_it_step_by_step() {
    let org = PretendOrg::start("").await;
    let mut up = started(&org).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = file(&folder, "secret", "pretended-secret");
    let url = org.url();
    let set = format!(
        "credentials set 7 --login-url {url} --client-id {CLIENT_ID} --client-secret-file {secret}"
    );
    up.run(&set).await.ok();
    let path = up.data_dir().join("secret.key");
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let old = fs::read_to_string(&path).unwrap();
    let stop = async |up: &mut Server| {
        up.signal("TERM").await;
        assert_eq!(up.exit_code().await, Some(0));
    };

    stop(&mut up).await;
    fs::write(&path, format!("{}\n{old}", "5a".repeat(32))).unwrap();
    up.restart().await;
    let rotated = up.run("credentials rotate").await;
    assert!(rotated.ok().contains("of 1 installations"), "{rotated:?}");
    stop(&mut up).await;
    fs::write(&path, "5a".repeat(32)).unwrap();
    up.restart().await;
    up.run("credentials test 7").await.ok();

    // With the key lost, it is said which one it was, and a new one is made.
    stop(&mut up).await;
    fs::remove_file(&path).unwrap();
    up.restart().await;
    assert!(
        up.log()
            .contains("sealed with a key that this core does not have")
    );
    let shown = up.run("credentials show 7").await;
    assert!(
        shown.ok().contains("locked: sealed with a key"),
        "{shown:?}"
    );
    let rotated = up.run("credentials rotate").await;
    assert!(rotated.failed(1).contains("installation 7"), "{rotated:?}");
}

#[tokio::test]
async fn a_core_does_not_start_with_a_secret_key_that_others_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    fs::write(&path, "5a".repeat(32)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let start = Start::new(Role::Core).data(folder.path());
    let (code, log) = start.end().await;
    assert_eq!(code, Some(1));
    assert!(log.contains("chmod 600") && !log.contains("5a5a"), "{log}");
}
