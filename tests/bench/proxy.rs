//! A gateway with one route and one session, for `tests/bench/run`: prints where it listens and the cookie to send, and serves until its input ends.
//!
//! `cargo bench --bench proxy -- http://127.0.0.1:9000 [threads]`

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use usher::clock::{Clock as _, SystemClock};
use usher::config::{Allow, Config, Database, Limits, Log, LogFormat, Route, Server, SessionLimits, Tls};
use usher::core::{DoorSession, OrganizationId, ReturnTo};
use usher::proxy::{IdentityKeys, PlainPages, Proxy};
use usher::server::{Dispatch, Listen, Live, start};
use usher::session::{Client, CookieStore, Entered, NewSession, Sessions, WayIn, binding_of};
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, MemberRow, RequestOrigin, Store};

mod acme;

use acme::{Error, identity, newcomer, settings};

const HOST: &str = "app.localhost";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let Some(upstream) = arguments.next() else { return Ok(()) };
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let config = config(&upstream)?;
    let clock = Arc::new(SystemClock);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_in_memory().await?);
    let row = join(store.as_ref()).await?;
    let sessions = Arc::new(Sessions::new(Arc::new(MemoryStore::new(clock.clone())), store, clock.clone(), config.session));
    let token = enter(&sessions, row).await?;
    let proxy = Proxy::new(&config, sessions, Arc::new(IdentityKeys::make()?), Arc::new(PlainPages), clock);
    let dispatch = Dispatch { proxy: Arc::new(proxy), hosts: BTreeMap::new() };
    let listen = Listen { address: config.server.listen, threads, grace: Duration::ZERO };
    let live = Arc::new(ArcSwap::from_pointee(Live { dispatch, tls: None, trusted_proxies: vec![] }));
    let stop = CancellationToken::new();
    let serving = start(&listen, &live, &stop)?;
    #[expect(clippy::print_stdout, reason = "this is what it is started for")]
    {
        println!("{} {HOST} __Host-usher={token}", serving.address());
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    stop.cancel();
    serving.finished().await;
    Ok(())
}

async fn join(store: &dyn Store) -> Result<MemberRow, Error> {
    let now = SystemClock.now();
    store.save_settings(&settings()?, None, "bench", now).await?;
    let (organization, identity) = (OrganizationId::parse("acme")?, identity(1)?);
    let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await?;
    let (decision, origin) = (newcomer(&identity), RequestOrigin::default());
    let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
    match store.commit_login(commit).await? {
        CommitOutcome::Committed(committed) => committed.member.ok_or_else(|| "nobody joined".into()),
        CommitOutcome::LostRace => Err("a login without rivals lost a race".into()),
    }
}

/// The way that a browser goes, without the browser.
async fn enter(sessions: &Arc<Sessions>, row: MemberRow) -> Result<String, Error> {
    let identity = identity(1)?;
    let new = NewSession {
        person: row.person.id,
        way: WayIn::Connection { connection: identity.connection, subject: identity.subject, door_session: DoorSession::default() },
        organizations: BTreeMap::from([(row.member.organization, row.member.id)]),
        client: Client::default(),
    };
    let browser = tower_sessions::Session::new(None, Arc::new(CookieStore::new(Arc::clone(sessions))), None);
    let record = sessions.start_on_auth_host(&browser, new).await?;
    let origin = format!("http://{HOST}");
    let ticket = sessions.issue_ticket(&record, &ReturnTo::home(&origin), Some(&binding_of(b"nonce"))).await?;
    match sessions.take_ticket(&ticket, &origin, HOST, Some(b"nonce")).await? {
        Entered::Started { token, .. } => Ok(token),
        other => Err(format!("the ticket was not taken: {other:?}").into()),
    }
}

fn config(upstream: &str) -> Result<Config, Error> {
    let route = Route {
        host: HOST.to_owned(),
        upstreams: vec![upstream.parse()?],
        organization: OrganizationId::parse("acme")?,
        allow: Allow::Members,
        public_paths: vec![],
        aliases: BTreeMap::new(),
        idle_timeout: Duration::from_mins(1),
    };
    let listen = "127.0.0.1:0".parse()?;
    Ok(Config {
        public_url: "http://auth.localhost".parse()?,
        data_dir: std::env::temp_dir(),
        database: Database::Sqlite,
        redis: None,
        server: Server { listen, trusted_proxies: vec![], max_body_bytes: 1 << 20, shutdown_grace: Duration::ZERO },
        tls: Tls::Off,
        ops_listen: listen,
        session: SessionLimits {
            idle_timeout: Duration::from_hours(8),
            lifetime: Duration::from_hours(12),
            outage_grace: Duration::from_mins(5),
        },
        limits: Limits::default(),
        routes: vec![route],
        log: Log { format: LogFormat::Json, level: "warn".to_owned() },
        org_file: None,
    })
}
