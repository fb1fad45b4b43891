//! The fields that are recognised as an identity without any parameter.

use sfbridge_values::{FieldName, Igrp, VisitorId};

use crate::parameters::Identity;
use crate::soap::{SObject, is_blank};

/// The ordered lists of field names that are recognised, by identity.
///
/// Names are compared after removing the `__c` suffix, underscores and case.
/// Those that begin with `Infinity` match with any managed-package prefix, the
/// others only with the one that they are listed with, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultFields {
    igrp: List,
    visitor_id: List,
    call_ref: List,
}

/// A list of default fields can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefaultFields {
    /// A name is no field's.
    #[error("the default field `{0}` is not a field's API name, such as Infinity_Visitor_ID__c")]
    NotAFieldName(String),
    /// Two names in one list match the same fields.
    #[error("the default field `{0}` is listed twice; `__c`, `_` and case don't count")]
    Twice(String),
}

/// The IGRP ids' list when none is configured.
const IGRP: [&str; 5] = [
    "InfinityIGRP",
    "InfinityIGRPID",
    "InfinityInstallationID",
    "IGRP",
    "IGRPID",
];

/// The visitor ids' list when none is configured.
const VISITOR_ID: [&str; 4] = ["InfinityVisitorID", "InfinityVID", "VisitorID", "VID"];

/// The call references' list when none is configured.
const CALL_REF: [&str; 4] = [
    "InfinityCallReference",
    "InfinityCallRef",
    "CallReference",
    "CallRef",
];

impl Default for DefaultFields {
    fn default() -> Self {
        let list = |names: &[&str]| List::of(names.iter().copied().map(Recognised::of).collect());
        Self {
            igrp: list(&IGRP),
            visitor_id: list(&VISITOR_ID),
            call_ref: list(&CALL_REF),
        }
    }
}

impl DefaultFields {
    /// Takes lists from the configuration, the first name first. An empty list
    /// recognises nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidDefaultFields`] when a name is no field's, or is listed twice.
    pub fn new(
        igrp: &[String],
        visitor_id: &[String],
        call_ref: &[String],
    ) -> Result<Self, InvalidDefaultFields> {
        Ok(Self {
            igrp: List::of(Recognised::list(igrp)?),
            visitor_id: List::of(Recognised::list(visitor_id)?),
            call_ref: List::of(Recognised::list(call_ref)?),
        })
    }

    /// The names that are recognised as an identity, the first first, as they
    /// were listed.
    pub fn names(&self, identity: Identity) -> impl Iterator<Item = &str> {
        let names = self.list(identity).names.iter();
        names.map(|name| name.listed.as_str())
    }

    /// The populated field of a record that is recognised as an identity: the
    /// earliest in the list, without a prefix before those with one.
    pub(super) fn find<'a>(
        &self,
        identity: Identity,
        record: &'a SObject,
    ) -> Result<Option<(&'a str, &'a str)>, Conflict<'a>> {
        let list = self.list(identity);
        let mut best: Option<(Rank, &str, &str)> = None;
        let mut conflict = None;
        for (name, text) in &record.fields {
            let Some(rank) = list.rank(name) else {
                continue;
            };
            if is_blank(text) {
                continue;
            }
            match best {
                Some((best_rank, _, _)) if best_rank < rank => {}
                Some((best_rank, first, best_text)) if best_rank == rank => {
                    if !is_same(identity, best_text, text) {
                        let second = name.as_str();
                        conflict = Some(Conflict { first, second });
                    }
                }
                _ => {
                    best = Some((rank, name, text));
                    conflict = None;
                }
            }
        }
        match conflict {
            Some(conflict) => Err(conflict),
            None => Ok(best.map(|(_, name, text)| (name, text))),
        }
    }

    fn list(&self, identity: Identity) -> &List {
        match identity {
            Identity::Igrp => &self.igrp,
            Identity::VisitorId => &self.visitor_id,
            Identity::CallRef => &self.call_ref,
        }
    }
}

/// The names that are recognised as one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
struct List {
    names: Vec<Recognised>,
    /// How the names end, which tells most fields apart from all of them.
    endings: Endings,
}

impl List {
    fn of(names: Vec<Recognised>) -> Self {
        let mut endings = Endings::default();
        for name in &names {
            endings.insert(&name.listed);
        }
        Self { names, endings }
    }

    /// How good a field is, if it is recognised at all.
    fn rank(&self, field: &str) -> Option<Rank> {
        if !self.endings.may_be_of(field) {
            return None;
        }
        let field = Parts::of(field);
        self.names.iter().enumerate().find_map(|(place, name)| {
            let is_prefixed = name.matches(field)?;
            Some(Rank { place, is_prefixed })
        })
    }
}

/// How some names end, as a set of 64 digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Endings(u64);

impl Endings {
    fn insert(&mut self, name: &str) {
        self.0 |= 1 << Self::digest(name);
    }

    /// False: it ends otherwise than all names that were inserted.
    fn may_be_of(self, name: &str) -> bool {
        self.0 >> Self::digest(name) & 1 == 1
    }

    /// A number below 64 made of the last letters that count.
    fn digest(name: &str) -> u32 {
        const LETTERS: usize = 3;

        let letters = without_suffix(name).iter().rev();
        let letters = letters.filter(|byte| **byte != b'_').take(LETTERS);
        letters.fold(0, |digest: u32, byte| {
            digest * 31 + u32::from(byte.to_ascii_lowercase())
        }) % 64
    }
}

/// A field's name without its `__c`.
fn without_suffix(field: &str) -> &[u8] {
    match field.as_bytes() {
        [name @ .., b'_', b'_', b'c' | b'C'] => name,
        name => name,
    }
}

/// How good a field is; the least is the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Where its name stands in the list.
    place: usize,
    /// Whether it has a prefix that the listed name lacks.
    is_prefixed: bool,
}

/// Two fields that are as good as each other say different things.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict<'a> {
    pub(super) first: &'a str,
    pub(super) second: &'a str,
}

/// A name that is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Recognised {
    listed: String,
    /// Its letters that count, which tell most fields apart from it.
    letters: String,
}

impl Recognised {
    fn of(name: &str) -> Self {
        Self {
            listed: name.to_owned(),
            letters: Parts::of(name).letters().map(char::from).collect(),
        }
    }

    fn list(names: &[String]) -> Result<Vec<Self>, InvalidDefaultFields> {
        let mut list: Vec<Self> = Vec::with_capacity(names.len());
        for name in names {
            if FieldName::parse(name).is_err() {
                return Err(InvalidDefaultFields::NotAFieldName(name.clone()));
            }
            let is_known = |known: &Self| {
                let (known, new) = (Parts::of(&known.listed), Parts::of(name));
                known.is_like(new) && known.has_prefix_of(new)
            };
            if list.iter().any(is_known) {
                return Err(InvalidDefaultFields::Twice(name.clone()));
            }
            list.push(Self::of(name));
        }
        Ok(list)
    }

    /// Whether a field matches: None when it does not, else whether it has a
    /// prefix that the listed name lacks.
    fn matches(&self, field: Parts<'_>) -> Option<bool> {
        if !self.letters.bytes().eq(field.letters()) {
            return None;
        }
        let listed = Parts::of(&self.listed);
        if listed.has_prefix_of(field) {
            return Some(false);
        }
        (listed.prefix.is_none() && listed.is_of_infinity()).then_some(true)
    }
}

/// A field's API name, taken apart.
#[derive(Clone, Copy)]
struct Parts<'a> {
    /// The managed package's namespace.
    prefix: Option<&'a str>,
    /// The name without prefix and `__c`.
    name: &'a str,
}

impl<'a> Parts<'a> {
    fn of(field: &'a str) -> Self {
        let name = &field[..without_suffix(field).len()];
        // Salesforce allows two underscores only after a namespace and before
        // a suffix.
        let gap = name.as_bytes().windows(2).position(|two| two == b"__");
        match gap {
            Some(gap) => Self {
                prefix: Some(&name[..gap]),
                name: &name[gap + 2..],
            },
            None => Self { prefix: None, name },
        }
    }

    /// The letters that count.
    fn letters(self) -> impl Iterator<Item = u8> {
        self.name
            .bytes()
            .filter(|byte| *byte != b'_')
            .map(|byte| byte.to_ascii_lowercase())
    }

    fn is_like(self, other: Parts<'_>) -> bool {
        self.letters().eq(other.letters())
    }

    fn has_prefix_of(self, other: Parts<'_>) -> bool {
        match (self.prefix, other.prefix) {
            (None, None) => true,
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        }
    }

    fn is_of_infinity(self) -> bool {
        self.letters().take(8).eq(*b"infinity")
    }
}

/// Whether two texts are the same value: `840` and `840.0` are the same
/// installation, and case does not count in visitor ids.
fn is_same(identity: Identity, one: &str, other: &str) -> bool {
    if one.trim() == other.trim() {
        return true;
    }
    match identity {
        Identity::Igrp => Igrp::parse(one).is_ok_and(|id| Igrp::parse(other) == Ok(id)),
        Identity::VisitorId => {
            VisitorId::parse(one).is_ok_and(|id| VisitorId::parse(other) == Ok(id))
        }
        Identity::CallRef => false,
    }
}

#[cfg(test)]
mod tests;
