//! Outbound messages in, acknowledgements and faults out.

mod message;

pub use message::{Content, Notification, OutboundMessage, SObject};
