//! The doors that stand open: one per connection, built from the settings, replaced as a whole when the settings change.
//!
//! A door that cannot be built (metadata not reachable yet, a bad certificate) stays closed with its reason; all others work. Usher starts without its providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use url::Url;

use crate::core::{Connection, ConnectionId, IdpSource, OidcSettings, Protocol, SamlSettings, Settings};
use crate::oidc::RelyingParty;
use crate::outbound::{Outbound, Reach};
use crate::saml::{ServiceProvider, SpAddresses, SpKeys};

/// Provider metadata is a few KiB; federations' aggregates are refused.
const METADATA_LIMIT_BYTES: usize = 512 * 1024;

/// One protocol, ready to start and finish logins.
#[derive(Debug, Clone)]
pub enum Door {
    /// SAML.
    Saml(Arc<ServiceProvider>),
    /// OpenID Connect.
    Oidc(Arc<RelyingParty>),
}

/// A connection and its door, or why there is none.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// The settings that it was built from.
    pub connection: Connection,
    /// The door, or the reason for the log and the admin.
    pub door: Result<Door, String>,
}

/// All doors.
#[derive(Debug)]
pub struct Doors {
    public_url: Url,
    keys: Arc<SpKeys>,
    outbound: Arc<Outbound>,
    open: ArcSwap<BTreeMap<ConnectionId, Entrance>>,
}

impl Doors {
    /// No doors yet: [`Doors::rebuild`] opens them.
    #[must_use]
    pub fn new(public_url: Url, keys: Arc<SpKeys>, outbound: Arc<Outbound>) -> Self {
        Self { public_url, keys, outbound, open: ArcSwap::default() }
    }

    /// The entrance of a connection; `None` when there is no such connection or it is off.
    #[must_use]
    pub fn find(&self, id: &ConnectionId) -> Option<Entrance> {
        self.open.load().get(id).filter(|entrance| entrance.connection.enabled).cloned()
    }

    /// Connections whose door is closed, with the reason; for readiness and the log.
    #[must_use]
    pub fn closed(&self) -> Vec<(ConnectionId, String)> {
        let closed = |(id, entrance): (&ConnectionId, &Entrance)| entrance.door.as_ref().err().map(|reason| (id.clone(), reason.clone()));
        self.open.load().iter().filter_map(closed).collect()
    }

    /// Builds every door anew. Doors whose metadata cannot be fetched now keep their last good state.
    pub async fn rebuild(&self, settings: &Settings, now: Timestamp) {
        let before = self.open.load_full();
        let mut doors = BTreeMap::new();
        for connection in &settings.connections {
            let mut door = self.build(connection, now).await;
            if let Err(reason) = &door {
                tracing::warn!(connection.id = %connection.id, reason, "this connection cannot be used");
                if let Some(Entrance { connection: same, door: Ok(last_good) }) = before.get(&connection.id)
                    && same == connection
                {
                    door = Ok(last_good.clone());
                }
            }
            doors.insert(connection.id.clone(), Entrance { connection: connection.clone(), door });
        }
        self.open.store(Arc::new(doors));
    }

    async fn build(&self, connection: &Connection, now: Timestamp) -> Result<Door, String> {
        match &connection.protocol {
            Protocol::Saml(saml) => self.build_saml(connection, saml, now).await,
            Protocol::Oidc(oidc) => self.build_oidc(connection, oidc),
        }
    }

    async fn build_saml(&self, connection: &Connection, saml: &SamlSettings, now: Timestamp) -> Result<Door, String> {
        let fetched = match &saml.idp {
            IdpSource::MetadataUrl(url) => Some(self.fetch_metadata(connection, url).await?),
            IdpSource::Metadata(_) | IdpSource::Manual { .. } => None,
        };
        let addresses =
            SpAddresses { entity_id: self.address(connection, "saml", "metadata"), acs_url: self.address(connection, "saml", "acs"), slo_url: None };
        ServiceProvider::new(connection, saml, addresses, Arc::clone(&self.keys), fetched.as_deref(), now)
            .map(|sp| Door::Saml(Arc::new(sp)))
            .map_err(|error| describe(&error))
    }

    async fn fetch_metadata(&self, connection: &Connection, url: &str) -> Result<String, String> {
        let url = Url::parse(url).map_err(|error| format!("the metadata address: {error}"))?;
        let reach = if connection.internal { Reach::Internal } else { Reach::Public };
        let fetched = self.outbound.fetch(&url, reach, METADATA_LIMIT_BYTES).await.map_err(|error| describe(&error))?;
        String::from_utf8(fetched.body.to_vec()).map_err(|_| "the metadata is not UTF-8".to_owned())
    }

    fn build_oidc(&self, connection: &Connection, oidc: &OidcSettings) -> Result<Door, String> {
        let redirect_uri = Url::parse(&self.address(connection, "oidc", "callback")).map_err(|error| error.to_string())?;
        RelyingParty::new(connection, oidc, redirect_uri, Arc::clone(&self.outbound))
            .map(|rp| Door::Oidc(Arc::new(rp)))
            .map_err(|error| describe(&error))
    }

    /// `{public_url}/{protocol}/{connection}/{leaf}`: built from the configured address, never from a request's `Host`.
    fn address(&self, connection: &Connection, protocol: &str, leaf: &str) -> String {
        format!("{}/{protocol}/{}/{leaf}", self.public_url.origin().ascii_serialization(), connection.id)
    }
}

/// An error with its sources, for a log line.
#[must_use]
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
