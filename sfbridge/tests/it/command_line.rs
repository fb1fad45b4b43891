//! The commands against a running process, as people and programs call them.

mod keys;
mod models;
mod quarantine;
mod records;
mod stores;
mod tokens;
