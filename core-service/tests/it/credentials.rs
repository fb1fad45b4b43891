//! Salesforce credentials: set, tried, shown without their secrets, sealed.

use std::path::Path;

use prost_types::FieldMask;
use salesforce_sim::{Failure, Operation, OrgDescription, SimConfig};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::SalesforceConnectionState as State;
use sfbridge_proto::v1::set_salesforce_credentials_request::Credentials;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use core_service::SalesforceConfig;
use core_service::domain::{Coverage, Role};
use salesforce_client::ExtraHosts;

use crate::harness::{Client, Setup, TestCore, fields_at_fault, installation, reason};

const ORG: &str = "00D000000000062EAA";
const CLIENT_ID: &str = "3MVG9pretended.sfbridge.simulator";
const SECRET: &str = "pretended-secret";
const USERNAME: &str = "integration@acme.example.com";

/// A pretend org that runs until the test is over.
struct Org {
    url: String,
    host: String,
    _running: tokio_util::sync::DropGuard,
}

impl Org {
    async fn start() -> Self {
        Self::start_with("", Vec::new()).await
    }

    /// An org that a data file describes, and in which things go wrong.
    async fn start_with(description: &str, failures: Vec<Failure>) -> Self {
        let org = OrgDescription::parse(Path::new("org.toml"), description).unwrap();
        let sim = salesforce_sim::bind(SimConfig {
            org,
            failures,
            ..SimConfig::new(([127, 0, 0, 1], 0).into())
        });
        let sim = sim.await.unwrap();
        let host = sim.local_addr().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        Self {
            url: format!("http://{host}"),
            host,
            _running: stop.drop_guard(),
        }
    }

    /// How to set up a core that takes it for Salesforce.
    fn setup(&self) -> Setup {
        setup_taking(&self.host)
    }

    /// Such a core with installation 7, linked to the org.
    async fn core(&self) -> (TestCore, Client) {
        let core = self.setup().start().await.unwrap();
        let client = core.client().await;
        create(&client, linked()).await;
        (core, client)
    }
}

fn setup_taking(host: &str) -> Setup {
    let mut setup = Setup::new();
    setup.salesforce = SalesforceConfig {
        extra_hosts: ExtraHosts::parse(host).unwrap(),
        ..SalesforceConfig::default()
    };
    setup
}

fn linked() -> pb::Installation {
    pb::Installation {
        organization_id: ORG.to_owned(),
        ..installation()
    }
}

fn mapped(pairs: &[(&str, &str)]) -> pb::Installation {
    let pair = |(attribute, field): &(&str, &str)| ((*attribute).to_owned(), (*field).to_owned());
    pb::Installation {
        lead_field_mapping: pairs.iter().map(pair).collect(),
        ..linked()
    }
}

async fn create(client: &Client, installation: pb::Installation) -> Vec<String> {
    let request = pb::CreateInstallationRequest {
        installation: Some(installation),
    };
    let answer = client.installations().create_installation(request).await;
    answer.unwrap().into_inner().warnings
}

async fn map(
    client: &Client,
    pairs: &[(&str, &str)],
) -> Result<pb::UpdateInstallationResponse, Status> {
    let request = pb::UpdateInstallationRequest {
        installation: Some(mapped(pairs)),
        update_mask: Some(FieldMask {
            paths: vec!["lead_field_mapping".to_owned()],
        }),
    };
    let answer = client.installations().update_installation(request).await?;
    Ok(answer.into_inner())
}

fn by_secret(url: &str, secret: &str) -> pb::SetSalesforceCredentialsRequest {
    let credentials = pb::ClientCredentials {
        client_id: CLIENT_ID.to_owned(),
        client_secret: secret.to_owned(),
    };
    pb::SetSalesforceCredentialsRequest {
        igrp: 7,
        login_url: url.to_owned(),
        credentials: Some(Credentials::ClientCredentials(credentials)),
    }
}

fn by_key(url: &str, private_key_pem: &str) -> pb::SetSalesforceCredentialsRequest {
    let credentials = pb::JwtBearer {
        client_id: CLIENT_ID.to_owned(),
        username: USERNAME.to_owned(),
        private_key_pem: private_key_pem.to_owned(),
    };
    pb::SetSalesforceCredentialsRequest {
        igrp: 7,
        login_url: url.to_owned(),
        credentials: Some(Credentials::JwtBearer(credentials)),
    }
}

async fn set(
    client: &Client,
    request: pb::SetSalesforceCredentialsRequest,
) -> Result<pb::SetSalesforceCredentialsResponse, Status> {
    let mut client = client.installations();
    Ok(client
        .set_salesforce_credentials(request)
        .await?
        .into_inner())
}

/// The connection that credentials make.
async fn connected(
    client: &Client,
    request: pb::SetSalesforceCredentialsRequest,
) -> pb::SalesforceConnection {
    let answer = set(client, request).await.unwrap();
    answer.salesforce_connection.unwrap()
}

async fn test(client: &Client) -> Result<pb::TestSalesforceConnectionResponse, Status> {
    let request = pb::TestSalesforceConnectionRequest { igrp: 7 };
    let mut client = client.installations();
    Ok(client
        .test_salesforce_connection(request)
        .await?
        .into_inner())
}

async fn shown(client: &Client) -> Option<pb::SalesforceConnection> {
    let request = pb::GetInstallationRequest { igrp: 7 };
    let answer = client.installations().get_installation(request).await;
    let installation = answer.unwrap().into_inner().installation.unwrap();
    installation.salesforce_connection
}

fn private_key() -> String {
    let key = salesforce_sim::DemoKey::generate().unwrap();
    key.private_key().to_owned()
}

#[tokio::test]
async fn good_credentials_are_tried_at_once_and_what_is_met_is_shown() {
    let org = Org::start().await;
    let (_core, client) = org.core().await;
    assert_eq!(shown(&client).await, None);
    for request in [
        by_secret(&org.url, SECRET),
        by_key(&org.url, &private_key()),
    ] {
        let connection = connected(&client, request).await;
        assert_eq!(connection.state(), State::Working, "{connection:?}");
        assert_eq!(connection.login_url, org.url);
        assert_eq!(connection.client_id, CLIENT_ID);
        assert_eq!(connection.username, USERNAME);
        assert_eq!(connection.organization_id, ORG);
        assert_eq!(connection.organization_name, "Acme (pretended)");
        assert_eq!(connection.api_version, "66.0");
        assert!(connection.api_usage.unwrap().used > 0);
        assert!(connection.last_success_time.is_some() && connection.reason.is_empty());
        assert!(connection.warnings.is_empty(), "{connection:?}");
        assert_eq!(shown(&client).await, Some(connection));
    }
}

#[tokio::test]
async fn credentials_that_salesforce_refuses_are_kept_as_broken_in_its_words() {
    let org = Org::start().await;
    let (_core, client) = org.core().await;
    let connection = connected(&client, by_secret(&org.url, "wrong-secret")).await;
    assert_eq!(connection.state(), State::Broken);
    assert!(
        connection.reason.contains("invalid_client"),
        "{connection:?}"
    );
    assert!(!format!("{connection:?}").contains("wrong-secret"));
    assert_eq!(shown(&client).await, Some(connection));
    // Better ones forget all of it.
    let connection = connected(&client, by_secret(&org.url, SECRET)).await;
    assert_eq!(
        (connection.state(), connection.reason.as_str()),
        (State::Working, "")
    );
}

#[tokio::test]
async fn credentials_that_can_not_be_tried_are_kept_untested() {
    // Nobody listens at the reserved port.
    let core = setup_taking("127.0.0.1:1").start().await.unwrap();
    let client = core.client().await;
    create(&client, linked()).await;
    let answer = set(&client, by_secret("http://127.0.0.1:1", SECRET)).await;
    let answer = answer.unwrap();
    let connection = answer.salesforce_connection.unwrap();
    assert_eq!(connection.state(), State::Untested);
    assert!(
        answer.warnings[0].contains("could not be tried"),
        "{:?}",
        answer.warnings
    );
    let tested = test(&client).await.unwrap();
    assert!(!tested.failure.is_empty());
    assert_eq!(tested.salesforce_connection, Some(connection));
}

#[tokio::test]
async fn every_field_at_fault_is_named_and_nothing_secret_is_repeated() {
    let org = Org::start().await;
    let (_core, client) = org.core().await;
    let empty = pb::SetSalesforceCredentialsRequest {
        igrp: 7,
        login_url: org.url.clone(),
        credentials: None,
    };
    let other_key = private_key().replace("PRIVATE KEY", "PUBLIC KEY");
    let mut nameless = by_key("https://evil.example", "hunter2");
    if let Some(Credentials::JwtBearer(jwt)) = &mut nameless.credentials {
        jwt.username = "nobody".to_owned();
        jwt.client_id = "a b".to_owned();
    }
    for (request, fields) in [
        (empty, vec!["credentials"]),
        (
            nameless,
            vec![
                "login_url",
                "jwt_bearer.client_id",
                "jwt_bearer.username",
                "jwt_bearer.private_key_pem",
            ],
        ),
        (
            by_key(&org.url, &other_key),
            vec!["jwt_bearer.private_key_pem"],
        ),
        (
            by_secret(&org.url, "hunter2 hunter2"),
            vec!["client_credentials.client_secret"],
        ),
        (
            by_secret("https://login.salesforce.com", "hunter2"),
            vec!["login_url"],
        ),
        (
            by_secret("http://acme.my.salesforce.com", "hunter2"),
            vec!["login_url"],
        ),
    ] {
        let refused = set(&client, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(fields_at_fault(&refused), fields, "{refused:?}");
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
    assert_eq!(shown(&client).await, None);
    let nowhere = pb::SetSalesforceCredentialsRequest {
        igrp: 8,
        ..by_secret(&org.url, SECRET)
    };
    let refused = set(&client, nowhere).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn who_logs_in_is_shown_to_admins_alone() {
    let org = Org::start().await;
    let setup = org.setup();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let reader = setup.key(&[Role::Read], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let admin = core.client_with(Some(&admin)).await;
    create(&admin, linked()).await;
    connected(&admin, by_key(&org.url, &private_key())).await;
    assert_eq!(shown(&admin).await.unwrap().username, USERNAME);

    let reader = core.client_with(Some(&reader)).await;
    let seen = shown(&reader).await.unwrap();
    assert_eq!(seen.state(), State::Working);
    assert_eq!(seen.organization_id, ORG);
    assert!(seen.username.is_empty() && seen.client_id.is_empty());
    let mut client = reader.installations();
    let list = client.list_installations(pb::ListInstallationsRequest::default());
    let listed = list.await.unwrap().into_inner().installations;
    assert_eq!(listed[0].salesforce_connection, Some(seen));
}

#[tokio::test]
async fn credentials_of_another_organisation_do_not_work() {
    let org = Org::start_with("[org]\nid = \"00D000000000099EAA\"", Vec::new()).await;
    let (_core, client) = org.core().await;
    let connection = connected(&client, by_secret(&org.url, SECRET)).await;
    assert_eq!(connection.state(), State::Broken);
    assert!(connection.reason.contains(ORG), "{connection:?}");
    assert!(connection.reason.contains("00D000000000099EAA"));
    assert!(!test(&client).await.unwrap().is_linked_organization);
}

#[tokio::test]
async fn a_test_logs_in_and_says_what_it_finds() {
    let description = "without_lead_fields = [\"Infinity_Path__c\"]\n\
                       [[lead_fields]]\nname = \"Infinity_Extra__c\"\ntype = \"checkbox\"";
    let failure = Failure {
        error: Some("invalid_grant".to_owned()),
        message: Some("user hasn't approved this consumer".to_owned()),
        ..Failure::on(Operation::Token)
    };
    let org = Org::start_with(description, vec![failure]).await;
    let (_core, client) = org.core().await;
    let refused = test(&client).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NO_SALESFORCE_LOGIN");

    let broken = connected(&client, by_secret(&org.url, SECRET)).await;
    assert!(
        broken.reason.contains("approved this consumer"),
        "{broken:?}"
    );
    let tested = test(&client).await.unwrap();
    let connection = tested.salesforce_connection.unwrap();
    assert_eq!(connection.state(), State::Working);
    assert!(tested.failure.is_empty() && tested.is_linked_organization);
    let [finding] = tested.lead_field_findings.as_slice() else {
        panic!("{:?}", tested.lead_field_findings);
    };
    assert_eq!(finding.attribute, "path");
    assert_eq!(finding.lead_field, "Infinity_Path__c");
    assert_eq!(finding.problem(), pb::LeadFieldProblem::Missing);
    assert!(finding.is_default);
    assert_eq!(
        connection.warnings,
        std::slice::from_ref(&finding.description)
    );
}

#[tokio::test]
async fn a_mapping_that_will_not_do_is_refused_once_the_connection_works() {
    let description = "\
        [[lead_fields]]\nname = \"Short__c\"\ntype = \"text\"\nlength = 8\n\
        [[lead_fields]]\nname = \"Locked__c\"\ntype = \"text\"\nread_only = true\n\
        [[lead_fields]]\nname = \"Tick__c\"\ntype = \"checkbox\"\n\
        [[lead_fields]]\nname = \"Good__c\"\ntype = \"text\"";
    let org = Org::start_with(description, Vec::new()).await;
    let (_core, client) = org.core().await;
    let bad = [
        ("chName", "Nowhere__c"),
        ("chType", "Short__c"),
        ("src", "Locked__c"),
        ("term", "Tick__c"),
        ("path", "Good__c"),
    ];
    // Nobody can look yet, and the answer says so.
    let taken = map(&client, &bad).await.unwrap();
    assert!(
        taken.warnings[0].contains("not checked"),
        "{:?}",
        taken.warnings
    );

    // Credentials that work bring it to light.
    let refused = set(&client, by_secret(&org.url, SECRET)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields_at_fault(&refused).len(), 4, "{refused:?}");
    assert!(
        refused.message().contains("nothing was kept"),
        "{refused:?}"
    );
    assert_eq!(shown(&client).await, None);

    map(&client, &[("path", "good__c")]).await.unwrap();
    let connection = connected(&client, by_secret(&org.url, SECRET)).await;
    assert_eq!(connection.state(), State::Working);
    assert!(connection.warnings.is_empty(), "{connection:?}");
    for (attribute, field) in &bad[..4] {
        let refused = map(&client, &[(*attribute, *field)]).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let message = refused.message();
        assert!(
            message.contains(attribute) && message.contains(field),
            "{message}"
        );
    }
    let answer = map(&client, &[("src", "Good__c")]).await.unwrap();
    assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
    // The default mapping does without what is not there.
    let answer = map(&client, &[]).await.unwrap();
    assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
}

#[tokio::test]
async fn a_mapping_is_taken_unchecked_while_salesforce_does_not_answer() {
    let org = Org::start().await;
    let (_core, client) = org.core().await;
    connected(&client, by_secret(&org.url, SECRET)).await;
    drop(org);
    let answer = map(&client, &[("path", "Nowhere__c")]).await.unwrap();
    assert!(
        answer.warnings[0].contains("not checked"),
        "{:?}",
        answer.warnings
    );
    // That says nothing about the credentials.
    assert_eq!(shown(&client).await.unwrap().state(), State::Working);
}

#[tokio::test]
async fn removed_credentials_are_gone() {
    let org = Org::start().await;
    let (_core, client) = org.core().await;
    let remove = async || {
        let request = pb::DeleteSalesforceCredentialsRequest { igrp: 7 };
        client
            .installations()
            .delete_salesforce_credentials(request)
            .await
    };
    assert_eq!(remove().await.unwrap_err().code(), Code::NotFound);
    connected(&client, by_secret(&org.url, SECRET)).await;
    remove().await.unwrap();
    assert_eq!(shown(&client).await, None);
    assert_eq!(remove().await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        test(&client).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
}

async fn reseal(client: &Client) -> pb::ResealSalesforceCredentialsResponse {
    let request = pb::ResealSalesforceCredentialsRequest {};
    let answer = client
        .installations()
        .reseal_salesforce_credentials(request)
        .await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn a_secret_key_is_changed_in_steps_without_losing_credentials() {
    let org = Org::start().await;
    let (core, client) = org.core().await;
    let old = connected(&client, by_secret(&org.url, SECRET)).await;
    let setup = core.stop().await;
    let file = setup.secret_key_file();
    let old_key = std::fs::read_to_string(&file).unwrap();
    let new_key = "5a".repeat(32);

    // The new key goes before the old one.
    std::fs::write(&file, format!("{new_key}\n{old_key}")).unwrap();
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    let kept = shown(&client).await.unwrap();
    assert_eq!(kept, old);
    let done = reseal(&client).await;
    assert_eq!(done.resealed_igrps, [7]);
    assert_ne!(done.secret_key_id, old.secret_key_id);
    assert!(reseal(&client).await.resealed_igrps.is_empty());
    let setup = core.stop().await;

    std::fs::write(&file, &new_key).unwrap();
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    let kept = shown(&client).await.unwrap();
    assert_eq!(kept.secret_key_id, done.secret_key_id);
    assert_eq!(kept.state(), State::Working);
    let tested = test(&client).await.unwrap();
    assert_eq!(
        tested.salesforce_connection.unwrap().state(),
        State::Working
    );
}

#[tokio::test]
async fn credentials_whose_key_is_missing_are_locked_and_stay_as_they_are() {
    let org = Org::start().await;
    let (core, client) = org.core().await;
    connected(&client, by_secret(&org.url, SECRET)).await;
    let setup = core.stop().await;
    let file = setup.secret_key_file();
    let old_key = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();

    let core = setup.start().await.unwrap();
    let client = core.client().await;
    let locked = shown(&client).await.unwrap();
    assert_eq!(locked.state(), State::Locked);
    assert!(
        locked
            .reason
            .contains("sealed with a key that this core does not have")
    );
    assert!(locked.reason.contains(&locked.secret_key_id));
    let refused = test(&client).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains(&locked.secret_key_id),
        "{refused:?}"
    );
    assert_eq!(reseal(&client).await.locked_igrps, [7]);
    let answer = map(&client, &[("path", "Nowhere__c")]).await.unwrap();
    assert!(answer.warnings[0].contains("not checked"));
    let setup = core.stop().await;

    // With the key back, all is as it was.
    std::fs::write(&file, old_key).unwrap();
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    assert_eq!(shown(&client).await.unwrap().state(), State::Working);
}
