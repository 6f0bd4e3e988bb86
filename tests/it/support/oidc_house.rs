//! A gateway whose OpenID provider is the test itself: it says whatever it likes, at a time that stands still.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use usher::clock::Clock as _;
use usher::store::ephemeral::Ephemeral;
use usher::store::ephemeral::memory::MemoryStore;

use super::browser::{Browser, Page};
use super::gateway::TurnedClock;
use super::installation::{CONNECTION, Installation, ORGANIZATION, Site};
use super::op::{CLIENT_ID, CLIENT_SECRET, Key, Knobs, Op};

/// Another connection of the same gateway, at another provider.
pub(crate) const OTHER: &str = "other";

pub(crate) struct OidcHouse {
    pub(crate) usher: Installation,
    pub(crate) clock: Arc<TurnedClock>,
    pub(crate) op: Op,
    pub(crate) other: Op,
}

impl OidcHouse {
    /// Two connections, [`CONNECTION`] at `op` and [`OTHER`] at `other`; `more` goes into the first.
    pub(crate) async fn open(more: &str) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(Timestamp::from_second(1_800_000_000).unwrap()));
        Self::open_on(Arc::new(MemoryStore::new(clock.clone())), clock, more).await
    }

    /// The same with another limit for sign-ins.
    pub(crate) async fn open_limited(sign_in: u32) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(Timestamp::from_second(1_800_000_000).unwrap()));
        Self::open_limited_on(Arc::new(MemoryStore::new(clock.clone())), clock, sign_in).await
    }

    /// The same on a store that others may share.
    pub(crate) async fn open_limited_on(ephemeral: Arc<dyn Ephemeral>, clock: Arc<TurnedClock>, sign_in: u32) -> Self {
        Self::edited_on(ephemeral, clock, |usher_toml| usher_toml.replace("sign_in = 100000", &format!("sign_in = {sign_in}"))).await
    }

    /// The same behind another proxy on this machine, which asks whether requests may pass.
    pub(crate) async fn open_behind_a_proxy() -> Self {
        let clock = Arc::new(TurnedClock::standing_at(Timestamp::from_second(1_800_000_000).unwrap()));
        let behind = |usher_toml: String| usher_toml.replace("[ops]", "trusted_proxies = [\"127.0.0.1\"]\n[ops]");
        Self::edited_on(Arc::new(MemoryStore::new(clock.clone())), clock, behind).await
    }

    async fn edited_on(ephemeral: Arc<dyn Ephemeral>, clock: Arc<TurnedClock>, edit: impl FnOnce(String) -> String) -> Self {
        let (op, other) = (Op::start(clock.now()).await, Op::start(clock.now()).await);
        let org_toml = format!("{ORGANIZATION}\n{}", connections(&op, &other, ""));
        let usher = Installation::edited_on(ephemeral, Site::new(), &org_toml, clock.clone(), edit).await;
        Self { usher, clock, op, other }
    }

    /// The same on a store that others may share.
    pub(crate) async fn open_on(ephemeral: Arc<dyn Ephemeral>, clock: Arc<TurnedClock>, more: &str) -> Self {
        let (op, other) = (Op::start(clock.now()).await, Op::start(clock.now()).await);
        let connections = connections(&op, &other, more);
        let usher = Installation::start_on(ephemeral, Site::new(), &connections, clock.clone()).await;
        Self { usher, clock, op, other }
    }

    /// Lets time pass, for the provider as well, which is good again: long enough that nothing is remembered of it.
    pub(crate) fn next_day(&self, turn: impl FnOnce(&mut Knobs)) {
        self.clock.pass(Duration::from_hours(25));
        let now = self.clock.now();
        self.op.set(|knobs| {
            *knobs = Knobs::good(now, Key::es256());
            turn(knobs);
        });
    }

    /// Starts a login, as far as the provider; where the browser goes there.
    pub(crate) async fn start(&self, browser: &mut Browser, connection: &str) -> Page {
        let start = browser.visit(&self.usher.site.auth(&format!("/login/{connection}?return_to={}", self.usher.site.app("/")))).await;
        browser.follow_until(start, |url| url.host_str() == Some("op.localhost")).await
    }

    /// The address to which the provider sends this browser back.
    pub(crate) fn callback(&self, connection: &str, query: &str) -> String {
        self.usher.site.auth(&format!("/oidc/{connection}/callback?{query}"))
    }

    /// A whole login at `op`, as whoever it says it is.
    pub(crate) async fn login(&self, browser: &mut Browser) -> Page {
        let page = self.start(browser, CONNECTION).await;
        let Some(url) = page.location() else { return page };
        let query = self.op.authorize(url.as_str());
        browser.open(&self.callback(CONNECTION, &query)).await
    }

    /// Whether the auth host knows this browser.
    pub(crate) async fn is_signed_in(&self, browser: &mut Browser) -> bool {
        browser.visit(&self.usher.site.auth("/")).await.status == 200
    }
}

fn connections(op: &Op, other: &Op, more: &str) -> String {
    let connection = |id: &str, op: &Op, more: &str| {
        format!(
            "[[connection]]\nid = \"{id}\"\nprotocol = \"oidc\"\nname = \"{id}\"\ndomains = [\"acme.example\"]\ninternal = true\nissuer = \"{}\"\n\
             client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\nalgorithms = [\"ES256\"]\n{more}\n",
            op.issuer()
        )
    };
    connection(CONNECTION, op, more) + &connection(OTHER, other, "")
}
