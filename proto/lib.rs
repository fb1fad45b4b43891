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
