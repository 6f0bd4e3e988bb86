//! `PostgreSQL` passes the suite, and what only it has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};
use usher::core::GroupClaim;
use usher::store::postgres::PostgresStore;
use usher::store::{CommitOutcome, FactsQuery, Store, StoreError};

use super::conformance::every_store_does_this;
use super::conformance::facts::invite;
use super::fixtures::*;
use crate::support::postgres::Postgres;

/// A database of a server that lives as long as the test.
struct Database {
    url: String,
    store: Arc<dyn Store>,
}

#[async_trait]
impl Backend for Database {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    async fn execute(&self, statement: String) {
        use sqlx::ConnectOptions as _;
        let options: sqlx::postgres::PgConnectOptions = self.url.parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
}

impl Postgres {
    async fn open(&self) -> Box<dyn Backend> {
        node(&self.create_database().await).await
    }
}

/// One node on a database.
pub(crate) async fn node(url: &str) -> Box<dyn Backend> {
    Box::new(Database { url: url.to_owned(), store: Arc::new(PostgresStore::open(url).await.unwrap()) })
}

every_store_does_this!(on_one_server, Postgres::start);

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_in_plain_words() {
    let server = Postgres::start().await;
    let url = server.create_database().await;
    PostgresStore::open(&url).await.unwrap();
    let future =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, 'x', 1)";
    server.execute("usher0", future.to_owned()).await;
    match PostgresStore::open(&url).await {
        Err(StoreError::Corrupt(sentence)) => assert!(sentence.contains("newer version of Usher"), "{sentence}"),
        other => panic!("{other:?}"),
    }
}

/// The steps of the schema, by their numbers. The last is the newest.
const STEPS: [(i64, &str); 10] = [
    (1, include_str!("../../../src/store/migrations/postgres/0001_facts.sql")),
    (2, include_str!("../../../src/store/migrations/postgres/0002_people.sql")),
    (3, include_str!("../../../src/store/migrations/postgres/0003_reviews.sql")),
    (4, include_str!("../../../src/store/migrations/postgres/0004_tokens.sql")),
    (5, include_str!("../../../src/store/migrations/postgres/0005_activity.sql")),
    (6, include_str!("../../../src/store/migrations/postgres/0006_console.sql")),
    (7, include_str!("../../../src/store/migrations/postgres/0007_roster.sql")),
    (11, include_str!("../../../src/store/migrations/postgres/0011_large.sql")),
    (12, include_str!("../../../src/store/migrations/postgres/0012_fields.sql")),
    (13, include_str!("../../../src/store/migrations/postgres/0013_lighter.sql")),
];

/// A database as the version wrote it that ended with this step: the rows of another one in the tables of then; its address.
async fn write_older(server: &Postgres, last: i64, rows_of: &str) -> String {
    let url = server.restore_dump_of(rows_of).await;
    // The rows stand aside while the tables are made, by the one who owns them. What refers to what is checked by nobody here: it was whole before.
    let mut text = "ALTER SCHEMA public RENAME TO newer; ALTER SCHEMA newer OWNER TO gateway; CREATE SCHEMA public AUTHORIZATION gateway;
        SET session_replication_role = replica; SET ROLE gateway;"
        .to_owned();
    for (_, step) in STEPS.iter().filter(|(number, _)| *number <= last) {
        text.push_str(step);
    }
    let copy = "DO $copy$ DECLARE name text; columns text; BEGIN
            FOR name IN SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' LOOP
                SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
                    WHERE table_schema = 'public' AND table_name = name AND is_generated = 'NEVER';
                EXECUTE format('INSERT INTO public.%1$I (%2$s) SELECT %2$s FROM newer.%1$I', name, columns);
            END LOOP;
        END $copy$;
        CREATE TABLE public._sqlx_migrations (LIKE newer._sqlx_migrations INCLUDING ALL);
        INSERT INTO public._sqlx_migrations SELECT * FROM newer._sqlx_migrations WHERE version <= ";
    text = format!("{text}{copy}{last}; DROP SCHEMA newer CASCADE");
    let database = url.rsplit_once('/').unwrap().1;
    server.execute(database, text).await;
    url
}

#[tokio::test]
async fn a_database_of_every_version_before_is_brought_up_to_date_with_all_that_is_in_it() {
    let server = Postgres::start().await;
    let newer = server.create_database().await;
    let world = World::new(node(&newer).await, 100, 0).await;
    let joined = world.join("ada", "User", Some("Premium"), at(1)).await;
    world.login(&identity("ada"), &returning(&joined.member, vec![]), at(2)).await;
    let lines = world.store.list_audit(0, 100).await.unwrap();
    let done = "SELECT 'steps', count(*) FROM _sqlx_migrations WHERE success";
    let ([.., (newest, _)], steps) = (STEPS, i64::try_from(STEPS.len()).unwrap());
    for (last, _) in STEPS.into_iter().filter(|(number, _)| *number < newest) {
        let url = write_older(&server, last, &newer).await;
        let world = World::empty(node(&url).await);
        assert_eq!(server.numbers(url.rsplit_once('/').unwrap().1, done).await, [("steps".to_owned(), steps)]);
        assert_eq!(world.store.list_audit(0, 100).await.unwrap(), lines, "step {last}");
        let known = world.store.find_member(&acme(), joined.person.id).await.unwrap().unwrap();
        world.login(&identity("ada"), &returning(&known.member, vec![]), at(3)).await;
        world.join("ben", "User", Some("Premium"), at(4)).await;
        assert_eq!(world.used(at(5)).await, [2, 0], "step {last}");
        world.assert_sound().await;
    }
}

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let server = Postgres::start().await;
    let url = server.create_database().await;
    let nodes = futures_util::future::join_all((0..4).map(|_| PostgresStore::open(&url))).await;
    for node in nodes {
        assert_eq!(node.unwrap().find_settings().await.unwrap(), None);
    }
}

/// Two nodes on one database.
async fn two_nodes(server: &Postgres, premium: u32) -> (World, World) {
    let url = server.create_database().await;
    (World::new(node(&url).await, premium, 0).await, World::empty(node(&url).await))
}

#[tokio::test]
async fn nodes_that_log_people_in_at_once_keep_one_chain_and_one_count() {
    let server = Postgres::start().await;
    let (first, second) = two_nodes(&server, 100).await;
    let names: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let nodes = [&first, &second];
    let logins = names.iter().enumerate().map(|(number, name)| nodes[number % 2].join(name, "User", Some("Premium"), at(1)));
    futures_util::future::join_all(logins).await;
    assert_eq!(first.used(at(2)).await, [60, 0]);
    assert_eq!(second.store.list_audit(0, 1000).await.unwrap().len(), 61);
    first.assert_sound().await;
}

#[tokio::test]
async fn two_nodes_make_one_person_of_one_address() {
    let server = Postgres::start().await;
    let (first, second) = two_nodes(&server, 100).await;
    for number in 0..10 {
        // The same address over two connections: whoever comes second finds a person who was not there when it was decided.
        let over_okta = identity(&format!("p{number}"));
        let mut over_entra = over_okta.clone();
        over_entra.connection = usher::core::ConnectionId::parse("entra").unwrap();
        let (okta, entra) = (first.facts(&over_okta, at(1)).await, second.facts(&over_entra, at(1)).await);
        let decision = newcomer(&over_okta, "User", Some("Premium"));
        let (okta, entra) =
            tokio::join!(first.try_commit(&okta, &over_okta, &decision, at(1)), second.try_commit(&entra, &over_entra, &decision, at(1)));
        let lost = [okta.unwrap(), entra.unwrap()].iter().filter(|outcome| **outcome == CommitOutcome::LostRace).count();
        assert_eq!(lost, 1);
    }
    first.assert_sound().await;
}

#[tokio::test]
async fn two_nodes_give_an_expired_hold_back_once() {
    let server = Postgres::start().await;
    let (first, second) = two_nodes(&server, 10).await;
    for number in 0..10 {
        first.invite(&invite(number, &format!("guest{number}"), Some("Premium"), 5)).await;
        let (ada, ben) = (format!("ada{number}"), format!("ben{number}"));
        tokio::join!(first.join(&ada, "User", None, at(10)), second.join(&ben, "User", None, at(10)));
    }
    assert_eq!(first.used(at(10)).await, [0, 0]);
    first.assert_sound().await;
}

#[tokio::test]
async fn two_nodes_that_see_groups_for_the_first_time_at_once_note_each_once() {
    let server = Postgres::start().await;
    let (first, second) = two_nodes(&server, 100).await;
    for number in 0..10 {
        let come = async |world: &World, name: &str| {
            let mut identity = identity(&format!("{name}{number}"));
            identity.groups = GroupClaim::from_values([format!("one{number}"), format!("two{number}")]);
            let facts = world.facts(&identity, at(number)).await;
            world.try_commit(&facts, &identity, &newcomer(&identity, "User", None), at(number)).await.unwrap()
        };
        let outcomes = tokio::join!(come(&first, "ada"), come(&second, "ben"));
        assert!(matches!(outcomes, (CommitOutcome::Committed(_), CommitOutcome::Committed(_))), "{outcomes:?}");
    }
    let noted = "SELECT value, count(*) FROM seen_group GROUP BY value";
    let noted = server.numbers("usher0", noted).await;
    assert!(noted.len() == 20 && noted.iter().all(|(_, times)| *times == 1), "{noted:?}");
}

#[tokio::test]
async fn a_dump_that_was_restored_holds_all_and_goes_on() {
    let server = Postgres::start().await;
    let url = server.create_database().await;
    let world = World::new(node(&url).await, 100, 0).await;
    let joined = world.join("ada", "User", Some("Premium"), at(1)).await;
    let restored = World::empty(node(&server.restore_dump_of(&url).await).await);
    assert_eq!(restored.store.list_audit(0, 100).await.unwrap(), world.store.list_audit(0, 100).await.unwrap());
    restored.login(&identity("ada"), &returning(&joined.member, vec![]), at(2)).await;
    restored.join("ben", "User", Some("Premium"), at(3)).await;
    assert_eq!(restored.used(at(4)).await, [2, 0]);
    restored.assert_sound().await;
    // What is found by a part of a line is computed by functions of the database's own.
    let found = server.numbers("usher1", "SELECT connection::text, count(*) FROM audit WHERE connection IS NOT NULL GROUP BY 1").await;
    assert_eq!(found, [("okta".to_owned(), 3)]);
}

/// The server chooses the plan of a statement anew once it was asked a few times, so it is asked often; what it looked at is what it counted.
#[tokio::test]
async fn a_login_never_looks_at_everybody() {
    const LOGINS: i64 = 30;
    let server = Postgres::start().await;
    let world = World::new(node(&server.create_database().await).await, 1_000, 0).await;
    let crowd = "
        INSERT INTO person (id, parent, email, email_folded, name, search, service_account, created_at)
            SELECT 'per_' || i, 'parent', 'p' || i || '@crowd.example', 'p' || i || '@crowd.example', 'P', 'p', 0, 1 FROM generate_series(1, 5000) i;
        INSERT INTO link (id, person, connection, subject, created_at) SELECT 'lnk_' || i, 'per_' || i, 'okta', 's' || i, 1 FROM generate_series(1, 5000) i;
        INSERT INTO member (id, person, organization, status, role, seat_unassigned, primary_owner, last_login_at, joined_at, revision)
            SELECT 'mem_' || i, 'per_' || i, 'acme', 'active', 'User', 0, 0, 1, 1, 1 FROM generate_series(1, 5000) i;
        ANALYZE; SELECT pg_stat_reset()";
    server.execute("usher0", crowd.to_owned()).await;
    for number in 0..LOGINS {
        let name = format!("p{number}");
        let member = world.join(&name, "User", Some("Premium"), at(number)).await.member;
        world.login(&identity(&name), &returning(&member, vec![]), at(1_000 + number)).await;
    }
    let large = "SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE relname IN ('member', 'person', 'link') ORDER BY relname";
    // The server counts a little later than it looks: at each of these logins twice.
    let looked = "SELECT relname::text, idx_scan FROM pg_stat_user_tables WHERE relname = 'link'";
    while server.numbers("usher0", looked).await.iter().all(|(_, times)| *times < 4 * LOGINS) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let none = ["link", "member", "person"].map(|table| (table.to_owned(), 0));
    assert_eq!(server.numbers("usher0", large).await, none);
}

/// A connection keeps the plan that it made when there was one line, so it is asked often.
/// In Danish "aa" comes after "z", also within the ids of people.
#[tokio::test]
async fn a_review_finds_what_everybody_came_with_whatever_the_language_of_the_database() {
    let server = Postgres::start().await;
    let made = "CREATE DATABASE danish OWNER gateway TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'da'";
    server.execute("postgres", made.to_owned()).await;
    let world = World::new(node(&server.url("danish")).await, 1_000, 0).await;
    for number in 0..150 {
        world.join(&format!("person-{number}"), "User", Some("Premium"), at(number)).await;
    }
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = world.store.list_preview_members(&acme(), after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.person.id);
        for member in &page {
            assert!(member.last.is_some(), "{:?} came with something", member.person);
            seen += 1;
        }
    }
    assert_eq!(seen, 150);
}

#[tokio::test]
async fn the_last_line_of_the_log_is_never_found_by_reading_the_log() {
    let server = Postgres::start().await;
    two_nodes(&server, 10).await;
    server.execute("usher0", "ANALYZE; SELECT pg_stat_reset()".to_owned()).await;
    server.execute("usher0", "SELECT usher_last_line();".repeat(30)).await;
    let looked = "SELECT 'audit', seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'audit'";
    while server.numbers("usher0", looked).await.iter().any(|(_, times)| *times < 30) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let read = "SELECT 'audit', seq_scan FROM pg_stat_user_tables WHERE relname = 'audit'";
    assert_eq!(server.numbers("usher0", read).await, [("audit".to_owned(), 0)]);
}

/// Whether they come back in time to be used again, or so late that they are closed.
#[tokio::test]
async fn logins_that_nobody_waits_for_any_more_leave_nothing_behind() {
    let server = Postgres::start().await;
    let (world, _) = two_nodes(&server, 100).await;
    let mut other = PgConnection::connect(&server.url("usher0")).await.unwrap();
    for (number, late) in [0, 1_500].into_iter().enumerate() {
        // Somebody else is writing a line.
        sqlx::raw_sql("BEGIN; SELECT usher_last_line()").execute(&mut other).await.unwrap();
        let names: Vec<String> = (0..20).map(|caller| format!("p{number}-{caller}")).collect();
        let logins =
            names.iter().map(|name| tokio::time::timeout(Duration::from_millis(300), world.join(name, "User", Some("Premium"), at(1))));
        let given_up = futures_util::future::join_all(logins).await;
        assert!(given_up.iter().all(Result::is_err));
        tokio::time::sleep(Duration::from_millis(late)).await;
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        let names: Vec<String> = (0..20).map(|caller| format!("q{number}-{caller}")).collect();
        futures_util::future::join_all(names.iter().map(|name| world.join(name, "User", Some("Premium"), at(2)))).await;
    }
    assert_eq!(world.used(at(3)).await, [40, 0]);
    let people = "SELECT 'people', count(*) FROM person";
    assert_eq!(server.numbers("usher0", people).await, [("people".to_owned(), 40)]);
    world.assert_sound().await;
}

#[tokio::test]
async fn when_the_server_has_cut_all_connections_one_login_finds_out_for_all() {
    let server = Postgres::start().await;
    let (world, _) = two_nodes(&server, 100).await;
    let names: Vec<String> = (0..20).map(|caller| format!("p{caller}")).collect();
    futures_util::future::join_all(names.iter().map(|name| world.join(name, "User", None, at(1)))).await;
    let kept = "SELECT 'kept', count(*) FROM pg_stat_activity WHERE application_name = 'usher'";
    assert!(server.numbers("postgres", kept).await[0].1 >= 10);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usher'";
    server.execute("postgres", cut.to_owned()).await;
    let ada = identity("ada");
    let comes = async || {
        let facts = world.store.load_facts(FactsQuery { organization: &acme(), identity: &ada, now: at(2) }).await?;
        world.try_commit(&facts, &ada, &newcomer(&ada, "User", None), at(2)).await
    };
    // One of those that read and one of those that write.
    let mut failures = 0;
    while comes().await.is_err() {
        failures += 1;
        // What it found out is told to the others right after it has failed.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(failures <= 3, "{failures}");
    world.assert_sound().await;
}

/// The writer of the server's log would come by later.
#[tokio::test]
async fn connections_to_a_server_that_takes_no_writes_any_more_are_given_up() {
    let server = Postgres::start().await;
    let (world, _) = two_nodes(&server, 100).await;
    let row = world.join("ada", "User", None, at(1)).await;
    let written = "SELECT pid::text, pid::bigint FROM pg_stat_activity WHERE application_name = 'usher' AND query LIKE 'COMMIT%'";
    let before = server.numbers("postgres", written).await;
    assert!(!before.is_empty());
    // As a server that is made the second one: it answers, and changes nothing.
    for (read_only, works) in [("on", false), ("off", true)] {
        server.execute("postgres", format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}")).await;
        server.execute("postgres", "SELECT pg_reload_conf()".to_owned()).await;
        let comes = async || {
            let facts = world.facts(&identity("ada"), at(2)).await;
            world.try_commit(&facts, &identity("ada"), &returning(&row.member, vec![]), at(2)).await
        };
        while comes().await.is_ok() != works {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.store.ping().await.is_ok(), works, "whoever asks is told");
        assert_eq!(world.store.probe().await.is_ok(), works, "and whoever asks whether it is ready");
    }
    let after = server.numbers("postgres", written).await;
    assert!(!after.is_empty() && after.iter().all(|backend| !before.contains(backend)), "{before:?} {after:?}");
}

/// Every node has the crowd: were it a reason to send nobody, nobody would have a node.
#[tokio::test]
async fn a_server_that_works_is_ready_while_all_who_write_wait_for_one() {
    let server = Postgres::start().await;
    let url = server.create_database().await;
    let world = World::new(node(&url).await, 100, 0).await;
    let mut alone = PgConnection::connect(&url).await.unwrap();
    // What a large save holds while it lasts.
    sqlx::raw_sql("SELECT pg_advisory_lock(1970497637, 1)").execute(&mut alone).await.unwrap();
    let names: Vec<String> = (0..20).map(|caller| format!("p{caller}")).collect();
    let crowd = futures_util::future::join_all(names.iter().map(|name| async {
        let who = identity(name);
        let facts = world.facts(&who, at(1)).await;
        world.try_commit(&facts, &who, &newcomer(&who, "User", None), at(1)).await
    }));
    let mut crowd = std::pin::pin!(crowd);
    let waiting = "SELECT 'waiting', count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'";
    let is_full = async {
        while server.numbers("postgres", waiting).await[0].1 < 8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! { _ = &mut crowd => panic!("nobody waits"), () = is_full => {} }
    let asked = async {
        world.store.probe().await.unwrap();
        assert_eq!(server.numbers("postgres", waiting).await[0].1, 8, "they still wait");
    };
    tokio::select! { _ = &mut crowd => panic!("it waited as long as they"), () = asked => {} }
    alone.close().await.unwrap();
    crowd.await;
}

#[tokio::test]
async fn a_login_that_was_answered_is_on_the_servers_disk() {
    let settings = ["wal_writer_delay = 10s", "wal_writer_flush_after = 0", "autovacuum = off"];
    let server = Postgres::start_with(|_| settings.map(ToOwned::to_owned).to_vec()).await;
    let (world, _) = two_nodes(&server, 100).await;
    for number in 0..5 {
        world.join(&format!("p{number}"), "User", Some("Premium"), at(number)).await;
        let waiting = "SELECT 'bytes', (pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn())::bigint";
        let [(_, bytes)] = &server.numbers("postgres", waiting).await[..] else { panic!() };
        // A login is thousands of bytes; what the server notes of itself are a few.
        assert!(*bytes < 500, "{bytes}");
    }
}

/// How long a use case may take when the server is no good.
const BOUND: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_needs_no_restart_of_ours() {
    let mut server = Postgres::start().await;
    let (world, _) = two_nodes(&server, 10).await;
    server.kill();
    let asked = Instant::now();
    assert!(matches!(world.store.find_settings().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(world.store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(asked.elapsed() < BOUND);
    server.restart().await;
    // Connections that broke say so once each.
    while world.store.ping().await.is_err() {
        assert!(asked.elapsed() < BOUND + BOUND);
    }
    world.join("ada", "User", Some("Premium"), at(1)).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_and_nothing_waits_for_it() {
    let server = Postgres::start().await;
    let (world, _) = two_nodes(&server, 10).await;
    server.signal_all("STOP");
    let asked = Instant::now();
    let answers = futures_util::future::join_all((0..40).map(|_| world.store.find_settings())).await;
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))));
    server.signal_all("CONT");
    while world.store.ping().await.is_err() {
        assert!(asked.elapsed() < BOUND + BOUND);
    }
    world.join("ada", "User", Some("Premium"), at(1)).await;
    world.assert_sound().await;
}
