//! The models of an installation.

use super::{AttributionModel, AttributionModelId, InvalidAttributionModel, NewAttributionModel};

/// A custom model that was found to be right, as it was asked for.
///
/// It is kept and read again for each record of its installation, so its
/// criteria are made ready only when somebody wants to work with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomModel(NewAttributionModel);

/// The models of an installation, each with an id of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributionModels(Vec<CustomModel>);

/// Why models can't be those of one installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributionModels {
    /// More than an installation may have.
    #[error("are more than {} models", AttributionModels::MAX)]
    TooMany,
    /// Two have one id.
    #[error("have the id {0} twice")]
    Twice(i32),
}

impl CustomModel {
    /// Takes a model that can be worked with, and fills in what was left open.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn new(new: NewAttributionModel) -> Result<Self, Vec<InvalidAttributionModel>> {
        let channels = new.channels.clone();
        let filled = AttributionModel::custom(new)?.as_asked();
        // The channels as they were spelled.
        Ok(Self(NewAttributionModel { channels, ..filled }))
    }

    /// A model as it was kept, which was found to be right when it was set.
    pub fn kept(new: NewAttributionModel) -> Self {
        Self(new)
    }

    /// Its id.
    pub fn id(&self) -> AttributionModelId {
        self.0.id
    }

    /// What was asked for.
    pub fn as_asked(&self) -> &NewAttributionModel {
        &self.0
    }

    /// The model, ready to work. `None` when an earlier release kept what this
    /// one can't work with.
    pub fn ready(&self) -> Option<AttributionModel> {
        AttributionModel::custom(self.0.clone()).ok()
    }
}

impl AttributionModels {
    /// The most models of an installation.
    pub const MAX: usize = 100;

    /// Takes models with ids of their own.
    ///
    /// # Errors
    ///
    /// [`InvalidAttributionModels`] for too many, or an id that is there twice.
    pub fn new(models: Vec<CustomModel>) -> Result<Self, InvalidAttributionModels> {
        if models.len() > Self::MAX {
            return Err(InvalidAttributionModels::TooMany);
        }
        let mut seen = std::collections::BTreeSet::new();
        match models.iter().find(|model| !seen.insert(model.id())) {
            Some(model) => Err(InvalidAttributionModels::Twice(model.id().get())),
            None => Ok(Self(models)),
        }
    }

    /// The model of an id.
    pub fn find(&self, id: AttributionModelId) -> Option<&CustomModel> {
        self.iter().find(|model| model.id() == id)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The models in the order in which they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &CustomModel> {
        self.0.iter()
    }
}
