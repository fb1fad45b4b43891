//! The values that the gateway and the core both read.
//!
//! Every value arrives as text and is parsed once into a type with private
//! fields; after that nothing checks it again. Nothing here knows of HTTP,
//! gRPC or storage, and nothing reads the clock.
//!
//! An `Invalid…` error says which rule a text breaks, as the end of a sentence
//! that begins with the field's name. It never repeats the text, which may be
//! anything that a stranger sent.

mod action;
mod address_range;
mod call_ref;
mod certificate;
mod currency;
mod decimal;
mod field_name;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod igrp;
mod marketing_attribute;
mod nearest;
mod salesforce_id;
mod text;
mod timestamp;
mod variable_name;
mod visitor_id;

pub use action::{Action, InvalidAction};
pub use address_range::{AddressRange, InvalidAddressRange};
pub use call_ref::{CallRef, InvalidCallRef};
pub use certificate::{ClientCertificate, Fingerprint, InvalidFingerprint};
pub use currency::{Currency, InvalidCurrency};
pub use decimal::{Decimal, InvalidDecimal, ReadDecimal};
pub use field_name::{FieldName, InvalidFieldName};
pub use igrp::{Igrp, InvalidIgrp};
pub use marketing_attribute::{InvalidMarketingAttribute, MarketingAttribute};
pub use nearest::nearest;
pub use salesforce_id::{InvalidSalesforceId, OrganizationId, SalesforceId};
pub use text::{LongText, ShortText, TooLong};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use variable_name::{InvalidVariableName, VariableName};
pub use visitor_id::{InvalidVisitorId, VisitorId};
