//! The life of a process that serves: bind, announce, run, drain, end.

mod addresses;
mod greeting;
mod logging;
mod operator;
mod readiness;
mod signals;
mod tls;

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use core_service::Core;
use prometheus_client::registry::Registry;
use sfbridge_transport::TlsMetrics;
use soap_gateway::Gateway;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(crate) use addresses::{Addresses, reachable};
pub(crate) use greeting::program;
pub(crate) use readiness::CoreProbe;
pub(crate) use signals::Signals;

use crate::config::Config;
use crate::data_dir;
use crate::failure::Failure;
use crate::output::Output;
use operator::{OperatorListener, OperatorState};
use readiness::Readiness;

/// A process before it runs: its log and its operator port are there.
#[derive(Debug)]
pub(crate) struct Process {
    operator: OperatorListener,
    signals: Signals,
    /// Where the roles put their metrics.
    pub(crate) registry: Registry,
    tls_metrics: TlsMetrics,
}

/// Says that a role can't start and, when its port is taken, which flag chooses
/// another.
pub(crate) fn cannot_start(role: &str, flag: &str, error: impl Into<anyhow::Error>) -> Failure {
    let error = error.into();
    let is_taken = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::AddrInUse);
    Failure::Failed(error.context(if is_taken {
        format!(
            "the {role} can't start: its port is taken; stop what listens there (another \
             sfbridge?), or choose another with {flag}"
        )
    } else {
        format!("the {role} can't start")
    }))
}

/// The roles that a process has, bound to their ports.
#[derive(Debug)]
pub(crate) struct Roles {
    /// The gateway, if it is one.
    pub(crate) gateway: Option<Gateway>,
    /// The core, if it is one.
    pub(crate) core: Option<Core>,
    /// How to learn how the core is.
    pub(crate) probe: CoreProbe,
}

/// What is to come when the beginning is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Serve until a signal comes.
    Serve,
    /// Shut down.
    End,
}

/// Runs a role from its start to its end.
pub(crate) fn live(
    config: &Config,
    life: impl AsyncFnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    logging::start(config)?;
    let runtime = Runtime::new().context("no threads could be started")?;
    let ended = runtime.block_on(life());
    // What is still running has had its time, or a second signal.
    runtime.shutdown_background();
    ended
}

impl Process {
    /// Makes the data directory and binds the operator's port.
    ///
    /// # Errors
    ///
    /// When one of them can't be had; the text says what to do.
    pub(crate) async fn start(config: &Config) -> Result<Self, Failure> {
        let signals = Signals::listen().context("signals can't be listened to")?;
        let operator = OperatorListener::bind(config.operator_listen).await?;
        data_dir::make(config)?;
        addresses::remove_stale(&config.addresses_file()).with_context(|| {
            format!(
                "{} of an earlier run can't be removed; remove it",
                config.addresses_file().display()
            )
        })?;
        let mut registry = Registry::with_prefix("sfbridge");
        Ok(Self {
            operator,
            signals,
            tls_metrics: TlsMetrics::register(&mut registry),
            registry,
        })
    }

    /// Runs the roles until a signal comes or one of them fails, then ends
    /// them in order: the gateway drains while the core still answers, the core
    /// drains and closes the store, and the operator's port is there to the
    /// end.
    ///
    /// # Errors
    ///
    /// When a role failed, or a second signal cut everything short.
    pub(crate) async fn run(
        self,
        config: &Config,
        roles: Roles,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        self.run_with(config, roles, output, async |addresses, output| {
            if greeting::greet(output, config, addresses).is_err() {
                // Nobody reads the greeting; that is no reason not to serve.
                info!("standard output is closed");
            }
            Ok(Next::Serve)
        })
        .await
    }

    /// Like [`Process::run`], with something else to say and do once
    /// everything runs.
    ///
    /// # Errors
    ///
    /// As there, and what `once_up` fails with.
    pub(crate) async fn run_with(
        mut self,
        config: &Config,
        roles: Roles,
        output: &mut Output<'_>,
        once_up: impl AsyncFnOnce(&Addresses, &mut Output<'_>) -> Result<Next, Failure>,
    ) -> Result<(), Failure> {
        let addresses = Addresses {
            gateway: roles.gateway.as_ref().map(Gateway::local_addr),
            core: roles.core.as_ref().map(Core::local_addr),
            operator: self.operator.address(),
            gateway_tls: roles.gateway.is_some() && config.gateway_tls.is_some(),
            core_tls: roles.core.is_some() && config.core_tls.is_some(),
        };
        let ending = CancellationToken::new();
        let operator = tokio::spawn(self.operator.serve(OperatorState {
            readiness: Readiness::new(roles.probe, ending.clone()),
            registry: self.registry,
        }));
        let has_both = roles.gateway.is_some() && roles.core.is_some();
        let times = DrainTimes::of(config.shutdown_deadline, has_both);
        let mut gateway = Running::gateway(roles.gateway, times.gateway);
        let mut core = Running::core(roles.core, times.core);

        let file = addresses
            .write(config.addresses_file())
            .with_context(|| format!("{} can't be written", config.addresses_file().display()))?;
        info!(
            gateway = addresses.gateway.map(display),
            core = addresses.core.map(display),
            operator = display(addresses.operator),
            "everything runs",
        );
        let beginning = async {
            match once_up(&addresses, output).await {
                Ok(Next::Serve) => std::future::pending().await,
                Ok(Next::End) => Ok(()),
                Err(failure) => Err(failure),
            }
        };
        let mut begun = Ok(());
        let mut failure = tokio::select! {
            signal = self.signals.next() => {
                info!(signal, "shutting down");
                None
            }
            ended = beginning => {
                begun = ended;
                None
            }
            error = gateway.stopped() => Some(error),
            error = core.stopped() => Some(error),
        };
        if let Some(error) = &failure {
            error!(
                error = format!("{error:#}"),
                "shutting down, because a part of it has stopped"
            );
        }

        ending.cancel();
        let deadline = Instant::now() + config.shutdown_deadline;
        let drained = async {
            let gateway = gateway.end(deadline).await;
            let core = core.end(deadline).await;
            gateway.or(core)
        };
        tokio::select! {
            late = drained => failure = failure.or(late),
            signal = self.signals.next() => {
                // The file stays away even so: nothing listens any more.
                let _ = file.remove();
                return Err(Failure::failed(format!(
                    "a second signal ({signal}) cut the shutdown short; what was acknowledged is \
                     durable, the rest will be sent again"
                )));
            }
        }
        file.remove()
            .with_context(|| format!("{} can't be removed", config.addresses_file().display()))?;
        operator.abort();
        if let Some(error) = failure {
            return Err(Failure::Failed(error));
        }
        info!("shut down");
        begun
    }
}

/// How the one deadline is shared out. The gateway comes first and may use most
/// of it, but a core in the same process always has time left to close the
/// store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DrainTimes {
    gateway: Duration,
    core: Duration,
}

impl DrainTimes {
    fn of(deadline: Duration, has_both: bool) -> Self {
        if !has_both {
            return Self {
                gateway: deadline,
                core: deadline,
            };
        }
        let core = deadline / 4;
        Self {
            gateway: deadline.saturating_sub(core),
            core,
        }
    }
}

/// A role that runs in a task of its own.
struct Running {
    name: &'static str,
    shutdown: CancellationToken,
    task: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Running {
    fn gateway(gateway: Option<Gateway>, drain: Duration) -> Self {
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        Self {
            name: "gateway",
            task: gateway.map(|gateway| {
                tokio::spawn(async move {
                    gateway.run(token, drain).await;
                    Ok(())
                })
            }),
            shutdown,
        }
    }

    fn core(core: Option<Core>, drain: Duration) -> Self {
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        Self {
            name: "core",
            task: core.map(|core| tokio::spawn(async move { Ok(core.run(token, drain).await?) })),
            shutdown,
        }
    }

    /// Why it stopped although nobody asked it to. Waits for ever while it
    /// runs.
    async fn stopped(&mut self) -> anyhow::Error {
        let Some(task) = &mut self.task else {
            return std::future::pending().await;
        };
        let ended = task.await;
        self.task = None;
        why(self.name, ended)
            .unwrap_or_else(|| anyhow::anyhow!("the {} has stopped by itself", self.name))
    }

    /// Has it drain and end; returns what went wrong. A drain that is cut at
    /// the deadline is not wrong: what is not answered will be sent again.
    async fn end(&mut self, deadline: Instant) -> Option<anyhow::Error> {
        // For what comes after the drain: closing files and the like.
        const GRACE: Duration = Duration::from_secs(1);

        let task = self.task.as_mut()?;
        self.shutdown.cancel();
        if let Ok(ended) = timeout_at(deadline + GRACE, &mut *task).await {
            return why(self.name, ended);
        }
        warn!(role = self.name, "cut at the deadline");
        task.abort();
        None
    }
}

/// What went wrong in a task, if anything did.
fn why(
    name: &str,
    ended: Result<anyhow::Result<()>, tokio::task::JoinError>,
) -> Option<anyhow::Error> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.context(format!("the {name} has failed"))),
        Err(error) => Some(anyhow::Error::new(error).context(format!("the {name} has crashed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_drains_fit_into_the_one_deadline() {
        let deadline = Duration::from_secs(20);
        let both = DrainTimes::of(deadline, true);
        assert_eq!(both.gateway + both.core, deadline);
        assert!(both.gateway > both.core);
        let alone = DrainTimes::of(deadline, false);
        assert_eq!((alone.gateway, alone.core), (deadline, deadline));
    }
}
