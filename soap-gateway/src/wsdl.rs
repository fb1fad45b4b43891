//! The WSDL of the endpoints, from which others build clients that send to us.

mod address;

use quick_xml::escape::escape;

pub(crate) use address::{Address, UnusableHost};

/// The WSDL that Salesforce makes for an outbound message, for records of any
/// object: what fields there are, each organisation decides.
const TEMPLATE: &str = include_str!("wsdl/outbound.wsdl");

/// What stands in the template for the address.
const ADDRESS: &str = "{address}";

/// The parameter that asks for it, in any case.
pub(crate) const PARAMETER: &str = "wsdl";

/// The WSDL for clients that send to an address.
pub(crate) fn wsdl(address: &Address) -> String {
    TEMPLATE.replace(ADDRESS, &escape(address.as_str()))
}

#[cfg(test)]
mod tests;
