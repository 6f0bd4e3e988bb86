//! What a node says and does while a server that it stands on is gone, and while it stops, at each door that people knock at.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;
use usher::clock::{Clock as _, SystemClock};

use super::{Answer, Files, Node, PATIENCE, ada, answer, callback, go_to_provider, org_toml, send_answer};
use crate::support::ask::{Ask, Reply};
use crate::support::browser::{Browser, Page};
use crate::support::echo::Echo;
use crate::support::installation::Site;
use crate::support::op::{CLIENT_ID, CLIENT_SECRET, Op};
use crate::support::port::free_port;
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;
use crate::support::saml_house::provider;

const APP: &str = "app.localhost";
const AUTH: &str = "auth.localhost";
const COOKIE: &str = "__Host-usher";

/// A node and what it stands on.
pub(super) struct House {
    pub(super) node: Node,
    pub(super) site: Site,
    redis: Redis,
    postgres: Postgres,
    pub(super) op: Op,
    _app: Echo,
}

impl House {
    async fn open() -> Self {
        let (redis, postgres) = Self::servers().await;
        let (sessions, database) = (redis.url(), postgres.create_database().await);
        Self::open_on(redis, postgres, &sessions, &database).await
    }

    pub(super) async fn servers() -> (Redis, Postgres) {
        // What it holds is there again after a kill, so that only what the node threw away by itself is missing.
        (Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await, Postgres::start().await)
    }

    /// A node that reaches both servers at these addresses.
    pub(super) async fn open_on(redis: Redis, postgres: Postgres, sessions: &str, database: &str) -> Self {
        let (app, port) = (Echo::start().await, free_port());
        let op = Op::start(SystemClock.now()).await;
        op.set(|op| op.claims = json!({ "sub": "bo", "email": "bo@acme.example" }));
        let connection = format!(
            "[[connection]]\nid = \"op\"\nprotocol = \"oidc\"\nissuer = \"{}\"\ninternal = true\ndomains = [\"acme.example\"]\n\
             client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\nalgorithms = [\"ES256\"]\n",
            op.issuer()
        );
        let top = format!("database = \"{database}\"\nredis = \"{sessions}\"");
        let server = "shutdown_delay = \"3s\"";
        let files = Files { public: port, port, ops: free_port(), app: app.address, top: &top, server, more: "" };
        let node = Node::start(&files, &org_toml(&connection)).await;
        Self { node, site: Site { port }, redis, postgres, op, _app: app }
    }

    async fn ops(&self, path: &str) -> Reply {
        Ask::to("localhost", "GET", path).send(SocketAddr::from(([127, 0, 0, 1], self.node.ops))).await
    }

    /// What `/readyz` answers, and which parts it names as not ready.
    pub(super) async fn readiness(&self) -> (u16, Vec<String>) {
        let reply = self.ops("/readyz").await;
        let not_ready = |part: &serde_json::Value| (part["ready"] == false).then(|| part["name"].as_str().unwrap().to_owned());
        (reply.status, reply.json()["parts"].as_array().unwrap().iter().filter_map(not_ready).collect())
    }

    /// What the metrics say of both stores.
    async fn stores_up(&self) -> [(&'static str, f64); 2] {
        let metrics = self.ops("/metrics").await.body;
        ["database", "sessions"].map(|store| {
            let series = format!("usher_store_up{{store=\"{store}\"}} ");
            let value = metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("{series}: {metrics}"));
            (store, value.parse().unwrap())
        })
    }

    pub(super) async fn until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.node.is_ready().await {
            assert!(Instant::now() < deadline, "{}", self.node.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// People at their browsers when it happens.
pub(super) struct People {
    /// Inside, with a page of the app, and of the console, before.
    pub(super) ada: Browser,
    /// Back from the SAML provider, with its answer.
    pub(super) mia: (Browser, Answer),
    /// Back from the OpenID provider, at this address.
    pub(super) bo: (Browser, String),
}

impl People {
    pub(super) async fn come(house: &House) -> Self {
        let (mut ada, _) = ada(&house.site).await;
        assert_eq!(ada.open(&house.site.app("/")).await.status, 200);
        assert_eq!(ada.open(&house.site.auth("/admin/acme")).await.status, 200);
        let mut mia = Browser::new();
        let asked = go_to_provider(&mut mia, &house.site).await;
        let answer = answer_of_mia(&house.site, &asked);
        let mut bo = Browser::new();
        let back = callback(&mut bo, &house.site, &house.op).await;
        Self { ada, mia: (mia, answer), bo: (bo, back) }
    }
}

pub(super) fn answer_of_mia(site: &Site, asked: &Url) -> Answer {
    answer(site, asked, |draft| draft.edit("ada@acme.example", "mia@acme.example").edit("ada-0001", "mia-0001"))
}

/// Not now; and nothing is taken away from the browser.
pub(super) fn assert_not_now(page: &Page) {
    assert_eq!(page.status, 503, "{} {}", page.url, page.text);
    assert!(page.headers.contains_key("retry-after") && !page.headers.contains_key("set-cookie"), "{}: {:?}", page.url, page.headers);
}

#[tokio::test]
async fn without_redis_nobody_comes_in_and_whoever_was_at_the_door_does_when_it_is_back() {
    let mut house = House::open().await;
    let People { mut ada, mia: (mut mia, answer), bo: (mut bo, back) } = People::come(&house).await;
    assert_eq!((house.readiness().await, house.stores_up().await), ((200, vec![]), [("database", 1.0), ("sessions", 1.0)]));
    house.redis.kill();
    assert_eq!(house.readiness().await, (503, vec!["sessions".to_owned()]));
    assert_eq!(house.stores_up().await, [("database", 1.0), ("sessions", 0.0)]);

    assert_eq!(ada.visit(&house.site.app("/")).await.status, 200, "whoever is known goes on");
    assert_eq!(ada.visit(&house.site.auth("/admin/acme")).await.status, 200, "in the console too");
    assert_not_now(&ada.visit(&house.site.auth("/admin/acme/sessions")).await);
    for door in ["/login", "/login/okta", "/login/op"] {
        assert_not_now(&Browser::new().visit(&house.site.auth(door)).await);
    }
    assert_not_now(&send_answer(&mut mia, &house.site, &answer).await);
    assert_not_now(&bo.open(&back).await);

    house.redis.restart().await;
    house.until_ready().await;
    assert_eq!(send_answer(&mut mia, &house.site, &answer).await.status, 200, "the same answer, sent again");
    assert_eq!(bo.open(&back).await.status, 200, "the same address, opened again");
    assert!(mia.cookie(APP, COOKIE).is_some() && bo.cookie(AUTH, COOKIE).is_some());
    assert_eq!(ada.open(&house.site.auth("/admin/acme/sessions")).await.status, 200);
}

#[tokio::test]
async fn without_postgres_sessions_work_and_logins_and_the_console_say_so() {
    let mut house = House::open().await;
    let People { mut ada, mia: (mut mia, answer), bo: (mut bo, back) } = People::come(&house).await;
    house.postgres.kill();
    assert_eq!(house.readiness().await, (503, vec!["database".to_owned()]));
    assert_eq!(house.stores_up().await, [("database", 0.0), ("sessions", 1.0)]);

    assert_eq!(ada.visit(&house.site.app("/")).await.status, 200, "whoever is known goes on");
    for page in ["/admin/acme", "/admin/acme/members", "/admin/acme/sessions"] {
        assert_not_now(&ada.visit(&house.site.auth(page)).await);
    }
    assert_not_now(&send_answer(&mut mia, &house.site, &answer).await);
    assert_not_now(&bo.open(&back).await);
    assert!(mia.cookie(AUTH, COOKIE).is_none() && bo.cookie(AUTH, COOKIE).is_none());

    house.postgres.restart().await;
    house.until_ready().await;
    assert_eq!(ada.open(&house.site.auth("/admin/acme")).await.status, 200, "nobody was signed out");
    assert_come_in_at_the_second_try(&house, (mia, answer), (bo, back)).await;
}

/// Whoever comes again with what was looked at already, and counts once, is led to the provider again, who lets them in.
pub(super) async fn assert_come_in_at_the_second_try(house: &House, mia: (Browser, Answer), bo: (Browser, String)) {
    let ((mut mia, answer), (mut bo, back)) = (mia, bo);
    let fields = answer.each_ref().map(|(name, value)| (*name, value.as_str()));
    let is_provider = |host: &'static str| move |url: &Url| url.host_str() == Some(host);
    let page = mia.post_until(&provider(), &house.site.auth("/saml/okta/acs"), &fields, is_provider("idp.example")).await;
    let asked = page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text));
    let page = send_answer(&mut mia, &house.site, &answer_of_mia(&house.site, &asked)).await;
    assert!(page.status == 200 && page.url.as_str() == house.site.app("/welcome"), "{} {}", page.url, page.text);
    let page = bo.visit(&back).await;
    let page = bo.follow_until(page, is_provider("op.localhost")).await;
    let asked = page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text));
    let query = house.op.authorize(asked.as_str());
    assert_eq!(bo.open(&house.site.auth(&format!("/oidc/op/callback?{query}"))).await.status, 200);
    assert!(mia.cookie(APP, COOKIE).is_some() && bo.cookie(AUTH, COOKIE).is_some());
}

#[tokio::test]
async fn a_node_that_stops_says_that_it_is_not_ready_and_still_answers() {
    let mut house = House::open().await;
    let (_, cookie) = ada(&house.site).await;
    house.node.signal("TERM");
    let deadline = Instant::now() + PATIENCE;
    while house.readiness().await != (503, vec!["process".to_owned()]) {
        assert!(Instant::now() < deadline, "{:?}", house.readiness().await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reply = house.node.ask(Ask::to(APP, "GET", "/").cookie(&cookie)).await;
    assert_eq!(reply.status, 200, "a balancer that has not looked yet still sends people: {reply:?}");
    house.node.stop().await;
}
