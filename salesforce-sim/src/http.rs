//! HTTP: what comes, what is answered, and which part answers it.

mod form;
mod request;
mod response;
mod route;
mod server;

pub(crate) use form::Form;
pub(crate) use request::Request;
pub(crate) use response::{Html, Response};
pub(crate) use server::Server;
