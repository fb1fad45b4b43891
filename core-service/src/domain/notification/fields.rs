//! The fields of a raw notification.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The populated fields of a notification by name, with their exact text, in one
/// piece of memory.
///
/// Thousands of notifications may wait to be recorded, and only one that is held
/// needs its fields: a map of texts takes as much again, and would be given back
/// text by text by the one thread that writes.
#[derive(Clone, PartialEq, Eq)]
pub struct RawFields(Arc<Packed>);

#[derive(PartialEq, Eq)]
struct Packed {
    /// Names and texts in turn.
    text: Box<str>,
    /// Where each name and its text end. Invariant: they rise, and stand between
    /// characters.
    ends: Box<[[usize; 2]]>,
}

impl RawFields {
    /// The fields and their texts, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let Packed { text, ends } = &*self.0;
        let mut begin = 0;
        ends.iter().map(move |[middle, end]| {
            let field = (&text[begin..*middle], &text[*middle..*end]);
            begin = *end;
            field
        })
    }
}

impl From<BTreeMap<String, String>> for RawFields {
    fn from(fields: BTreeMap<String, String>) -> Self {
        let length = |(name, text): (&String, &String)| name.len() + text.len();
        let mut text = String::with_capacity(fields.iter().map(length).sum());
        let ends = fields.iter().map(|(name, value)| {
            text.push_str(name);
            let middle = text.len();
            text.push_str(value);
            [middle, text.len()]
        });
        let ends = ends.collect();
        Self(Arc::new(Packed {
            ends,
            text: text.into_boxed_str(),
        }))
    }
}

/// Shows how many there are: what they say may be personal.
impl fmt::Debug for RawFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawFields({})", self.0.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_fields_are_the_same_fields(
            fields in proptest::collection::btree_map(".{0,5}", ".{0,20}", 0..10)
        ) {
            let packed = RawFields::from(fields.clone());
            let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
            let unpacked: Vec<_> = packed.iter().map(owned).collect();
            prop_assert_eq!(unpacked, Vec::from_iter(fields));
        }
    }

    #[test]
    fn what_fields_say_is_not_shown() {
        let fields = BTreeMap::from([("Email".to_owned(), "a@example.com".to_owned())]);
        assert_eq!(format!("{:?}", RawFields::from(fields)), "RawFields(1)");
    }
}
