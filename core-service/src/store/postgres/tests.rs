//! What only this backend has: its statements, and TLS on the way to it.

mod plans;
mod tls;
