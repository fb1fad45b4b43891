//! Outbound messages: what is told, to whom, and until it is heard.

mod answer;
mod definition;
mod envelope;
mod outbox;
mod reason;
mod schedule;
mod sender;

pub use answer::SoapAnswer;
pub use definition::{DefinitionDescription, InvalidDefinition, Trigger};
pub use outbox::OutboundSettings;
pub use schedule::RetrySchedule;

pub(crate) use definition::{Change, Definition};
pub(crate) use envelope::Origin;
pub(crate) use outbox::{Due, Outbox};
pub(crate) use sender::{Sender, client};
