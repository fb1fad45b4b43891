//! `MappingService`: what becomes of notifications, and why.
//!
//! It is served beside the core, but is no part of it: it maps as the gateway
//! does, and asks the core's services as whoever calls it.

mod callers_core;
mod explain;
mod refusal;
mod replay;
mod room;

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::mapping_service_server;
use sfbridge_proto::v1::mapping_service_server::MappingServiceServer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Request, Response, Status};

use crate::config::GatewayConfig;
use crate::core_service::CoreService;
use crate::mapping::DefaultFields;
use crate::soap;
use callers_core::CallersCore;

/// Explains messages and replays what was quarantined.
#[derive(Clone, Debug)]
pub struct MappingService {
    core: CoreService,
    settings: Arc<Settings>,
    turns: Arc<Semaphore>,
}

/// What mapping depends on: the same as in a gateway.
#[derive(Debug)]
struct Settings {
    xml: soap::Limits,
    default_fields: DefaultFields,
    max_body_bytes: usize,
}

/// The service of a gateway that is set up like this. `core` is asked with the
/// API key of whoever calls, and must look at it.
pub fn mapping_service(
    config: &GatewayConfig,
    core: CoreService,
) -> MappingServiceServer<MappingService> {
    /// So much more than a message is read, so that what is too long by a
    /// little is refused in the gateway's words.
    const MARGIN: usize = 1024 * 1024;

    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let service = MappingService {
        core,
        settings: Arc::new(Settings {
            xml: config.xml.clone(),
            default_fields: config.default_fields.clone(),
            max_body_bytes: config.max_body_bytes,
        }),
        turns: Arc::new(Semaphore::new(processors)),
    };
    MappingServiceServer::new(service)
        .max_decoding_message_size(config.max_body_bytes.saturating_add(MARGIN))
        .max_encoding_message_size(usize::MAX)
}

impl MappingService {
    fn core_of<T>(&self, request: &Request<T>) -> CallersCore {
        CallersCore::new(self.core.clone(), request.metadata())
    }

    /// Waits for a turn. What a message or a page is made into takes many times
    /// its size, so there is no more of it at once than there are processors.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Status> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.map_err(|_| Status::unavailable("the service has ended"))
    }
}

#[tonic::async_trait]
impl mapping_service_server::MappingService for MappingService {
    async fn explain_message(
        &self,
        request: Request<pb::ExplainMessageRequest>,
    ) -> Result<Response<pb::ExplainMessageResponse>, Status> {
        let core = self.core_of(&request);
        let turn = self.turn().await?;
        let request = request.into_inner();
        let explained = explain::explain(&self.settings, &core, request, turn).await?;
        Ok(Response::new(explained))
    }

    async fn replay_quarantined_notifications(
        &self,
        request: Request<pb::ReplayQuarantinedNotificationsRequest>,
    ) -> Result<Response<pb::ReplayQuarantinedNotificationsResponse>, Status> {
        let core = self.core_of(&request);
        let _turn = self.turn().await?;
        let replayed = replay::replay(&self.settings, &core, request.into_inner()).await?;
        Ok(Response::new(replayed))
    }
}
