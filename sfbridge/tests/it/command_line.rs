//! The commands against a running process, as people and programs call them.

mod credentials;
mod enrichments;
mod import;
mod keys;
mod quarantine;
mod records;
mod stores;
mod tokens;
