//! `usher demo`: an identity provider with twelve people and an app to arrive in, for trying and for tests.
//!
//! - [`people`], [`scenario`]: who can be picked, and what differs from one start to another
//! - `settings`: the organization, the connections and the configuration that fit them
//! - `idp`: real SAML and real OpenID Connect, freshly signed, through the same addresses as any other provider's
//! - `app`: the sample app, which shows what it received; [`serve`] puts it on a port
//!
//! The one rule of this folder: nothing here is safe to show to a network, so nothing here starts on anything but loopback, and nothing is kept.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::clock::Clock;
use crate::config::Config;
use crate::core::Settings;
use crate::outbound::Outbound;
use crate::store::{Store, StoreError};

mod app;
mod idp;
pub mod people;
pub mod scenario;
mod serve;
mod settings;
mod views;

pub use scenario::Scenario;
pub use serve::serve;
pub use settings::{APP_HOST, AUTH_HOST, IDP_HOST, OIDC_CONNECTION, ORGANIZATION, SAML_CONNECTION};

/// The longest that a store opens it for.
const RELINK_WINDOW: SignedDuration = SignedDuration::from_hours(72);

/// Why a demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Anyone who reaches the demo can be anyone: it is for this machine only.
    #[error("the demo lets everyone in as anyone, so it listens on loopback addresses only, and {0} is not one")]
    NotLoopback(SocketAddr),
    /// The address is not bound yet: every URL of the demo carries its port.
    #[error("the demo needs to know its port before it starts")]
    NoPort,
    /// The provider's key could not be made.
    #[error("the demo identity provider has no key")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fixed name in this folder is not valid: a fault of the demo itself.
    #[error("the demo's own settings are not valid")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A demo that can only exist on loopback: its settings, its provider and its app.
#[derive(Debug)]
pub struct Demo {
    listen: SocketAddr,
    settings: Settings,
    idp: Arc<idp::Idp>,
}

impl Demo {
    /// Makes keys and settings for a demo that is reached at `listen`, which is bound already.
    ///
    /// # Errors
    /// [`DemoError::NotLoopback`] for any address that another machine could reach.
    pub fn new(listen: SocketAddr, scenario: Scenario, clock: Arc<dyn Clock>) -> Result<Self, DemoError> {
        if !listen.ip().is_loopback() {
            return Err(DemoError::NotLoopback(listen));
        }
        if listen.port() == 0 {
            return Err(DemoError::NoPort);
        }
        let party = idp::RelyingParty::new(listen.port())?;
        let idp = idp::Idp::new(settings::origin(IDP_HOST, listen.port()), party, scenario, clock)?;
        let settings = settings::settings(&idp, scenario)?;
        Ok(Self { listen, settings, idp: Arc::new(idp) })
    }

    /// The organization and its two connections: what `apply` would have stored.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the process needs to start: one route from the app host to `upstream`, plain HTTP on loopback, no file but in `data_dir`.
    ///
    /// # Errors
    /// [`DemoError::Settings`] when a fixed name is not valid.
    pub fn config(&self, data_dir: PathBuf, upstream: Url) -> Result<Config, DemoError> {
        settings::config(self.listen, data_dir, upstream)
    }

    /// Puts the settings into an empty store, and opens the relink windows of both connections.
    ///
    /// The windows are what lets one person try SAML and then OpenID Connect: the two providers know each other as little as Okta and Entra do,
    /// and without an open window the second would be refused `subject_changed` (rows 50, 51).
    ///
    /// # Errors
    /// [`StoreError`] when the store holds other settings already, or cannot be used.
    pub async fn prepare(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        store.save_settings(&self.settings, None, "demo", now).await?;
        for connection in &self.settings.connections {
            store.open_relink_window(&connection.id, now + RELINK_WINDOW, "demo", now).await?;
        }
        Ok(())
    }

    /// Everything that answers for [`IDP_HOST`].
    pub fn idp_router(&self) -> Router {
        idp::router(Arc::clone(&self.idp))
    }

    /// The sample app, to be served on a loopback port of its own as the upstream of [`APP_HOST`]. It reads `store` to say why someone is in,
    /// and fetches Usher's keys through `outbound`.
    pub fn app_router(&self, store: Arc<dyn Store>, outbound: Arc<Outbound>) -> Router {
        app::router(app::App::new(self.listen.port(), &self.settings, store, outbound))
    }

    /// Where sign-in is.
    #[must_use]
    pub fn auth_url(&self) -> String {
        settings::origin(AUTH_HOST, self.listen.port())
    }

    /// Where the sample app is: the first address to open.
    #[must_use]
    pub fn app_url(&self) -> String {
        settings::origin(APP_HOST, self.listen.port())
    }

    /// Where the demo identity provider is.
    #[must_use]
    pub fn idp_url(&self) -> String {
        settings::origin(IDP_HOST, self.listen.port())
    }
}
