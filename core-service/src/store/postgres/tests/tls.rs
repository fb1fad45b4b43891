//! TLS to a server that has a certificate, and demands that it is used.

use std::error::Error;
use std::path::Path;

use test_certificates::Authority;
use test_postgres::TlsServer;

use crate::store::conformance::given::{event, events, item, record, seven};
use crate::store::conformance::metrics;
use crate::store::{Store, StoreConfig, StoreError};

/// The one name that the server's certificate is for.
const NAME: &str = "localhost";

fn server(authority: &Authority) -> TlsServer {
    let identity = authority.server(&[NAME]);
    TlsServer::start(&identity.certificate_pem, &identity.key_pem)
}

/// The part of a URL that says whom to trust.
fn trusting(authority: &Authority, folder: &Path) -> String {
    let path = folder.join("roots.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    format!("sslrootcert={}", path.display())
}

async fn open(url: &str) -> Result<Store, StoreError> {
    let config: StoreConfig = url.parse().unwrap();
    let (store, _) = Store::open(&config, metrics()).await?;
    Ok(store)
}

/// Why a store can't be opened, with all causes, as the operator sees it.
async fn refused(url: &str) -> String {
    let error = open(url).await.expect_err("it was opened");
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[tokio::test]
async fn a_store_works_over_tls_with_a_server_that_an_authority_vouches_for() {
    let authority = Authority::new("databases");
    let server = server(&authority);
    let folder = tempfile::tempdir().unwrap();
    let trusting = trusting(&authority, folder.path());
    for (count, mode) in ["require", "verify-ca", "verify-full"]
        .into_iter()
        .enumerate()
    {
        let url = server.url(NAME, &format!("sslmode={mode}&{trusting}"));
        let store = open(&url).await.unwrap();
        let key = format!("over {mode}");
        record(&store, 1, item(event(&key)).keyed(&key))
            .await
            .recorded();
        assert_eq!(events(&store, seven()).await.len(), count + 1);
        store.close().await;
    }
}

#[tokio::test]
async fn a_server_is_refused_that_is_not_known_for_the_one_that_is_meant() {
    let authority = Authority::new("databases");
    let server = server(&authority);
    let folder = tempfile::tempdir().unwrap();

    // Everything but verification would do in each of these.
    let stranger = trusting(&Authority::new("strangers"), folder.path());
    let words = refused(&server.url(NAME, &format!("sslmode=require&{stranger}"))).await;
    assert!(
        words.contains("certificate") && words.contains("UnknownIssuer"),
        "{words}"
    );

    let trusting = trusting(&authority, folder.path());
    let other_name = server.url("127.0.0.1", &format!("sslmode=verify-full&{trusting}"));
    let words = refused(&other_name).await;
    assert!(
        words.contains("not valid for name \"127.0.0.1\""),
        "{words}"
    );
}

#[tokio::test]
async fn a_server_that_demands_tls_refuses_who_speaks_plainly() {
    let authority = Authority::new("databases");
    let server = server(&authority);
    let words = refused(&server.url(NAME, "sslmode=disable")).await;
    assert!(words.contains("no encryption"), "{words}");
    assert!(words.contains(NAME), "{words}");
}
