//! A fault of the program in the middle of somebody's request: what is said of it, and who is stopped by it.

use std::process::Command;

use super::{Files, Node, ada, org_toml};
use crate::support::ask::Ask;
use crate::support::echo::Echo;
use crate::support::installation::Site;
use crate::support::port::free_port;

/// What the request carries, and nobody may read anywhere.
const PLANTED: [&str; 4] = ["planted-in-a-cookie", "planted-in-a-token", "planted-in-a-form", "planted-in-a-query"];

impl Node {
    /// Takes away what the kernel would give to this process beyond what it has, or gives it back (`None`).
    fn limit_memory(&self, more: Option<u64>) {
        let id = self.process.as_ref().unwrap().id().to_string();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let has: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        let limit = more.map_or("unlimited".to_owned(), |more| ((has + more) * 1024).to_string());
        let set = Command::new("prlimit").args(["--pid", &id, &format!("--as={limit}:")]).status();
        assert!(set.expect("install util-linux").success());
    }

    /// A logout message that is none, with everything that is secret; 0: the connection was cut.
    async fn send_secrets(&self) -> u16 {
        let [cookie, token, form, query] = PLANTED;
        let ask = Ask::to("auth.localhost", "POST", &format!("/saml/okta/slo?q={query}"))
            .cookie(cookie)
            .bearer(token)
            .header("Content-Type", "application/x-www-form-urlencoded");
        self.ask(ask.body(&format!("SAMLRequest={form}&RelayState={form}"))).await.status
    }
}

/// A message is read on a thread of its own. Without memory for the stack of a thread, the runtime panics in the middle of the request that needs one.
#[tokio::test]
async fn a_panic_says_nothing_of_its_request_and_stops_nobody_else() {
    let (app, port) = (Echo::start().await, free_port());
    let site = Site { port };
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: "[log]\nlevel = \"debug\"\n" };
    let mut node = Node::start(&files, &org_toml("")).await;

    // Whoever serves has asked for memory before: a thread that asks for its first is ended by the allocator, and everything with it.
    for _ in 0..50 {
        assert_eq!(node.ask(Ask::to("app.localhost", "GET", "/public")).await.status, 200);
        assert!(node.is_ready().await);
    }
    node.limit_memory(Some(1024));
    assert_eq!(node.send_secrets().await, 0, "{}", node.log());
    assert_eq!(node.ask(Ask::to("app.localhost", "GET", "/public")).await.status, 200, "{}", node.log());
    assert!(node.is_ready().await);
    node.limit_memory(None);
    assert_eq!(node.send_secrets().await, 400, "{}", node.log());
    ada(&site).await;

    node.stop().await;
    let fault = |line: &&str| line.contains("a fault in the program") && line.contains("src/http/logout/saml.rs") && line.contains("req_");
    assert_eq!(node.log().lines().filter(fault).count(), 1, "{}", node.log());
    for file in ["stdout", "stderr"] {
        let text = std::fs::read_to_string(node.path(file)).unwrap();
        assert!(text.lines().all(|line| line.starts_with('{')), "a line that is none of the log's: {text}");
        for planted in PLANTED {
            assert!(!text.contains(planted), "{file} says what was {planted}: {text}");
        }
    }
}
