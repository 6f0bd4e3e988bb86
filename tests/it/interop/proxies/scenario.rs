//! What has to happen behind every proxy that asks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tempfile::TempDir;

use super::servers::{Place, Running};
use crate::store::fixtures::at;
use crate::support::ask::{Ask, Reply, exchange};
use crate::support::gateway::Gateway;

/// A gateway, an app that shows what it receives, and a proxy in front of both.
pub(super) struct House {
    gateway: Gateway,
    front: Running,
    _directory: TempDir,
}

const TOLD: [&str; 7] =
    ["x-usher-person", "x-usher-email", "x-usher-name", "x-usher-organization", "x-usher-role", "x-usher-seat-tier", "x-usher-assertion"];

impl House {
    pub(super) async fn open(proxy: impl AsyncFnOnce(Place<'_>) -> Running) -> Self {
        let gateway = Gateway::with(|config| {
            config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            config.session.outage_grace = std::time::Duration::ZERO;
        })
        .await;
        let directory = TempDir::new().unwrap();
        let front = proxy(Place { usher: gateway.address, app: gateway.app.address, directory: directory.path() }).await;
        Self { gateway, front, _directory: directory }
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.front.port).into()
    }

    async fn ask(&self, ask: Ask) -> Reply {
        ask.send(self.address()).await
    }

    /// How many requests the app has seen.
    fn at_the_app(&self) -> usize {
        self.gateway.app.seen.requests.load(Ordering::SeqCst)
    }
}

pub(super) async fn a_member_reaches_the_app_and_the_app_knows_who(house: House) {
    let (row, cookie) = house.gateway.member_inside("ada", "Admin", Some("Premium")).await;
    for method in ["GET", "POST"] {
        let ask = Ask::new(method, "/deep/link?a=b").header("Cookie", &format!("theme=dark; __Host-usher={cookie}")).body("");
        let received = house.ask(ask).await.received();
        assert_eq!(received.line, format!("{method} /deep/link?a=b HTTP/1.1"));
        assert_eq!(received.all("x-usher-person"), [row.person.id.to_string()]);
        assert_eq!(received.all("x-usher-email"), ["ada@acme.example"]);
        assert_eq!(received.all("x-usher-role"), ["Admin"]);
        assert_eq!(received.all("x-usher-seat-tier"), ["Premium"]);
        assert_eq!(received.all("x-usher-assertion")[0].split('.').count(), 3);
        assert_eq!(received.all("cookie"), ["theme=dark"], "the session cookie stays with Usher");
    }
}

pub(super) async fn nobody_can_say_what_only_usher_says(house: House) {
    let (_, cookie) = house.gateway.member_inside("ada", "Admin", None).await;
    let claims = |mut ask: Ask| {
        for name in TOLD {
            ask = ask.header(name, "evil").header(&name.to_uppercase(), "evil");
        }
        ask.header("Connection", "close, x-usher-role, X-Usher-Person")
    };
    for ask in [claims(Ask::get("/").cookie(&cookie)), claims(Ask::get("/healthz"))] {
        let received = house.ask(ask).await.received();
        for name in TOLD {
            assert!(!received.all(name).contains(&"evil"), "{name}: {received:?}");
            assert!(received.all(name).len() <= 1, "{name}: {received:?}");
        }
    }
    let signed_in = house.ask(claims(Ask::get("/").cookie(&cookie))).await.received();
    assert_eq!(signed_in.all("x-usher-role"), ["Admin"]);
    let nobody = house.ask(claims(Ask::get("/healthz"))).await.received();
    assert!(TOLD.iter().all(|name| nobody.all(name).iter().all(|value| value.is_empty())), "{nobody:?}");
    // What would choose another path or host to be judged.
    let lies = Ask::get("/")
        .header("X-Forwarded-Uri", "/healthz")
        .header("X-Forwarded-Host", "open.acme.example")
        .header("X-Original-URI", "/healthz");
    let before = house.at_the_app();
    assert_eq!(house.ask(lies).await.status, 401);
    assert_eq!(house.at_the_app(), before);
}

pub(super) async fn a_person_signs_in_and_lands_on_the_deep_link(house: House) {
    house.gateway.join("ada", "Admin", None).await;
    let token = house.gateway.sign_in("ada").await;
    let start = house.ask(Ask::get("/deep/link?a=b").navigate()).await;
    assert_eq!(start.status, 302, "{start:?}\n{}", house.front.server.log());
    let nonce = start.cookie("__Host-usher-enter").unwrap();
    let login = start.header("location").unwrap().strip_prefix("https://auth.acme.example").unwrap().to_owned();
    let ticket = house.ask(Ask::to("auth.acme.example", "GET", &login).cookie(&token)).await;
    let enter = ticket.header("location").unwrap().strip_prefix("https://app.acme.example").unwrap().to_owned();
    let entered = house.ask(Ask::get(&enter).header("Cookie", &format!("__Host-usher-enter={nonce}"))).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/deep/link?a=b")));
    let cookie = entered.cookie("__Host-usher").unwrap();
    assert_eq!(house.ask(Ask::get("/deep/link?a=b").navigate().cookie(&cookie)).await.received().all("x-usher-role"), ["Admin"]);
}

pub(super) async fn a_program_is_told_where_to_sign_in(house: House) {
    for method in ["GET", "POST"] {
        let reply = house.ask(Ask::new(method, "/api?a=b").header("Accept", "application/json").body("")).await;
        assert_eq!((reply.status, reply.header("content-type")), (401, Some("application/problem+json")), "{reply:?}");
        assert!(reply.body.contains("https://auth.acme.example/login?return_to="), "{reply:?}");
    }
    assert_eq!(house.at_the_app(), 0);
}

pub(super) async fn a_refusal_reaches_the_browser(house: House) {
    let (row, cookie) = house.gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(house.ask(Ask::get("/").cookie(&cookie)).await.status, 200);
    house.gateway.members.remove(&row, "ada", at(1)).await;
    house.gateway.sessions.invalidate_member(&row.member.organization, row.person.id);
    let before = house.at_the_app();
    let page = house.ask(Ask::get("/").navigate().cookie(&cookie)).await;
    assert_eq!(page.status, 403, "{page:?}");
    assert!(page.body.contains("not a member"), "{page:?}");
    assert_eq!(house.ask(Ask::get("/").cookie(&cookie)).await.status, 403);
    assert_eq!(house.at_the_app(), before);
}

pub(super) async fn no_odd_path_leads_around_the_question(house: House) {
    let odd = [
        "/healthz/../secret",
        "/healthz/..%2fsecret",
        "/healthz/%2e%2e/secret",
        "/healthz%2f..%2fsecret",
        "/healthz\\..\\secret",
        "/healthz/..;/secret",
        "//secret",
        "/./secret",
        "/secret%23/healthz",
        "/secret%3f/healthz",
        "/secret?/healthz",
        "/.usher/../secret",
        "/.usher/%2e%2e/secret",
        "/.usher%2f..%2fsecret",
        "/.usher/forward-auth/secret",
        "/%2eusher/../secret",
    ];
    for path in odd {
        house.ask(Ask::get(path)).await;
        house.ask(Ask::get(&format!("http://app.acme.example{path}"))).await;
    }
    assert_eq!(house.at_the_app(), 0, "nobody was signed in, so the app has seen nothing");
}

pub(super) async fn a_gateway_that_is_down_is_no(house: House) {
    let (_, cookie) = house.gateway.member_inside("ada", "Admin", None).await;
    assert_eq!(house.ask(Ask::get("/").cookie(&cookie)).await.status, 200);
    let before = house.at_the_app();
    house.gateway.clock.pass(usher::session::CACHE_AGE.unsigned_abs());
    house.gateway.ephemeral.down.store(true, Ordering::SeqCst);
    let reply = house.ask(Ask::get("/").navigate().cookie(&cookie)).await;
    assert!(reply.status >= 500 && reply.header("set-cookie").is_none(), "{reply:?}");
    let address = house.address();
    let app = std::sync::Arc::clone(&house.gateway.app.seen);
    house.gateway.finish().await;
    let reply = exchange(address, &Ask::get("/").cookie(&cookie).header("Connection", "close").bytes()).await;
    assert!(reply.status >= 500, "{reply:?}");
    assert_eq!(app.requests.load(Ordering::SeqCst), before, "the app has seen none of it");
}

pub(super) async fn one_connection_to_the_app_serves_many_requests(house: House) {
    let (_, cookie) = house.gateway.member_inside("ada", "Admin", None).await;
    let statuses: BTreeSet<u16> = {
        let mut statuses = BTreeSet::new();
        for _ in 0..20 {
            statuses.insert(house.ask(Ask::get("/").cookie(&cookie)).await.status);
        }
        statuses
    };
    assert_eq!(statuses, BTreeSet::from([200]));
    let connections = house.gateway.app.seen.connections.load(Ordering::SeqCst);
    assert!(connections <= 4, "{connections} connections for 20 requests: the proxy keeps none of them");
}
