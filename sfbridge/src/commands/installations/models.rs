//! Attribution models: given as JSON, and shown with what they do.

use std::str::FromStr;

use clap::Args;
use sfbridge_proto::v1 as pb;

use super::Client;
use crate::client::Refused;
use crate::commands::listing::short;
use crate::failure::Failure;
use crate::output::{Output, Table, from_json, json_of};

const PREFIX: &str = "ATTRIBUTION_MODEL_TYPE_";

/// The models of an installation, as flags.
#[derive(Debug, Default, Args)]
pub(super) struct AttributionModels {
    /// An attribution model beside the built-in ones, as JSON, or `@FILE` with one or a list;
    /// repeat it for all of them, they replace what was there
    #[arg(long = "attribution-model", value_name = "JSON")]
    attribution_models: Vec<Given>,
    /// Take all attribution models away: the built-in ones stay
    #[arg(long, conflicts_with = "attribution_models")]
    no_attribution_models: bool,
}

/// One value of the flag: a file may hold several models.
#[derive(Clone, Debug, PartialEq)]
struct Given(Vec<pb::AttributionModel>);

impl AttributionModels {
    /// The field, as the contract spells it, and whether it is given.
    pub(super) fn mask(&self) -> (&'static str, bool) {
        let Self {
            attribution_models,
            no_attribution_models,
        } = self;
        let is_given = !attribution_models.is_empty() || *no_attribution_models;
        ("attribution_models", is_given)
    }

    pub(super) fn into_models(self) -> Vec<pb::AttributionModel> {
        let given = self.attribution_models.into_iter();
        given.flat_map(|Given(models)| models).collect()
    }
}

impl FromStr for Given {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let json = match value.strip_prefix('@') {
            Some(path) => {
                let read = std::fs::read_to_string(path);
                &read.map_err(|error| format!("{path} can't be read: {error}"))?
            }
            None => value,
        };
        let json = serde_json::from_str(json).map_err(|error| {
            format!("it is not JSON ({error}); write an object, or @FILE for a file with one")
        })?;
        let models = match json {
            serde_json::Value::Array(models) => models,
            model => vec![model],
        };
        models
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Reads a model as `show --json` prints it, or with the type's short name.
fn read(mut json: serde_json::Value) -> Result<pb::AttributionModel, String> {
    if let Some(serde_json::Value::String(name)) = json.get_mut("type")
        && let Some((known, _)) = TYPES.iter().find(|(_, short)| short == name)
    {
        known.as_str_name().clone_into(name);
    }
    from_json("AttributionModel", json).map_err(|error| format!("it is no model: {error}"))
}

/// The types and their short names.
const TYPES: [(pb::AttributionModelType, &str); 5] = [
    (pb::AttributionModelType::InfiniteFirst, "infiniteFirst"),
    (pb::AttributionModelType::InfiniteLast, "infiniteLast"),
    (pb::AttributionModelType::First, "first"),
    (pb::AttributionModelType::Last, "last"),
    (pb::AttributionModelType::Spread, "spread"),
];

/// Lists the models that an installation can use: the built-in ones and its
/// own.
pub(super) async fn list(
    mut client: Client,
    igrp: i64,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = pb::GetInstallationRequest { igrp };
    let answer = client.get_installation(request).await.map_err(Refused)?;
    let installation = answer.into_inner().installation.unwrap_or_default();
    let default = installation.attribution_model_id;
    let built_in = core_service::built_in_attribution_models().into_iter();
    let models = built_in.chain(installation.attribution_models);

    if output.is_json() {
        let models = models
            .map(|model| json_of("AttributionModel", &model))
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(output.json(&serde_json::json!({
            "attribution_model_id": default,
            "attribution_models": models,
        }))?);
    }
    let mut table = Table::new([
        "ID", "NAME", "TYPE", "DAYS", "FIRST", "LAST", "CHANNELS", "CRITERIA", "",
    ]);
    for model in models {
        let number = |number: Option<i32>| number.map(|n| n.to_string()).unwrap_or_default();
        table.row([
            model.id.to_string(),
            model.display_name.clone(),
            type_name(model.r#type()),
            number(model.lookback_days),
            number(model.first_weight),
            number(model.last_weight),
            channels(model.channels.as_ref()),
            criteria(&model.criteria),
            if model.id == default { "default" } else { "" }.to_owned(),
        ]);
    }
    Ok(output.table(&table, "There are no attribution models.")?)
}

fn type_name(kind: pb::AttributionModelType) -> String {
    let known = TYPES.iter().find(|(known, _)| *known == kind);
    known.map_or_else(
        || short(kind.as_str_name(), PREFIX),
        |(_, name)| (*name).to_owned(),
    )
}

fn channels(channels: Option<&pb::AttributionChannels>) -> String {
    match channels {
        Some(channels) if !channels.include.is_empty() => channels.include.join(", "),
        Some(channels) if !channels.exclude.is_empty() => {
            format!("all but {}", channels.exclude.join(", "))
        }
        _ => "all".to_owned(),
    }
}

fn criteria(criteria: &[pb::Criterion]) -> String {
    let criteria = criteria.iter();
    let texts: Vec<_> = criteria
        .map(|pb::Criterion { field, op, value }| format!("{field} {op} {value:?}"))
        .collect();
    texts.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{"id": 11, "display_name": "Paid", "type": "spread", "first_weight": 5,
        "channels": {"include": ["ppc"]},
        "criteria": [{"field": "campaign", "op": "begins", "value": "uk-"}]}"#;

    #[test]
    fn a_model_is_given_as_json_with_the_names_of_the_contract() {
        let Given(models) = MODEL.parse().unwrap();
        assert_eq!(models.len(), 1);
        assert_eq!(models[0].r#type(), pb::AttributionModelType::Spread);
        assert_eq!(
            (models[0].first_weight, models[0].last_weight),
            (Some(5), None)
        );
        assert_eq!(criteria(&models[0].criteria), r#"campaign begins "uk-""#);
        let long = MODEL.replace("spread", "ATTRIBUTION_MODEL_TYPE_SPREAD");
        assert_eq!(long.parse(), Ok(Given(models)));
    }

    #[test]
    fn a_file_may_hold_several_models() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.json");
        std::fs::write(&path, format!("[{MODEL}, {MODEL}]")).unwrap();
        let Given(models) = format!("@{}", path.display()).parse().unwrap();
        assert_eq!(models.len(), 2);
    }

    #[test]
    fn what_is_no_model_says_why() {
        let refused = |value: &str| value.parse::<Given>().unwrap_err();
        assert!(refused("11").contains("no model"), "{}", refused("11"));
        assert!(
            refused("id=11").contains("not JSON"),
            "{}",
            refused("id=11")
        );
        let misspelt = MODEL.replace("first_weight", "first_wait");
        assert!(refused(&misspelt).contains("first_wait"));
        assert!(refused("@/nonexistent.json").contains("/nonexistent.json"));
    }

    #[test]
    fn only_what_is_given_is_changed() {
        let field = "attribution_models";
        assert_eq!(AttributionModels::default().mask(), (field, false));
        let none = AttributionModels {
            no_attribution_models: true,
            ..Default::default()
        };
        assert_eq!(none.mask(), (field, true));
    }
}
