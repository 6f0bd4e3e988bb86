//! A gateway with one route and somebody who is signed in, for `tests/bench/run`: says as one line of JSON where it listens and which cookie to send, and
//! serves until its input ends.
//!
//! `cargo bench --bench proxy -- http://127.0.0.1:9000 [--threads N] [--trust] [--redis redis://…] [--sessions N] [--tls DIRECTORY]`
//!
//! `--trust`: it believes proxies on this machine, and answers `/forward-auth`. `--sessions`: so many, fifty of each person; their cookies are in the
//! file `tokens`, one a line. `--tls`: it speaks TLS, with `cert.pem` and `key.pem` of that directory.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use usher::clock::{Clock as _, SystemClock};
use usher::core::{OrganizationId, RedisAddress, ReturnTo};
use usher::proxy::{IdentityKeys, PlainPages, Proxy};
use usher::server::{Dispatch, Listen, Live, start, tls_config};
use usher::session::{Entered, Sessions, binding_of};
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::ephemeral::redis::RedisStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{CommitOutcome, FactsQuery, LoginCommit, MemberRow, RequestOrigin, Store};

mod acme;
mod comer;
mod node;

use acme::{Error, settings};
use comer::{identity, newcomer};
use node::{HOST, config, sign_in};

/// Sessions of one person: many, so that what is asked about each session is the session; and so few that a login, which looks at all of its person's
/// sessions, takes no time.
const EACH: usize = 50;
/// Logins at a time.
const TOGETHER: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Some(wishes) = Wishes::read()? else { return Ok(()) };
    let config = config(&wishes.upstream, std::env::temp_dir())?;
    let clock = Arc::new(SystemClock);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_in_memory().await?);
    store.save_settings(&settings()?, None, "bench", clock.now()).await?;
    let ephemeral: Arc<dyn Ephemeral> = match &wishes.redis {
        Some(address) => Arc::new(RedisStore::new(&RedisAddress::parse(address)?)?),
        None => Arc::new(MemoryStore::new(clock.clone())),
    };
    let sessions = Arc::new(Sessions::new(ephemeral, Arc::clone(&store), clock.clone(), config.session));
    let tokens = sign_everyone_in(&sessions, &store, wishes.sessions).await?;
    let file = std::env::temp_dir().join(format!("usher-bench-tokens-{}", std::process::id()));
    std::fs::write(&file, tokens.join("\n"))?;

    let proxy = Proxy::new(&config, sessions, Arc::new(IdentityKeys::make()?), Arc::new(PlainPages), clock);
    let hosts = BTreeMap::from([("auth.localhost".to_owned(), axum::Router::new())]);
    let dispatch = Dispatch { proxy: Arc::new(proxy), hosts };
    let listen = Listen { address: config.server.listen, threads: wishes.threads, delay: Duration::ZERO, grace: Duration::ZERO };
    let trusted_proxies = if wishes.trust { vec!["127.0.0.0/8".parse()?] } else { vec![] };
    let tls = wishes.tls.as_deref().map(read_tls).transpose()?;
    let live = Arc::new(ArcSwap::from_pointee(Live { dispatch, tls, trusted_proxies }));
    let stop = CancellationToken::new();
    let serving = start(&listen, &live, &stop)?;
    let first = tokens.first().ok_or("nobody is signed in")?;
    let said = json!({ "address": serving.address().to_string(), "host": HOST, "cookie": format!("__Host-usher={first}"), "tokens": file });
    #[expect(clippy::print_stdout, reason = "this is what it is started for")]
    {
        println!("{said}");
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    stop.cancel();
    serving.finished().await;
    std::fs::remove_file(file)?;
    Ok(())
}

/// What the command line asks for; `None` when there is nothing to measure (`cargo test --benches`).
struct Wishes {
    upstream: String,
    threads: usize,
    trust: bool,
    redis: Option<String>,
    sessions: usize,
    tls: Option<PathBuf>,
}

impl Wishes {
    fn read() -> Result<Option<Self>, Error> {
        let mut wishes = Self { upstream: String::new(), threads: 1, trust: false, redis: None, sessions: 1, tls: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {}
                "--trust" => wishes.trust = true,
                "--threads" => wishes.threads = value()?.parse()?,
                "--redis" => wishes.redis = Some(value()?),
                "--sessions" => wishes.sessions = value()?.parse()?,
                "--tls" => wishes.tls = Some(value()?.into()),
                _ => wishes.upstream = argument,
            }
        }
        Ok((!wishes.upstream.is_empty()).then_some(wishes))
    }
}

fn read_tls(directory: &Path) -> Result<Arc<rustls::ServerConfig>, Error> {
    let read = |name| std::fs::read_to_string(directory.join(name));
    Ok(tls_config(&read("cert.pem")?, &read("key.pem")?)?)
}

/// The cookies of so many sessions.
async fn sign_everyone_in(sessions: &Arc<Sessions>, store: &Arc<dyn Store>, count: usize) -> Result<Vec<String>, Error> {
    let mut people = Vec::new();
    for number in 0..count.div_ceil(EACH) {
        people.push((join(store.as_ref(), number).await?, number));
    }
    let mut turns = people.into_iter().cycle().take(count);
    let mut tokens = Vec::with_capacity(count);
    while tokens.len() < count {
        let some = turns.by_ref().take(TOGETHER).map(|(row, number)| {
            let sessions = Arc::clone(sessions);
            tokio::spawn(async move { enter(&sessions, row, number).await })
        });
        for entered in some.collect::<Vec<_>>() {
            tokens.push(entered.await??);
        }
    }
    Ok(tokens)
}

async fn join(store: &dyn Store, number: usize) -> Result<MemberRow, Error> {
    let now = SystemClock.now();
    let (organization, identity) = (OrganizationId::parse("acme")?, identity(number)?);
    let facts = store.load_facts(FactsQuery { organization: &organization, identity: &identity, now }).await?;
    let (decision, origin) = (newcomer(&identity), RequestOrigin::default());
    let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
    match store.commit_login(commit).await? {
        CommitOutcome::Committed(committed) => committed.member.ok_or_else(|| "nobody joined".into()),
        CommitOutcome::LostRace => Err("a login without rivals lost a race".into()),
    }
}

/// The way that a browser goes, without the browser.
async fn enter(sessions: &Arc<Sessions>, row: MemberRow, number: usize) -> Result<String, Error> {
    let (record, _) = sign_in(sessions, row, identity(number)?).await?;
    let origin = format!("http://{HOST}");
    let ticket = sessions.issue_ticket(&record, &ReturnTo::home(&origin), Some(&binding_of(b"nonce"))).await?;
    match sessions.take_ticket(&ticket, &origin, HOST, Some(b"nonce")).await? {
        Entered::Started { token, .. } => Ok(token),
        other => Err(format!("the ticket was not taken: {other:?}").into()),
    }
}
