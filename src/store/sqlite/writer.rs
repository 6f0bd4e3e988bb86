//! One writer: a thread that owns the write connection and commits many jobs at once, so that each may be durable (`synchronous=FULL`)
//! and they share the wait for the disk.
//!
//! What fails or stops must not touch its neighbours. A savepoint for each job makes that easy, and costs a copy of every page that the job changes. So jobs
//! that can be done again (logins) go without, and when one of them fails after it has changed something, all are undone and done again with savepoints.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::copier::Copier;
use super::driver::{Connection, Fault};
use super::memory::{Commits, Memory, Reach};
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
    commits: Commits,
}

impl Writer {
    /// Opens the write connection at the first job.
    pub(super) fn start(opening: Opening) -> Result<Self, StoreError> {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let commits = Commits::default();
        // Its own runtime, because callers live on several, and any of them may end before the others.
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(unavailable)?;
        let copier = Copier::start(opening.clone())?;
        std::thread::Builder::new()
            .name("usher-store".to_owned())
            .spawn({
                let commits = commits.clone();
                move || runtime.block_on(run(opening, commits, copier, jobs))
            })
            .map_err(unavailable)?;
        Ok(Self { jobs: sender, commits })
    }

    pub(super) const fn commits(&self) -> &Commits {
        &self.commits
    }

    /// Does `work` and answers once it is durable. What fails or stops leaves nothing behind, and does not touch its neighbours. Work goes on when the caller
    /// no longer waits, unless it has not begun.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.queue(Reach::Everything, Once(Some(work))).await
    }

    /// The same for what can be done again, and changes nothing that a decision may rest on but what has these names.
    pub(super) async fn write_named<T, F>(&self, names: Vec<String>, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send + 'static,
    {
        self.queue(Reach::Named(names), Repeatable(work)).await
    }

    async fn queue<T: Send + 'static>(&self, reach: Reach, work: impl Work<T> + 'static) -> Result<T, Stop> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Box::new(Pending { reach, work, result: None, reply })).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// What a job does.
trait Work<T>: Send {
    /// `None`: it was done, and cannot be done again.
    fn start<'c>(&mut self, connection: &'c mut Connection) -> Option<BoxFuture<'c, Result<T, Stop>>>;
}

struct Once<F>(Option<F>);

impl<T, F> Work<T> for Once<F>
where
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send,
{
    fn start<'c>(&mut self, connection: &'c mut Connection) -> Option<BoxFuture<'c, Result<T, Stop>>> {
        self.0.take().map(|work| work(connection))
    }
}

struct Repeatable<F>(F);

impl<T, F> Work<T> for Repeatable<F>
where
    F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, Stop>> + Send,
{
    fn start<'c>(&mut self, connection: &'c mut Connection) -> Option<BoxFuture<'c, Result<T, Stop>>> {
        Some((self.0)(connection))
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
    /// What it may change.
    fn reach(&self) -> &Reach;
    /// Nobody waits any more.
    fn is_abandoned(&self) -> bool;
    /// Does the work; `false` asks for it to be undone.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool>;
    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>);
}

struct Pending<T, W> {
    reach: Reach,
    work: W,
    result: Option<Result<T, Stop>>,
    reply: oneshot::Sender<Result<T, Stop>>,
}

impl<T: Send + 'static, W: Work<T> + 'static> Job for Pending<T, W> {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(work) = self.work.start(connection) else { return false };
            self.result.insert(work.await).is_ok()
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

async fn run(opening: Opening, commits: Commits, copier: Copier, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
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
        connection = write_batch(&opening, &commits, connection, batch).await;
        copier.committed();
    }
}

/// Answers the connection if it may be used again.
async fn write_batch(
    opening: &Opening,
    commits: &Commits,
    connection: Option<Connection>,
    mut batch: Vec<Box<dyn Job>>,
) -> Option<Connection> {
    let connected = match connection {
        Some(connection) => Ok(connection),
        None => opening.writer().map(|sqlite| Connection::here(sqlite, Memory::new(commits.clone()))).map_err(Fault::from),
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
            connection.remember(Memory::undone);
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
    begin(connection)?;
    let repeatable = batch.iter().all(|job| matches!(job.reach(), Reach::Named(_)));
    if !repeatable {
        do_guarded(connection, batch).await?;
    } else if !do_unguarded(connection, batch).await? {
        // Fails when the error has ended the transaction (a full disk does): then the batch fails.
        connection.step("ROLLBACK")?;
        connection.remember(Memory::undone);
        begin(connection)?;
        do_guarded(connection, batch).await?;
    }
    connection.step("COMMIT")?;
    connection.remember(Memory::committed);
    Ok(())
}

fn begin(connection: &mut Connection) -> Result<(), Fault> {
    // IMMEDIATE: a transaction that becomes a writer late fails with SQLITE_BUSY without waiting.
    connection.step("BEGIN IMMEDIATE")?;
    let data_version = connection.data_version()?;
    connection.remember(|memory| memory.begun(data_version));
    Ok(())
}

/// Does jobs that can be done again; `false` when all have to be, because one failed after it had changed something.
async fn do_unguarded(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<bool, Fault> {
    for job in batch {
        let before = connection.changes()?;
        let kept = job.run(connection).await;
        let after = connection.changes()?;
        // Without a transaction whatever comes next would be written by itself, also if the job thinks that all is well.
        if after.is_none() || !kept && after != before {
            return Ok(false);
        }
        connection.remember(|memory| memory.done(job.reach(), kept));
    }
    Ok(true)
}

/// Does jobs, each in a savepoint of its own.
async fn do_guarded(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    for job in batch {
        connection.step("SAVEPOINT job")?;
        let kept = job.run(connection).await;
        if !kept {
            // Fails when the error has ended the whole transaction, as above.
            connection.step("ROLLBACK TO job")?;
        }
        connection.step("RELEASE job")?;
        connection.remember(|memory| memory.done(job.reach(), kept));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;
    use std::sync::{Arc, Mutex};

    use super::super::driver::change;
    use super::super::open::{Synchronous, create_file};
    use super::super::sql::{Columns as _, Statement};
    use super::*;

    /// A writer to an empty file.
    pub(in crate::store::sqlite) fn start() -> (Writer, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("usher.db");
        create_file(&path).unwrap();
        (Writer::start(Opening { path, synchronous: Synchronous::Off }).unwrap(), directory)
    }

    async fn rows(writer: &Writer) -> Vec<i64> {
        let read = writer.write_named(Vec::new(), |conn| {
            Box::pin(async { Ok(Statement::new("SELECT number FROM noted ORDER BY number").fetch_all(conn).await?) })
        });
        read.await.unwrap().iter().map(|row| row.number("number").unwrap()).collect()
    }

    /// Notes a number, and then fails if it is told to; `times` counts how often it was done.
    async fn note(writer: &Writer, number: i64, fails: bool, times: &Arc<AtomicUsize>) -> Result<(), Stop> {
        let times = Arc::clone(times);
        let noted = writer.write_named(Vec::new(), move |conn| {
            times.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                change(conn, Statement::new("INSERT INTO noted VALUES ($1)").bind(number)).await?;
                if fails { Err(Stop::Lost) } else { Ok(()) }
            })
        });
        noted.await
    }

    /// A writer with a table `noted`, and `refers`, which may refer to nothing until the commit.
    async fn start_with_tables() -> (Writer, tempfile::TempDir) {
        let (writer, directory) = start();
        for table in [
            "CREATE TABLE noted (number BIGINT PRIMARY KEY)",
            "CREATE TABLE refers (number BIGINT REFERENCES noted (number) DEFERRABLE INITIALLY DEFERRED)",
        ] {
            writer.write(move |conn| Box::pin(async move { Ok(change(conn, Statement::new(table)).await?) })).await.unwrap();
        }
        (writer, directory)
    }

    /// Has the writer wait in a job of its own. What is queued then is taken together, after [`Held::release`].
    async fn hold(writer: &Writer) -> Held {
        let ((begun, begins), (go, wait)) = (oneshot::channel::<()>(), sync_channel::<()>(0));
        let (begun, wait) = (Mutex::new(Some(begun)), Mutex::new(wait));
        let writer = writer.clone();
        tokio::spawn(async move {
            let held = writer.write_named(Vec::new(), move |_| {
                begun.lock().unwrap().take().unwrap().send(()).unwrap();
                wait.lock().unwrap().recv().unwrap();
                Box::pin(async { Ok(()) })
            });
            held.await.unwrap();
        });
        begins.await.unwrap();
        Held(go)
    }

    struct Held(std::sync::mpsc::SyncSender<()>);

    impl Held {
        /// Once so many stand in the queue.
        async fn release(self, writer: &Writer, queued: usize) {
            while writer.jobs.capacity() > QUEUE - queued {
                tokio::task::yield_now().await;
            }
            self.0.send(()).unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_fails_after_it_has_changed_something_leaves_its_neighbours_and_no_trace() {
        let (writer, _directory) = start_with_tables().await;
        let times = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
        let [first, second, third] = &times;
        let held = hold(&writer).await;
        let ((), one, two, three) = tokio::join!(
            held.release(&writer, 3),
            note(&writer, 1, false, first),
            note(&writer, 2, true, second),
            note(&writer, 3, false, third)
        );
        assert!(one.is_ok() && matches!(two, Err(Stop::Lost)) && three.is_ok());
        assert_eq!(rows(&writer).await, [1, 3]);
        assert_eq!(times.each_ref().map(|times| times.load(Ordering::SeqCst)), [2, 2, 1], "done again with savepoints");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_that_fails_is_told_to_all_who_were_in_it_and_to_nobody_after_them() {
        let (writer, _directory) = start_with_tables().await;
        let times = Arc::new(AtomicUsize::new(0));
        let nowhere = writer
            .write_named(Vec::new(), |conn| Box::pin(async { Ok(change(conn, Statement::new("INSERT INTO refers VALUES (7)")).await?) }));
        let held = hold(&writer).await;
        let ((), one, two) = tokio::join!(held.release(&writer, 2), note(&writer, 1, false, &times), nowhere);
        assert!(matches!(one, Err(Stop::Failed(_))) && matches!(two, Err(Stop::Failed(_))));
        assert_eq!(rows(&writer).await, [0; 0]);
        note(&writer, 2, false, &times).await.unwrap();
        assert_eq!(rows(&writer).await, [2]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_written_after_a_job_that_has_ended_the_transaction_of_all() {
        let (writer, _directory) = start_with_tables().await;
        let times = Arc::new(AtomicUsize::new(0));
        let ends = writer.write_named(Vec::new(), |conn| Box::pin(async { Ok(change(conn, Statement::new("ROLLBACK")).await?) }));
        let held = hold(&writer).await;
        let ((), one, two) = tokio::join!(held.release(&writer, 2), ends, note(&writer, 1, false, &times));
        assert!(matches!(one, Err(Stop::Failed(_))) && matches!(two, Err(Stop::Failed(_))));
        assert_eq!(rows(&writer).await, [0; 0]);
        note(&writer, 2, false, &times).await.unwrap();
        assert_eq!(rows(&writer).await, [2]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_that_panics_takes_its_neighbours_with_it_and_not_the_writer() {
        let (writer, _directory) = start_with_tables().await;
        let times = Arc::new(AtomicUsize::new(0));
        let panics = writer.write_named(Vec::new(), |_| -> BoxFuture<'_, Result<(), Stop>> { panic!("a fault of ours") });
        let held = hold(&writer).await;
        let ((), one, two) = tokio::join!(held.release(&writer, 2), note(&writer, 1, false, &times), panics);
        assert!(matches!(one, Err(Stop::Failed(_))) && matches!(two, Err(Stop::Failed(_))));
        note(&writer, 2, false, &times).await.unwrap();
        assert_eq!(rows(&writer).await, [2]);
    }
}
