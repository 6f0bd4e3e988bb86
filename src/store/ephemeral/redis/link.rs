//! The connections of this node, one for each thread: shared by all requests of it, made anew when they break, and never waited for long.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::aio::ConnectionLike as _;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use thread_local::ThreadLocal;
use tokio::sync::Mutex;

use super::connect::{Connection, Servers};
use crate::metrics::Latency;
use crate::store::breaker::Breaker;
use crate::store::ephemeral::EphemeralError;

/// How long an operation may take with all that it needs, a new connection included.
const PATIENCE: Duration = Duration::from_millis(2500);

pub(super) struct Link {
    servers: Servers,
    lanes: ThreadLocal<Lane>,
    breaker: Breaker,
    took: Latency,
}

/// The connection of one thread. Through another thread's, every answer would wake two.
#[derive(Default)]
struct Lane {
    current: ArcSwapOption<Connection>,
    /// Held by the one who connects; the others wait for the same connection.
    connecting: Mutex<()>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("servers", &self.servers).field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(servers: Servers) -> Self {
        Self { servers, lanes: ThreadLocal::new(), breaker: Breaker::default(), took: Latency::default() }
    }

    /// Runs a command, once more when the connection turns out to be broken. It may then find its own first try: a claim counts as lost and what was to
    /// be taken as gone, which is a denial and never a pass.
    pub(super) async fn run(&self, command: &Cmd) -> Result<Value, EphemeralError> {
        let asked = self.breaker.check().map_err(|open| EphemeralError(open.into()))?;
        let tried = tokio::time::timeout(
            PATIENCE,
            self.took.of(async {
                match self.try_once(command).await {
                    Err(Failed::Broken(error)) if !error.is_timeout() => self.try_once(command).await,
                    result => result,
                }
            }),
        );
        let result = tried.await.unwrap_or_else(|_| Err(Failed::NoConnection(std::io::Error::from(std::io::ErrorKind::TimedOut).into())));
        match &result {
            Err(Failed::NoConnection(_) | Failed::Broken(_)) => self.breaker.failed(asked),
            Ok(_) | Err(Failed::Refused(_)) => self.breaker.works(),
        }
        result.map_err(|(Failed::NoConnection(error) | Failed::Broken(error) | Failed::Refused(error))| EphemeralError(error.into()))
    }

    /// How long answers took, with all that they needed.
    pub(super) const fn took(&self) -> &Latency {
        &self.took
    }

    async fn try_once(&self, command: &Cmd) -> Result<Value, Failed> {
        let lane = self.lanes.get_or_default();
        let connection = lane.connection(&self.servers).await.map_err(Failed::NoConnection)?;
        let answer = Connection::clone(&connection).req_packed_command(command).await;
        // An error that the server sent is a value until here.
        answer.and_then(Value::extract_error).map_err(|error| {
            if !is_broken(&error) {
                return Failed::Refused(error);
            }
            // Unless someone has made a new one already.
            lane.current.compare_and_swap(&connection, None);
            Failed::Broken(error)
        })
    }
}

/// Why there is no answer of use.
enum Failed {
    /// Nobody to ask: no server, or none that the Sentinels take for the master.
    NoConnection(RedisError),
    /// The connection is of no use any more.
    Broken(RedisError),
    /// The server is there, and said no.
    Refused(RedisError),
}

impl Lane {
    async fn connection(&self, servers: &Servers) -> Result<Arc<Connection>, RedisError> {
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let connection = Arc::new(servers.connect().await?);
        self.current.store(Some(Arc::clone(&connection)));
        Ok(connection)
    }
}

/// Whether to look for another connection: this one is cut or silent, or its server is no master any more. One that misses its replicas (`NOREPLICAS`) may
/// be cut off from them and from the Sentinels, who have made another one the master.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.code() == Some("NOREPLICAS")
        || matches!(
            error.kind(),
            ErrorKind::ClusterConnectionNotFound
                | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown)
        )
}
