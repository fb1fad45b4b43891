//! Ids of attribution models.

/// The id of an attribution model: 0 to 10 are built in, an installation
/// numbers its own from 11 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributionModelId(i32);

/// A number is not the id of an attribution model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the id of an attribution model; 0 to 10 are built in, custom ones are 11 to 999999"
)]
pub struct InvalidAttributionModelId;

impl AttributionModelId {
    const LAST_BUILT_IN: i32 = 10;
    const LAST: i32 = 999_999;

    /// Takes an id; whether a custom model of it exists is for its installation
    /// to say.
    ///
    /// # Errors
    ///
    /// [`InvalidAttributionModelId`] outside 0 to 999,999.
    pub fn new(id: i32) -> Result<Self, InvalidAttributionModelId> {
        if (0..=Self::LAST).contains(&id) {
            Ok(Self(id))
        } else {
            Err(InvalidAttributionModelId)
        }
    }

    /// The ids of the built-in models.
    pub(super) fn built_in() -> impl Iterator<Item = Self> {
        (0..=Self::LAST_BUILT_IN).map(Self)
    }

    /// Whether the model of this id is built in.
    pub fn is_built_in(self) -> bool {
        self.0 <= Self::LAST_BUILT_IN
    }

    /// The id.
    pub fn get(self) -> i32 {
        self.0
    }
}
