//! Logins a second through the store, each durable before it is answered: 64 callers, a file on this disk or a `PostgreSQL`.
//!
//! `cargo bench --bench store -- [--people N] [--logins N] [--organizations N] [DIRECTORY | postgres://…]`
//!
//! The directory should be on the disk that counts; a database should be empty. `--people`: so many are members before, written by the SQL below, because
//! a million logins would take longer than anybody waits. They have a person, a link and a membership, and no history.
//! Then the same by the least that the store has to do (`bare`), in the same database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use sqlx::{Connection as _, PgConnection};
use usher::core::{Organization, OrganizationId, Reason, Settings};
use usher::store::postgres::PostgresStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, RequestOrigin, Store};

mod acme;
mod bare;
mod comer;

use acme::{Error, settings};
use comer::{admit, identity, newcomer};

const CALLERS: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Some(wishes) = Wishes::read()? else { return Ok(()) };
    let directory = tempfile::tempdir_in(&wishes.directory)?;
    let file = directory.path().join("usher.db");
    let store: Arc<dyn Store> = match &wishes.postgres {
        Some(url) => Arc::new(PostgresStore::open(url).await?),
        None => Arc::new(SqliteStore::open(&file).await?),
    };
    store.save_settings(&several(wishes.organizations)?, None, "bench", usher::clock::Clock::now(&usher::clock::SystemClock)).await?;
    fill(&wishes, &file).await?;
    let (people, logins, organizations) = (wishes.people, wishes.logins, wishes.organizations);
    for (round, first) in [("first", true), ("returning", false)] {
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                // Whoever returns is anybody, early or late.
                let number = move |nth: usize| if first { people + nth } else { nth.wrapping_mul(7_919) % (people + logins) };
                tokio::spawn(call(Arc::clone(&store), Arc::clone(&next), logins, (organizations, number)))
            })
            .collect();
        let mut waits = Vec::new();
        for caller in callers {
            waits.extend(caller.await??);
        }
        let seconds = started.elapsed().as_secs_f64();
        waits.sort_unstable();
        let percentile = |hundredth: usize| waits.get(waits.len() * hundredth / 100).copied().unwrap_or_default();
        #[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a benchmark says its figures, and they are small")]
        {
            let rate = logins as f64 / seconds;
            let said = serde_json::json!({ "round": round, "people": people, "organizations": organizations, "per_second": rate, "p50_us": percentile(50), "p99_us": percentile(99) });
            println!("{said}");
        }
    }
    for (round, first) in [("bare first", true), ("bare returning", false)] {
        let bare = bare::Round { first, logins, people: people + logins, organizations };
        let per_second = match &wishes.postgres {
            Some(url) => bare::postgres(url, bare).await?,
            None => bare::sqlite(&file, bare)?,
        };
        #[expect(clippy::print_stdout, reason = "a benchmark says its figures")]
        {
            println!(
                "{}",
                serde_json::json!({ "round": round, "people": people, "organizations": organizations, "per_second": per_second })
            );
        }
    }
    Ok(())
}

/// Acme, so many times.
fn several(organizations: usize) -> Result<Settings, Error> {
    let mut settings = settings()?;
    let one = settings.organizations.first().cloned().ok_or("there is no organization")?;
    for number in 1..organizations {
        settings.organizations.push(Organization { id: OrganizationId::parse(&bare::organization_id(number))?, ..one.clone() });
    }
    Ok(settings)
}

/// What the command line asks for; `None` when there is nothing to measure (`cargo test --benches`).
struct Wishes {
    people: usize,
    logins: usize,
    organizations: usize,
    directory: PathBuf,
    postgres: Option<String>,
}

impl Wishes {
    fn read() -> Result<Option<Self>, Error> {
        let mut wishes = Self { people: 0, logins: 10_000, organizations: 1, directory: std::env::temp_dir(), postgres: None };
        let mut arguments = std::env::args().skip(1);
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--people" => wishes.people = value()?.parse()?,
                "--organizations" => wishes.organizations = value()?.parse()?,
                "--logins" => wishes.logins = value()?.parse()?,
                url if url.contains("://") => wishes.postgres = Some(argument),
                _ => wishes.directory = argument.into(),
            }
        }
        Ok(is_bench.then_some(wishes))
    }
}

async fn fill(wishes: &Wishes, file: &Path) -> Result<(), Error> {
    if let Some(url) = &wishes.postgres {
        let mut connection = PgConnection::connect(url).await?;
        for statement in people(wishes.people, wishes.organizations) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
        sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
    } else {
        let connection = rusqlite::Connection::open(file)?;
        for statement in people(wishes.people, wishes.organizations) {
            connection.execute_batch(&statement)?;
        }
        // On the disk, so that the logins do not wait for what was written before them.
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        std::fs::File::open(file)?.sync_all()?;
    }
    Ok(())
}

/// Statements that make members 0 to `count`, as [`identity`] numbers them; both databases understand them.
fn people(count: usize, organizations: usize) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)");
    let id = |kind: &str| format!("'{kind}_' || substr('00000000000000000000000000000000' || i, length('' || i) + 1)");
    let organization = format!("CASE i % {organizations} WHEN 0 THEN 'acme' ELSE 'acme' || (i % {organizations}) END");
    let (person, member, link) = (id("per"), id("mem"), id("lnk"));
    let insert = |into: &str, values: String| format!("INSERT INTO {into} {numbers} SELECT {values} FROM n");
    vec![
        insert(
            "person (id, parent, email, email_folded, name, search, service_account, created_at)",
            format!(
                "{person}, 'parent', 'person' || i || '@acme.example', 'person' || i || '@acme.example', 'Person ' || i,
                 'person ' || i || ' person' || i || '@acme.example', 0, 1700000000000000"
            ),
        ),
        insert(
            "link (id, person, connection, subject, created_at)",
            format!("{link}, {person}, 'okta', 'subject-' || i, 1700000000000000"),
        ),
        insert(
            "member (id, person, organization, status, role, seat, seat_unassigned, primary_owner, last_login_at, last_groups_at, joined_at, revision)",
            format!(
                "{member}, {person}, {organization}, 'active', 'User', 'Standard', 0, 0, 1700000000000000, 1700000000000000, 1700000000000000, 1"
            ),
        ),
        format!("UPDATE seat SET used = used + {count}, owned = owned + {count}"),
    ]
}

async fn call(
    store: Arc<dyn Store>,
    next: Arc<AtomicUsize>,
    logins: usize,
    (organizations, number): (usize, impl Fn(usize) -> usize),
) -> Result<Vec<u128>, Error> {
    let mut waits = Vec::new();
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        if nth >= logins {
            return Ok(waits);
        }
        let started = Instant::now();
        let now = usher::clock::Clock::now(&usher::clock::SystemClock);
        let (organization, identity) =
            (OrganizationId::parse(&bare::organization_id(number(nth) % organizations))?, identity(number(nth))?);
        let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await?;
        let decision = if facts.linked.is_some() { admit(Reason::OkExisting, vec![]) } else { newcomer(&identity) };
        let origin = RequestOrigin::default();
        let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
        if store.commit_login(commit).await? == CommitOutcome::LostRace {
            return Err("a login without rivals lost a race".into());
        }
        waits.push(started.elapsed().as_micros());
    }
}
