//! Copies what was committed from the log beside the file into it (a checkpoint), beside the writer, which everybody waits for.
//!
//! A log that is in the file as a whole begins anew with the next write, and keeps its length, because writing over it is faster than making it longer. Under
//! a load without a pause the writer is always a little ahead, so what came meanwhile is copied again, a few times; and past [`LONGEST_LOG`] the writer
//! copies by itself, after each commit, until it begins anew. What somebody still reads cannot be written over: with long reads the log gets longer than that.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::open::Opening;
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// Pages of the log that are copied together, 32 MiB. The same pages change at each login, and each needs to be copied once.
const ENOUGH: i64 = 8_192;
/// How often what came meanwhile is copied as well. The file is synced only by a copy that reaches the end of the log, and what is not synced waits for the
/// writer.
const ROUNDS: usize = 5;
/// Pages of the log at which the writer copies by itself, 256 MiB, and to which it is cut back.
pub(super) const LONGEST_LOG: u32 = 65_536;
/// What a page takes in the log, in bytes.
pub(super) const LOGGED_PAGE: u32 = 4_096 + 24;

/// Wakes the thread that copies; it ends with this value.
#[derive(Debug)]
pub(super) struct Copier(SyncSender<()>);

impl Copier {
    /// Opens the connection at the first commit.
    pub(super) fn start(opening: Opening) -> Result<Self, StoreError> {
        let (sender, committed) = sync_channel(1);
        std::thread::Builder::new().name("usher-copier".to_owned()).spawn(move || run(&opening, &committed)).map_err(unavailable)?;
        Ok(Self(sender))
    }

    /// There may be more in the log.
    pub(super) fn committed(&self) {
        // Full: it will look anyway. Gone: the writer copies by itself.
        self.0.try_send(()).ok();
    }
}

fn run(opening: &Opening, committed: &Receiver<()>) {
    let (mut connection, mut has_failed) = (None, false);
    while committed.recv().is_ok() {
        connection = match copy(opening, connection) {
            Ok(usable) => {
                has_failed = false;
                Some(usable)
            }
            Err(error) => {
                // Said once: it is tried again after each commit.
                if !std::mem::replace(&mut has_failed, true) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what was written cannot be copied into the database beside the writer, which does it later"
                    );
                }
                None
            }
        };
    }
}

/// Copies when there is enough. Answers the connection, to be used again.
fn copy(opening: &Opening, connection: Option<rusqlite::Connection>) -> rusqlite::Result<rusqlite::Connection> {
    let connection = connection.map_or_else(|| opening.copier(), Ok)?;
    let mut log = Log::of(&connection, "PRAGMA wal_checkpoint(NOOP)")?;
    if log.left() < ENOUGH {
        return Ok(connection);
    }
    for _ in 0..ROUNDS {
        // Past its bound the log is the writer's, who gets no turn while somebody else copies.
        if log.left() == 0 || log.written >= i64::from(LONGEST_LOG) {
            break;
        }
        log = Log::of(&connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    }
    Ok(connection)
}

/// How long the log is and how much of it is in the file, in pages.
struct Log {
    written: i64,
    copied: i64,
}

impl Log {
    fn of(connection: &rusqlite::Connection, question: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(question)?.query_one((), |row| Ok(Self { written: row.get(1)?, copied: row.get(2)? }))
    }

    const fn left(&self) -> i64 {
        self.written - self.copied
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::super::driver::change;
    use super::super::sql::Statement;
    use super::super::writer::Writer;
    use super::super::writer::tests::start;
    use super::*;

    async fn write(writer: &Writer, text: &'static str) {
        writer.write(move |conn| Box::pin(async move { Ok(change(conn, Statement::new(text)).await?) })).await.unwrap();
    }

    fn pages(file: &Path, page: u32) -> u64 {
        std::fs::metadata(file).unwrap().len() / u64::from(page)
    }

    #[tokio::test]
    async fn what_was_written_gets_into_the_file_before_the_writer_has_to_copy_it() {
        let (writer, directory) = start();
        write(&writer, "CREATE TABLE noted (what BLOB)").await;
        write(&writer, "INSERT INTO noted VALUES (zeroblob(4096 * 9000))").await;
        let deadline = Instant::now() + Duration::from_secs(30);
        while pages(&directory.path().join("usher.db"), 4_096) < 9_000 {
            assert!(Instant::now() < deadline, "nothing was copied");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_file_beside_it_stays_within_its_bound_under_a_load_without_a_pause_and_comes_back_to_it_after_a_long_read() {
        const JOB: u64 = 2_000;
        let (writer, directory) = start();
        let log = directory.path().join("usher.db-wal");
        let again = || write(&writer, "UPDATE noted SET what = randomblob(4096 * 2000)");
        write(&writer, "CREATE TABLE noted (what BLOB)").await;
        write(&writer, "INSERT INTO noted VALUES (NULL)").await;
        for _ in 0..20 {
            tokio::join!(again(), again());
            assert!(pages(&log, LOGGED_PAGE) <= u64::from(LONGEST_LOG) + 6 * JOB, "{} pages", pages(&log, LOGGED_PAGE));
        }
        // What somebody still reads cannot be written over.
        let reader = rusqlite::Connection::open(directory.path().join("usher.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM noted").unwrap();
        while pages(&log, LOGGED_PAGE) <= u64::from(LONGEST_LOG) + 6 * JOB {
            again().await;
        }
        reader.execute_batch("ROLLBACK").unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while pages(&log, LOGGED_PAGE) > u64::from(LONGEST_LOG) {
            assert!(Instant::now() < deadline, "{} pages", pages(&log, LOGGED_PAGE));
            again().await;
        }
    }
}
