//! Connections to Salesforce.

use secrecy::{ExposeSecret as _, SecretString};
use sfbridge_values::Timestamp;

use super::given::{OURS, at, event, igrp, item, organization, record, seven};
use crate::domain::{
    ApiUsage, ConnectedPeer, ConnectionReport, ConnectionState, Coverage, Installation, LoginFlow,
    SalesforceConnection, SealedLogin,
};
use crate::sealing::SecretKeys;
use crate::store::Store;

fn keys() -> SecretKeys {
    SecretKeys::parse(&SecretString::from("07".repeat(32))).unwrap()
}

fn jwt() -> LoginFlow {
    let username = "integration@acme.example.com".to_owned();
    LoginFlow::JwtBearer { username }
}

fn connection(id: i64, flow: LoginFlow, secret: &str, now: Timestamp) -> SalesforceConnection {
    let (login_url, client_id) = ("https://acme.my.salesforce.com", "3MVG9");
    let context = SealedLogin::context(igrp(id), login_url, &flow, client_id);
    let login = SealedLogin {
        login_url: login_url.to_owned(),
        flow,
        client_id: client_id.to_owned(),
        secret: keys().seal(&SecretString::from(secret), &context).unwrap(),
    };
    SalesforceConnection::new(igrp(id), login, now)
}

async fn create(store: &Store, id: i64) {
    let installation = Installation::provisional(igrp(id), None, at(1));
    assert!(store.create_installation(installation).await.unwrap());
}

async fn set(store: &Store, new: SalesforceConnection) -> SalesforceConnection {
    let kept = store.set_salesforce_connection(new).await.unwrap();
    kept.unwrap()
}

async fn get(store: &Store, id: i64) -> Option<SalesforceConnection> {
    store.salesforce_connection(igrp(id)).await.unwrap()
}

async fn report(store: &Store, report: ConnectionReport, now: Timestamp) -> bool {
    store
        .update_salesforce_connection(seven(), move |kept| kept.after(&report, now))
        .await
        .unwrap()
}

fn secret(kept: &SalesforceConnection) -> String {
    let opened = keys().open(&kept.login.secret, &kept.sealing_context());
    opened.unwrap().expose_secret().to_owned()
}

/// A report that says everything.
fn whole(kept: &SalesforceConnection) -> ConnectionReport {
    ConnectionReport::about(kept.credentials_time)
        .worked()
        .met(ConnectedPeer {
            organization_id: organization(OURS),
            organization_name: "Acme \"& Sons\"".to_owned(),
            username: "someone@acme.example.com".to_owned(),
            api_version: "66.0".to_owned(),
        })
        .used(ApiUsage {
            used: 18,
            limit: 15_000,
            time: at(3),
        })
        .warned(["Infinity_Path__c is missing".to_owned()])
}

pub(super) async fn a_connection_is_kept_as_it_was_set(store: &Store) {
    for (id, flow) in [(7, jwt()), (8, LoginFlow::ClientCredentials)] {
        let new = connection(id, flow, "s3cret", at(2));
        let missing = store.set_salesforce_connection(new.clone()).await;
        assert_eq!(missing.unwrap(), None);
        create(store, id).await;
        assert_eq!(get(store, id).await, None);
        assert_eq!(set(store, new.clone()).await, new);
        let kept = get(store, id).await.unwrap();
        assert_eq!(kept, new);
        assert_eq!(secret(&kept), "s3cret");
    }
}

pub(super) async fn what_is_learnt_of_a_connection_is_kept(store: &Store) {
    create(store, 7).await;
    let kept = set(store, connection(7, jwt(), "s3cret", at(2))).await;
    assert!(report(store, whole(&kept), at(3)).await);
    let expected = kept.after(&whole(&kept), at(3)).unwrap();
    assert_eq!(get(store, 7).await.unwrap(), expected);
    assert!(!report(store, whole(&kept), at(4)).await);

    let broke =
        ConnectionReport::about(kept.credentials_time).broke("expired access/refresh token");
    assert!(report(store, broke.clone(), at(5)).await);
    let expected = expected.after(&broke, at(5)).unwrap();
    let broken = get(store, 7).await.unwrap();
    assert_eq!(broken, expected);
    assert!(matches!(broken.state, ConnectionState::Broken { .. }));
    assert_eq!(secret(&broken), "s3cret");
    // Of an installation without a connection there is nothing to know.
    let nothing = store.update_salesforce_connection(igrp(8), |kept| Some(kept.clone()));
    assert!(!nothing.await.unwrap());
}

pub(super) async fn new_credentials_begin_anew(store: &Store) {
    create(store, 7).await;
    let old = set(store, connection(7, jwt(), "old", at(5))).await;
    report(store, whole(&old), at(6)).await;
    // The clock may have been set back.
    let new = set(
        store,
        connection(7, LoginFlow::ClientCredentials, "new", at(4)),
    )
    .await;
    assert!(new.credentials_time > old.credentials_time);
    assert_eq!(get(store, 7).await.unwrap(), new);
    assert_eq!(
        (secret(&new).as_str(), &new.state),
        ("new", &ConnectionState::Untested)
    );
    assert_eq!((new.peer.as_ref(), new.api_usage), (None, None));
    assert!(new.warnings.is_empty() && new.last_success_time.is_none());
    // What a call with the old ones brings to light comes too late.
    assert!(!report(store, whole(&old), at(7)).await);
}

pub(super) async fn connections_are_listed_for_what_is_covered(store: &Store) {
    for id in [9, 7, 8] {
        create(store, id).await;
        set(store, connection(id, jwt(), "s3cret", at(2))).await;
    }
    let listed = async |coverage| {
        let rows = store.salesforce_connections(coverage).await.unwrap();
        rows.iter().map(|one| one.igrp.get()).collect::<Vec<_>>()
    };
    assert_eq!(listed(Coverage::All).await, [7, 8, 9]);
    let some = Coverage::Only([igrp(9), igrp(7), igrp(1)].into());
    assert_eq!(listed(some).await, [7, 9]);
    assert!(listed(Coverage::Only([].into())).await.is_empty());
}

pub(super) async fn a_connection_goes_when_it_is_removed_and_with_its_installation(store: &Store) {
    let delete = |id| store.delete_salesforce_connection(igrp(id));
    assert_eq!(delete(7).await.unwrap(), None);
    create(store, 7).await;
    assert_eq!(delete(7).await.unwrap(), Some(false));
    set(store, connection(7, jwt(), "s3cret", at(2))).await;
    assert_eq!(delete(7).await.unwrap(), Some(true));
    assert_eq!(get(store, 7).await, None);

    set(store, connection(7, jwt(), "s3cret", at(2))).await;
    record(store, 1, item(event(""))).await.recorded();
    let refused = store.delete_installation(seven(), false).await;
    assert_eq!(refused.unwrap(), Some(false));
    assert!(get(store, 7).await.is_some());
    let deleted = store.delete_installation(seven(), true).await;
    assert_eq!(deleted.unwrap(), Some(true));
    create(store, 7).await;
    assert_eq!(get(store, 7).await, None);
    // Credentials alone are no records, and hold nothing up.
    set(store, connection(7, jwt(), "s3cret", at(2))).await;
    let deleted = store.delete_installation(seven(), false).await;
    assert_eq!(deleted.unwrap(), Some(true));
}

pub(super) async fn a_connection_survives_a_change_of_its_installation(store: &Store) {
    create(store, 7).await;
    let kept = set(store, connection(7, jwt(), "s3cret", at(2))).await;
    let changed = store.update_installation(seven(), Ok::<_, ()>).await;
    changed.unwrap().unwrap().unwrap();
    assert_eq!(get(store, 7).await, Some(kept));
}
