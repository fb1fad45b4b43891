//! A client that learns everything by reflection.

use std::collections::BTreeMap;

use prost::Message as _;
use prost::bytes::Buf as _;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ServiceDescriptor};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_reflection::pb::{v1, v1alpha};

use super::PACKAGE;

/// The versions of the reflection service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    V1,
    V1Alpha,
}

/// What is asked of the reflection service.
enum Question {
    Services,
    FileOf(String),
    FileNamed(String),
}

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    channel: Channel,
    services: Vec<String>,
    pool: DescriptorPool,
}

impl Client {
    /// Asks a server what it serves.
    pub(super) async fn discover(url: String, version: Version) -> Self {
        let channel = Endpoint::from_shared(url).unwrap().connect_lazy();
        let (mut services, _) = ask(&channel, version, Question::Services).await;
        services.sort();
        // A file comes without those that it imports; they are asked for by name.
        let mut files: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
        let mut questions: Vec<_> = services.iter().cloned().map(Question::FileOf).collect();
        while let Some(question) = questions.pop() {
            for file in ask(&channel, version, question).await.1 {
                let file = FileDescriptorProto::decode(file.as_slice()).unwrap();
                if files.insert(file.name().to_owned(), file.clone()).is_none() {
                    questions.extend(file.dependency.into_iter().map(Question::FileNamed));
                }
            }
        }
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(files.into_values())
            .unwrap();
        Self {
            channel,
            services,
            pool,
        }
    }

    /// The full names of all services.
    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    /// What all services are made of.
    pub(super) fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// A service of our package.
    pub(super) fn service(&self, name: &str) -> ServiceDescriptor {
        let name = format!("{PACKAGE}.{name}");
        self.pool.get_service_by_name(&name).unwrap()
    }

    /// Calls an RPC of our package.
    pub(super) async fn call(
        &self,
        service: &str,
        method: &str,
        request: Value,
    ) -> Result<DynamicMessage, Status> {
        let service = format!("{PACKAGE}.{service}");
        self.call_full(&service, method, request).await
    }

    /// Calls an RPC by its service's full name.
    pub(super) async fn call_full(
        &self,
        service: &str,
        method: &str,
        request: Value,
    ) -> Result<DynamicMessage, Status> {
        let path = PathAndQuery::try_from(format!("/{service}/{method}")).unwrap();
        let service = self.pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|known| known.name() == method);
        let method = method.unwrap();
        let request = DynamicMessage::deserialize(method.input(), request).unwrap();
        let codec = DynamicCodec(method.output());
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let answer = grpc.unary(Request::new(request), path, codec).await?;
        Ok(answer.into_inner())
    }
}

/// The names of services, or the file that was asked for.
async fn ask(
    channel: &Channel,
    version: Version,
    question: Question,
) -> (Vec<String>, Vec<Vec<u8>>) {
    // The two versions have the same messages under different names.
    macro_rules! ask {
        ($v:ident) => {{
            use $v::server_reflection_request::MessageRequest;
            use $v::server_reflection_response::MessageResponse;

            let request = $v::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(match question {
                    Question::Services => MessageRequest::ListServices(String::new()),
                    Question::FileOf(symbol) => MessageRequest::FileContainingSymbol(symbol),
                    Question::FileNamed(name) => MessageRequest::FileByFilename(name),
                }),
            };
            let mut client =
                $v::server_reflection_client::ServerReflectionClient::new(channel.clone());
            let requests = tokio_stream::once(request);
            let answers = client.server_reflection_info(requests).await.unwrap();
            let answer = answers.into_inner().message().await.unwrap().unwrap();
            match answer.message_response.unwrap() {
                MessageResponse::ListServicesResponse(list) => {
                    let names = list.service.into_iter().map(|service| service.name);
                    (names.collect(), Vec::new())
                }
                MessageResponse::FileDescriptorResponse(files) => {
                    (Vec::new(), files.file_descriptor_proto)
                }
                other => panic!("{other:?}"),
            }
        }};
    }
    match version {
        Version::V1 => ask!(v1),
        Version::V1Alpha => ask!(v1alpha),
    }
}

/// Reads answers by their descriptor.
struct DynamicCodec(MessageDescriptor);

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> DynamicEncoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> DynamicDecoder {
        DynamicDecoder(self.0.clone())
    }
}

struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(to)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

struct DynamicDecoder(MessageDescriptor);

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        DynamicMessage::decode(self.0.clone(), bytes)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
