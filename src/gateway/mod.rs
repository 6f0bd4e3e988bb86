//! The whole gateway in one process: parts put together, listeners started, and what happens beside requests. `keys`: the SAML keys in the data folder.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod keys;

pub use keys::{KeysError, add_sp_key, load_or_make_sp_keys, switch_sp_keys};

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Tls};
use crate::core::{ConnectionId, RefreshGrant};
use crate::doors::{Door, Doors, describe};
use crate::http::{self, app_pages::AppPages, ops::Node};
use crate::outbound::Outbound;
use crate::proxy::{IdentityKeys, Proxy};
use crate::saml::SpKeys;
use crate::server::{self, Dispatch, Listen, Live, Serving};
use crate::session::{Answer, Confirm, Confirmation, Sessions};
use crate::store::ephemeral::Ephemeral;
use crate::store::{Store, StoreError};

/// How often the settings are looked at for a change made by another process (`usher apply`).
const SETTINGS_INTERVAL: Duration = Duration::from_secs(2);
/// How often a closed door is tried again, in units of [`SETTINGS_INTERVAL`].
const RETRY_DOORS_EVERY: u32 = 15;
/// How often metadata that came from an address is read again, in the same units: once a day.
const REFRESH_DOORS_EVERY: u32 = 43_200;

/// The OpenAPI document of the Admin API, as it is served at `/api/v1/openapi.json`.
#[must_use]
pub fn openapi() -> String {
    http::openapi()
}

/// What a gateway is made from.
#[derive(Debug)]
pub struct Parts {
    /// usher.toml.
    pub config: Config,
    /// Durable facts.
    pub store: Arc<dyn Store>,
    /// What may be lost.
    pub ephemeral: Arc<dyn Ephemeral>,
    /// Requests to providers.
    pub outbound: Arc<Outbound>,
    /// The service provider's keys.
    pub sp_keys: Arc<SpKeys>,
    /// The keys of the identity JWT.
    pub identity_keys: Arc<IdentityKeys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Asks the providers behind the doors whether a session may go on.
#[derive(Debug)]
struct Providers {
    doors: Arc<Doors>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Confirm for Providers {
    async fn confirm(&self, connection: &ConnectionId, grant: &RefreshGrant) -> Answer {
        let Some(entrance) = self.doors.find_also_off(connection) else { return Confirmation::Over("connection_changed").into() };
        let Ok(Door::Oidc(party)) = entrance.door else { return Confirmation::Unknown.into() };
        let refreshed = party.refresh(grant, self.clock.now()).await;
        let says = match refreshed.checked {
            Ok(()) => Confirmation::Confirmed,
            Err(error) => {
                tracing::warn!(connection.id = %connection, deny.code = error.code(), cause = describe(&error), "a session was not confirmed");
                if error.ends_session() { Confirmation::Over(error.code()) } else { Confirmation::Unknown }
            }
        };
        Answer { says, next: refreshed.next }
    }

    async fn revoke(&self, connection: &ConnectionId, grant: &RefreshGrant) {
        let Some(Ok(Door::Oidc(party))) = self.doors.find_also_off(connection).map(|entrance| entrance.door) else { return };
        if let Err(error) = party.revoke(grant, self.clock.now()).await {
            tracing::warn!(connection.id = %connection, cause = describe(&error), "the provider did not take a refresh token back");
        }
    }
}

/// A gateway, ready to listen.
#[derive(Debug)]
pub struct Gateway {
    /// Its parts.
    pub app: Arc<App>,
    dispatch: Dispatch,
}

/// Why a new configuration was not taken. The old one stays in force, whole.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// These keys count from the start of the process.
    #[error("{} cannot change while Usher runs; restart it", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    /// The certificate or its key cannot be used.
    #[error("the certificate cannot be used")]
    Tls(#[source] server::TlsError),
    /// The settings cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Gateway {
    /// Puts the parts together. Settings are read by [`App::refresh`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { config, store, ephemeral, outbound, sp_keys, identity_keys, clock } = parts;
        let doors = Arc::new(Doors::new(config.public_url.clone(), sp_keys, outbound));
        let providers = Arc::new(Providers { doors: Arc::clone(&doors), clock: Arc::clone(&clock) });
        let sessions = Sessions::new(Arc::clone(&ephemeral), Arc::clone(&store), Arc::clone(&clock), config.session);
        let sessions = Arc::new(sessions.confirmed_by(providers));
        Self::assemble(App::new(Arc::new(config), store, ephemeral, sessions, doors, identity_keys, clock), |proxy| proxy)
    }

    fn assemble(app: App, change: impl FnOnce(Proxy) -> Proxy) -> Self {
        let app = Arc::new(app);
        let pages = Arc::new(AppPages::new(Arc::clone(&app)));
        let (sessions, keys, clock) = (Arc::clone(&app.sessions), Arc::clone(&app.identity_keys), Arc::clone(&app.clock));
        let proxy = Arc::new(change(Proxy::new(&app.config, sessions, keys, pages, clock)));
        let auth_host = app.config.public_url.host_str().unwrap_or_default().to_owned();
        let hosts = std::iter::once((auth_host, http::router(Arc::clone(&app)))).collect();
        Self { app, dispatch: Dispatch { proxy, hosts } }
    }

    /// Answers for one more host beside the auth host: the demo's provider.
    #[must_use]
    pub fn with_host(mut self, host: &str, router: Router) -> Self {
        self.dispatch.hosts.insert(host.to_owned(), router);
        self
    }

    /// Starts the public listener and the operations listener, and looks after the settings until `shutdown`.
    ///
    /// # Errors
    /// An address that cannot be bound, or a certificate that cannot be used.
    pub async fn start(self, shutdown: &CancellationToken) -> io::Result<Started> {
        let (config, sessions) = (Arc::clone(&self.app.config), Arc::clone(&self.app.sessions));
        let listen = Listen {
            address: config.server.listen,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            delay: config.server.shutdown_delay,
            grace: config.server.shutdown_grace,
        };
        let ops = TcpListener::bind(config.ops_listen).await?;
        let ops_address = ops.local_addr()?;
        let node = Arc::new(ArcSwap::from_pointee(self.node()));
        let live = Arc::new(ArcSwap::from_pointee(self.live().map_err(io::Error::other)?));
        let serving = server::start(&listen, &live, shutdown)?;
        // Balancers have to hear for as long as there is something to hear.
        let (closed, delay) = (CancellationToken::new(), config.server.shutdown_delay);
        tokio::spawn(server::serve_small(ops, http::ops::router(Arc::clone(&node), shutdown.clone()), closed.clone()));
        tokio::spawn(look_after(Arc::clone(&node), shutdown.clone()));
        tokio::spawn(closed.clone().run_until_cancelled_owned(sessions.listen()));
        let (stopping, last) = (shutdown.clone(), Arc::clone(&node));
        tokio::spawn(async move {
            stopping.cancelled().await;
            tokio::time::sleep(delay).await;
            last.load().proxy.end_streams();
            closed.cancel();
        });
        Ok(Started { serving, ops_address, running: Running { node, live } })
    }

    fn node(&self) -> Node {
        Node { app: Arc::clone(&self.app), proxy: Arc::clone(&self.dispatch.proxy) }
    }

    fn live(self) -> Result<Live, server::TlsError> {
        let config = &self.app.config;
        let tls = match &config.tls {
            Tls::Off => None,
            Tls::Pem { certificate, key } => Some(server::tls_config(certificate, key.reveal())?),
        };
        Ok(Live { tls, trusted_proxies: config.server.trusted_proxies.clone(), dispatch: self.dispatch })
    }
}

/// A gateway that listens.
#[derive(Debug)]
pub struct Started {
    /// The public listener.
    pub serving: Serving,
    /// Where the operations listener is.
    pub ops_address: SocketAddr,
    /// What answers, to be replaced by [`Running::put_in_force`].
    pub running: Running,
}

/// What answers now.
#[derive(Debug)]
pub struct Running {
    node: Arc<ArcSwap<Node>>,
    live: Arc<ArcSwap<Live>>,
}

impl Running {
    /// Makes all that a new configuration needs (routes, certificates, trusted proxies, limits) and changes nothing yet. The keys are those of the data
    /// directory, read anew.
    ///
    /// # Errors
    /// [`ReloadError`]: this configuration cannot be put in force.
    pub async fn prepare(&self, config: Config, identity_keys: Arc<IdentityKeys>, sp_keys: SpKeys) -> Result<Prepared, ReloadError> {
        let before = self.node.load_full();
        let fixed = needs_restart(&before.app.config, &config);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed));
        }
        let old = &before.app;
        let (store, ephemeral, sessions) = (Arc::clone(&old.store), Arc::clone(&old.ephemeral), Arc::clone(&old.sessions));
        let (doors, clock) = (Arc::clone(&old.doors), Arc::clone(&old.clock));
        let app = App::new(Arc::new(config), store, ephemeral, sessions, doors, identity_keys, clock).in_place_of(old);
        let gateway = Gateway::assemble(app, |proxy| proxy.in_place_of(&before.proxy));
        gateway.app.refresh(false).await?;
        let node = gateway.node();
        let live = gateway.live().map_err(ReloadError::Tls)?;
        Ok(Prepared { node, live, sp_keys })
    }

    /// Puts it in force, for the next connection and the next request. Sessions and open requests go on, and so do the streams of those whom the new
    /// routes let pass.
    pub fn put_in_force(&self, prepared: Prepared) {
        let Prepared { node, live, sp_keys } = prepared;
        node.app.doors.sp_keys().replace(sp_keys);
        node.app.sessions.limit(node.app.config.session);
        self.live.store(Arc::new(live));
        let proxy = Arc::clone(&node.proxy);
        self.node.swap(Arc::new(node)).proxy.give_way_to(&proxy);
    }

    /// Reads the settings that were saved meanwhile, without waiting for the next look. In a task of its own: whoever does not wait for its end does not
    /// stop it.
    #[must_use]
    pub fn refresh(&self) -> JoinHandle<Result<(), StoreError>> {
        let app = Arc::clone(&self.node.load().app);
        tokio::spawn(async move { app.refresh(false).await })
    }

    /// Durable facts.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.node.load().app.store)
    }
}

/// A configuration, ready to be put in force.
#[derive(Debug)]
pub struct Prepared {
    node: Node,
    live: Live,
    sp_keys: SpKeys,
}

/// The keys that differ and count from the start of the process.
fn needs_restart(before: &Config, after: &Config) -> Vec<&'static str> {
    let fixed = [
        ("public_url", before.public_url == after.public_url),
        ("data_dir", before.data_dir == after.data_dir),
        ("database", before.database == after.database),
        ("redis", before.redis == after.redis),
        ("server.listen", before.server.listen == after.server.listen),
        ("server.shutdown_delay", before.server.shutdown_delay == after.server.shutdown_delay),
        ("server.shutdown_grace", before.server.shutdown_grace == after.server.shutdown_grace),
        ("ops.listen", before.ops_listen == after.ops_listen),
        ("log.format", before.log.format == after.log.format),
    ];
    fixed.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
}

/// Notices settings that another process wrote, at once when it says so, and tries closed doors again.
async fn look_after(node: Arc<ArcSwap<Node>>, shutdown: CancellationToken) {
    let mut round: u32 = 0;
    loop {
        let app = Arc::clone(&node.load().app);
        tokio::select! {
            () = tokio::time::sleep(SETTINGS_INTERVAL) => round = round.wrapping_add(1),
            () = app.sessions.settings_changed() => {}
            () = shutdown.cancelled() => return,
        }
        let app = Arc::clone(&node.load().app);
        let retry = round.is_multiple_of(RETRY_DOORS_EVERY) && !app.doors.closed().is_empty();
        let due = retry || round.is_multiple_of(REFRESH_DOORS_EVERY);
        if let Err(error) = app.refresh(due).await {
            tracing::warn!(cause = describe(&error), "the settings could not be read; those in force stay");
        }
    }
}
