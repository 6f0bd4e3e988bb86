//! A disk on which there is no room left, under `SQLite`.
//!
//! Played by a limit on the size of files, which the system enforces like the end of a disk and which can be lifted again.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use usher::store::sqlite::SqliteStore;
use usher::store::{Store, StoreError};

use super::fixtures::*;

/// Names the database to the child process.
const DATABASE: &str = "USHER_TEST_FULL_DISK_DATABASE";
/// In blocks of 512 bytes: enough for the schema and some people.
const LIMIT: &str = "3000";

struct File(Arc<dyn Store>);

#[async_trait]
impl Backend for File {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0)
    }
    async fn execute(&self, _statement: String) {}
}

/// The child: logs people in until there is no room, and goes on when there is. Does nothing when it is run as a test of its own.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the parent process has no other way to name the file to a test")]
async fn the_process_without_room() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let world = World::empty(Box::new(File(Arc::new(SqliteStore::open(&PathBuf::from(path)).await.unwrap()))));
    world.store.save_settings(&settings(1_000_000, 0), None, "cli", at(0)).await.unwrap();
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let mut members = 1;
    let error = loop {
        let who = identity(&format!("p{members}"));
        let facts = world.facts(&who, at(1)).await;
        match world.try_commit(&facts, &who, &newcomer(&who, "User", Some("Premium")), at(1)).await {
            Ok(_) => members += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    // Nothing can be written, and what is there can be read: sessions go on, nobody gets in.
    assert!(matches!(world.store.record(line()).await, Err(StoreError::Unavailable(_))));
    // Whoever asks whether it is ready is told, once there is no room for what they write themselves, a page.
    let mut ready = true;
    for _ in 0..64 {
        ready &= world.store.probe().await.is_ok();
    }
    assert!(!ready);
    assert_eq!(world.store.find_member(&acme(), ada.person.id).await.unwrap(), Some(ada));
    assert_eq!(world.used(at(1)).await, [members, 0]);
    world.assert_sound().await;

    let lifted = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &std::process::id().to_string()]).status().unwrap();
    assert!(lifted.success());
    world.store.ping().await.unwrap();
    world.join("later", "User", Some("Premium"), at(2)).await;
    assert_eq!(world.used(at(2)).await, [members + 1, 0]);
    world.assert_sound().await;
}

fn line() -> usher::store::NewAuditLine<'static> {
    static ORIGIN: std::sync::LazyLock<usher::store::RequestOrigin> = std::sync::LazyLock::new(usher::store::RequestOrigin::default);
    usher::store::NewAuditLine {
        event: "test.line",
        actor: "system",
        organization: None,
        target: None,
        reason: None,
        detail: serde_json::json!({ "filler": "x".repeat(100_000) }),
        origin: &ORIGIN,
        now: at(1),
    }
}

#[test]
fn without_room_nothing_is_written_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    // The signal that comes with the limit is ignored, so that a write fails as it does on a full disk.
    let script = format!("trap '' XFSZ; ulimit -S -f {LIMIT}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::disk::the_process_without_room", "--nocapture", "--test-threads=1"])
        .env(DATABASE, directory.path().join("usher.db"))
        .output()
        .unwrap();
    assert!(child.status.success(), "{}\n{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}
