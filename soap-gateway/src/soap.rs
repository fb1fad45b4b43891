//! Outbound messages in, acknowledgements and faults out.

mod characters;
mod declaration;
mod invalid_message;
mod message;
mod position;

pub(crate) use declaration::Declaration;
pub use invalid_message::{InvalidKind, InvalidMessage};
pub use message::{Content, Notification, OutboundMessage, SObject};
pub(crate) use position::line_and_column;
