//! A process that dies in a storm of first logins.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use usher::store::sqlite::SqliteStore;
use usher::store::{MemberQuery, Store};

use super::fixtures::*;

/// Names the database to the child process.
const DATABASE: &str = "USHER_TEST_STORM_DATABASE";
/// Logins that the child has acknowledged when it is killed.
const ACKNOWLEDGED: usize = 300;
/// Callers of the child at the same time.
const CALLERS: usize = 32;

struct File(Arc<dyn Store>);

#[async_trait]
impl Backend for File {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0)
    }
    async fn execute(&self, _statement: String) {}
}

async fn open(path: &Path) -> World {
    World::empty(Box::new(File(Arc::new(SqliteStore::open(path).await.unwrap()))))
}

/// The child: logs in new people without end and says so after each. Does nothing when it is run as a test of its own.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the parent process has no other way to name the file to a test")]
async fn the_storm_that_is_killed() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let world = open(&PathBuf::from(path)).await;
    world.store.save_settings(&settings(1_000_000, 0), None, "cli", at(0)).await.unwrap();
    let storm = (0..CALLERS).map(|caller| {
        let world = &world;
        async move {
            for number in 0.. {
                let name = format!("p{caller}-{number}");
                world.join(&name, "User", Some("Premium"), at(1)).await;
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nmember {name}").unwrap();
                out.flush().unwrap();
            }
        }
    });
    futures_util::future::join_all(storm).await;
}

#[tokio::test]
async fn a_killed_process_leaves_every_acknowledged_member_and_nothing_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usher.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::crash::the_storm_that_is_killed", "--nocapture", "--test-threads=1"])
        .env(DATABASE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeSet::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        acknowledged.extend(line.strip_prefix("member ").map(ToOwned::to_owned));
        if acknowledged.len() == ACKNOWLEDGED {
            // SIGKILL; what the child has said already is read to its end.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= ACKNOWLEDGED, "the child ended by itself after {}", acknowledged.len());

    let world = open(&path).await;
    world.assert_sound().await;
    let mut members = BTreeSet::new();
    let mut after = None;
    loop {
        let page = world.store.list_members(MemberQuery { organization: &acme(), search: None, after, limit: 500 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.member.id);
        for row in page {
            assert_eq!(row.member.seat, Some(tier("Premium")));
            let decision = world.store.find_last_decision(&acme(), row.person.id).await.unwrap().unwrap();
            assert_eq!(decision.member, Some(row.member.id));
            members.insert(row.person.name.unwrap());
        }
    }
    assert_eq!(acknowledged.difference(&members).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(usize::try_from(world.used(at(2)).await[0]).unwrap(), members.len());
    assert_eq!(world.store.list_audit(0, 1000).await.unwrap().len().min(1000), (members.len() + 1).min(1000));
    world.join("after-the-crash", "User", Some("Premium"), at(3)).await;
}
