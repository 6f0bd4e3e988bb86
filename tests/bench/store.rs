//! First logins a second through the store, each durable before it is answered: 64 callers, one organization, a file on this disk or a `PostgreSQL`.
//!
//! `cargo bench --bench store`, or with a directory on the disk that counts: `cargo bench --bench store -- /var/lib/usher`, or with the address of an empty
//! database: `cargo bench --bench store -- postgres://usher@127.0.0.1/usher`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use usher::core::{OrganizationId, Reason};
use usher::store::postgres::PostgresStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, RequestOrigin, Store};

mod acme;

use acme::{Error, admit, identity, newcomer, settings};

const CALLERS: usize = 64;
const LOGINS: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let directory = tempfile::tempdir_in(match &place {
        Some(path) if !path.contains("://") => PathBuf::from(path),
        _ => std::env::temp_dir(),
    })?;
    let store: Arc<dyn Store> = match &place {
        Some(url) if url.contains("://") => Arc::new(PostgresStore::open(url).await?),
        _ => Arc::new(SqliteStore::open(&directory.path().join("usher.db")).await?),
    };
    store.save_settings(&settings()?, None, "bench", usher::clock::Clock::now(&usher::clock::SystemClock)).await?;

    for round in ["first login", "returning"] {
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(call(Arc::clone(&store), Arc::clone(&next)))).collect();
        let mut waits = Vec::new();
        for caller in callers {
            waits.extend(caller.await??);
        }
        let seconds = started.elapsed().as_secs_f64();
        waits.sort_unstable();
        let percentile = |hundredth: usize| waits.get(waits.len() * hundredth / 100).copied().unwrap_or_default();
        #[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a benchmark says its figures, and they are small")]
        {
            let rate = LOGINS as f64 / seconds;
            println!("{round}: {rate:.0}/s with {CALLERS} callers; facts + commit p50 {} us, p99 {} us", percentile(50), percentile(99));
        }
    }
    assert_eq!(store.check_integrity().await?, Vec::<String>::new());
    Ok(())
}

async fn call(store: Arc<dyn Store>, next: Arc<AtomicUsize>) -> Result<Vec<u128>, Error> {
    let organization = OrganizationId::parse("acme")?;
    let mut waits = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= LOGINS {
            return Ok(waits);
        }
        let started = Instant::now();
        let now = usher::clock::Clock::now(&usher::clock::SystemClock);
        let identity = identity(number)?;
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
