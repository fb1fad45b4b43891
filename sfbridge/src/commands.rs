//! One file for each command.

pub(crate) mod core;
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod up;

pub(crate) mod explain;
pub(crate) mod send;
pub(crate) mod simulate;
pub(crate) mod url;

pub(crate) mod calls;
pub(crate) mod enrichments;
pub(crate) mod events;
pub(crate) mod import;
pub(crate) mod ratings;
pub(crate) mod visits;

pub(crate) mod credentials;
pub(crate) mod installations;
pub(crate) mod keys;
pub(crate) mod quarantine;
pub(crate) mod refused;
pub(crate) mod tokens;

pub(crate) mod backup;
pub(crate) mod config_show;
pub(crate) mod migrate;
pub(crate) mod restore;

mod listing;
mod message_file;
mod moving;
