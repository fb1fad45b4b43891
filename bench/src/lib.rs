//! What the measurements of sfbridge have in common: the messages that are
//! sent, and what becomes of them on the way.

pub mod message;
pub mod reading;
pub mod recording;
pub mod shape;
