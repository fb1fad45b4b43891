//! What a sealed value belongs to.

/// What a sealed value belongs to. It is not kept with the value: whoever opens
/// it must know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingContext(Vec<u8>);

impl SealingContext {
    /// The context of a kind of value, told from others of the kind by `parts`.
    pub fn new<'a>(kind: &'a str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut bytes = Vec::new();
        // Each part after its length, so that no two lists of parts are alike.
        for part in std::iter::once(kind).chain(parts) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn contexts_of_different_parts_differ(
            one in prop::collection::vec("[ab]{0,2}", 0..4),
            other in prop::collection::vec("[ab]{0,2}", 0..4),
        ) {
            let context = |parts: &[String]| SealingContext::new("k", parts.iter().map(String::as_str));
            prop_assert_eq!(one == other, context(&one) == context(&other));
        }
    }
}
