//! A running gateway in front of an echo: real sockets, real stores, a clock that can be turned, and a session store that can be unplugged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use axum::Extension;
use axum::extract::Query;
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use usher::clock::Clock;
use usher::config::{Alias, Allow, Config, Database, Limits, Log, LogFormat, Route, Server, SessionLimits, Tls};
use usher::core::{ConnectionId, DoorSession, OrganizationId, ProviderLogout, ReturnTo};
use usher::proxy::{IdentityKeys, PlainPages, Proxy};
use usher::server::{Dispatch, Listen, Live, Serving, start};
use usher::session::{Client, NewSession, Place, SessionKey, Sessions, WayIn};
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::ephemeral::{Ephemeral, EphemeralError, Published};
use usher::store::sqlite::SqliteStore;
use usher::store::{MemberRow, Store, StoreError};

use super::ask::{Ask, Reply};
use super::echo::Echo;
use crate::store::fixtures::{self, Backend, acme, at, identity};

/// A clock that stands still until it is turned.
#[derive(Debug)]
pub(crate) struct TurnedClock {
    micros: AtomicI64,
    elapsed_micros: AtomicU64,
}

impl TurnedClock {
    pub(crate) fn standing_at(time: Timestamp) -> Self {
        Self { micros: AtomicI64::new(time.as_microsecond()), elapsed_micros: AtomicU64::new(0) }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.set_forward(time);
        self.elapsed_micros.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Somebody sets it: no time passes by that.
    pub(crate) fn set_forward(&self, time: Duration) {
        self.micros.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, time: Duration) {
        self.micros.fetch_sub(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.elapsed_micros.load(Ordering::SeqCst))
    }
}

/// A session store that fails while it is unplugged.
#[derive(Debug)]
pub(crate) struct Unplugged {
    inner: Arc<dyn Ephemeral>,
    pub down: AtomicBool,
    /// How often it was asked for something.
    pub asked: AtomicUsize,
    held: Mutex<Option<Arc<Hold>>>,
}

/// Somebody takes a key, and stands still just before.
#[derive(Debug)]
pub(crate) struct Hold {
    key: String,
    pub reached: Notify,
    pub go_on: Notify,
}

impl Unplugged {
    /// Whoever takes this key from now on waits for [`Hold::go_on`].
    pub(crate) fn hold(&self, key: &str) -> Arc<Hold> {
        let hold = Arc::new(Hold { key: key.to_owned(), reached: Notify::new(), go_on: Notify::new() });
        *self.held.lock().unwrap() = Some(Arc::clone(&hold));
        hold
    }

    fn check(&self) -> Result<(), EphemeralError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) { Err(EphemeralError("unplugged".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Ephemeral for Unplugged {
    async fn ping(&self) -> Result<(), EphemeralError> {
        self.check()
    }
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), EphemeralError> {
        self.check()?;
        self.inner.put(key, value, ttl).await
    }
    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, EphemeralError> {
        self.check()?;
        self.inner.replace(key, value, ttl).await
    }
    async fn find(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        self.check()?;
        self.inner.find(key).await
    }
    async fn take(&self, key: &str) -> Result<Option<Bytes>, EphemeralError> {
        self.check()?;
        let held = self.held.lock().unwrap().take_if(|hold| hold.key == key);
        if let Some(hold) = held {
            hold.reached.notify_one();
            hold.go_on.notified().await;
        }
        self.inner.take(key).await
    }
    async fn claim(&self, key: &str, ttl: Duration) -> Result<bool, EphemeralError> {
        self.check()?;
        self.inner.claim(key, ttl).await
    }
    async fn delete(&self, key: &str) -> Result<bool, EphemeralError> {
        self.check()?;
        self.inner.delete(key).await
    }
    async fn insert_into_set(&self, set: &str, member: &str, ttl: Duration) -> Result<(), EphemeralError> {
        self.check()?;
        self.inner.insert_into_set(set, member, ttl).await
    }
    async fn remove_from_set(&self, set: &str, member: &str) -> Result<(), EphemeralError> {
        self.check()?;
        self.inner.remove_from_set(set, member).await
    }
    async fn list_set(&self, set: &str) -> Result<Vec<String>, EphemeralError> {
        self.check()?;
        self.inner.list_set(set).await
    }
    async fn list_oldest(&self, set: &str, at_most: u32) -> Result<Vec<String>, EphemeralError> {
        self.check()?;
        self.inner.list_oldest(set, at_most).await
    }
    async fn count(&self, key: &str, window: Duration) -> Result<u64, EphemeralError> {
        self.check()?;
        self.inner.count(key, window).await
    }
    async fn publish(&self, message: Bytes) -> Result<(), EphemeralError> {
        self.check()?;
        self.inner.publish(message).await
    }
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Published> {
        self.inner.subscribe()
    }
}

struct Sqlite(Arc<SqliteStore>);

#[async_trait]
impl Backend for Sqlite {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
    async fn execute(&self, statement: String) {
        panic!("nothing here writes rows by hand: {statement}");
    }
}

/// The gateway and everything around it.
pub(crate) struct Gateway {
    pub address: SocketAddr,
    pub app: Echo,
    pub clock: Arc<TurnedClock>,
    pub ephemeral: Arc<Unplugged>,
    pub sessions: Arc<Sessions>,
    pub proxy: Arc<Proxy>,
    pub members: fixtures::World,
    pub keys: Arc<IdentityKeys>,
    pub live: Arc<ArcSwap<Live>>,
    pub serving: Option<Serving>,
    pub stop: CancellationToken,
    /// Where its database is, if that is nobody else's; it goes with the test, which does not wait for the threads that serve.
    folder: Option<TempDir>,
}

pub(crate) const IDLE: Duration = Duration::from_hours(1);
pub(crate) const LIFETIME: Duration = Duration::from_hours(4);

/// Five apps in front of one echo: `app` for members, `admin` for administrators, `premium` for a tier, `open` for anyone, `any` for whoever is signed in.
fn routes(upstreams: &[url::Url]) -> Vec<Route> {
    let allow = [
        ("app", Allow::Members),
        ("admin", Allow::Role(fixtures::role("Admin"))),
        ("premium", Allow::Tier(fixtures::tier("Premium"))),
        ("open", Allow::Public),
        ("any", Allow::SignedIn),
    ];
    allow
        .into_iter()
        .map(|(name, allow)| Route {
            host: format!("{name}.acme.example"),
            upstreams: upstreams.to_vec(),
            organization: acme(),
            allow,
            public_paths: vec!["/healthz".to_owned(), "/socket-for-all".to_owned()],
            aliases: BTreeMap::from([(Alias::Email, http::HeaderName::from_static("remote-user"))]),
            idle_timeout: Duration::from_mins(1),
        })
        .collect()
}

pub(crate) fn config(upstreams: &[url::Url]) -> Config {
    Config {
        public_url: "https://auth.acme.example".parse().unwrap(),
        data_dir: "/nowhere".into(),
        database: Database::Sqlite,
        redis: None,
        server: Server {
            listen: "127.0.0.1:0".parse().unwrap(),
            trusted_proxies: vec![],
            max_body_bytes: 1 << 20,
            shutdown_delay: Duration::ZERO,
            shutdown_grace: Duration::from_secs(5),
        },
        tls: Tls::Off,
        ops_listen: "127.0.0.1:0".parse().unwrap(),
        session: SessionLimits { idle_timeout: IDLE, lifetime: LIFETIME, outage_grace: Duration::from_mins(5) },
        limits: Limits::default(),
        routes: routes(upstreams),
        log: Log { format: LogFormat::Json, level: "info".to_owned() },
        org_file: None,
    }
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A gateway with a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::build(change, None).await
    }

    pub(crate) async fn with_tls(tls: Arc<rustls::ServerConfig>) -> Self {
        Self::build(|_| {}, Some(tls)).await
    }

    async fn build(change: impl FnOnce(&mut Config), tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(at(0)));
        let folder = TempDir::new().unwrap();
        let backend = Box::new(Sqlite(Arc::new(SqliteStore::open(&folder.path().join("usher.db")).await.unwrap())));
        let members = fixtures::World::new(backend, 5, 5).await;
        let mut gateway = Self::on(Arc::new(MemoryStore::new(clock.clone())), members, clock, change, tls).await;
        gateway.folder = Some(folder);
        gateway
    }

    /// A node on stores that others may share.
    pub(crate) async fn on(
        inner: Arc<dyn Ephemeral>,
        members: fixtures::World,
        clock: Arc<TurnedClock>,
        change: impl FnOnce(&mut Config),
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let app = Echo::start().await;
        let mut config = config(&[app.url()]);
        change(&mut config);
        let ephemeral = Arc::new(Unplugged { inner, down: AtomicBool::new(false), asked: AtomicUsize::new(0), held: Mutex::default() });
        let sessions = Arc::new(Sessions::new(ephemeral.clone(), members.store.clone(), clock.clone(), config.session));
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(sessions.clone().listen()));
        let keys = Arc::new(IdentityKeys::make().unwrap());
        let proxy = Arc::new(Proxy::new(&config, sessions.clone(), keys.clone(), Arc::new(PlainPages), clock.clone()));
        let pages = auth_host(sessions.clone(), members.store.clone());
        let dispatch = Dispatch { proxy: Arc::clone(&proxy), hosts: BTreeMap::from([("auth.acme.example".to_owned(), pages)]) };
        let trusted_proxies = config.server.trusted_proxies.clone();
        let live = Arc::new(ArcSwap::from_pointee(Live { dispatch, tls, trusted_proxies }));
        let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), threads: 2, delay: Duration::ZERO, grace: Duration::from_secs(5) };
        let serving = start(&listen, &live, &stop).unwrap();
        let address = serving.address();
        Self { address, app, clock, ephemeral, sessions, proxy, members, keys, live, serving: Some(serving), stop, folder: None }
    }

    /// Answers for the apps with another proxy from now on, as after a reload.
    pub(crate) fn reload(&self, proxy: Arc<Proxy>) {
        let dispatch = Dispatch { proxy, hosts: BTreeMap::new() };
        self.live.store(Arc::new(Live { dispatch, tls: None, trusted_proxies: vec![] }));
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Reply {
        ask.send(self.address).await
    }

    /// Makes `name` a member.
    pub(crate) async fn join(&self, name: &str, role: &str, seat: Option<&str>) -> MemberRow {
        self.members.join(name, role, seat, at(0)).await
    }

    /// Signs a member in on the auth host; the cookie's value.
    pub(crate) async fn sign_in(&self, name: &str) -> String {
        let reply = self.ask(Ask::to("auth.acme.example", "GET", &format!("/test-login?name={name}"))).await;
        reply.cookie("__Host-usher").unwrap_or_else(|| panic!("{reply:?}"))
    }

    /// Takes someone who is signed in on the auth host into an app, the way a browser goes; the app's cookie.
    pub(crate) async fn enter(&self, token: &str, host: &str) -> String {
        let start = self.ask(Ask::to(host, "GET", "/").navigate()).await;
        let nonce = start.cookie("__Host-usher-enter").unwrap();
        let login = start.header("location").unwrap().strip_prefix("https://auth.acme.example").unwrap().to_owned();
        let ticket = self.ask(Ask::to("auth.acme.example", "GET", &login).cookie(token)).await;
        let enter = ticket.header("location").unwrap().strip_prefix(&format!("https://{host}")).unwrap().to_owned();
        let entered = self.ask(Ask::to(host, "GET", &enter).header("Cookie", &format!("__Host-usher-enter={nonce}"))).await;
        assert_eq!((entered.status, entered.header("location")), (303, Some("/")), "{entered:?}");
        entered.cookie("__Host-usher").unwrap()
    }

    /// A member with a session in the app: name, role, seat.
    pub(crate) async fn member_inside(&self, name: &str, role: &str, seat: Option<&str>) -> (MemberRow, String) {
        let row = self.join(name, role, seat).await;
        let token = self.sign_in(name).await;
        (row, self.enter(&token, "app.acme.example").await)
    }

    /// What the provider of a connection says when this person's session there has ended.
    pub(crate) fn logout_of(&self, connection: &str, name: &str) -> ProviderLogout {
        let (connection, indexes) = (ConnectionId::parse(connection).unwrap(), vec![format!("index-{name}")]);
        ProviderLogout { connection, name_id: None, indexes, issued_at: self.clock.now() }
    }

    pub(crate) fn key(token: &str) -> SessionKey {
        SessionKey::of(token.as_bytes()).unwrap()
    }

    /// Stops, and waits until the last thread has.
    pub(crate) async fn finish(mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().finished().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Login {
    return_to: String,
    enter: Option<String>,
}

/// As much of an auth host as the tests need: a login that believes everyone, and the way into an app.
fn auth_host(sessions: Arc<Sessions>, store: Arc<dyn Store>) -> axum::Router {
    axum::Router::new()
        .route("/test-login", get(test_login))
        .route("/login", get(login))
        .route("/test-who", get(test_who))
        .layer(Extension(store))
        .layer(sessions.layer())
        .layer(Extension(sessions))
}

async fn test_login(
    session: tower_sessions::Session,
    Extension(sessions): Extension<Arc<Sessions>>,
    Extension(store): Extension<Arc<dyn Store>>,
    Query(Name { name }): Query<Name>,
) -> Result<String, http::StatusCode> {
    let identity = identity(&name);
    let row = find(store.as_ref(), &name).await.unwrap();
    let new = NewSession {
        person: row.person.id,
        way: WayIn::Connection {
            connection: identity.connection,
            subject: identity.subject,
            door_session: DoorSession { index: Some(format!("index-{name}")), ..DoorSession::default() },
        },
        organizations: BTreeMap::from([(row.member.organization, row.member.id)]),
        client: Client::new(Some("192.0.2.7".to_owned()), Some("Firefox")),
    };
    let record = sessions.start_on_auth_host(&session, new).await.map_err(|_| http::StatusCode::SERVICE_UNAVAILABLE)?;
    assert_eq!(record.place, Place::AuthHost);
    assert_eq!(sessions.find_on_auth_host(&session).await.unwrap().unwrap().key, record.key);
    Ok(record.key.to_string())
}

async fn find(store: &dyn Store, name: &str) -> Result<MemberRow, StoreError> {
    let organization: OrganizationId = acme();
    let rows = store.find_members_by_email(&organization, &fixtures::email(&format!("{name}@acme.example"))).await?;
    Ok(rows.into_iter().next().expect("join before you sign in"))
}

async fn login(
    session: tower_sessions::Session,
    Extension(sessions): Extension<Arc<Sessions>>,
    Query(Login { return_to, enter }): Query<Login>,
) -> Result<Redirect, String> {
    let origins: Vec<String> = ["app", "admin", "premium", "open", "any"].map(|name| format!("https://{name}.acme.example")).into();
    let return_to = ReturnTo::parse(&return_to, &origins).unwrap();
    let Some(record) = sessions.find_on_auth_host(&session).await.unwrap() else { return Err("please sign in".to_owned()) };
    let ticket = sessions.issue_ticket(&record, &return_to, enter.as_deref()).await.unwrap();
    Ok(Redirect::to(&format!("{}/.usher/enter?ticket={ticket}", return_to.origin())))
}

async fn test_who(session: tower_sessions::Session, Extension(sessions): Extension<Arc<Sessions>>) -> String {
    match sessions.find_on_auth_host(&session).await {
        Ok(Some(record)) => record.person.to_string(),
        Ok(None) => "nobody".to_owned(),
        Err(error) => error.to_string(),
    }
}
