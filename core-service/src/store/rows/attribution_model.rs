//! The attribution models of an installation, as they stand in its JSON column.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sfbridge_values::ShortText;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{
    AttributionModelId, AttributionModels, Channels, CustomModel, ModelKind, NewAttributionModel,
    NewCriterion,
};

const COLUMN: &str = "attribution_models";

#[derive(Debug, Serialize, Deserialize)]
struct ModelColumn {
    id: i32,
    display_name: String,
    /// The contract's number.
    kind: i64,
    lookback_days: Option<u32>,
    first_weight: Option<u32>,
    last_weight: Option<u32>,
    channels: ChannelsColumn,
    criteria: Vec<CriterionColumn>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChannelsColumn {
    All,
    Include(BTreeSet<String>),
    Exclude(BTreeSet<String>),
}

#[derive(Debug, Serialize, Deserialize)]
struct CriterionColumn {
    field: String,
    op: String,
    value: String,
}

/// Writes models; none take no room.
pub(in super::super) fn to_json(models: &AttributionModels) -> Result<Option<String>, StoreError> {
    if models.is_empty() {
        return Ok(None);
    }
    let models: Vec<_> = models.iter().map(|model| write(model.as_asked())).collect();
    columns::to_json(&models).map(Some)
}

fn write(model: &NewAttributionModel) -> ModelColumn {
    ModelColumn {
        id: model.id.get(),
        display_name: model.display_name.as_str().to_owned(),
        kind: kind_number(model.kind),
        lookback_days: model.lookback_days,
        first_weight: model.first_weight,
        last_weight: model.last_weight,
        channels: match &model.channels {
            Channels::All => ChannelsColumn::All,
            Channels::Include(names) => ChannelsColumn::Include(names.clone()),
            Channels::Exclude(names) => ChannelsColumn::Exclude(names.clone()),
        },
        criteria: model
            .criteria
            .iter()
            .map(|criterion| CriterionColumn {
                field: criterion.field.clone(),
                op: criterion.op.clone(),
                value: criterion.value.clone(),
            })
            .collect(),
    }
}

/// Reads the models of an installation's row.
pub(super) fn from_row(row: &impl Columns) -> Result<AttributionModels, StoreError> {
    let models: Vec<ModelColumn> = columns::json(row, COLUMN)?;
    let models = models
        .into_iter()
        .map(|model| read(model).map(CustomModel::kept))
        .collect::<Result<_, StoreError>>()?;
    AttributionModels::new(models).map_err(|invalid| unreadable(COLUMN, invalid))
}

fn read(model: ModelColumn) -> Result<NewAttributionModel, StoreError> {
    Ok(NewAttributionModel {
        id: AttributionModelId::new(model.id).map_err(|invalid| unreadable(COLUMN, invalid))?,
        display_name: ShortText::new(&model.display_name)
            .map_err(|invalid| unreadable(COLUMN, invalid))?,
        kind: kind(model.kind)?,
        lookback_days: model.lookback_days,
        first_weight: model.first_weight,
        last_weight: model.last_weight,
        channels: match model.channels {
            ChannelsColumn::All => Channels::All,
            ChannelsColumn::Include(names) => Channels::Include(names),
            ChannelsColumn::Exclude(names) => Channels::Exclude(names),
        },
        criteria: model
            .criteria
            .into_iter()
            .map(|CriterionColumn { field, op, value }| NewCriterion { field, op, value })
            .collect(),
    })
}

/// The contract's number of a kind of model.
fn kind_number(kind: ModelKind) -> i64 {
    match kind {
        ModelKind::InfiniteFirst => 1,
        ModelKind::InfiniteLast => 2,
        ModelKind::First => 3,
        ModelKind::Last => 4,
        ModelKind::Spread => 5,
    }
}

fn kind(number: i64) -> Result<ModelKind, StoreError> {
    match number {
        1 => Ok(ModelKind::InfiniteFirst),
        2 => Ok(ModelKind::InfiniteLast),
        3 => Ok(ModelKind::First),
        4 => Ok(ModelKind::Last),
        5 => Ok(ModelKind::Spread),
        other => Err(unreadable(COLUMN, format!("{other} is no kind of model"))),
    }
}
