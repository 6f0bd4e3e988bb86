//! usher.toml and org.toml, read once, into types.
//!
//! - [`Config`]: what the process needs to start; [`load`] makes it from usher.toml, by `process` and `route`
//! - [`org`]: org.toml into [`crate::core::Settings`]
//! - [`check`]: a file of either kind, for `usher check`
//! - `tree`, `section`, `value`: TOML with places, read key by key, and what texts mean
//! - `fault`, `code`, `mask`: what is wrong, its code, and how it is shown without showing a secret
//!
//! The one rule of this folder: every fault is reported, together with all others, with its place in the file and a suggestion.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::core::{OrganizationId, RedisAddress, Role, SeatTier, Secret};

mod code;
mod fault;
mod load;
mod mask;
pub mod org;
mod process;
mod route;
mod section;
mod tree;
mod value;

pub use code::{Code, Severity};
pub use fault::{Document, Fault, Faults, Place, render_all};
pub use load::{FileKind, Loaded, check, check_text, load, load_with_org, parse_database};
pub use value::parse_duration;

/// The process's environment: the one place that reads it. Variables that are not Unicode are left out.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// What the process needs to start: usher.toml, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The auth host; no path, https or a loopback name.
    pub public_url: Url,
    /// Keys (0600) and usher.db.
    pub data_dir: PathBuf,
    /// Where durable facts live.
    pub database: Database,
    /// Where what expires lives; `None`: in memory.
    pub redis: Option<RedisAddress>,
    /// The public listener.
    pub server: Server,
    /// How the public listener speaks TLS.
    pub tls: Tls,
    /// The operations listener.
    pub ops_listen: SocketAddr,
    /// Limits of a session.
    pub session: SessionLimits,
    /// How often one address may ask.
    pub limits: Limits,
    /// App hosts; hosts are unique and differ from the auth host.
    pub routes: Vec<Route>,
    /// Logging.
    pub log: Log,
    /// org.toml, if the organization is kept as code.
    pub org_file: Option<PathBuf>,
}

/// Where durable facts live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// `usher.db` in the data directory.
    Sqlite,
    /// A `PostgreSQL` database; its address, which may hold a password.
    Postgres(Secret),
}

/// The public listener.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Addresses whose `X-Forwarded-*` are believed; empty: nobody's.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// The largest body of a request to Usher itself, in bytes.
    pub max_body_bytes: u64,
    /// How long everything goes on after a stop signal, while `/readyz` says no.
    pub shutdown_delay: Duration,
    /// How long open requests may take after that.
    pub shutdown_grace: Duration,
}

/// How often one address may ask, in requests a minute; an IPv6 network of 64 bits counts as one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sign-in, callbacks and recovery links.
    pub sign_in_per_minute: u32,
    /// The Admin API, also with one token.
    pub api_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sign_in_per_minute: 600, api_per_minute: 1200 }
    }
}

/// How the public listener speaks TLS.
#[derive(Debug, Clone)]
pub enum Tls {
    /// Not at all: behind a TLS proxy, or on loopback.
    Off,
    /// With this certificate chain and key, both PEM.
    Pem {
        /// The chain, leaf first.
        certificate: String,
        /// The key.
        key: crate::core::Secret,
    },
}

/// Limits of a session, both always checked.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Since the last request.
    pub idle_timeout: Duration,
    /// Since the login.
    pub lifetime: Duration,
    /// How long a session that this node knows goes on when a store cannot be asked about it.
    pub outage_grace: Duration,
}

/// An app host.
#[derive(Debug, Clone)]
pub struct Route {
    /// The host, lower case, without port.
    pub host: String,
    /// Upstreams, in round robin; http only, with no path.
    pub upstreams: Vec<Url>,
    /// Whose app it is.
    pub organization: OrganizationId,
    /// Who may pass.
    pub allow: Allow,
    /// Path prefixes that anyone may reach: a path equal to one, or below it after a slash.
    pub public_paths: Vec<String>,
    /// Other header names for the same values; reserved like ours.
    pub aliases: BTreeMap<Alias, http::HeaderName>,
    /// The longest silence between bytes, in each direction.
    pub idle_timeout: Duration,
}

/// Who may pass a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// Active members of the route's organization.
    Members,
    /// Active members with this role or a higher one.
    Role(Role),
    /// Active members with a seat of this tier or a higher one.
    Tier(SeatTier),
    /// Anyone with a session, member or not.
    SignedIn,
    /// Anyone; who is signed in is told to the app all the same.
    Public,
}

/// What an alias header carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Alias {
    /// The person id.
    Person,
    /// The address.
    Email,
    /// The display name.
    Name,
    /// The organization.
    Organization,
    /// The role.
    Role,
    /// The seat tier.
    SeatTier,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The form.
    pub format: LogFormat,
    /// The filter, as tracing reads it.
    pub level: String,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One object a line.
    Json,
}
