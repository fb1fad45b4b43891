//! Values as they are moved, and sums over them.

use sha2::{Digest as _, Sha256};

/// A value of a row, whichever backend it came from. What has a type of its own
/// in PostgreSQL is what SQLite keeps it as: a flag a number, an id bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, its values in the order of the columns that were asked for.
pub(in crate::store) type MovedRow = Vec<Value>;

impl Value {
    /// About how many bytes it takes.
    pub(in crate::store) fn size(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// The sum over rows, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) rows: u64,
    sum: u128,
}

impl Checksum {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            // No two rows have one encoding: each value has its type and length.
            match value {
                Value::Null => hash.update([0]),
                Value::Int(number) => {
                    hash.update([1]);
                    hash.update(number.to_be_bytes());
                }
                Value::Text(text) => {
                    hash.update([2]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text);
                }
                Value::Bytes(bytes) => {
                    hash.update([3]);
                    hash.update((bytes.len() as u64).to_be_bytes());
                    hash.update(bytes);
                }
            }
        }
        let digest = hash.finalize();
        let half = std::array::from_fn(|n| digest[n]);
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
        self.rows += 1;
    }

    /// Adds rows.
    pub(super) fn add_all(&mut self, rows: &[MovedRow]) {
        for row in rows {
            self.add(row);
        }
    }

    /// The sum, in hexadecimal.
    pub(super) fn text(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            "[a-c]{0,3}".prop_map(Value::Text),
            prop::collection::vec(0..3_u8, 0..3).prop_map(Value::Bytes),
        ]
    }

    fn sum(rows: &[MovedRow]) -> Checksum {
        let mut sum = Checksum::default();
        sum.add_all(rows);
        sum
    }

    proptest! {
        #[test]
        fn a_sum_tells_rows_apart_and_not_their_order(
            rows in prop::collection::vec(prop::collection::vec(value(), 2), 1..6),
            other in prop::collection::vec(value(), 2),
        ) {
            let mut backwards = rows.clone();
            backwards.reverse();
            prop_assert_eq!(sum(&rows), sum(&backwards));
            let mut changed = rows.clone();
            changed[0] = other;
            prop_assert_eq!(sum(&rows) == sum(&changed), rows == changed);
        }
    }
}
