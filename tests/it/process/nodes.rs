//! Two nodes on one PostgreSQL and one Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Files, Load, Node, ada, is_ready, org_toml, sign_in};
use crate::nodes::within_a_second;
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::echo::Echo;
use crate::support::installation::Site;
use crate::support::port::free_port;
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;
use crate::support::saml_idp::Draft;

/// Passes each connection on to a node that says it is ready, as a balancer of the transport layer does.
struct Balancer(JoinHandle<()>);

impl Drop for Balancer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Balancer {
    /// `nodes`: where they listen, and where they say whether they are ready.
    async fn start(port: u16, nodes: Vec<(u16, u16)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let ready: Arc<[AtomicUsize]> = nodes.iter().map(|_| AtomicUsize::new(0)).collect();
        let seen = Arc::clone(&ready);
        let probe = async move {
            loop {
                let answers = join_all(nodes.iter().map(|(_, ops)| is_ready(*ops))).await;
                for ((node, (port, _)), answer) in seen.iter().zip(&nodes).zip(answers) {
                    node.store(if answer { usize::from(*port) } else { 0 }, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let accept = async move {
            for turn in 0.. {
                let (mut client, _) = listener.accept().await.unwrap();
                let ports: Vec<u16> =
                    ready.iter().filter_map(|port| u16::try_from(port.load(Ordering::SeqCst)).ok()).filter(|port| *port > 0).collect();
                let Some(port) = ports.get(turn % ports.len().max(1)).copied() else { continue };
                tokio::spawn(async move {
                    let mut node = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut node).await
                });
            }
        };
        Self(tokio::spawn(async move {
            tokio::join!(probe, accept);
        }))
    }
}

/// Two nodes and what they stand on, but for Redis.
pub(super) struct Two {
    pub(super) nodes: [Node; 2],
    pub(super) site: Site,
    _app: Echo,
    _postgres: Postgres,
}

impl Two {
    /// `redis`: its address. `public`: the port that people use, if it is not the first node's.
    pub(super) async fn start(redis: &str, public: Option<u16>) -> Self {
        let (app, postgres) = (Echo::start().await, Postgres::start().await);
        let top = format!("database = \"{}\"\nredis = \"{redis}\"", postgres.create_database().await);
        let ports = [free_port(), free_port()];
        let site = Site { port: public.unwrap_or(ports[0]) };
        let server = "shutdown_delay = \"1s\"\nshutdown_grace = \"10s\"";
        let files = |port| Files { public: site.port, port, ops: free_port(), app: app.address, top: &top, server, more: "" };
        let first = Node::start(&files(ports[0]), &org_toml("")).await;
        let second = first.start_beside(&files(ports[1]), &org_toml("")).await;
        Self { nodes: [first, second], site, _app: app, _postgres: postgres }
    }

    /// Out, at the first node, as a page of the app would do it.
    pub(super) async fn log_out(&self, cookie: &str) {
        let host = format!("app.localhost:{}", self.site.port);
        let logout = Ask::to(&host, "POST", "/.usher/logout").cookie(cookie).header("Origin", &format!("http://{host}"));
        let reply = self.nodes[0].ask(logout.header("Content-Length", "0")).await;
        assert!(reply.status < 400, "{reply:?}\n{}", self.nodes[0].log());
    }
}

#[tokio::test]
async fn what_is_done_on_one_node_is_in_force_on_the_other_within_a_second() {
    let redis = Redis::start().await;
    let two = Two::start(&redis.url(), None).await;
    let [first, second] = &two.nodes;
    let status = async |cookie: &str| second.ask(Ask::to("app.localhost", "GET", "/").cookie(cookie)).await.status;
    let (browser, cookie) = ada(&two.site).await;
    assert_eq!(status(&cookie).await, 200);
    two.log_out(&cookie).await;
    within_a_second("a logout", async || status(&cookie).await == 401).await;
    drop(browser);

    // A command is no node, and is heard all the same.
    let (_, cookie) = ada(&two.site).await;
    assert_eq!(status(&cookie).await, 200);
    first.usher(&["session", "end", "--person", "ada@acme.example"]);
    within_a_second("the end of sessions", async || status(&cookie).await == 401).await;

    let mut browser = Browser::new();
    let ben = |draft: Draft| draft.edit("ada@acme.example", "ben@acme.example").edit("ada-0001", "ben-0001").edit("app-admins", "everyone");
    assert_eq!(sign_in(&mut browser, &two.site, ben).await.status, 200);
    let cookie = browser.cookie("app.localhost", "__Host-usher").unwrap();
    assert_eq!(status(&cookie).await, 200);
    first.usher(&["member", "remove", "ben@acme.example"]);
    within_a_second("a removal", async || status(&cookie).await != 200).await;

    let page = async || second.ask(Ask::to("auth.localhost", "GET", "/login?by_email=true")).await.body;
    assert!(!page().await.contains("Acme Reloaded"));
    std::fs::write(first.path("changed.toml"), org_toml("").replace("name = \"Acme\"\nplan", "name = \"Acme Reloaded\"\nplan")).unwrap();
    first.usher(&["apply", "changed.toml"]);
    within_a_second("other settings", async || page().await.contains("Acme Reloaded")).await;
}

#[tokio::test]
async fn a_rolling_restart_of_two_nodes_under_load_fails_no_request() {
    let public = free_port();
    let redis = Redis::start().await;
    let mut two = Two::start(&redis.url(), Some(public)).await;
    let _balancer = Balancer::start(public, two.nodes.iter().map(|node| (node.port, node.ops)).collect()).await;
    while TcpStream::connect(("127.0.0.1", public)).await.is_err() || !is_ready(two.nodes[0].ops).await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A turn of the probe.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (mut browser, cookie) = ada(&two.site).await;
    let load = Load::start(public, &cookie, 6);
    load.more(200).await;
    for node in &mut two.nodes {
        node.stop().await;
        load.more(100).await;
        node.run().await;
        load.more(200).await;
        // People come in meanwhile, through whichever node.
        ada(&two.site).await;
    }
    let answered = load.end().await;
    assert!(answered > 1000, "{answered}");
    assert_eq!(browser.open(&two.site.app("/")).await.status, 200, "nobody was signed out");
}
