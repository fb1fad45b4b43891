//! Attribution models of the contract.

use sfbridge_proto::v1 as pb;
use sfbridge_values::ShortText;

use super::installation_message::Reading;
use crate::domain::{
    AttributionModel, AttributionModelId, AttributionModels, Channels, CustomModel, ModelKind,
    NewAttributionModel, NewCriterion,
};

const FIELD: &str = "attribution_models";

/// The built-in attribution models, by their ids from 0 on, as an installation
/// would have them.
pub fn built_in_attribution_models() -> Vec<pb::AttributionModel> {
    let models = AttributionModel::built_in();
    models
        .iter()
        .map(|model| write(&model.as_asked()))
        .collect()
}

/// Reads the models of an installation, and names every field at fault.
pub(super) fn read(
    reading: &mut Reading,
    models: Vec<pb::AttributionModel>,
) -> Option<AttributionModels> {
    let models = models
        .into_iter()
        .enumerate()
        // One more than there may be is too many, however many follow.
        .take(AttributionModels::MAX + 1)
        .filter_map(|(place, model)| {
            let new = read_one(reading, place, model)?;
            match CustomModel::new(new) {
                Ok(model) => Some(model),
                Err(faults) => {
                    for invalid in faults {
                        let field = format!("{FIELD}[{place}].{}", invalid.field());
                        reading.fault(&field, invalid);
                    }
                    None
                }
            }
        })
        .collect();
    reading.keep(FIELD, AttributionModels::new(models))
}

fn read_one(
    reading: &mut Reading,
    place: usize,
    model: pb::AttributionModel,
) -> Option<NewAttributionModel> {
    let pb::AttributionModel {
        id,
        display_name,
        r#type,
        lookback_days,
        first_weight,
        last_weight,
        channels,
        criteria,
    } = model;
    let field = |name: &str| format!("{FIELD}[{place}].{name}");
    let id = reading.keep(&field("id"), AttributionModelId::new(id));
    let display_name = ShortText::new(display_name.trim());
    let display_name = reading.keep(&field("display_name"), display_name);
    let kind = reading.keep(&field("type"), read_kind(r#type));
    let channels = reading.keep(&field("channels"), read_channels(channels));
    // What is below 0 is out of range, as 0 is.
    let number = |number: Option<i32>| number.map(|number| u32::try_from(number).unwrap_or(0));
    Some(NewAttributionModel {
        id: id?,
        display_name: display_name?,
        kind: kind?,
        lookback_days: number(lookback_days),
        first_weight: number(first_weight),
        last_weight: number(last_weight),
        channels: channels?,
        criteria: criteria
            .into_iter()
            .map(|pb::Criterion { field, op, value }| NewCriterion { field, op, value })
            .collect(),
    })
}

fn read_kind(kind: i32) -> Result<ModelKind, &'static str> {
    match pb::AttributionModelType::try_from(kind) {
        Ok(pb::AttributionModelType::InfiniteFirst) => Ok(ModelKind::InfiniteFirst),
        Ok(pb::AttributionModelType::InfiniteLast) => Ok(ModelKind::InfiniteLast),
        Ok(pb::AttributionModelType::First) => Ok(ModelKind::First),
        Ok(pb::AttributionModelType::Last) => Ok(ModelKind::Last),
        Ok(pb::AttributionModelType::Spread) => Ok(ModelKind::Spread),
        Ok(pb::AttributionModelType::Unspecified) => Err("is missing"),
        Err(_) => Err("has an unknown value"),
    }
}

fn read_channels(channels: Option<pb::AttributionChannels>) -> Result<Channels, &'static str> {
    let pb::AttributionChannels { include, exclude } = channels.unwrap_or_default();
    match (include.is_empty(), exclude.is_empty()) {
        (true, true) => Ok(Channels::All),
        (false, true) => Ok(Channels::Include(include.into_iter().collect())),
        (true, false) => Ok(Channels::Exclude(exclude.into_iter().collect())),
        (false, false) => Err("has both include and exclude; give one of them"),
    }
}

pub(super) fn write(model: &NewAttributionModel) -> pb::AttributionModel {
    let NewAttributionModel {
        id,
        display_name,
        kind,
        lookback_days,
        first_weight,
        last_weight,
        channels,
        criteria,
    } = model;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    pb::AttributionModel {
        id: id.get(),
        display_name: display_name.to_string(),
        r#type: match kind {
            ModelKind::InfiniteFirst => pb::AttributionModelType::InfiniteFirst,
            ModelKind::InfiniteLast => pb::AttributionModelType::InfiniteLast,
            ModelKind::First => pb::AttributionModelType::First,
            ModelKind::Last => pb::AttributionModelType::Last,
            ModelKind::Spread => pb::AttributionModelType::Spread,
        }
        .into(),
        lookback_days: lookback_days.map(number),
        first_weight: first_weight.map(number),
        last_weight: last_weight.map(number),
        channels: match channels {
            Channels::All => None,
            Channels::Include(names) => Some(pb::AttributionChannels {
                include: names.iter().cloned().collect(),
                exclude: Vec::new(),
            }),
            Channels::Exclude(names) => Some(pb::AttributionChannels {
                include: Vec::new(),
                exclude: names.iter().cloned().collect(),
            }),
        },
        criteria: criteria
            .iter()
            .map(|criterion| pb::Criterion {
                field: criterion.field.clone(),
                op: criterion.op.clone(),
                value: criterion.value.clone(),
            })
            .collect(),
    }
}
