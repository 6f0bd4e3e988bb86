//! Real Redis servers: one, one with a replica that Sentinels watch, and a cluster of three.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::child::Server;
use super::port::free_port;

const PACKAGE: &str = "redis-server redis-sentinel";
/// How long servers may take to agree with each other.
const PATIENCE: Duration = Duration::from_mins(1);
/// The service that the Sentinels watch.
const SERVICE: &str = "usher";

/// One server.
pub(crate) struct Redis {
    server: Option<Server>,
    port: u16,
    arguments: Vec<String>,
    directory: tempfile::TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        let mut redis = Self { server: None, port: free_port(), arguments, directory: tempfile::tempdir().unwrap() };
        redis.run().await;
        redis
    }

    async fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.args(["--port", &self.port.to_string(), "--dir"]).arg(self.directory.path()).args(&self.arguments);
        self.server = Some(Server::start(&mut command, PACKAGE, self.port, &self.directory.path().join("log")).await);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it: it keeps nothing.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same port, empty.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.run().await;
    }

    /// Stops it where it stands (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        self.server.as_ref().unwrap().signal(name);
    }

    /// Says something to it as an operator would.
    pub(crate) fn say(&self, words: &[&str]) -> String {
        say(self.port, words)
    }
}

fn say(port: u16, words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to be that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A master, a replica, and three Sentinels who make the replica the master when the master is gone for half a second.
pub(crate) struct Watched {
    pub master: Redis,
    pub replica: Redis,
    sentinels: Vec<(Server, u16)>,
    _directory: tempfile::TempDir,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        let master = Redis::start().await;
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &master.port.to_string()]).await;
        wait_until("the replica follows", || replica.say(&["info", "replication"]).contains("master_link_status:up")).await;
        let directory = tempfile::tempdir().unwrap();
        let mut sentinels = Vec::new();
        for number in 0..3 {
            sentinels.push(start_sentinel(master.port, number, directory.path()).await);
        }
        let watched = Self { master, replica, sentinels, _directory: directory };
        wait_until("the Sentinels know each other and the replica", || {
            watched.sentinels.iter().all(|(_, port)| {
                let answer = say(*port, &["sentinel", "master", SERVICE]);
                field(&answer, "num-slaves") == Some("1") && field(&answer, "num-other-sentinels") == Some("2")
            })
        })
        .await;
        watched
    }

    pub(crate) fn url(&self) -> String {
        let sentinels: Vec<String> = self.sentinels.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{SERVICE}", sentinels.join(","))
    }
}

fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().skip_while(|line| *line != name).nth(1)
}

async fn start_sentinel(master: u16, number: u32, directory: &Path) -> (Server, u16) {
    let port = free_port();
    let file = directory.join(format!("sentinel{number}.conf"));
    let text = format!(
        "bind 127.0.0.1\nport {port}\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 5000\n",
        directory.display()
    );
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("redis-server");
    command.arg(&file).arg("--sentinel");
    (Server::start(&mut command, PACKAGE, port, &directory.join(format!("sentinel{number}.log"))).await, port)
}

/// Three masters with a third of the slots each.
pub(crate) struct Cluster {
    pub nodes: Vec<Redis>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let bus = free_port().to_string();
            nodes.push(Redis::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"]).await);
        }
        let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let made = Command::new("redis-cli").args(["--cluster", "create"]).args(&addresses).arg("--cluster-yes").output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        wait_until("the cluster is whole", || nodes.iter().all(|node| node.say(&["cluster", "info"]).contains("cluster_state:ok"))).await;
        Self { nodes }
    }

    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }
}
