//! A whole life of the real binary, with secrets and personal data planted everywhere, and then a search through everything that it wrote.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use usher::clock::{Clock as _, SystemClock};
use usher::core::{DoorSession, OidcSettings, PendingOidc, RefreshGrant, Secret};
use usher::oidc::Callback;
use usher::proxy::IdentityKeys;

use super::{Files, Node, files_below, org_toml, sign_in, sign_in_by_oidc};
use crate::support::ask::{Ask, Reply};
use crate::support::browser::{Browser, Page};
use crate::support::echo::Echo;
use crate::support::installation::{Site, told};
use crate::support::op::{CLIENT_ID, CLIENT_SECRET, Op};
use crate::support::port::free_port;

/// What may be read nowhere, and what it is.
#[derive(Default)]
struct Planted(BTreeMap<String, &'static str>);

impl Planted {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 8, "{what}: {secret:?} would be found by chance");
        self.0.insert(secret, what);
    }

    /// Every parameter of the addresses on the way that stands for something: codes, states, tickets, parked messages.
    fn add_trail(&mut self, page: &Page) {
        for url in &page.trail {
            for (name, value) in url.query_pairs().filter(|(_, value)| value.len() >= 20) {
                if ["code", "state", "ticket", "message", "enter", "RelayState", "SAMLRequest", "SAMLResponse"].contains(&name.as_ref()) {
                    self.add("a parameter of an address", value.into_owned());
                }
            }
        }
    }

    fn add_cookies(&mut self, browser: &Browser) {
        for host in ["auth.localhost", "app.localhost"] {
            for name in browser.cookies(host) {
                // What stands behind the secret of a browser is the page that it wanted.
                self.add("a cookie", browser.cookie(host, &name).unwrap().split('.').next().unwrap());
            }
        }
    }

    fn look_through(&self, place: &str, text: &str) {
        self.look_through_but(&[], place, text);
    }

    /// Addresses hold what leads on, once, and nothing else of what was planted.
    fn look_through_addresses(&self, page: &Page) {
        for url in page.trail.iter().chain([&page.url]) {
            self.look_through_but(&["a parameter of an address"], "an address", url.as_str());
        }
    }

    fn look_through_but(&self, but: &[&str], place: &str, text: &str) {
        for (secret, what) in self.0.iter().filter(|(_, what)| !but.contains(what)) {
            for spelling in [secret.clone(), url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()] {
                if let Some(at) = text.find(&spelling) {
                    let from = text.floor_char_boundary(at.saturating_sub(200));
                    let to = text.floor_char_boundary((at + spelling.len() + 100).min(text.len()));
                    panic!("{place} says {what}: …{}…", &text[from..to]);
                }
            }
        }
    }
}

/// The people of the story.
const ADDRESS: &str = "planted.address@acme.example";
const NAME: &str = "Planted Person";
const GROUP: &str = "planted-group-of-secrets";
const SECOND_ADDRESS: &str = "planted.second@acme.example";
const STRANGER: &str = "planted.stranger@elsewhere.example";

fn oidc(op: &Op) -> String {
    format!(
        "[[connection]]\nid = \"op\"\nprotocol = \"oidc\"\ndomains = [\"acme.example\"]\ninternal = true\nissuer = \"{}\"\n\
         client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\nalgorithms = [\"ES256\"]\nrefresh = \"15m\"\n",
        op.issuer()
    )
}

/// In by the other door, out again, and as far as to the provider's logout, which gets the ID token as a hint (RP-Initiated Logout 1.0, 2). The pages with
/// the ways to them.
async fn in_and_out_by_oidc(site: &Site, op: &Op, planted: &mut Planted, answers: &mut Vec<(String, String)>) -> [Page; 2] {
    op.set(|op| op.claims["email"] = SECOND_ADDRESS.into());
    op.set(|op| op.claims["groups"] = json!([GROUP, "everyone"]));
    planted.add("an address", SECOND_ADDRESS);
    let mut third = Browser::new();
    let page = sign_in_by_oidc(&mut third, site, op).await;
    assert_eq!(page.status, 200, "{}", page.text);
    planted.add_trail(&page);
    let inside = third.open(&site.app("/by-oidc")).await;
    let received = crate::support::ask::Received::parse(&inside.text);
    planted.add("the app's token", received.all("x-usher-assertion")[0]);
    planted.add_trail(&inside);
    planted.add_cookies(&third);
    let account = third.open(&site.auth("/")).await;
    let out = third.submit(&account, account.form_to("/logout")).await;
    let hint = out.find_link(op.issuer()).unwrap_or_else(|| panic!("{}", out.text));
    let parameter = |name: &str| hint.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    planted.add("an ID token", parameter("id_token_hint"));
    let back = third.open(&format!("{}?state={}", site.auth("/signed-out"), parameter("state"))).await;
    assert_eq!(back.status, 200);
    // The way there belongs into the page; a template writes `&` as it likes.
    let shown = out.text.replace("&#38;", "&").replace("&amp;", "&").replace(hint.as_str(), "");
    answers.push(("the page of a logout".to_owned(), shown));
    answers.push(("the page after a logout".to_owned(), back.text));
    [page, inside]
}

/// Everything that happens to an installation in its life. What is planted on the way, and what was answered to strangers.
async fn live(node: &Node, site: &Site, op: &Op) -> (Planted, Vec<(String, String)>) {
    let mut planted = Planted::default();
    let mut answers: Vec<(String, String)> = Vec::new();
    let mut trails: Vec<Page> = Vec::new();
    for (what, text) in
        [("an address", ADDRESS), ("a name", NAME), ("a group", GROUP), ("an address", STRANGER), ("a client secret", CLIENT_SECRET)]
    {
        planted.add(what, text);
    }
    for file in ["data/saml.key.pem", "data/identity-keys.pem"] {
        let pem = std::fs::read_to_string(node.path(file)).unwrap();
        pem.lines().filter(|line| !line.starts_with('-') && line.len() > 40).for_each(|line| planted.add("a private key", line));
    }

    // In, and through the app.
    let mut browser = Browser::new();
    let draft = |draft: crate::support::saml_idp::Draft| {
        draft
            .edit("ada@acme.example", ADDRESS)
            .edit("Ada Lovelace", NAME)
            .edit("ada-0001", "planted-subject-of-saml")
            .edit(">design<", &format!(">{GROUP}<"))
    };
    let page = sign_in(&mut browser, site, draft).await;
    assert_eq!(told(&page).0, "Admin");
    let received = crate::support::ask::Received::parse(&page.text);
    planted.add("the app's token", received.all("x-usher-assertion")[0]);
    planted.add_trail(&page);
    trails.push(page);
    planted.add_cookies(&browser);
    planted.add("a subject", "planted-subject-of-saml");

    // The other door, with another address of the same kind.
    op.set(|op| {
        op.claims = json!({ "sub": "planted-subject-of-oidc", "email": STRANGER, "name": NAME, "groups": [GROUP] });
        op.tokens = json!({ "refresh_token": "planted-refresh-token" });
        op.userinfo = json!({ "sub": "planted-subject-of-oidc" });
    });
    planted.add("a token", "planted-refresh-token");
    planted.add("a subject", "planted-subject-of-oidc");
    let mut other = Browser::new();
    let page = sign_in_by_oidc(&mut other, site, op).await;
    assert!(page.status >= 400, "an address of a domain that is not ours: {} {}", page.status, page.text);
    planted.add_trail(&page);
    planted.add_cookies(&other);
    // It says to the person who they are, and to nobody else.
    answers.push(("the page of a refusal".to_owned(), page.text.replace(STRANGER, "")));

    let more = in_and_out_by_oidc(site, op, &mut planted, &mut answers).await;
    trails.extend(more);

    // Messages that are refused: unsigned, for somebody else, not even XML; a code that is none.
    for message in ["PHBsYW50ZWQtbm9uc2Vuc2U+", "planted-garbage-for-the-acs"] {
        let body = format!("SAMLResponse={message}&RelayState=planted-relay-state");
        let reply = post(node, "/saml/okta/acs", &body).await;
        answers.push(("the answer to a refused message".to_owned(), reply));
    }
    planted.add("a refused message", "PHBsYW50ZWQtbm9uc2Vuc2U+");
    planted.add("a refused message", "planted-garbage-for-the-acs");
    planted.add("a relay state", "planted-relay-state");
    let callback = "/oidc/op/callback?code=planted-code-that-is-none&state=planted-state-that-is-none";
    answers.push(("the answer to a made-up callback".to_owned(), get(node, "auth.localhost", callback).await));
    planted.add("a code", "planted-code-that-is-none");
    planted.add("a state", "planted-state-that-is-none");
    let logout = post(node, "/oidc/op/backchannel-logout", "logout_token=planted.logout.token").await;
    answers.push(("the answer to a made-up logout".to_owned(), logout));
    planted.add("a logout token", "planted.logout.token");

    // The sign-in page, by address; the app with what somebody made up; a recovery link; the API.
    for (host, path) in [
        ("auth.localhost", "/recovery/planted-recovery-token-of-nobody-at-all-x0"),
        ("app.localhost", "/secret/path?token=planted-token-in-a-query"),
        ("app.localhost", "/.usher/enter?ticket=planted-ticket-of-nobody-at-all-xxxxxxxxxxx"),
        ("auth.localhost", "/admin/acme?q=planted-query-of-a-console"),
    ] {
        answers.push((format!("the answer to {host}"), get(node, host, path).await));
        planted.add("a part of an address", path.rsplit(['=', '/']).next().unwrap());
    }
    post(node, "/login", &format!("email={}", ADDRESS.replace('@', "%40"))).await;
    let made =
        String::from_utf8(node.usher(&["token", "create", "planted", "--owner", ADDRESS, "--scope", "sessions:read"]).stdout).unwrap();
    let token = made.trim().to_owned();
    let reply = node.ask(Ask::to("auth.localhost", "GET", "/api/v1/organizations/acme/sessions").bearer(&token)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    planted.add("an API token", token);
    let reply =
        node.ask(Ask::to("auth.localhost", "GET", "/api/v1/organizations/acme/sessions").bearer("planted-api-token-of-nobody")).await;
    answers.push(("the API's answer to a stranger".to_owned(), format!("{reply:?}")));
    planted.add("an API token", "planted-api-token-of-nobody");
    let link = String::from_utf8(node.usher(&["admin", "link"]).stdout).unwrap();
    let link = link.lines().find_map(|line| line.find("http").map(|at| line[at..].trim().to_owned())).unwrap();
    planted.add("a recovery link", link.rsplit('/').next().unwrap());
    let mut operator = Browser::new();
    let page = operator.open(&link).await;
    assert_eq!(page.status, 200, "{}", page.text);
    operator.submit(&page, page.forms().remove(0)).await;
    planted.add_cookies(&operator);

    // Pages of an administrator, then out again, and the end.
    for path in ["/", "/admin/acme", "/admin/acme/members", "/admin/acme/activity"] {
        browser.open(&site.auth(path)).await;
    }
    node.usher(&["session", "list"]);
    for page in &trails {
        planted.look_through_addresses(page);
    }
    (planted, answers)
}

async fn get(node: &Node, host: &str, path: &str) -> String {
    shown(&node.ask(Ask::to(host, "GET", path).navigate()).await)
}

async fn post(node: &Node, path: &str, body: &str) -> String {
    let ask = Ask::to("auth.localhost", "POST", path).header("Content-Type", "application/x-www-form-urlencoded");
    shown(&node.ask(ask.body(body)).await)
}

/// An answer without what belongs into it: where to go on keeps what was asked for.
fn shown(reply: &Reply) -> String {
    let headers = reply.headers.iter().filter(|(name, _)| !["location", "set-cookie"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value}\n")).collect::<Vec<_>>().concat();
    let body = if reply.status < 400 { "" } else { reply.body.as_str() };
    format!("{headers}\n{body}")
}

#[tokio::test]
async fn nothing_that_a_whole_life_writes_down_says_a_secret_or_names_a_person() {
    for level in ["debug", "trace"] {
        let (app, port, op) = (Echo::start().await, free_port(), Op::start(SystemClock.now()).await);
        let site = Site { port };
        let redis = crate::support::redis::Redis::start().await;
        let (top, more) = (format!("redis = \"{}\"", redis.url()), format!("[log]\nlevel = \"{level}\"\n"));
        let files = Files { public: port, port, ops: free_port(), app: app.address, top: &top, server: "", more: &more };
        let mut node = Node::start(&files, &org_toml(&oidc(&op))).await;
        let (planted, answers) = live(&node, &site, &op).await;
        let ops = std::net::SocketAddr::from(([127, 0, 0, 1], files.ops));
        let metrics = Ask::to("localhost", "GET", "/metrics").send(ops).await.body;
        let ready = Ask::to("localhost", "GET", "/readyz").send(ops).await.body;
        // What stands in Redis, another machine: nothing that says who is inside, or with what.
        for key in redis.say(&["--scan"]).lines() {
            planted.look_through("the name of a key in Redis", key);
            let dump =
                if redis.say(&["type", key]).trim() == "zset" { redis.say(&["zrange", key, "0", "-1"]) } else { redis.say(&["get", key]) };
            planted.look_through("Redis", &dump);
        }
        node.stop().await;
        planted.look_through("/metrics", &metrics);
        planted.look_through("/readyz", &ready);
        for (place, text) in &answers {
            planted.look_through(place, text);
        }
        for file in ["stdout", "stderr"] {
            let text = std::fs::read_to_string(node.path(file)).unwrap();
            planted.look_through(&format!("{file} at {level}"), &text);
        }
        assert!(node.log().contains("\"DEBUG\"") || node.log().contains("\"TRACE\"") || node.log().contains("\"INFO\""), "{}", node.log());
        for file in files_below(&node.path("data")) {
            let access = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(access & 0o077, 0, "{} has {access:o}: others can read it", file.display());
        }
        let access = std::fs::metadata(node.path("data")).unwrap().permissions().mode() & 0o777;
        assert_eq!(access, 0o700);
    }
}

/// What a panic says goes to standard error, and may show any value that was at hand.
#[test]
fn a_panic_over_what_holds_a_secret_does_not_say_it() {
    let secret = || Secret::new("planted-secret");
    let grant = RefreshGrant {
        token: secret(),
        issuer: String::new(),
        subject: "ada".to_owned(),
        nonce: "n".to_owned(),
        every_seconds: 1,
        grace_seconds: 1,
    };
    let door = DoorSession { id_token: Some(secret()), refresh: Some(grant.clone()), ..DoorSession::default() };
    let mut settings = OidcSettings::new("https://op.example", "usher");
    (settings.client_secret, settings.client_key) = (Some(secret()), Some(secret()));
    let pending = PendingOidc { nonce: "planted-secret".to_owned(), code_verifier: "planted-secret".to_owned(), authenticated_since: None };
    let callback = Callback::parse("state=x&code=planted-secret").unwrap();
    let keys = IdentityKeys::make().unwrap();
    let shown: [Box<dyn std::fmt::Debug + Send>; 8] = [
        Box::new(secret()),
        Box::new(grant),
        Box::new(door),
        Box::new(settings),
        Box::new(pending),
        Box::new(callback),
        Box::new(keys.sealing()),
        Box::new(keys),
    ];
    for value in shown {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic!("{value:?}"))).unwrap_err();
        let said = panicked.downcast_ref::<String>().unwrap();
        assert!(!said.contains("planted-secret") && said.len() < 2000, "{said}");
    }
}
