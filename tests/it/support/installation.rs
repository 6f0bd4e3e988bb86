//! A whole Usher, set up as an operator would: two files, stores, keys, an app behind it. Only the process is the test's own.

use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use usher::admin::Admin;
use usher::app::App;
use usher::clock::{Clock, SystemClock};
use usher::config::{self, Config, Loaded};
use usher::core::{EmailAddress, Member, MemberStatus, OrganizationId};
use usher::demo::{Demo, IDP_HOST, Scenario};
use usher::gateway::{Gateway, Parts, load_or_make_sp_keys};
use usher::outbound::Outbound;
use usher::proxy::IdentityKeys;
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{AuditLine, MemberQuery, Store};

use super::ask::{Ask, Received, Reply, exchange_on};
use super::browser::{Browser, Page};
use super::echo::Echo;
use super::port::free_port;

/// The id of the connection that the tests sign in through.
pub(crate) const CONNECTION: &str = "idp";

pub(crate) const ORGANIZATION: &str = r#"
[parent]
name = "Acme"

[[domain]]
name = "acme.example"
verified = "operator"

[[organization]]
id = "acme"
name = "Acme"
plan = "enterprise"
roles = ["Owner", "Admin", "User"]
seat_tiers = [{ name = "Premium", seats = 5 }, { name = "Standard", seats = 5 }]
provisioning = "jit"
group_mappings = true
primary_owner = "olivia@acme.example"
[organization.role_mappings]
Owner = ["app-owners"]
Admin = ["app-admins"]
User = ["everyone"]
[organization.seat_mappings]
Premium = ["design"]
"#;

/// Where an installation will be, before it is there: providers have to be told.
pub(crate) struct Site {
    pub(crate) port: u16,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { port: free_port() }
    }

    /// An address on the auth host.
    pub(crate) fn auth(&self, path: &str) -> String {
        format!("http://auth.localhost:{}{path}", self.port)
    }

    /// An address on the app host.
    pub(crate) fn app(&self, path: &str) -> String {
        format!("http://app.localhost:{}{path}", self.port)
    }
}

/// A running gateway.
pub(crate) struct Installation {
    pub(crate) site: Site,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ops_address: SocketAddr,
    app: Arc<App>,
    echo: Echo,
    stop: CancellationToken,
    data_dir: TempDir,
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Installation {
    /// Starts it with these `[[connection]]`s.
    pub(crate) async fn start(site: Site, connections: &str) -> Self {
        Self::with_organizations(site, &format!("{ORGANIZATION}\n{connections}"), Arc::new(SystemClock)).await
    }

    /// Starts it with this org.toml.
    pub(crate) async fn with_organizations(site: Site, org_toml: &str, clock: Arc<dyn Clock>) -> Self {
        Self::start_with(TempDir::new().unwrap(), site, org_toml, clock).await
    }

    /// Starts it with what is in this folder already, and these `[[connection]]`s, at this time.
    pub(crate) async fn start_in(data_dir: TempDir, site: Site, connections: &str, clock: Arc<dyn Clock>) -> Self {
        Self::start_with(data_dir, site, &format!("{ORGANIZATION}\n{connections}"), clock).await
    }

    async fn start_with(data_dir: TempDir, site: Site, org_toml: &str, clock: Arc<dyn Clock>) -> Self {
        let ephemeral = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        Self::start_edited(data_dir, site, org_toml, clock, ephemeral, |usher_toml| usher_toml).await
    }

    /// Starts it with these `[[connection]]`s on a store that others may share.
    pub(crate) async fn start_on(ephemeral: Arc<dyn Ephemeral>, site: Site, connections: &str, clock: Arc<dyn Clock>) -> Self {
        let org_toml = format!("{ORGANIZATION}\n{connections}");
        Self::start_edited(TempDir::new().unwrap(), site, &org_toml, clock, ephemeral, |usher_toml| usher_toml).await
    }

    /// Starts another node beside this one, which shares its store and keys; where it listens.
    pub(crate) async fn start_beside(&self, ephemeral: Arc<dyn Ephemeral>) -> SocketAddr {
        let mut config = (*self.app.config).clone();
        config.server.listen = ([127, 0, 0, 1], free_port()).into();
        let address = config.server.listen;
        assemble(config, Arc::clone(&self.store), ephemeral, Arc::clone(&self.app.clock), None, &self.stop).await;
        address
    }

    /// Starts it with this org.toml, and a usher.toml that was edited.
    pub(crate) async fn edited(site: Site, org_toml: &str, clock: Arc<dyn Clock>, edit: impl FnOnce(String) -> String) -> Self {
        Self::edited_on(Arc::new(MemoryStore::new(Arc::clone(&clock))), site, org_toml, clock, edit).await
    }

    /// The same on a store that others may share.
    pub(crate) async fn edited_on(
        ephemeral: Arc<dyn Ephemeral>,
        site: Site,
        org_toml: &str,
        clock: Arc<dyn Clock>,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        Self::start_edited(TempDir::new().unwrap(), site, org_toml, clock, ephemeral, edit).await
    }

    async fn start_edited(
        data_dir: TempDir,
        site: Site,
        org_toml: &str,
        clock: Arc<dyn Clock>,
        ephemeral: Arc<dyn Ephemeral>,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        let echo = Echo::start().await;
        let usher_toml = data_dir.path().join("usher.toml");
        std::fs::write(&usher_toml, edit(process(&site, data_dir.path(), &echo))).unwrap();
        std::fs::write(data_dir.path().join("org.toml"), org_toml).unwrap();
        let Loaded { mut config, settings, .. } =
            config::load_with_org(&usher_toml, &config::environment()).unwrap_or_else(|faults| panic!("{faults}"));
        let store = SqliteStore::open(&config.data_dir.join("usher.db")).await.unwrap();
        store.save_settings(&settings.unwrap(), None, "test", clock.now()).await.unwrap();
        // As after `usher apply`: the console may change everything.
        config.org_file = None;
        let stop = CancellationToken::new();
        let (app, ops_address) = assemble(config, Arc::new(store), ephemeral, clock, None, &stop).await;
        Self { site, store: Arc::clone(&app.store), ops_address, app, echo, stop, data_dir }
    }

    /// Starts it with the people, the connections and the provider of the demo.
    pub(crate) async fn demo(clock: Arc<dyn Clock>) -> Self {
        Self::demo_with(clock, |_| {}).await
    }

    /// The same with a changed configuration.
    pub(crate) async fn demo_with(clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        // In its own folder, which goes with the test: a store in memory has one that goes with the last thread that knows the store, and a test does not
        // wait for those that serve.
        let data_dir = TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&data_dir.path().join("usher.db")).await.unwrap());
        Self::demo_in(data_dir, store, clock, change).await
    }

    /// The same on an empty store of the caller's.
    pub(crate) async fn demo_on(store: Arc<dyn Store>, clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        Self::demo_in(TempDir::new().unwrap(), store, clock, change).await
    }

    async fn demo_in(data_dir: TempDir, store: Arc<dyn Store>, clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        let (site, echo) = (Site::new(), Echo::start().await);
        let demo = Demo::new(([127, 0, 0, 1], site.port).into(), Scenario::Default, Arc::clone(&clock)).unwrap();
        demo.prepare(store.as_ref(), clock.now()).await.unwrap();
        let mut config = demo.config(data_dir.path().to_owned(), echo.url()).unwrap();
        change(&mut config);
        let stop = CancellationToken::new();
        let ephemeral = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let (app, ops_address) = assemble(config, store, ephemeral, clock, Some(demo.idp_router()), &stop).await;
        Self { site, store: Arc::clone(&app.store), ops_address, app, echo, stop, data_dir }
    }

    /// Where the public listener is.
    pub(crate) fn public_address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.site.port).into()
    }

    /// What the public listener answers.
    pub(crate) async fn public(&self, ask: Ask) -> Reply {
        ask.send(self.public_address()).await
    }

    /// What it answers somebody with this address.
    pub(crate) async fn public_from(&self, from: [u8; 4], ask: Ask) -> Reply {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        exchange_on(socket.connect(self.public_address()).await.unwrap(), &ask.bytes()).await
    }

    /// What the operations listener answers.
    pub(crate) async fn ops(&self, path: &str) -> Reply {
        Ask::to("localhost", "GET", path).send(self.ops_address).await
    }

    /// Where its files are, for commands beside it.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.data_dir.path()
    }

    /// The use cases of administrators, on its store and sessions.
    pub(crate) fn admin(&self, clock: Arc<dyn Clock>) -> Admin {
        Admin { clock, ..self.app.admin() }
    }

    /// Tries every door again.
    pub(crate) async fn refresh(&self) {
        self.app.refresh(true).await.unwrap();
        let closed = self.app.doors.closed();
        assert!(closed.is_empty(), "{closed:?}");
    }

    /// From now on, whoever asks for a member gets an error: a table is gone.
    pub(crate) fn break_store(&self) {
        self.alter("ALTER TABLE member RENAME TO member_away");
    }

    /// The table is back.
    pub(crate) fn mend_store(&self) {
        self.alter("ALTER TABLE member_away RENAME TO member");
    }

    fn alter(&self, statement: &str) {
        rusqlite::Connection::open(self.folder().join("usher.db")).unwrap().execute_batch(statement).unwrap();
    }

    /// Counts something up in the session store, as so many requests would.
    pub(crate) async fn count_up(&self, key: &str, times: u64) {
        for _ in 0..times {
            self.app.ephemeral.count(key, std::time::Duration::from_mins(1)).await.unwrap();
        }
    }

    /// The active member with this name, if there is one.
    pub(crate) async fn find_member(&self, name: &str) -> Option<Member> {
        let email = EmailAddress::parse(&format!("{name}@acme.example")).unwrap();
        let rows = self.store.find_members_by_email(&acme(), &email).await.unwrap();
        rows.into_iter().map(|row| row.member).find(|member| member.status == MemberStatus::Active)
    }

    /// How many people are members.
    pub(crate) async fn count_members(&self) -> usize {
        let query = MemberQuery { organization: &acme(), search: None, after: None, limit: 500 };
        self.store.list_members(query).await.unwrap().len()
    }

    /// Everything on record with this event.
    pub(crate) async fn audit(&self, event: &str) -> Vec<AuditLine> {
        self.store.list_audit(0, 1000).await.unwrap().into_iter().filter(|line| line.event == event).collect()
    }

    /// Opens the app, as far as where someone has to sign in.
    pub(crate) async fn ask_to_sign_in(&self, browser: &mut Browser) -> Page {
        browser.open(&self.site.app("/welcome?to=acme")).await
    }

    /// Whether this browser is let into the app.
    pub(crate) async fn is_inside(&self, browser: &mut Browser) -> bool {
        let page = browser.fetch(&self.site.app("/")).await;
        assert!([200, 401].contains(&page.status), "{} {}", page.status, page.text);
        page.status == 200
    }

    /// How many requests the app has seen.
    pub(crate) fn requests_of_app(&self) -> usize {
        self.echo.seen.requests.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Starts the gateway, with a provider on its own listener if there is one.
async fn assemble(
    config: Config,
    store: Arc<dyn Store>,
    ephemeral: Arc<dyn Ephemeral>,
    clock: Arc<dyn Clock>,
    idp: Option<axum::Router>,
    stop: &CancellationToken,
) -> (Arc<App>, SocketAddr) {
    let mut gateway = Gateway::new(Parts {
        ephemeral,
        outbound: Arc::new(Outbound::new().unwrap()),
        sp_keys: Arc::new(load_or_make_sp_keys(&config.data_dir, "auth.localhost", clock.now()).unwrap()),
        identity_keys: Arc::new(IdentityKeys::load_or_make(&config.data_dir).unwrap()),
        store,
        config,
        clock,
    });
    if let Some(idp) = idp {
        gateway = gateway.with_host(IDP_HOST, idp);
    }
    let app = Arc::clone(&gateway.app);
    app.refresh(true).await.unwrap();
    let started = gateway.start(stop).await.unwrap();
    (app, started.ops_address)
}

fn acme() -> OrganizationId {
    OrganizationId::parse("acme").unwrap()
}

fn process(site: &Site, data_dir: &std::path::Path, echo: &Echo) -> String {
    format!(
        r#"
public_url = "http://auth.localhost:{port}"
data_dir = "{}"
[server]
listen = "127.0.0.1:{port}"
[ops]
listen = "127.0.0.1:0"
[limits]
sign_in = 100000
api = 100000
[[route]]
host = "app.localhost"
upstream = "http://{}"
organization = "acme"
[org]
file = "org.toml"
"#,
        data_dir.display(),
        echo.address,
        port = site.port,
    )
}

/// What the app was told about the person whom it shows this page: role and seat tier.
pub(crate) fn told(page: &Page) -> (String, String) {
    assert_eq!(page.status, 200, "{} {}", page.url, page.text);
    let received = Received::parse(&page.text);
    let one = |name: &str| match received.all(name)[..] {
        [value] => value.to_owned(),
        ref other => panic!("{name}: {other:?}"),
    };
    (one("x-usher-role"), one("x-usher-seat-tier"))
}
