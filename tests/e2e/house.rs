//! The demo inside of the test: the same people, provider and pages, with a clock that can be turned and a store that can fail.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use usher::admin::{Actor, Admin, Who};
use usher::app::App;
use usher::clock::{Clock, SystemClock};
use usher::core::OrganizationId;
use usher::demo::{self, Demo, Scenario};
use usher::gateway::{Gateway, Parts};
use usher::outbound::Outbound;
use usher::proxy::IdentityKeys;
use usher::saml::SpKeys;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{RequestOrigin, Store};

use crate::demo::{Site, free_port};

/// When a house opens, so that pictures of it are always of the same day.
const OPENING: &str = "2026-11-03T08:00:00Z";

/// The machine's clock, turned by so many seconds.
#[derive(Debug)]
struct TurnedClock(AtomicI64);

impl TurnedClock {
    fn opening() -> Self {
        let opening: Timestamp = OPENING.parse().unwrap();
        Self(AtomicI64::new(opening.duration_since(SystemClock.now()).as_secs()))
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.now().as_duration().unsigned_abs()
    }
}

/// A demo that runs in this process until it is dropped.
pub(crate) struct House {
    site: Site,
    clock: Arc<TurnedClock>,
    app: Arc<App>,
    stop: CancellationToken,
    folder: TempDir,
}

impl Deref for House {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl House {
    /// With the sample app.
    pub(crate) async fn open() -> Self {
        Self::open_before(None).await
    }

    /// With this app, or the sample.
    pub(crate) async fn open_before(upstream: Option<Url>) -> Self {
        for _ in 0..5 {
            // A port that was free a moment ago can be taken by now.
            if let Some(house) = Self::open_at(free_port(), upstream.clone()).await {
                return house;
            }
        }
        unreachable!("five ports were taken");
    }

    async fn open_at(port: u16, upstream: Option<Url>) -> Option<Self> {
        let clock = Arc::new(TurnedClock::opening());
        let time: Arc<dyn Clock> = Arc::<TurnedClock>::clone(&clock);
        let folder = tempfile::tempdir().unwrap();
        let demo = Demo::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Scenario::Default, Arc::clone(&time)).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&database(folder.path())).await.unwrap());
        demo.prepare(store.as_ref(), time.now()).await.unwrap();
        let outbound = Arc::new(Outbound::new().unwrap());
        let upstream = match upstream {
            Some(upstream) => upstream,
            None => serve_sample(&demo, &store, &outbound).await,
        };
        let (key, certificate) = SpKeys::generate(demo::AUTH_HOST, time.now()).unwrap();
        let gateway = Gateway::new(Parts {
            config: demo.config(folder.path().to_owned(), upstream).unwrap(),
            store,
            ephemeral: Arc::new(MemoryStore::new(Arc::clone(&time))),
            outbound,
            sp_keys: Arc::new(SpKeys::from_pem(&key, &certificate).unwrap()),
            identity_keys: Arc::new(IdentityKeys::make().unwrap()),
            clock: time,
        });
        let gateway = gateway.with_host(demo::IDP_HOST, demo.idp_router());
        let (app, stop) = (Arc::clone(&gateway.app), CancellationToken::new());
        app.refresh(true).await.unwrap();
        gateway.start(&stop).await.ok()?;
        Some(Self { site: Site { port }, clock, app, stop, folder })
    }

    /// So much later.
    pub(crate) fn wait(&self, time: SignedDuration) {
        self.clock.0.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    /// The secret of a recovery link for the Primary Owner.
    pub(crate) async fn recovery_link(&self) -> String {
        let App { store, sessions, clock, .. } = self.app.as_ref();
        let admin = Admin { store: Arc::clone(store), sessions: Arc::clone(sessions), clock: Arc::clone(clock), file: None };
        let organization = OrganizationId::parse(demo::ORGANIZATION).unwrap();
        let operator = Actor { who: Who::Operator, organization, origin: RequestOrigin::default() };
        admin.create_recovery_link(&operator, None).await.unwrap().token
    }

    /// From now on, whoever asks for a member gets an error: a table is gone.
    pub(crate) fn break_store(&self) {
        self.alter("ALTER TABLE member RENAME TO member_away");
    }

    /// The table is back.
    pub(crate) fn mend_store(&self) {
        self.alter("ALTER TABLE member_away RENAME TO member");
    }

    fn alter(&self, statement: &'static str) {
        rusqlite::Connection::open(database(self.folder.path())).unwrap().execute_batch(statement).unwrap();
    }
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("usher.db")
}

async fn serve_sample(demo: &Demo, store: &Arc<dyn Store>, outbound: &Arc<Outbound>) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(demo::serve(listener, demo.app_router(Arc::clone(store), Arc::clone(outbound))));
    Url::parse(&format!("http://{address}")).unwrap()
}
