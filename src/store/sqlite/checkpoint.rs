//! Copies what was committed from the log beside the file into it, beside the writer, so that nobody who writes waits for that.
//!
//! A log that is in the file as a whole begins anew with the next write, and keeps its length, because writing over it is faster than making it longer. Under
//! a load without a pause the writer is always a little ahead: then it grows up to [`LONGEST`], and the writer copies what is left by itself, once.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::open::Opening;
use crate::store::StoreError;
use crate::store::unavailable::unavailable;

/// Pages of the log that are copied together, 32 MiB. The same pages change at each login, and each needs to be copied once.
const ENOUGH: u32 = 8_192;
/// Pages to which the log may grow before the writer copies by itself, 256 MiB. It is longer only while somebody reads for long, and is cut back after that.
pub(super) const LONGEST: u32 = 65_536;
/// What a page takes there, in bytes.
pub(super) const PAGE: u32 = 4_096 + 24;

/// Wakes the thread that copies; it ends with this value.
#[derive(Debug)]
pub(super) struct Checkpoint(SyncSender<()>);

impl Checkpoint {
    /// Opens the connection at the first commit.
    pub(super) fn start(opening: Opening) -> Result<Self, StoreError> {
        let (sender, committed) = sync_channel(1);
        std::thread::Builder::new().name("usher-copy".to_owned()).spawn(move || run(&opening, &committed)).map_err(unavailable)?;
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
                        "what was written cannot be copied into the database; the file beside it grows"
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
    let (written, copied): (i64, i64) =
        connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_one((), |row| Ok((row.get(1)?, row.get(2)?)))?;
    if written - copied >= i64::from(ENOUGH) {
        // Waits for nobody: what somebody still reads is left for the next time.
        connection.query_one("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))?;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::super::driver::change;
    use super::super::open::{Synchronous, create_file};
    use super::super::sql::Statement;
    use super::super::writer::Writer;
    use super::*;

    fn start() -> (Writer, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("usher.db");
        create_file(&path).unwrap();
        (Writer::start(Opening { path, synchronous: Synchronous::Off }).unwrap(), directory)
    }

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
            assert!(pages(&log, PAGE) <= u64::from(LONGEST) + 2 * JOB, "{} pages", pages(&log, PAGE));
        }
        // What somebody still reads cannot be written over.
        let reader = rusqlite::Connection::open(directory.path().join("usher.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM noted").unwrap();
        while pages(&log, PAGE) <= u64::from(LONGEST) + 2 * JOB {
            again().await;
        }
        reader.execute_batch("ROLLBACK").unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while pages(&log, PAGE) > u64::from(LONGEST) {
            assert!(Instant::now() < deadline, "{} pages", pages(&log, PAGE));
            again().await;
        }
    }
}
