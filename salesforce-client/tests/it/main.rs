//! The client against a pretend Salesforce org, and against a server that
//! answers what it is told to.

#![expect(clippy::unwrap_used, reason = "what helpers can't do fails the test")]

mod calls;
mod harness;
mod login;
mod scripted;
mod sessions;
mod updates;
