//! Outbound messages in, acknowledgements and faults out.

pub(crate) mod answer;
mod api_url;
mod characters;
mod cutter;
mod declaration;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod glance;
mod invalid_message;
mod limits;
mod message;
mod namespaces;
mod notification;
mod notifications;
mod piece;
mod position;
mod reader;
mod record;
mod shape;
mod start_tag;
mod tokens;
mod xml_error;

pub(crate) use answer::FaultCode;
pub(crate) use declaration::Declaration;
pub use invalid_message::{InvalidKind, InvalidMessage};
pub use limits::Limits;
pub(crate) use message::is_blank;
pub use message::{Content, Notification, OutboundMessage, SObject};
pub(crate) use position::line_and_column;
pub use reader::read;
