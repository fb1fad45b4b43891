//! What a fault run sends, and how it finds out what became of it.
//!
//! [`message`] makes notifications, [`Ledger`] keeps which of them were sent and
//! which acknowledged, [`CoreCaller`] asks a core what it holds, and
//! [`Findings`] and [`LeadFindings`] compare. The binary of this package starts
//! the product and breaks it; `tests/simulation.rs` does so in a simulated
//! network. Both come here to count.

mod caller;
mod findings;
mod leads;
mod ledger;
pub mod message;
mod outcome;

pub use caller::CoreCaller;
pub use findings::{Findings, Held};
pub use leads::{LeadFindings, leads_toml};
pub use ledger::{Ledger, Posted};
pub use message::{Kind, Message, Notification};
pub use outcome::Outcome;
