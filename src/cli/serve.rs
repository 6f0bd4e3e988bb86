//! `usher serve`: the gateway, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::database::Expiring;
use super::logging::{self, Level};
use super::{Context, Failure, apply, database, output, systemd};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Loaded};
use crate::gateway::{Gateway, Parts, Running, load_or_make_sp_keys};
use crate::outbound::Outbound;
use crate::proxy::IdentityKeys;
use crate::store::ephemeral::sealed::SealedStore;

/// How long the start waits for providers' metadata.
const PATIENCE: Duration = Duration::from_secs(3);

/// Arguments of `usher serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration of the process.
    #[arg(long, value_name = "FILE", default_value = "usher.toml")]
    config: PathBuf,
}

impl Args {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Loaded { config, settings, warnings } = config::load_with_org(&self.config, &context.env)?;
        let level = logging::start(&config.log)?;
        #[cfg(feature = "otel")]
        let exporting = crate::traces::Exporting::start().map_err(anyhow::Error::from)?;
        for warning in &warnings {
            tracing::warn!(code = warning.code.as_str(), "{}", warning.message);
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        database::create_data_dir(&config.data_dir)?;
        let store = database::open(&config).await?;
        if let Some(settings) = settings {
            apply::save_unless_locked_out(&database::admin(Arc::clone(&store)), settings).await?;
        }
        let auth_host = config.public_url.host_str().unwrap_or_default().to_owned();
        let sp_keys = load_or_make_sp_keys(&config.data_dir, &auth_host, clock.now()).map_err(anyhow::Error::from)?;
        let identity_keys = IdentityKeys::load_or_make(&config.data_dir).map_err(anyhow::Error::from)?;
        let Expiring { store: ephemeral, sealed } = database::open_ephemeral(&config, &clock)?;
        let gateway = Gateway::new(Parts {
            ephemeral,
            outbound: Arc::new(Outbound::new().map_err(anyhow::Error::from)?),
            sp_keys: Arc::new(sp_keys),
            identity_keys: Arc::new(identity_keys),
            config,
            store,
            clock,
        });
        // A provider that does not answer keeps nobody waiting: its door opens later.
        if let Ok(refreshed) = tokio::time::timeout(PATIENCE, gateway.app.refresh(true)).await {
            refreshed?;
        }
        if gateway.app.settings().organizations.is_empty() {
            output::talk("No organization yet: nobody can sign in. Next: usher apply org.toml");
        }
        let (public_url, hosts) = (gateway.app.config.public_url.clone(), gateway.app.config.routes.len());
        let shutdown = CancellationToken::new();
        let started = gateway.start(&shutdown).await.context("the gateway cannot listen")?;
        tracing::info!(address = %started.serving.address(), ops.address = %started.ops_address, routes = hosts, public_url = %public_url, "serving");
        systemd::ready();
        systemd::keep_watch(started.serving.pulse());
        let mut hangup = signal(SignalKind::hangup()).map_err(anyhow::Error::from)?;
        let mut stop = std::pin::pin!(stop_signal());
        loop {
            tokio::select! {
                stopped = &mut stop => break stopped?,
                _ = hangup.recv() => self.reload(context, &started.running, sealed.as_deref(), &level).await,
            }
        }
        systemd::stopping();
        tracing::info!("stopping: open requests may finish");
        shutdown.cancel();
        started.serving.finished().await;
        #[cfg(feature = "otel")]
        tokio::task::spawn_blocking(|| exporting.finish()).await.map_err(anyhow::Error::from)?;
        Ok(())
    }
}

impl Args {
    /// Reads both files and the keys anew and puts them in force, all of it or nothing.
    async fn reload(&self, context: &Context, running: &Running, sealed: Option<&SealedStore>, level: &Level) {
        systemd::reloading();
        match self.try_reload(context, running, sealed, level).await {
            Ok(()) => tracing::info!("reloaded"),
            Err(Failure::Configuration(faults)) => tracing::error!(cause = %faults, "not reloaded: everything stays as it was"),
            Err(failure) => tracing::error!(cause = %failure, "not reloaded: everything stays as it was"),
        }
        systemd::ready();
    }

    async fn try_reload(&self, context: &Context, running: &Running, sealed: Option<&SealedStore>, level: &Level) -> Result<(), Failure> {
        let Loaded { config, settings, warnings } = config::load_with_org(&self.config, &context.env)?;
        for warning in &warnings {
            tracing::warn!(code = warning.code.as_str(), "{}", warning.message);
        }
        let identity_keys = IdentityKeys::load_or_make(&config.data_dir).map_err(anyhow::Error::from)?;
        let auth_host = config.public_url.host_str().unwrap_or_default();
        let sp_keys = load_or_make_sp_keys(&config.data_dir, auth_host, context.clock.now()).map_err(anyhow::Error::from)?;
        let (log, sealing) = (config.log.clone(), identity_keys.sealing());
        let prepared = running.prepare(config, Arc::new(identity_keys), sp_keys).await.map_err(anyhow::Error::from)?;
        // Last of what can be refused: from here on nothing can go wrong.
        if let Some(settings) = settings {
            apply::save_unless_locked_out(&database::admin(running.store()), settings).await?;
        }
        level.set(&log)?;
        running.put_in_force(prepared);
        if let Some(sealed) = sealed {
            sealed.replace_keys(sealing);
        }
        // A provider that does not answer keeps nobody waiting here either, and what fails is tried again in a moment.
        let _ = tokio::time::timeout(PATIENCE, running.refresh()).await;
        Ok(())
    }
}

/// Waits for SIGTERM or Ctrl-C.
pub(super) async fn stop_signal() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| Failure::Failed(error.into())),
    }
}
