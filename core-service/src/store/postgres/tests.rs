//! What only this backend has: its statements.

mod plans;
