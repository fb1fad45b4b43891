//! `sfbridge config show`: what counts, and where it comes from.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::config::{Config, Role, Setting, Source};
use crate::failure::Failure;
use crate::output::{Output, Table};

/// Shows the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting, its value and where the value comes from
    Show {
        /// The role whose defaults to show
        #[arg(long, value_enum, default_value = "up")]
        role: Role,
    },
}

impl ConfigCommand {
    /// The role that decides the defaults.
    pub(crate) fn role(&self) -> Role {
        let Self::Show { role } = self;
        *role
    }

    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let Self::Show { .. } = self;
        let settings = Setting::ALL.map(|setting| (setting, config.shown(setting)));
        if output.is_json() {
            let settings: Map<String, Value> = settings
                .into_iter()
                .map(|(setting, shown)| {
                    let (value, source) = shown.unzip();
                    let source = source.map(|source| source.to_string());
                    let row = json!({ "value": value, "source": source });
                    (setting.key().to_owned(), row)
                })
                .collect();
            return Ok(output.json(&Value::Object(settings))?);
        }
        let mut table = Table::new(["SETTING", "VALUE", "FROM", "VARIABLE"]);
        for (setting, shown) in settings {
            let (value, source) =
                shown.unwrap_or_else(|| ("(not set)".to_owned(), Source::Default));
            table.row([
                setting.key().to_owned(),
                value,
                source.to_string(),
                setting.variable(),
            ]);
        }
        Ok(output.table(&table, "")?)
    }
}
