//! The doors that stand open: one per connection, built from the settings, replaced as a whole when the settings change.
//!
//! A door that cannot be built (metadata not reachable yet, a bad certificate) stays closed with its reason; all others work. Usher starts without its providers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use jiff::Timestamp;
use url::Url;

pub use crate::core::describe;
use crate::core::{Connection, ConnectionId, Identity, IdpSource, Protocol, SamlSettings, Settings};
use crate::oidc::{self, RelyingParty};
use crate::outbound::{Outbound, Reach};
use crate::saml::{self, ServiceProvider, SpAddresses, SpKeys, sp_metadata};

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
    /// Counts rebuilds as they begin.
    begun: AtomicU64,
    open: ArcSwap<Open>,
}

/// The doors of one rebuild.
#[derive(Debug, Default)]
struct Open {
    /// Which rebuild it was.
    turn: u64,
    entrances: BTreeMap<ConnectionId, Entrance>,
}

impl Doors {
    /// No doors yet: [`Doors::rebuild`] opens them.
    #[must_use]
    pub fn new(public_url: Url, keys: Arc<SpKeys>, outbound: Arc<Outbound>) -> Self {
        Self { public_url, keys, outbound, begun: AtomicU64::new(0), open: ArcSwap::default() }
    }

    /// The service provider's keys.
    #[must_use]
    pub fn sp_keys(&self) -> &SpKeys {
        &self.keys
    }

    /// The entrance of a connection; `None` when there is no such connection or it is off.
    #[must_use]
    pub fn find(&self, id: &ConnectionId) -> Option<Entrance> {
        self.open.load().entrances.get(id).filter(|entrance| entrance.connection.enabled).cloned()
    }

    /// The same for administrators: also of a connection that is off.
    #[must_use]
    pub fn find_also_off(&self, id: &ConnectionId) -> Option<Entrance> {
        self.open.load().entrances.get(id).cloned()
    }

    /// Connections whose door is closed, with the reason; for readiness and the log.
    #[must_use]
    pub fn closed(&self) -> Vec<(ConnectionId, String)> {
        let closed = |(id, entrance): (&ConnectionId, &Entrance)| entrance.door.as_ref().err().map(|reason| (id.clone(), reason.clone()));
        self.open.load().entrances.iter().filter_map(closed).collect()
    }

    /// Takes a turn for [`Self::rebuild`]: where several run at once, the one with the latest turn has the last word.
    #[must_use]
    pub fn take_turn(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Builds every door anew. Doors that need nothing from outside open at once, the others when their metadata has come; one whose metadata does
    /// not come keeps its last good state.
    pub async fn rebuild(&self, turn: u64, settings: &Settings, now: Timestamp) {
        let open = self.open.load_full();
        let before = &open.entrances;
        let entrance = |connection: &Connection, door| Entrance { connection: connection.clone(), door };
        let mut doors = BTreeMap::new();
        let mut waiting = Vec::new();
        for connection in &settings.connections {
            let door = match metadata_url(connection) {
                // An open door stays as it is: a new one would not know the provider's documents, and need the provider to fetch them again.
                None => last_good(before, connection).map_or_else(|| report(connection, self.build(connection, None, now)), Ok),
                Some(url) => {
                    waiting.push(async move { (connection, self.fetch_metadata(connection, url).await) });
                    last_good(before, connection).ok_or_else(|| "its metadata has not come yet".to_owned())
                }
            };
            doors.insert(connection.id.clone(), entrance(connection, door));
        }
        self.put(turn, doors.clone());
        for (connection, fetched) in join_all(waiting).await {
            let door = match fetched {
                Ok(metadata) => report(connection, self.build(connection, Some(&metadata), now)),
                // Only silence keeps the last good state: metadata that came and is refused (expired, without keys) closes the door.
                Err(silence) => report(connection, Err(silence)).or_else(|reason| last_good(before, connection).ok_or(reason)),
            };
            doors.insert(connection.id.clone(), entrance(connection, door));
        }
        self.put(turn, doors);
    }

    /// Never goes back: who has waited for a slow provider must not open the doors of settings that were replaced meanwhile.
    fn put(&self, turn: u64, entrances: BTreeMap<ConnectionId, Entrance>) {
        let new = Arc::new(Open { turn, entrances });
        self.open.rcu(|now| if now.turn > turn { Arc::clone(now) } else { Arc::clone(&new) });
    }

    fn build(&self, connection: &Connection, metadata: Option<&str>, now: Timestamp) -> Result<Door, String> {
        match &connection.protocol {
            Protocol::Saml(saml) => {
                let (addresses, keys) = (self.sp_addresses(connection), Arc::clone(&self.keys));
                let sp = ServiceProvider::new(connection, saml, addresses, keys, metadata, now).map_err(|error| describe(&error))?;
                Ok(Door::Saml(Arc::new(sp)))
            }
            Protocol::Oidc(oidc) => {
                let redirect_uri = Url::parse(&self.redirect_uri(connection)).map_err(|error| error.to_string())?;
                let rp = RelyingParty::new(connection, oidc, redirect_uri, Arc::clone(&self.outbound)).map_err(|error| describe(&error))?;
                Ok(Door::Oidc(Arc::new(rp)))
            }
        }
    }

    async fn fetch_metadata(&self, connection: &Connection, url: &str) -> Result<String, String> {
        let url = Url::parse(url).map_err(|error| format!("the metadata address: {error}"))?;
        let fetched = self.outbound.fetch(&url, Reach::of(connection), METADATA_LIMIT_BYTES).await.map_err(|error| describe(&error))?;
        String::from_utf8(fetched.body.to_vec()).map_err(|_| "the metadata is not UTF-8".to_owned())
    }

    /// Our metadata for a SAML connection; also while its door is closed, because the provider may need it first.
    ///
    /// # Errors
    /// The reason, for the log.
    pub fn sp_metadata(&self, connection: &Connection, saml: &SamlSettings) -> Result<String, String> {
        sp_metadata(&self.sp_addresses(connection), saml, &self.keys).map_err(|error| describe(&error))
    }

    /// Where a SAML provider finds us.
    #[must_use]
    pub fn sp_addresses(&self, connection: &Connection) -> SpAddresses {
        SpAddresses {
            entity_id: self.address(connection, "saml", "metadata"),
            acs_url: self.address(connection, "saml", "acs"),
            slo_url: self.address(connection, "saml", "slo"),
        }
    }

    /// Where an OpenID Connect provider sends people back to.
    #[must_use]
    pub fn redirect_uri(&self, connection: &Connection) -> String {
        self.address(connection, "oidc", "callback")
    }

    /// `{public_url}/{protocol}/{connection}/{leaf}`: built from the configured address, never from a request's `Host`.
    fn address(&self, connection: &Connection, protocol: &str, leaf: &str) -> String {
        format!("{}/{protocol}/{}/{leaf}", self.public_url.origin().ascii_serialization(), connection.id)
    }
}

/// Who a pasted message says it is about: an ID token or a SAML response, as the connection's protocol is. Nothing of it is verified.
///
/// # Errors
/// Why it cannot be read, in a sentence without an end.
pub fn read_pasted(connection: &Connection, unverified: &str) -> Result<Identity, String> {
    match &connection.protocol {
        Protocol::Saml(saml) => match saml::read_unverified(&connection.id, saml, unverified).map_err(|error| describe(&error))? {
            Some(identity) => Ok(identity),
            None => Err("the assertion is encrypted, so nothing of it can be read; paste a decrypted one".to_owned()),
        },
        Protocol::Oidc(oidc) => oidc::read_unverified(&connection.id, oidc, unverified).map_err(|error| describe(&error)),
    }
}

fn metadata_url(connection: &Connection) -> Option<&str> {
    match &connection.protocol {
        Protocol::Saml(SamlSettings { idp: IdpSource::MetadataUrl(url), .. }) => Some(url),
        Protocol::Saml(_) | Protocol::Oidc(_) => None,
    }
}

/// The door that these very settings had before.
fn last_good(before: &BTreeMap<ConnectionId, Entrance>, connection: &Connection) -> Option<Door> {
    let entrance = before.get(&connection.id).filter(|entrance| entrance.connection == *connection)?;
    entrance.door.as_ref().ok().cloned()
}

fn report(connection: &Connection, door: Result<Door, String>) -> Result<Door, String> {
    door.inspect_err(|reason| tracing::warn!(connection.id = %connection.id, reason, "this connection cannot be used"))
}
