//! Every way in which a session ends, done at one node as people and providers do it, while another node serves the person with an open WebSocket and an
//! open stream of events. Once the nodes hear each other, and once nobody may publish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use usher::admin::settings::{Confirmations, SettingsChange};
use usher::admin::{Actor, Who};
use usher::clock::Clock as _;
use usher::core::{MemberId, RedisAddress};
use usher::saml::message::Kind;
use usher::session::CACHE_AGE;
use usher::store::RequestOrigin;
use usher::store::ephemeral::redis::RedisStore;

use super::within_a_second;
use crate::attacks::saml::logout::{logout_request, query};
use crate::store::fixtures::acme;
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::gateway::TurnedClock;
use crate::support::installation::{Installation, Site};
use crate::support::op::{CLIENT_ID, CLIENT_SECRET, Op};
use crate::support::redis::Redis;
use crate::support::saml_house::SamlHouse;
use crate::support::saml_idp::{Draft, IDP, IDP_CERT, Signer, now};

/// What ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    LogoutAtTheApp,
    LogoutAtUsher,
    EndedByAnAdmin,
    Removed,
    Blocked,
    /// The next login of the same person finds no role for them.
    RemovedByALogin,
    /// The SAML provider's logout.
    SamlLogout,
    /// The OpenID provider's, told by its server.
    BackChannel,
    /// Another role by other settings, which are to be in force now.
    Demoted,
}

impl Way {
    /// Other settings make every node look again, so they come last.
    const ALL: [Self; 9] = [
        Self::LogoutAtTheApp,
        Self::LogoutAtUsher,
        Self::EndedByAnAdmin,
        Self::Removed,
        Self::Blocked,
        Self::RemovedByALogin,
        Self::SamlLogout,
        Self::BackChannel,
        Self::Demoted,
    ];

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// The groups of a member without another role, and of somebody who is left to administer.
const MEMBER: [&str; 2] = ["everyone", "others"];
const OWNER: [&str; 2] = ["everyone", "app-owners"];

/// Three nodes; what is done is done at the first.
struct Three {
    first: SamlHouse,
    others: [SocketAddr; 2],
    op: Op,
    redis: Redis,
}

impl Three {
    async fn start() -> Self {
        let (redis, clock) = (Redis::start().await, Arc::new(TurnedClock::standing_at(now())));
        let store = || Arc::new(RedisStore::new(&RedisAddress::parse(&redis.url()).unwrap()).unwrap());
        let op = Op::start(clock.now()).await;
        op.set(|op| op.claims = json!({ "email": "backchannel@acme.example", "groups": ["everyone"] }));
        let connections = format!(
            "[[connection]]\nid = \"okta\"\nprotocol = \"saml\"\ndomains = [\"acme.example\"]\nentity_id = \"{IDP}\"\n\
             sso_url = \"https://idp.example/sso\"\nslo_url = \"https://idp.example/slo\"\ncertificates = [\"\"\"{IDP_CERT}\"\"\"]\n\
             [[connection]]\nid = \"op\"\nprotocol = \"oidc\"\nissuer = \"{}\"\ninternal = true\ndomains = [\"acme.example\"]\n\
             client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\nalgorithms = [\"ES256\"]\n",
            op.issuer()
        );
        let usher = Installation::start_on(store(), Site::new(), &connections, clock.clone()).await;
        let mut settings = (*usher.store.find_settings().await.unwrap().unwrap().settings).clone();
        settings.organizations[0].seat_tiers.iter_mut().for_each(|tier| tier.owned = 50);
        usher.store.save_settings(&settings, Some(1), "test", clock.now()).await.unwrap();
        usher.refresh().await;
        let others = [usher.start_beside(store()).await, usher.start_beside(store()).await];
        while redis.say(&["pubsub", "numsub", "usher:news"]).lines().nth(1) != Some("3") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What was looked at in the moment in which the settings were read is looked at again.
        clock.pass(Duration::from_secs(1));
        Self { first: SamlHouse::of(usher, clock), others, op, redis }
    }

    fn nodes(&self) -> [SocketAddr; 3] {
        [self.first.usher.public_address(), self.others[0], self.others[1]]
    }

    /// A login through the SAML provider, which names these groups.
    async fn sign_in(&self, browser: &mut Browser, name: &str, groups: [&str; 2]) {
        let draft = |draft: Draft| {
            let draft = draft.edit("ada@acme", &format!("{name}@acme")).edit("ada-0001", &format!("{name}-0001"));
            draft.edit(">app-admins<", &format!(">{}<", groups[0])).edit(">design<", &format!(">{}<", groups[1]))
        };
        self.first.sign_in(browser, draft).await;
    }

    async fn sign_in_by_oidc(&self, browser: &mut Browser) {
        let page = browser.visit(&self.first.usher.site.auth("/login/op")).await;
        let query = self.op.authorize(page.location().unwrap().as_str());
        browser.open(&self.first.usher.site.auth(&format!("/oidc/op/callback?{query}"))).await;
    }

    async fn member(&self, name: &str) -> MemberId {
        self.first.usher.find_member(name).await.unwrap().id
    }

    /// Does it, at the first node.
    async fn end(&self, way: Way, person: &mut Inside) {
        let usher = &self.first.usher;
        let admin = usher.admin(self.first.clock.clone());
        let operator = Actor { who: Who::Operator, organization: acme(), origin: RequestOrigin::default() };
        match way {
            Way::LogoutAtTheApp => {
                let host = format!("app.localhost:{}", usher.site.port);
                let ask = Ask::to(&host, "POST", "/.usher/logout").cookie(&person.cookie).header("Origin", &usher.site.app(""));
                assert!(usher.public(ask.body("")).await.status < 400);
            }
            Way::LogoutAtUsher => {
                let account = person.browser.visit(&usher.site.auth("/")).await;
                person.browser.submit(&account, account.form_to("/logout")).await;
            }
            Way::EndedByAnAdmin => {
                admin.end_sessions_of(&operator, self.member(&person.name).await).await.unwrap();
            }
            Way::Removed | Way::Blocked => {
                let member = self.member(&person.name).await;
                admin.remove_members(&operator, &[member], way == Way::Blocked).await.unwrap();
            }
            Way::RemovedByALogin => self.sign_in(&mut Browser::new(), &person.name, ["none", "of ours"]).await,
            Way::SamlLogout => {
                let xml = logout_request(&self.first.scene()).replace("ada-0001", &format!("{}-0001", person.name));
                let (_, query) = query(&Signer::idp(), Kind::Request, &xml, None);
                let answer = Browser::new().visit(&format!("{}?{query}", usher.site.auth("/saml/okta/slo"))).await;
                assert!(answer.location().is_some(), "{} {}", answer.status, answer.text);
            }
            Way::BackChannel => {
                let ask = Ask::to("auth.localhost", "POST", "/oidc/op/backchannel-logout")
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .body(&format!("logout_token={}", self.op.logout_token(&json!({}))));
                assert_eq!(usher.public(ask).await.status, 200);
            }
            Way::Demoted => {
                let mut organization = usher.store.find_settings().await.unwrap().unwrap().settings.organizations[0].clone();
                let admins = organization.role_mappings.iter_mut().find(|mapping| mapping.role.as_str() == "Admin").unwrap();
                admins.groups.iter_mut().for_each(|group| group.value = "nobody".to_owned());
                let change = SettingsChange::Organization(Box::new(organization));
                let review = admin.review_settings(&operator, &change, &|_| ()).await.unwrap();
                let confirmations = Confirmations { apply_now: true, lose_access: review.needs.lose_access, ..Confirmations::default() };
                let saved = admin.save_reviewed(&operator, &review, &confirmations).await.unwrap();
                assert_eq!(saved.ended.sessions, 2, "on the auth host and in the app");
            }
        }
    }
}

/// Somebody in the app, with streams at the last node.
struct Inside {
    name: String,
    browser: Browser,
    cookie: String,
    socket: WebSocketStream<TcpStream>,
    events: TcpStream,
}

impl Inside {
    async fn come(three: &Three, name: &str, groups: [&str; 2]) -> Self {
        let mut browser = Browser::new();
        if name == Way::BackChannel.name() {
            three.sign_in_by_oidc(&mut browser).await;
        } else {
            three.sign_in(&mut browser, name, groups).await;
        }
        let page = browser.open(&three.first.usher.site.app("/")).await;
        let cookie = browser.cookie("app.localhost", "__Host-usher").unwrap_or_else(|| panic!("{name}: {} {}", page.status, page.text));
        let last = three.others[1];
        let mut request = "ws://app.localhost/socket".into_client_request().unwrap();
        request.headers_mut().insert("cookie", format!("__Host-usher={cookie}").parse().unwrap());
        let socket = tokio_tungstenite::client_async(request, TcpStream::connect(last).await.unwrap()).await.unwrap().0;
        let mut events = TcpStream::connect(last).await.unwrap();
        let ask = Ask::to("app.localhost", "GET", "/events").cookie(&cookie).header("Connection", "close");
        events.write_all(&ask.bytes()).await.unwrap();
        let mut status = [0; 12];
        events.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        let inside = Self { name: name.to_owned(), browser, cookie, socket, events };
        for node in three.nodes() {
            assert_eq!(inside.status(node).await, 200, "{name}");
        }
        inside
    }

    async fn status(&self, node: SocketAddr) -> u16 {
        Ask::to("app.localhost", "GET", "/").cookie(&self.cookie).send(node).await.status
    }

    /// Waits until both streams were closed, and the page learned why.
    async fn until_streams_are_closed(&mut self, limit: Duration) {
        let closed =
            tokio::time::timeout(limit, self.socket.next()).await.unwrap_or_else(|_| panic!("{}: the socket is still open", self.name));
        let over = matches!(&closed, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1008);
        assert!(over, "{}: {closed:?}", self.name);
        let mut rest = Vec::new();
        let events = tokio::time::timeout(limit, self.events.read_to_end(&mut rest));
        events.await.unwrap_or_else(|_| panic!("{}: events still come", self.name)).unwrap();
    }
}

async fn everybody(three: &Three) -> Vec<(Way, Inside)> {
    let mut all = Vec::new();
    for way in Way::ALL {
        let groups = if way == Way::Demoted { ["app-admins", "everyone"] } else { MEMBER };
        all.push((way, Inside::come(three, &way.name(), groups).await));
    }
    all
}

/// Who was not meant goes on, streams and all.
async fn assert_goes_on(three: &Three, person: &mut Inside) {
    for node in three.nodes() {
        assert_eq!(person.status(node).await, 200, "{} was not meant", person.name);
    }
    assert!(futures_util::poll!(person.socket.next()).is_pending(), "{} was not meant", person.name);
    // What came until now is read away: it is the next event that counts.
    let mut piece = [0; 4096];
    while let Ok(read) = person.events.try_read(&mut piece) {
        assert!(read > 0, "{} was not meant", person.name);
    }
    assert!(person.events.read(&mut piece).await.unwrap() > 0, "{} was not meant", person.name);
}

#[tokio::test]
async fn whatever_ends_a_session_on_one_node_ends_it_on_all_within_a_second_with_its_streams() {
    let three = Three::start().await;
    let mut other = Inside::come(&three, "kim", OWNER).await;
    for (way, mut person) in everybody(&three).await {
        three.end(way, &mut person).await;
        for node in three.nodes() {
            within_a_second(&format!("{way:?}"), async || person.status(node).await == 401).await;
        }
        person.until_streams_are_closed(Duration::from_secs(1)).await;
    }
    assert_goes_on(&three, &mut other).await;
}

#[tokio::test]
async fn whatever_ends_a_session_while_no_node_hears_of_it_ends_it_on_all_within_seconds() {
    let three = Three::start().await;
    let mut other = Inside::come(&three, "kim", OWNER).await;
    let mut people = everybody(&three).await;
    assert_eq!(three.redis.say(&["ACL", "SETUSER", "default", "-publish"]).trim(), "OK");
    let [first, second, third] = three.nodes();
    for (way, person) in &mut people {
        three.end(*way, person).await;
        assert_eq!(person.status(first).await, 401, "{way:?}");
        if *way != Way::Demoted {
            assert_eq!(person.status(second).await, 200, "{way:?}: this node could not know");
        }
    }
    three.first.clock.pass(CACHE_AGE.unsigned_abs());
    for (way, mut person) in people {
        for node in [second, third] {
            assert_eq!(person.status(node).await, 401, "{way:?}");
        }
        person.until_streams_are_closed(Duration::from_secs(6)).await;
    }
    assert_goes_on(&three, &mut other).await;
}
