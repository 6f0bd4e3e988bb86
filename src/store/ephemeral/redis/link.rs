//! The connections of this node, one for each thread: shared by all requests of it, made anew when they break, and never waited for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
/// How long the Sentinels' word for a master is taken, which is longer than its answer may take: one that misses its replicas after that may have been
/// replaced. Were they asked at every refusal, whoever reads would wait for connections.
const WORD: Duration = Duration::from_secs(1);

pub(super) struct Link {
    servers: Servers,
    lanes: ThreadLocal<Lane>,
    breaker: Breaker,
    took: Latency,
}

/// The connection of one thread. Through another thread's, every answer would wake two.
#[derive(Default)]
struct Lane {
    current: ArcSwapOption<Made>,
    /// Held by the one who connects; the others wait for the same connection.
    connecting: Mutex<()>,
}

struct Made {
    connection: Connection,
    at: Instant,
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
        let made = lane.connection(&self.servers).await.map_err(Failed::NoConnection)?;
        let answer = made.connection.clone().req_packed_command(command).await;
        // An error that the server sent is a value until here.
        answer.and_then(Value::extract_error).map_err(|error| {
            if !is_broken(&error) && !self.may_be_cut_off(&made, &error) {
                return Failed::Refused(error);
            }
            // Unless someone has made a new one already.
            lane.current.compare_and_swap(&made, None);
            Failed::Broken(error)
        })
    }

    /// Whether the Sentinels are to be asked who the master is: one that misses its replicas (`NOREPLICAS`) may be cut off from them and from the Sentinels,
    /// who have made another one the master. If they name it again, its replicas are away, and it is right to write nothing; what it reads is as good as ever.
    fn may_be_cut_off(&self, made: &Made, error: &RedisError) -> bool {
        error.code() == Some("NOREPLICAS") && self.servers.are_watched() && made.at.elapsed() > WORD
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
    async fn connection(&self, servers: &Servers) -> Result<Arc<Made>, RedisError> {
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.current.load_full() {
            return Ok(connection);
        }
        let made = Arc::new(Made { connection: servers.connect().await?, at: Instant::now() });
        self.current.store(Some(Arc::clone(&made)));
        Ok(made)
    }
}

/// Whether to look for another connection: this one is cut or silent, or its server is no master any more.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::ClusterConnectionNotFound
                | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown)
        )
}
