//! From an address to a connection.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _, Pipeline,
    RedisConnectionInfo, RedisError, RedisFuture, TlsCertificates, TlsMode, Value,
};
use tokio::sync::Mutex;

use crate::core::{RedisAddress, RedisClientFiles, RedisCredentials, RedisTopology};
use crate::store::ephemeral::EphemeralError;

/// How long an answer may take. What waits here is a person's request.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);
/// How long one connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// When no Sentinel names a master, they are asked once more after this time: in a failover they change their minds one after the other, and for a moment a
/// new master may look to each of them as if it were down.
const SENTINEL_PAUSE: Duration = Duration::from_millis(200);

/// The servers at an address.
#[derive(Clone)]
pub(super) struct Servers(Arc<Inner>);

struct Inner {
    topology: Topology,
    /// Every named host as a server of its own: for what any of them can tell.
    each: Vec<Client>,
    next: AtomicUsize,
}

enum Topology {
    Single(Client),
    /// Asks one Sentinel after the other, and remembers whom it may ask.
    Sentinel(Mutex<SentinelClient>),
    Cluster(ClusterClient),
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

impl Servers {
    pub(super) fn new(address: &RedisAddress) -> Result<Self, EphemeralError> {
        let certificates = certificates(address)?;
        let certificates = certificates.as_ref();
        let each = address.hosts.iter().map(|host| client(address, host, certificates)).collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let topology = match &address.topology {
            RedisTopology::Single => Topology::Single(each.first().cloned().ok_or_else(|| EphemeralError("no host".into()))?),
            RedisTopology::Sentinel { service, credentials } => {
                Topology::Sentinel(Mutex::new(sentinel(address, service, credentials, certificates).map_err(refused)?))
            }
            RedisTopology::Cluster => Topology::Cluster(cluster(address, certificates).map_err(refused)?),
        };
        Ok(Self(Arc::new(Inner { topology, each, next: AtomicUsize::new(0) })))
    }

    /// A connection for commands: to the server, to the master of the moment, or to the whole cluster.
    pub(super) async fn connect(&self) -> Result<Connection, RedisError> {
        let limits = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(Some(ANSWER_TIMEOUT));
        let connecting = async {
            match &self.0.topology {
                Topology::Single(client) => Ok(Connection::One(client.get_multiplexed_async_connection_with_config(&limits).await?)),
                Topology::Sentinel(client) => {
                    let mut found = client.lock().await.get_async_connection_with_config(&limits).await;
                    if found.as_ref().is_err_and(|error| error.kind() == ErrorKind::MasterNameNotFoundBySentinel) {
                        tokio::time::sleep(SENTINEL_PAUSE).await;
                        found = client.lock().await.get_async_connection_with_config(&limits).await;
                    }
                    Ok(Connection::One(found?))
                }
                Topology::Cluster(client) => Ok(Connection::Cluster(client.get_async_connection().await?)),
            }
        };
        // Some Sentinels or nodes may be down, and each of them takes its time.
        let patience = CONNECT_TIMEOUT * 2;
        tokio::time::timeout(patience, connecting)
            .await
            .map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))?
    }

    /// Whether Sentinels say who the master is.
    pub(super) fn are_watched(&self) -> bool {
        matches!(self.0.topology, Topology::Sentinel(_))
    }

    /// A server to listen at: the one, the master, or any node of the cluster, which passes on what is published at another.
    pub(super) async fn listen(&self) -> Result<redis::aio::PubSub, RedisError> {
        let listening = async {
            match &self.0.topology {
                Topology::Single(client) => client.get_async_pubsub().await,
                Topology::Sentinel(client) => {
                    let master = client.lock().await.async_get_client().await?;
                    master.get_async_pubsub().await
                }
                Topology::Cluster(_) => {
                    let next = self.0.next.fetch_add(1, Ordering::Relaxed);
                    let node = self.0.each.get(next % self.0.each.len().max(1));
                    node.ok_or_else(|| RedisError::from(std::io::Error::from(std::io::ErrorKind::NotFound)))?.get_async_pubsub().await
                }
            }
        };
        let patience = CONNECT_TIMEOUT * 2;
        tokio::time::timeout(patience, listening).await.map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))?
    }
}

/// The files that the address names; `None`: none.
fn certificates(address: &RedisAddress) -> Result<Option<TlsCertificates>, EphemeralError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| EphemeralError(format!("{}: {error}", path.display()).into()));
    let root_cert = address.ca.as_deref().map(read).transpose()?;
    let ours = |files: &RedisClientFiles| -> Result<_, EphemeralError> {
        Ok(ClientTlsConfig { client_cert: read(&files.certificate)?, client_key: read(&files.key)? })
    };
    let client_tls = address.client.as_ref().map(ours).transpose()?;
    Ok((root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates { client_tls, root_cert }))
}

fn refused(error: RedisError) -> EphemeralError {
    EphemeralError(error.into())
}

fn place(address: &RedisAddress, (host, port): &(String, u16)) -> ConnectionAddr {
    if address.tls {
        ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host.clone(), *port)
    }
}

fn info(address: &RedisAddress, host: &(String, u16)) -> Result<ConnectionInfo, RedisError> {
    let mut settings = RedisConnectionInfo::default().set_db(address.database);
    if let Some(user) = &address.credentials.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &address.credentials.password {
        settings = settings.set_password(password.reveal());
    }
    Ok(place(address, host).into_connection_info()?.set_redis_settings(settings))
}

fn client(address: &RedisAddress, host: &(String, u16), certificates: Option<&TlsCertificates>) -> Result<Client, RedisError> {
    let info = info(address, host)?;
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

fn sentinel(
    address: &RedisAddress,
    service: &str,
    own: &RedisCredentials,
    certificates: Option<&TlsCertificates>,
) -> Result<SentinelClient, RedisError> {
    let sentinels = address.hosts.iter().map(|host| place(address, host));
    let mut builder = SentinelClientBuilder::new(sentinels, service, SentinelServerType::Master)?.set_client_to_redis_db(address.database);
    if address.tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder.set_client_to_redis_certificates(certificates.clone()).set_client_to_sentinel_certificates(certificates.clone());
    }
    if let Some(user) = &address.credentials.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = &address.credentials.password {
        builder = builder.set_client_to_redis_password(password.reveal());
    }
    if let Some(user) = &own.user {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = &own.password {
        builder = builder.set_client_to_sentinel_password(password.reveal());
    }
    builder.build()
}

fn cluster(address: &RedisAddress, certificates: Option<&TlsCertificates>) -> Result<ClusterClient, RedisError> {
    let nodes = address.hosts.iter().map(|host| info(address, host)).collect::<Result<Vec<_>, _>>()?;
    // Enough to find a node gone, to be sent on by another one, and to follow a slot that moves at that moment; too few, and too soon after each other, to
    // queue up before a cluster that is down.
    let mut builder = ClusterClientBuilder::new(nodes)
        .retries(3)
        .min_retry_wait(20)
        .max_retry_wait(100)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(ANSWER_TIMEOUT)
        .overall_response_timeout(Some(CONNECT_TIMEOUT));
    if let Some(user) = &address.credentials.user {
        builder = builder.username(user);
    }
    if let Some(password) = &address.credentials.password {
        builder = builder.password(password.reveal());
    }
    if address.tls {
        builder = builder.tls(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates.clone());
    }
    builder.build()
}

/// Cheap to clone: all clones share the sockets.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
