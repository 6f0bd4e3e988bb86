//! One writer: a thread that owns the write connection and commits many jobs at once, so that each may be durable (`synchronous=FULL`)
//! and they share the wait for the disk.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::driver::{Connection, Fault};
use super::open::Opening;
use super::sql::Stop;
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// Jobs that share one commit.
const BATCH: usize = 64;
/// Jobs that may wait; whoever comes then waits before the queue.
const QUEUE: usize = 1024;

/// A handle to the writer; the thread ends when the last one is gone and all jobs are done.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Opens the write connection at the first job.
    pub(super) fn start(opening: Opening) -> Result<Self, StoreError> {
        let (sender, jobs) = mpsc::channel(QUEUE);
        // Its own runtime, because callers live on several, and any of them may end before the others.
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(unavailable)?;
        std::thread::Builder::new()
            .name("usher-store".to_owned())
            .spawn(move || runtime.block_on(run(opening, jobs)))
            .map_err(unavailable)?;
        Ok(Self { jobs: sender })
    }

    /// Runs `work` in a savepoint of its own and answers once it is durable. What fails or stops leaves nothing behind, and does not touch its neighbours.
    /// Work goes on when the caller no longer waits, unless it has not begun.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Box::new(Pending { work: Some(work), result: None, reply })).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Stop {
    Stop::Failed(unavailable("the database's writer has stopped"))
}

/// A failed commit, told to everyone whose job was in it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the transaction could not be committed")]
struct CommitFailed(#[source] Arc<Fault>);

trait Job: Send {
    /// Nobody waits any more.
    fn is_abandoned(&self) -> bool;
    /// Does the work; `false` asks for a rollback to the savepoint.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool>;
    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>);
}

struct Pending<T, F> {
    work: Option<F>,
    result: Option<Result<T, Stop>>,
    reply: oneshot::Sender<Result<T, Stop>>,
}

impl<T, F> Job for Pending<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            self.result.insert(work(connection).await).is_ok()
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>) {
        let result = match (committed, self.result) {
            (_, None) => Err(stopped()),
            // What was rolled back by itself ended as it says, whatever became of the others.
            (Err(error), Some(Ok(_))) => Err(Stop::Failed(unavailable(error))),
            (_, Some(result)) => result,
        };
        // The caller may have gone; what is written stays written.
        let _ = self.reply.send(result);
    }
}

async fn run(opening: Opening, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut connection = None;
    while let Some(first) = jobs.recv().await {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        batch.retain(|job| !job.is_abandoned());
        if batch.is_empty() {
            continue;
        }
        connection = write_batch(&opening, connection, batch).await;
    }
}

/// Answers the connection if it may be used again.
async fn write_batch(opening: &Opening, connection: Option<Connection>, mut batch: Vec<Box<dyn Job>>) -> Option<Connection> {
    let connected = match connection {
        Some(connection) => Ok(connection),
        None => opening.writer().map(Connection::here).map_err(Fault::from),
    };
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the database cannot be opened for writing");
            answer_all(batch, Err(error));
            return None;
        }
    };
    // A panic in a job must not end the writer for everyone; the connection is in an unknown state then.
    match AssertUnwindSafe(transaction(&mut connection, &mut batch)).catch_unwind().await {
        Ok(Ok(())) => {
            answer_all(batch, Ok(()));
            Some(connection)
        }
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, jobs = batch.len(), "a batch of writes failed");
            answer_all(batch, Err(error));
            // Rolled back by hand, because some errors have done so already and others not.
            connection.step("ROLLBACK").ok();
            Some(connection)
        }
        Err(_panic) => {
            answer_all(batch, Err(Fault::Gone));
            None
        }
    }
}

fn answer_all(batch: Vec<Box<dyn Job>>, result: Result<(), Fault>) {
    let result = result.map_err(|error| CommitFailed(Arc::new(error)));
    for job in batch {
        job.answer(result.clone());
    }
}

async fn transaction(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    // IMMEDIATE: a transaction that becomes a writer late fails with SQLITE_BUSY without waiting.
    connection.step("BEGIN IMMEDIATE")?;
    for job in batch {
        connection.step("SAVEPOINT job")?;
        let keep = job.run(connection).await;
        if !keep {
            // Fails when the error has ended the whole transaction (a full disk does): then the batch fails.
            connection.step("ROLLBACK TO job")?;
        }
        connection.step("RELEASE job")?;
    }
    connection.step("COMMIT")
}
