//! The command line as a client of the core.

mod health;
mod paging;
mod status;
mod tls;

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};
use sfbridge_transport::tls::Trouble;
use tokio::runtime::{Builder, Runtime};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use health::Health;
pub(crate) use paging::{Page, collect};
pub(crate) use status::{Refused, is_passing};
pub(crate) use tls::{core_endpoint, core_tls, doubt};

use crate::config::{Config, Setting, Source};
use crate::failure::Failure;
use crate::process::{Addresses, reachable};

/// What generated clients call: the core, with the API key in every request.
pub(crate) type Core = InterceptedService<Channel, ApiKey>;

/// Runs what a client does, on one thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime could be started")?;
    runtime.block_on(work)
}

/// Connects to the core that the configuration names; of several, to the first
/// that is well, else to the first that answers.
///
/// # Errors
///
/// Says where the core was looked for, and what to do when it is not there.
pub(crate) async fn connect(config: &Config) -> Result<Core, Failure> {
    const CONNECT_TIME: Duration = Duration::from_secs(5);
    const REQUEST_TIME: Duration = Duration::from_mins(1);

    let api_key = ApiKey::new(config.upstream.api_key.as_ref())?;
    let place = Place::of(config)?;
    let tls = core_tls(&config.upstream.tls)?;
    let mut reason = None;
    let mut other = None;
    for url in &place.urls {
        let connected = core_endpoint(url.clone(), &tls)?
            .connect_timeout(CONNECT_TIME)
            .timeout(REQUEST_TIME)
            .connect()
            .await;
        match connected {
            // Without a choice there is nothing to ask.
            Ok(channel) if place.urls.len() == 1 => other = Some(channel),
            Ok(channel) => match health::of(&channel).await {
                Health::Well => return Ok(InterceptedService::new(channel, api_key)),
                Health::Unwell => other = other.or(Some(channel)),
                Health::Mute => reason = Some(anyhow::anyhow!("{url} does not answer")),
            },
            Err(error) => reason = Some(error.into()),
        }
    }
    if let Some(channel) = other {
        return Ok(InterceptedService::new(channel, api_key));
    }
    let reason = reason.unwrap_or_else(|| anyhow::anyhow!("no URL is given"));
    if let Some(trouble) = Trouble::of(reason.as_ref()) {
        let advice = tls::advice(trouble);
        return Err(Failure::failed(format!(
            "no TLS with the core at {place}: {trouble}{advice}"
        )));
    }
    Err(Failure::Failed(reason.context(format!(
        "there is no core at {place}; start one with `sfbridge up`, or say where it is with --core"
    ))))
}

/// Where a core is looked for, and why there.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    urls: Vec<Uri>,
    because: String,
}

impl Place {
    /// The URL that was given, else the core that runs on the data directory,
    /// else the default.
    fn of(config: &Config) -> anyhow::Result<Self> {
        if let Some((_, source)) = config.shown(Setting::CoreUrl) {
            return Ok(Self {
                urls: config.upstream.urls.clone(),
                because: given_by(&source),
            });
        }
        let file = config.addresses_file();
        let running = Addresses::read(&file);
        let scheme = match &running {
            Some(addresses) if addresses.core_tls => "https",
            _ => "http",
        };
        let (address, because) = match running.and_then(|addresses| addresses.core) {
            Some(address) => (
                reachable(address).to_string(),
                format!("from {}", file.display()),
            ),
            None => (
                "127.0.0.1:50051".to_owned(),
                format!("the default, as {} names none", file.display()),
            ),
        };
        let url = format!("{scheme}://{address}")
            .parse()
            .context("an address is no part of a URL")?;
        Ok(Self {
            urls: vec![url],
            because,
        })
    }
}

fn given_by(source: &Source) -> String {
    format!("from {source}")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.urls.iter().map(Uri::to_string).collect();
        write!(f, "{} ({})", urls.join(" or "), self.because)
    }
}

/// Adds the API key to every request.
#[derive(Clone)]
pub(crate) struct ApiKey {
    bearer: Option<MetadataValue<Ascii>>,
}

impl ApiKey {
    fn new(key: Option<&SecretString>) -> Result<Self, Failure> {
        let bearer = key
            .map(|key| {
                let text = format!("Bearer {}", key.expose_secret());
                let mut bearer = MetadataValue::try_from(text)
                    .map_err(|_| Failure::usage("the API key holds characters that no key has"))?;
                bearer.set_sensitive(true);
                Ok::<_, Failure>(bearer)
            })
            .transpose()?;
        Ok(Self { bearer })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

impl Interceptor for ApiKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = &self.bearer {
            request
                .metadata_mut()
                .insert("authorization", bearer.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Role};

    fn config(data_dir: &std::path::Path, core_url: Option<&str>) -> Config {
        let mut flags = vec![(Setting::DataDir, data_dir.display().to_string())];
        flags.extend(core_url.map(|url| (Setting::CoreUrl, url.to_owned())));
        Config::new(Layers::read(None, [], flags).unwrap(), Role::Up).unwrap()
    }

    #[track_caller]
    fn check(config: &Config, expected: &[&str]) {
        let urls = Place::of(config).unwrap().urls;
        let expected: Vec<Uri> = expected.iter().map(|url| url.parse().unwrap()).collect();
        assert_eq!(urls, expected);
    }

    #[test]
    fn the_core_is_where_it_was_said_to_be_else_where_it_runs_else_at_the_default() {
        let folder = tempfile::tempdir().unwrap();
        check(&config(folder.path(), None), &["http://127.0.0.1:50051"]);

        let mut addresses = Addresses {
            gateway: None,
            core: Some("0.0.0.0:4711".parse().unwrap()),
            operator: "127.0.0.1:1".parse().unwrap(),
            gateway_tls: false,
            core_tls: false,
        };
        let file = folder.path().join("addresses.json");
        let _file = addresses.write(file.clone()).unwrap();
        check(&config(folder.path(), None), &["http://127.0.0.1:4711"]);
        addresses.core_tls = true;
        let _file = addresses.write(file).unwrap();
        check(&config(folder.path(), None), &["https://127.0.0.1:4711"]);

        let said = config(folder.path(), Some("http://a:1, http://b:2"));
        check(&said, &["http://a:1", "http://b:2"]);
    }

    #[test]
    fn the_key_goes_along_and_is_never_shown() {
        let mut key = ApiKey::new(Some(&SecretString::from("secret"))).unwrap();
        let request = key.call(Request::new(())).unwrap();
        let sent = request.metadata().get("authorization").unwrap();
        assert_eq!(sent.to_str().unwrap(), "Bearer secret");
        assert!(!format!("{key:?} {request:?}").contains("secret"));
    }
}
