//! What every login and every request asks: a few rows by an index. One thread looks up for everybody, so that those who wait together share one view of the
//! file and what was read of it. Each by itself would have to be handed to a thread and back, and to read the same pages anew after every commit.
//!
//! What takes longer is asked of [`super::readers`], because whoever comes next waits here.

use std::panic::AssertUnwindSafe;

use tokio::sync::{mpsc, oneshot};

use super::driver::Fault;
use super::open::Opening;
use super::turn::Turn;
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// Lookups that share one view.
const BATCH: usize = 64;
/// Lookups that may wait; whoever comes then waits before the queue.
const QUEUE: usize = 1024;

/// A lookup that waits: does it on this connection, and answers. Without one it is dropped, which answers [`Fault::Gone`].
type Lookup = Box<dyn FnOnce(&rusqlite::Connection) + Send>;

/// A handle to the thread, which ends with the last one.
#[derive(Debug, Clone)]
pub(super) struct Lookups(mpsc::Sender<Lookup>);

impl Lookups {
    /// Opens the connection at the first lookup.
    pub(super) fn start(opening: Opening) -> Result<Self, StoreError> {
        let (sender, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("usher-lookup".to_owned()).spawn(move || run(&opening, waiting)).map_err(unavailable)?;
        Ok(Self(sender))
    }

    /// Sees at least what was committed before this was called. What nobody waits for any more is not done, or interrupted.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let turn = Turn::default();
        let _waiting = turn.waiting();
        let lookup = move |sqlite: &rusqlite::Connection| {
            if let Some(found) = turn.take(sqlite, work) {
                // Whoever waited may be gone by now.
                reply.send(found).ok();
            }
        };
        self.0.send(Box::new(lookup)).await.map_err(|_stopped| Fault::Gone)?;
        answer.await.map_err(|_dropped| Fault::Gone)?
    }
}

fn run(opening: &Opening, mut waiting: mpsc::Receiver<Lookup>) {
    let (mut connection, mut batch) = (None, Vec::new());
    while waiting.blocking_recv_many(&mut batch, BATCH) > 0 {
        connection = match look_up(opening, connection, &mut batch) {
            Ok(usable) => usable,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a connection that looks up cannot be used");
                None
            }
        };
        batch.clear();
    }
}

/// Answers the connection if it may be used again.
fn look_up(
    opening: &Opening,
    connection: Option<rusqlite::Connection>,
    batch: &mut Vec<Lookup>,
) -> rusqlite::Result<Option<rusqlite::Connection>> {
    let connection = connection.map_or_else(|| opening.reader(), Ok)?;
    // The view is what the first lookup finds, and later than all that anyone in the batch may count on: nobody is let in after this.
    connection.prepare_cached("BEGIN")?.raw_execute()?;
    let mut is_whole = true;
    for lookup in batch.drain(..) {
        // A panic must not end the thread for everyone, nor the lookups beside it. The connection is not used after this batch.
        is_whole &= std::panic::catch_unwind(AssertUnwindSafe(|| lookup(&connection))).is_ok();
    }
    connection.prepare_cached("ROLLBACK")?.raw_execute()?;
    Ok(is_whole.then_some(connection))
}

#[cfg(test)]
mod tests {
    use super::super::open::{Synchronous, create_file};
    use super::*;

    fn start() -> (Lookups, Opening, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let opening = Opening { path: directory.path().join("usher.db"), synchronous: Synchronous::Off };
        create_file(&opening.path).unwrap();
        opening.migrate().unwrap();
        (Lookups::start(opening.clone()).unwrap(), opening, directory)
    }

    fn count(sqlite: &rusqlite::Connection) -> Result<i64, Fault> {
        Ok(sqlite.query_one("SELECT count(*) FROM parent", (), |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_lookup_sees_what_was_committed_before_it_was_asked() {
        let (lookups, opening, _directory) = start();
        let writer = opening.writer().unwrap();
        for before in 0..100 {
            assert_eq!(lookups.ask(count).await.unwrap(), before);
            writer.execute("INSERT INTO parent (id, name, revision) VALUES (?1, '', 1)", (before,)).unwrap();
        }
    }

    /// Has the thread wait in a lookup. What is asked then is taken together, once what is returned is sent.
    async fn hold(lookups: &Lookups) -> oneshot::Sender<()> {
        let ((begun, begins), (go, wait)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let lookups = lookups.clone();
        let held = move |_: &rusqlite::Connection| {
            begun.send(()).unwrap();
            wait.blocking_recv().unwrap();
            Ok(())
        };
        tokio::spawn(async move { lookups.ask(held).await.unwrap() });
        begins.await.unwrap();
        go
    }

    #[tokio::test]
    async fn a_lookup_that_panics_is_answered_and_those_beside_it_and_after_it_work() {
        let (lookups, _opening, _directory) = start();
        let go = hold(&lookups).await;
        let panics = lookups.ask(|_| -> Result<(), Fault> { panic!("a fault of ours") });
        let (panicked, beside, ()) = tokio::join!(panics, lookups.ask(count), async { go.send(()).unwrap() });
        assert!(matches!(panicked, Err(Fault::Gone)));
        assert_eq!(beside.unwrap(), 0);
        assert_eq!(lookups.ask(count).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn those_who_wait_together_see_the_same_and_all_that_was_committed_before() {
        let (lookups, opening, _directory) = start();
        let writer = opening.writer().unwrap();
        let insert = "INSERT INTO parent (id, name, revision) VALUES (?1, '', 1)";
        let go = hold(&lookups).await;
        let (saw, write) = (std::sync::Mutex::new(opening.writer().unwrap()), insert);
        let counts_and_writes = move |sqlite: &rusqlite::Connection| {
            let seen = count(sqlite)?;
            saw.lock().unwrap().execute(write, ("during",))?;
            Ok(seen)
        };
        let (first, second, ()) = tokio::join!(lookups.ask(counts_and_writes), lookups.ask(count), async {
            writer.execute(insert, ("before",)).unwrap();
            go.send(()).unwrap();
        });
        assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
        assert_eq!(lookups.ask(count).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_lookup_that_nobody_waits_for_any_more_ends_and_the_next_one_works() {
        let (lookups, _opening, _directory) = start();
        let endless = |sqlite: &rusqlite::Connection| {
            let text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            Ok(sqlite.query_one(text, (), |row| row.get::<_, i64>(0))?)
        };
        for _ in 0..3 {
            let asked = tokio::time::timeout(std::time::Duration::from_millis(20), lookups.ask(endless));
            assert!(asked.await.is_err());
            assert_eq!(lookups.ask(count).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_lookup_can_change_nothing() {
        let (lookups, _opening, _directory) = start();
        let changes = lookups.ask(|sqlite| Ok(sqlite.execute("INSERT INTO parent (id, name, revision) VALUES (1, '', 1)", ())?));
        assert!(matches!(changes.await, Err(Fault::Sqlite(_))));
        assert_eq!(lookups.ask(count).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_an_error_for_whoever_asks_and_is_tried_again() {
        let (lookups, opening, directory) = start();
        let away = directory.path().join("away");
        std::fs::rename(&opening.path, &away).unwrap();
        assert!(matches!(lookups.ask(count).await, Err(Fault::Gone)));
        std::fs::rename(&away, &opening.path).unwrap();
        assert_eq!(lookups.ask(count).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_lookup_that_nobody_waits_for_is_not_done() {
        let (lookups, _opening, _directory) = start();
        let go = hold(&lookups).await;
        let (done, was_done) = oneshot::channel::<()>();
        {
            let given_up = lookups.ask(move |_| {
                done.send(()).unwrap();
                Ok(())
            });
            tokio::pin!(given_up);
            assert!(futures_util::poll!(&mut given_up).is_pending());
        }
        go.send(()).unwrap();
        lookups.ask(count).await.unwrap();
        assert!(was_done.await.is_err());
    }
}
