//! The services behind one port.

use sfbridge_proto::FILE_DESCRIPTOR_SET;
use sfbridge_proto::v1::access_service_server::AccessServiceServer;
use sfbridge_proto::v1::call_rating_service_server::CallRatingServiceServer;
use sfbridge_proto::v1::call_service_server::CallServiceServer;
use sfbridge_proto::v1::event_service_server::EventServiceServer;
use sfbridge_proto::v1::installation_service_server::InstallationServiceServer;
use sfbridge_proto::v1::lead_enrichment_service_server::LeadEnrichmentServiceServer;
use sfbridge_proto::v1::quarantine_service_server::QuarantineServiceServer;
use sfbridge_proto::v1::visit_service_server::VisitServiceServer;
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic::service::interceptor::InterceptedService;
use tonic::service::{Interceptor, Routes, RoutesBuilder};

use super::batch::InstallationRule;
use super::caller::KeyRing;
use super::event_stream::EventStreams;
use super::import::Imports;
use crate::config::InstallationMode;
use crate::metrics::CoreMetrics;
use crate::salesforce::Connections;
use crate::store::Store;

/// The largest request, encoded. Larger ones are refused before they are read.
///
/// A gateway passes on a Lead of up to 16 MiB as notification and as known
/// values; that must fit, or it would be refused for ever.
const MAX_REQUEST_BYTES: usize = 64 << 20;

/// The largest request about settings: an installation with 1,000 rating items.
const MAX_SETTINGS_BYTES: usize = 2 << 20;

/// What all services share. It implements each of them.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(super) store: Store,
    pub(super) keys: KeyRing,
    pub(super) connections: Connections,
    pub(super) rule: InstallationRule,
    pub(super) metrics: CoreMetrics,
    pub(super) imports: Imports,
    pub(super) event_streams: EventStreams,
}

/// The full names of the services, for health.
pub(crate) fn service_names() -> [&'static str; 8] {
    [
        EventServiceServer::<Services>::NAME,
        CallRatingServiceServer::<Services>::NAME,
        LeadEnrichmentServiceServer::<Services>::NAME,
        VisitServiceServer::<Services>::NAME,
        CallServiceServer::<Services>::NAME,
        InstallationServiceServer::<Services>::NAME,
        QuarantineServiceServer::<Services>::NAME,
        AccessServiceServer::<Services>::NAME,
    ]
}

impl Services {
    pub(crate) fn new(
        store: Store,
        keys: KeyRing,
        connections: Connections,
        mode: InstallationMode,
        is_loopback: bool,
        metrics: CoreMetrics,
        is_stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            store,
            keys,
            connections,
            rule: InstallationRule { mode, is_loopback },
            metrics,
            imports: Imports::new(is_stopping.clone()),
            event_streams: EventStreams::new(is_stopping),
        }
    }

    /// Puts the services behind an interceptor that finds out who calls.
    pub(crate) fn routes<I: Interceptor + Clone + Send + Sync + 'static>(
        &self,
        caller: &I,
    ) -> RoutesBuilder {
        let mut routes = Routes::builder();
        // Only the size of what comes in is limited: pages are limited by rows.
        macro_rules! add {
            ($bytes:expr, $($server:ident),*) => {$(
                routes.add_service(InterceptedService::new(
                    $server::new(self.clone())
                        .max_decoding_message_size($bytes)
                        .max_encoding_message_size(usize::MAX),
                    caller.clone(),
                ));
            )*};
        }
        add!(
            MAX_REQUEST_BYTES,
            EventServiceServer,
            CallRatingServiceServer,
            LeadEnrichmentServiceServer,
            VisitServiceServer,
            CallServiceServer,
            QuarantineServiceServer
        );
        add!(
            MAX_SETTINGS_BYTES,
            InstallationServiceServer,
            AccessServiceServer
        );
        routes
    }
}

/// Adds server reflection, the present version and the one that older clients
/// ask for.
pub(crate) fn add_reflection<I: Interceptor + Clone + Send + Sync + 'static>(
    routes: &mut RoutesBuilder,
    caller: &I,
) -> Result<(), tonic_reflection::server::Error> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes.add_service(InterceptedService::new(
        builder().build_v1()?,
        caller.clone(),
    ));
    routes.add_service(InterceptedService::new(
        builder().build_v1alpha()?,
        caller.clone(),
    ));
    Ok(())
}
