//! Where values come from, and which one counts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use sfbridge_values::nearest;

use super::setting::Setting;

/// Where a value comes from. A later one counts more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The table of settings.
    Default,
    /// The TOML file.
    File(PathBuf),
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line, with its hyphens.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(flag) => write!(f, "the flag {flag}"),
        }
    }
}

/// A value as text, and where it comes from.
#[derive(Clone)]
pub(crate) struct Sourced {
    /// The value as written; a list is joined by commas.
    pub(crate) text: String,
    /// Where it was written.
    pub(crate) source: Source,
}

impl fmt::Debug for Sourced {
    /// Without the text, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.source)
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is not there or not readable.
    #[error("the configuration file {} can't be read; check the path after --config", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not TOML", path.display())]
    NotToml {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    /// No setting has this key.
    #[error("{} is not known; {advice}", named(place, key))]
    UnknownKey {
        place: Source,
        key: String,
        advice: String,
    },
    /// The value breaks a rule.
    #[error("{} {problem}", named(place, key))]
    Invalid {
        place: Source,
        key: &'static str,
        problem: String,
    },
    /// Two settings say the same thing twice.
    #[error(
        "`{first}` (from {first_place}) and `{second}` (from {second_place}) are both set; remove one"
    )]
    Conflict {
        first: &'static str,
        first_place: Source,
        second: &'static str,
        second_place: Source,
    },
}

/// What is wrong, by the name that people gave it.
fn named(place: &Source, key: &str) -> String {
    match place {
        Source::Default | Source::File(_) => format!("{place}: `{key}`"),
        Source::Variable(_) | Source::Flag(_) => place.to_string(),
    }
}

/// The values that count.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    values: BTreeMap<Setting, Sourced>,
}

impl Layers {
    /// The defaults, then the file, then the environment, then the flags.
    ///
    /// Environment variables without the prefix `SFBRIDGE_` are not ours.
    pub(crate) fn read(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (Setting, String)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        for setting in Setting::ALL {
            if let Some(default) = setting.row().default {
                layers.set(setting, default.to_owned(), Source::Default)?;
            }
        }
        if let Some(path) = file {
            layers.add_file(path)?;
        }
        for (name, text) in variables {
            let Some(suffix) = name.strip_prefix("SFBRIDGE_") else {
                continue;
            };
            let key = suffix.to_ascii_lowercase();
            let source = Source::Variable(name.clone());
            let setting = known(&key, &name, &source, Setting::variable)?;
            layers.set(setting, text, source)?;
        }
        for (setting, text) in flags {
            layers.set(setting, text, Source::Flag(format!("--{}", setting.flag())))?;
        }
        Ok(layers)
    }

    /// The value that counts, if there is one.
    pub(crate) fn get(&self, setting: Setting) -> Option<&Sourced> {
        self.values.get(&setting)
    }

    /// Gives a default that depends on something to a setting without a value.
    pub(crate) fn default_to(&mut self, setting: Setting, text: String) {
        self.values.entry(setting).or_insert(Sourced {
            text,
            source: Source::Default,
        });
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let table: toml::Table = text.parse().map_err(|source| ConfigError::NotToml {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        for (key, value) in table {
            let source = Source::File(path.to_owned());
            let setting = known(&key, &key, &source, |setting| setting.key().to_owned())?;
            let text = plain_text(&value).ok_or_else(|| ConfigError::Invalid {
                place: source.clone(),
                key: setting.key(),
                problem: "must be a text, a number, true or false, or a list of texts".to_owned(),
            })?;
            self.set(setting, text, source)?;
        }
        Ok(())
    }

    fn set(&mut self, setting: Setting, text: String, source: Source) -> Result<(), ConfigError> {
        if text.trim().is_empty() {
            return Err(ConfigError::Invalid {
                place: source,
                key: setting.key(),
                problem: "is empty; give it a value or remove it".to_owned(),
            });
        }
        self.values.insert(setting, Sourced { text, source });
        Ok(())
    }
}

/// The setting of a key, or the error that says what was probably meant.
fn known(
    key: &str,
    as_written: &str,
    source: &Source,
    spelling: impl Fn(Setting) -> String,
) -> Result<Setting, ConfigError> {
    if let Some(setting) = Setting::of_key(key) {
        return Ok(setting);
    }
    let advice = nearest(key, Setting::ALL.map(Setting::key))
        .and_then(Setting::of_key)
        .map_or_else(
            || "`sfbridge config show` lists all keys".to_owned(),
            |setting| format!("did you mean `{}`?", spelling(setting)),
        );
    Err(ConfigError::UnknownKey {
        place: source.clone(),
        key: as_written.to_owned(),
        advice,
    })
}

/// A TOML value as the text that the environment would hold.
fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            Some(items?.join(","))
        }
        toml::Value::Float(number) => Some(format!("{number:?}")),
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
