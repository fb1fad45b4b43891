//! What only this backend has: its statements and transactions, and TLS on the
//! way to it.

mod keys;
mod plans;
mod tls;
mod transactions;
