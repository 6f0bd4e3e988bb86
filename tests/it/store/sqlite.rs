//! `SQLite` passes the suite, and what only `SQLite` has.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, Store, StoreError};

use super::conformance::every_store_does_this;
use super::fixtures::*;

pub(crate) struct SqliteBackend {
    store: Arc<dyn Store>,
    directory: tempfile::TempDir,
}

impl SqliteBackend {
    fn path(&self) -> PathBuf {
        self.directory.path().join("usher.db")
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    async fn execute(&self, statement: String) {
        execute(&self.path(), &statement);
    }
}

fn execute(path: &Path, statement: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(statement).unwrap();
}

pub(crate) async fn open() -> Box<dyn Backend> {
    Box::new(open_file().await)
}

async fn open_file() -> SqliteBackend {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("usher.db")).await.unwrap();
    SqliteBackend { store: Arc::new(store), directory }
}

every_store_does_this!(on_each, crate::store::sqlite::open);

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let backend = open_file().await;
    World::new(Box::new(SqliteBackend { store: backend.store(), directory: tempfile::tempdir().unwrap() }), 1, 1).await;
    for entry in std::fs::read_dir(backend.directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
    }
}

/// The steps of the schema, by their numbers.
const STEPS: [(i64, &str); 7] = [
    (1, include_str!("../../../src/store/migrations/sqlite/0001_facts.sql")),
    (2, include_str!("../../../src/store/migrations/sqlite/0002_people.sql")),
    (3, include_str!("../../../src/store/migrations/sqlite/0003_reviews.sql")),
    (4, include_str!("../../../src/store/migrations/sqlite/0004_tokens.sql")),
    (5, include_str!("../../../src/store/migrations/sqlite/0005_activity.sql")),
    (6, include_str!("../../../src/store/migrations/sqlite/0006_console.sql")),
    (7, include_str!("../../../src/store/migrations/sqlite/0007_roster.sql")),
];

/// Writes a database as the version wrote it that ended with this step: the rows of another one in the tables of then.
fn write_older(path: &Path, last: i64, rows_of: &Path) {
    let old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for (_, step) in STEPS.iter().filter(|(number, _)| *number <= last) {
        old.execute_batch(step).unwrap();
    }
    old.execute("ATTACH ?1 AS newer", [rows_of.to_str().unwrap()]).unwrap();
    let names = |question: &str, table: &str| -> Vec<String> {
        old.prepare(question).unwrap().query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for table in names("SELECT name FROM main.sqlite_schema WHERE type = ?1 AND name NOT LIKE 'sqlite!_%' ESCAPE '!'", "table") {
        let columns = names("SELECT name FROM pragma_table_info(?1, 'main')", &table).join(", ");
        old.execute_batch(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")).unwrap();
    }
    let steps = "CREATE TABLE main._sqlx_migrations AS SELECT * FROM newer._sqlx_migrations WHERE version <= ";
    old.execute_batch(&format!("{steps}{last}; DETACH newer")).unwrap();
}

#[tokio::test]
async fn a_database_of_every_version_before_is_brought_up_to_date_with_all_that_is_in_it() {
    let backend = open_file().await;
    let (newer, store) = (backend.path(), backend.store());
    let world = World::new(Box::new(backend), 100, 0).await;
    let joined = world.join("ada", "User", Some("Premium"), at(1)).await;
    world.login(&identity("ada"), &returning(&joined.member, vec![]), at(2)).await;
    for (last, _) in STEPS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("usher.db");
        write_older(&path, last, &newer);
        let updated = Arc::new(SqliteStore::open(&path).await.unwrap());
        assert_eq!(updated.list_audit(0, 100).await.unwrap(), store.list_audit(0, 100).await.unwrap(), "step {last}");
        let world = World::empty(Box::new(SqliteBackend { store: updated, directory }));
        let known = world.store.find_member(&acme(), joined.person.id).await.unwrap().unwrap();
        world.login(&identity("ada"), &returning(&known.member, vec![]), at(3)).await;
        world.join("ben", "User", Some("Premium"), at(4)).await;
        assert_eq!(world.used(at(5)).await, [2, 0], "step {last}");
        world.assert_sound().await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_in_plain_words() {
    let SqliteBackend { store, directory } = open_file().await;
    drop(store);
    let path = directory.path().join("usher.db");
    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 1)";
    execute(&path, future);
    match SqliteStore::open(&path).await {
        Err(StoreError::Corrupt(sentence)) => assert!(sentence.contains("newer version of Usher"), "{sentence}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usher.db");
    let text = "my shopping list\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path).await, Err(StoreError::Unavailable(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert!(matches!(SqliteStore::open(Path::new("/nowhere/usher.db")).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let SqliteBackend { store, directory } = open_file().await;
    let path = directory.path().join("usher.db");
    let world = World::new(Box::new(SqliteBackend { store, directory }), 1, 1).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    let again = SqliteStore::open(&path).await.unwrap();
    assert_eq!(again.find_member(&acme(), ada.person.id).await.unwrap(), Some(ada));
    assert_eq!(again.check_integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_command_beside_the_server_sees_and_changes_the_same() {
    let SqliteBackend { store, directory } = open_file().await;
    let beside = SqliteStore::open(&directory.path().join("usher.db")).await.unwrap();
    let world = World::new(Box::new(SqliteBackend { store, directory }), 1, 1).await;
    assert_eq!(world.facts(&identity("ada"), at(1)).await.organization.default_role, role("User"));
    let mut changed = settings(1, 1);
    changed.organizations[0].default_role = role("Admin");
    beside.save_settings(&changed, Some(1), "cli", at(1)).await.unwrap();
    assert_eq!(world.facts(&identity("ada"), at(1)).await.organization.default_role, role("Admin"));
}

#[tokio::test]
async fn what_another_process_has_changed_meanwhile_wins_against_a_decision() {
    let backend = open_file().await;
    let path = backend.path();
    let world = World::new(Box::new(backend), 1, 1).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let login = returning(&ada.member, vec![]);
    let facts = world.facts(&identity("ada"), at(2)).await;
    execute(&path, "UPDATE member SET status = 'blocked', revision = revision + 1");
    assert_eq!(world.try_commit(&facts, &identity("ada"), &login, at(2)).await.unwrap(), CommitOutcome::LostRace);
}

/// A server that writes without a pause leaves no gap to rely on.
#[tokio::test]
async fn whoever_only_opens_the_file_waits_for_no_writer() {
    let backend = open_file().await;
    let busy = rusqlite::Connection::open(backend.path()).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let beside = SqliteStore::open(&backend.path()).await.unwrap();
    assert_eq!(beside.find_settings().await.unwrap(), None);
}

#[test]
fn one_store_serves_several_runtimes_and_outlives_them() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let world = first.block_on(async { World::new(open().await, 40, 0).await });
    drop(first);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for number in 0..5 {
                    runtime().block_on(world.join(&format!("p{thread}-{number}"), "User", Some("Premium"), at(1)));
                }
            });
        }
    });
    let last = runtime();
    assert_eq!(last.block_on(world.used(at(2))), [20, 0]);
    last.block_on(world.assert_sound());
    // Files and connections go while a runtime is there to take them.
    last.block_on(async { drop(world) });
}

#[tokio::test]
async fn a_store_without_a_file_serves_many_at_once_and_leaves_nothing() {
    struct Scratch(Arc<dyn Store>);
    #[async_trait]
    impl Backend for Scratch {
        fn store(&self) -> Arc<dyn Store> {
            Arc::clone(&self.0)
        }
        async fn execute(&self, _statement: String) {}
    }
    let world = World::new(Box::new(Scratch(Arc::new(SqliteStore::open_in_memory().await.unwrap()))), 50, 0).await;
    let names: Vec<String> = (0..50).map(|number| format!("p{number}")).collect();
    futures_util::future::join_all(names.iter().map(|name| world.join(name, "User", Some("Premium"), at(1)))).await;
    assert_eq!(world.used(at(1)).await, [50, 0]);
    world.assert_sound().await;
    let other = SqliteStore::open_in_memory().await.unwrap();
    assert_eq!(other.find_settings().await.unwrap(), None, "two of them have nothing in common");
}

#[tokio::test]
async fn a_wrong_counter_is_found_and_never_goes_below_zero() {
    let world = World::new(open().await, 5, 0).await;
    let ada = world.join("ada", "User", Some("Premium"), at(1)).await;
    world.backend.execute("UPDATE seat SET used = 0".to_owned()).await;
    assert_eq!(world.store.check_integrity().await.unwrap(), ["tier Premium of organization acme counts 0 seats as used, and 1 are"]);
    let change = usher::core::provision::Change::RemoveMember { member: ada.member.id, reason: usher::core::Reason::NoRoleGroup };
    let facts = world.facts(&identity("ada"), at(2)).await;
    let removal = refuse(usher::core::Reason::NoRoleGroup, vec![change]);
    let outcome = world.try_commit(&facts, &identity("ada"), &removal, at(2)).await;
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
}
