//! The contract that the gateway, the core and internal systems speak.
//!
//! The `.proto` files beside this one are the reference; this crate only
//! includes what is generated from them. `grpcurl describe` shows the same
//! comments through reflection.

/// Package `infinity.core.v1`.
// What is generated follows the .proto files, not this workspace's style.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod v1 {
    tonic::include_proto!("infinity.core.v1");
}

/// The encoded `FileDescriptorSet` of all `.proto` files, their imports and
/// their comments, for server reflection and for reading JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

// Whoever shows a request must not show the secret in it.
macro_rules! hide {
    ($message:ident, $($shown:ident),+) => {
        impl std::fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($shown), &self.$shown))+
                    .finish_non_exhaustive()
            }
        }
    };
}

hide!(JwtBearer, client_id, username);
hide!(ClientCredentials, client_id);

#[cfg(test)]
mod tests {
    use super::v1;

    #[test]
    fn requests_do_not_show_their_secrets() {
        let jwt_bearer = v1::JwtBearer {
            client_id: "3MVG9".to_owned(),
            private_key_pem: "hunter2".to_owned(),
            ..Default::default()
        };
        let client_credentials = v1::ClientCredentials {
            client_secret: "hunter2".to_owned(),
            ..Default::default()
        };
        let request = v1::SetSalesforceCredentialsRequest {
            credentials: Some(
                v1::set_salesforce_credentials_request::Credentials::JwtBearer(jwt_bearer),
            ),
            ..Default::default()
        };
        let shown = format!("{request:?} {client_credentials:?}");
        assert!(
            shown.contains("3MVG9") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
