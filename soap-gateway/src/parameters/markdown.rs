//! The reference of all parameters, for `docs/parameters.md`.

use std::fmt::Write as _;

use super::table::fallback_of;
use super::{Fallback, Identity, ParameterSpec, ValueKind, parameters_of};
use crate::Endpoint;
use crate::mapping::DefaultFields;

/// The text of `docs/parameters.md`, made from the table of parameters.
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for endpoint in Endpoint::ALL {
        section(&mut text, endpoint);
    }
    default_fields(&mut text, &DefaultFields::default());
    text.push_str(RULES);
    text
}

fn section(text: &mut String, endpoint: Endpoint) {
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "\n## {endpoint}\n\n`POST {}`\n\n\
         | parameter | value | meaning | where there is none |\n|---|---|---|---|\n",
        endpoint.path()
    );
    for spec in parameters_of(endpoint) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            names(spec),
            value(spec),
            spec.meaning,
            fallback(endpoint, spec)
        );
    }
}

fn names(spec: &ParameterSpec) -> String {
    let mut names = format!("`{}`", spec.name);
    for alias in spec.aliases {
        let _ = write!(names, ", alias `{alias}`");
    }
    names
}

fn value(spec: &ParameterSpec) -> String {
    match spec.value {
        ValueKind::Field(value_type) => format!("field with: {}", value_type.description()),
        ValueKind::LeadField => "field to write".to_owned(),
        ValueKind::Literal(value_type) => value_type.description().to_owned(),
    }
}

fn fallback(endpoint: Endpoint, spec: &ParameterSpec) -> String {
    match fallback_of(endpoint, spec.target) {
        Fallback::Nothing => String::new(),
        Fallback::DefaultFields(_) => "the [default fields](#default-fields)".to_owned(),
        Fallback::Field(field, "") => format!("the field `{field}`"),
        Fallback::Field(field, words) => format!("the field `{field}`, then {words}"),
        Fallback::Literal(literal) => format!("`{literal}`"),
        Fallback::Words(words) => words.to_owned(),
    }
}

fn default_fields(text: &mut String, fields: &DefaultFields) {
    text.push_str(DEFAULT_FIELDS);
    for (title, identity) in [
        ("IGRP id", Identity::Igrp),
        ("visitor id", Identity::VisitorId),
        ("call reference", Identity::CallRef),
    ] {
        let names: Vec<_> = fields
            .names(identity)
            .map(|name| format!("`{name}`"))
            .collect();
        let _ = writeln!(text, "| {title} | {} |", names.join(", "));
    }
}

const INTRODUCTION: &str = "\
# URL parameters

<!-- Made from the table in soap-gateway/src/parameters/table.rs.
     To make it again: UPDATE_DOCS=1 cargo test -p soap-gateway --lib parameters -->

Options are ordinary arguments in the query string of an endpoint URL, because the URL is all that can be typed in Salesforce.
All are optional.

- `xxxField=Api_Name__c` names a Salesforce field, which is read from each notification's record.
  It is the exact API name: ASCII letters, digits and `_`, a letter first.
  Case does not count; a managed-package prefix `ns__` belongs to the name.
- A bare name, such as `tz=Europe/London`, gives a value that is the same for every notification.

For one value, the named field counts when it is populated, then the literal, then the default field, then the default value.
*Populated* means present, not `xsi:nil`, and not empty after trimming.

Case counts in the names of parameters.
`%20` and `+` both mean a space, and `%2B` is a `+`.
A request is refused with 400, and the fault says why, for: an unknown name, a name given twice (an alias is the same name), an empty value, an invalid field name or literal, broken percent-encoding, and `vid` or `callRef` as a literal, because a constant identity is always a mistake.

`token` is no part of what makes two URLs the same, nor of quarantine records, logs and explanations.
";

const DEFAULT_FIELDS: &str = "
## Default fields

A record whose fields have these names needs no parameters for its identities.
Names are compared without the suffix `__c`, underscores and case.
Those that begin with `Infinity` are recognised with any managed-package prefix, the others only without one.
So `Infinity_Visitor_ID__c`, `acme__InfinityVisitorId__c` and `infinity_vid__c` are all visitor ids.

The earliest in the list that is populated counts, without a prefix before those with one.
Two fields of the same rank with different values make the notification `MALFORMED_NOTIFICATION`; `840` and `840.0` are the same installation, and case and a leading `vid~` do not count in visitor ids.
The lists can be replaced in the configuration.

| value | recognised, the first first |
|---|---|
";

const RULES: &str = "
## Values

What does not fit puts the one notification into the quarantine with the reason given here; the others of its message are recorded.
The same rules hold for literals, but there a value that does not fit is answered with 400.

| value | accepted | otherwise |
|---|---|---|
| IGRP id | an integer from 1 to 2^53, also as `840.0` or `8.4E2` | `INVALID_IGRP`; `MISSING_IGRP` where there is none |
| visitor id | a UUID with hyphens, any case, also after `vid~` | `INVALID_VISITOR_ID` |
| call reference | text of 1 to 255 characters, trimmed; `007` is not `7` | `INVALID_CALL_REF` |
| decimal | a sign or none, at least one digit before the point and, if there is a point, after it, an exponent or none; up to 18 digits before the point; more than 8 after it are rounded with a warning | `INVALID_DECIMAL` |
| currency | an ISO 4217 code in any case; from `CurrencyIsoCode` also other codes of three letters, with a warning | `INVALID_CURRENCY` |
| action | 1 to 64 characters; not `land`, `page`, `call`, `callUser`, `callRate`, `callBlegStart` or `callAlegStop` in any case | `INVALID_ACTION`, `RESERVED_ACTION` |
| date, date and time | `2024-05-01`, `2024-05-01T10:20:30Z`, up to 9 digits of a fraction, an offset as `Z`, `+01:00` or `+0100`; years 1700 to 4000 | `INVALID_TIMESTAMP` |
| custom variable | up to 50; names of 1 to 64 ASCII letters, digits and `_`; a name that ends in `Field` always names a field | |

Titles and custom variables are cut at 4,000 characters with a warning.
References, ratings and record ids longer than 255 are `FIELD_TOO_LONG`.

## Dates and times

A date and time needs its offset; without one it is invalid, and so are a space in place of the `T`, `24:00:00` and second 60.
`-00:00` is UTC.
Digits beyond the microsecond are cut.

A date alone means the end of that day in `tz`, so that what happened falls after that day's visits and calls:
23:59:59; the later one where clocks are put back over it; the last second that exists where clocks are put forward over it; for a day that the zone left out, the last second of the day before.
Only `callStartDtField` needs a date and time: a date alone can't tell one call from another, and is `INVALID_TIMESTAMP`.

Where `dtField` is not given or not populated, an unreadable `LastModifiedDate` or `CreatedDate` is a warning, and the moment of the first receipt counts.
";

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_DOCS=1 cargo test -p soap-gateway --lib parameters` writes it.
    #[test]
    fn the_committed_reference_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/parameters.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap();
            std::fs::write(path, markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == markdown(),
            "docs/parameters.md is out of date; run \
             UPDATE_DOCS=1 cargo test -p soap-gateway --lib parameters"
        );
    }
}
