//! `usher demo`: everything in one process, on loopback, nothing kept.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::serve::stop_signal;
use super::{Failure, logging, output};
use crate::clock::{Clock, SystemClock};
use crate::config::{Log, LogFormat};
use crate::demo::{self, Demo, Scenario};
use crate::gateway::{Gateway, Parts};
use crate::outbound::Outbound;
use crate::proxy::IdentityKeys;
use crate::saml::SpKeys;
use crate::store::Store;
use crate::store::ephemeral::memory::MemoryStore;
use crate::store::sqlite::SqliteStore;

/// Arguments of `usher demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Put your own app behind the demo instead of the sample app: http://HOST:PORT.
    #[arg(long, value_name = "URL", value_parser = parse_upstream)]
    upstream: Option<Url>,
    /// The port of all three hosts.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Open the app in a browser.
    #[arg(long)]
    open: bool,
    /// What to try: default, seats-full (one seat is left), groups-missing (the provider sends no groups).
    #[arg(long, value_name = "NAME", default_value_t = Scenario::Default, value_parser = parse_scenario)]
    scenario: Scenario,
    /// How much to log, as in usher.toml.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log: String,
}

fn parse_upstream(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if url.scheme() == "http" && url.has_host() && is_origin {
        Ok(url)
    } else {
        Err("an upstream is http://HOST:PORT, without a path".to_owned())
    }
}

fn parse_scenario(text: &str) -> Result<Scenario, String> {
    text.parse().map_err(|_| "the scenarios are default, seats-full and groups-missing".to_owned())
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        logging::start(&Log { format: LogFormat::Auto, level: self.log })?;
        let shutdown = CancellationToken::new();
        let running = start(self.port, self.scenario, self.upstream, &shutdown).await?;
        let Running { app_url, auth_url, idp_url, .. } = &running;
        output::data(&format!(
            "Usher demo. Nothing is kept, and only this machine can reach it.\n\n  \
             {app_url}    the app: start here\n  \
             {auth_url}   sign-in and your account\n  \
             {idp_url}    the identity provider, with twelve people\n\n\
             Open the app, choose SAML or OpenID Connect, and pick Ada: she arrives as Admin with a Premium seat.\n\
             Then sign out and pick Noah, who is in no group: he is refused in plain words. Ctrl-C stops the demo."
        ))?;
        if self.open && open::that(app_url).is_err() {
            output::talk(&format!("No browser could be opened. Next: open {app_url}"));
        }
        stop_signal().await?;
        shutdown.cancel();
        running.started.serving.finished().await;
        Ok(())
    }
}

/// A demo that runs.
#[derive(Debug)]
struct Running {
    app_url: String,
    auth_url: String,
    idp_url: String,
    started: crate::gateway::Started,
    /// The data directory, gone with the demo.
    _data_dir: tempfile::TempDir,
}

async fn start(port: u16, scenario: Scenario, upstream: Option<Url>, shutdown: &CancellationToken) -> Result<Running, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let demo = Demo::new(listen, scenario, Arc::clone(&clock)).map_err(anyhow::Error::from)?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_in_memory().await?);
    demo.prepare(store.as_ref(), clock.now()).await?;
    let outbound = Arc::new(Outbound::new().map_err(anyhow::Error::from)?);
    let upstream = match upstream {
        Some(upstream) => upstream,
        None => serve_app(&demo, &store, &outbound).await.context("the sample app cannot listen")?,
    };
    let data_dir = tempfile::tempdir().map_err(anyhow::Error::from)?;
    let mut config = demo.config(data_dir.path().to_owned(), upstream).map_err(anyhow::Error::from)?;
    config.ops_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (key, certificate) = SpKeys::generate(demo::AUTH_HOST, clock.now()).map_err(anyhow::Error::from)?;
    let gateway = Gateway::new(Parts {
        ephemeral: Arc::new(MemoryStore::new(Arc::clone(&clock))),
        outbound,
        sp_keys: Arc::new(SpKeys::from_pem(&key, &certificate).map_err(anyhow::Error::from)?),
        identity_keys: Arc::new(IdentityKeys::make().map_err(anyhow::Error::from)?),
        config,
        store,
        clock,
    });
    gateway.app.refresh(true).await?;
    let gateway = gateway.with_host(demo::IDP_HOST, demo.idp_router());
    let started = gateway.start(shutdown).await.with_context(|| format!("port {port} cannot be used; try --port with another one"))?;
    Ok(Running { app_url: demo.app_url(), auth_url: demo.auth_url(), idp_url: demo.idp_url(), started, _data_dir: data_dir })
}

async fn serve_app(demo: &Demo, store: &Arc<dyn Store>, outbound: &Arc<Outbound>) -> anyhow::Result<Url> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(demo::serve(listener, demo.app_router(Arc::clone(store), Arc::clone(outbound))));
    Ok(Url::parse(&format!("http://{address}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_one_that_exists() {
        assert_eq!(parse_scenario("seats-full"), Ok(Scenario::SeatsFull));
        assert!(parse_scenario("nonsense").unwrap_err().contains("groups-missing"));
    }

    #[test]
    fn an_upstream_is_an_origin_over_http() {
        assert!(parse_upstream("http://127.0.0.1:3000").is_ok());
        for bad in ["127.0.0.1:3000", "https://app.example", "http://127.0.0.1:3000/path", "http://u@127.0.0.1", "file:///etc"] {
            assert!(parse_upstream(bad).is_err(), "{bad}");
        }
    }
}
