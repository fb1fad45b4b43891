//! Explaining and replaying, over gRPC.

mod explain;
mod replay;

use sfbridge_proto::v1::mapping_service_client::MappingServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::harness::{Role, Server, Start};

/// A client with an API key, or without.
#[derive(Clone)]
struct Key(Option<MetadataValue<Ascii>>);

impl tonic::service::Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

type Client = MappingServiceClient<InterceptedService<Channel, Key>>;

/// A client as anybody writes one: its messages may be as large as gRPC allows
/// unless told otherwise.
fn client(server: &Server, key: Option<&str>) -> Client {
    let channel = Endpoint::from_shared(server.core_url()).unwrap();
    let key = Key(key.map(|key| format!("Bearer {key}").parse().unwrap()));
    MappingServiceClient::with_interceptor(channel.connect_lazy(), key)
}

/// A server with keys of these flags, such as `--role read`. The first key of
/// all is an admin's.
async fn server_with_keys(flags: &[&str]) -> (Server, Vec<String>) {
    let up = Start::new(Role::Up)
        .flag("installations", "open")
        .start()
        .await;
    let admin = up
        .run("keys create --role admin")
        .await
        .ok()
        .trim()
        .to_owned();
    let mut keys = vec![admin.clone()];
    for flags in flags {
        let line = format!("keys create {flags}");
        let as_admin = [("SFBRIDGE_CORE_API_KEY", admin.as_str())];
        let made = up.run_with(&line, &as_admin).await;
        keys.push(made.ok().trim().to_owned());
    }
    (up, keys)
}
