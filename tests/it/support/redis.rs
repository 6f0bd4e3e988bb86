//! Real Redis servers: one, one with a replica that Sentinels watch, and a cluster of three. Open to everyone on this machine, or behind a [`Lock`].

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use super::certificates::Certificates;
use super::child::Server;
use super::port::free_port;

const PACKAGE: &str = "redis-server redis-sentinel";
/// How long servers may take to agree with each other.
const PATIENCE: Duration = Duration::from_mins(1);
/// The service that the Sentinels watch.
const SERVICE: &str = "usher";

/// What keeps others out: TLS on every way, a certificate of whoever comes (as Redis asks for unless it is told otherwise), and users with passwords.
#[derive(Clone)]
pub(crate) struct Lock {
    pub(crate) certificates: Arc<Certificates>,
    _directory: Arc<TempDir>,
}

/// The one who may do everything: other servers, the Sentinels, the test.
const OPERATOR: (&str, &str) = ("operator", "the-operators-password");
/// What passwords hold besides letters, and an address only in percent encoding.
const SIGNS: &str = "+/@:&%";

/// Who may come, where: the commands of the documentation.
#[derive(Clone, Copy)]
enum Door {
    Server,
    Sentinel,
}

impl Door {
    /// Usher's password and rights.
    fn usher(self) -> (String, String) {
        let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/running.md")).unwrap();
        let mut users = documentation.lines().filter_map(|line| line.trim().strip_prefix("ACL SETUSER usher on >"));
        let user = users.nth(self as usize).expect("docs/running.md shows both users");
        let (password, rights) = user.split_once(' ').unwrap();
        (format!("{password}{SIGNS}"), rights.to_owned())
    }
}

impl Lock {
    pub(crate) fn make() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { certificates: Arc::new(Certificates::make(directory.path())), _directory: Arc::new(directory) }
    }

    /// Lines of the configuration of whoever listens on `port`.
    fn settings(&self, door: Door, port: u16) -> Vec<String> {
        let Certificates { ca, certificate, key, .. } = &*self.certificates;
        let ((operator, operators), (usher, rights)) = (OPERATOR, door.usher());
        vec![
            "port 0".to_owned(),
            format!("tls-port {port}"),
            "tls-replication yes".to_owned(),
            format!("tls-cert-file {}", certificate.display()),
            format!("tls-key-file {}", key.display()),
            format!("tls-ca-cert-file {}", ca.display()),
            "user default off".to_owned(),
            format!("user {operator} on >{operators} ~* &* +@all"),
            format!("user usher on >{usher} {rights}"),
        ]
    }

    /// What `redis-cli` has to be told first.
    fn arguments(&self) -> Vec<String> {
        let Certificates { ca, certificate, key, .. } = &*self.certificates;
        let (operator, password) = OPERATOR;
        let tls = format!("--tls --cacert {} --cert {} --key {}", ca.display(), certificate.display(), key.display());
        words(&format!("{tls} --no-auth-warning --user {operator} --pass {password}"))
    }

    /// An address for Usher, of the servers at these ports.
    fn url(&self, scheme: &str, ports: &[u16], path: &str) -> String {
        let Certificates { ca, certificate, key, .. } = &*self.certificates;
        let password = encoded(&Door::Server.usher().0);
        let files = format!("ca={}&cert={}&key={}", ca.display(), certificate.display(), key.display());
        format!("{scheme}://usher:{password}@{}{path}?tls=true&{files}", hosts(ports))
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn hosts(ports: &[u16]) -> String {
    ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
}

/// One server.
pub(crate) struct Redis {
    server: Option<Server>,
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    lock: Option<Lock>,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        Self::start_behind(None, arguments).await
    }

    async fn start_behind(lock: Option<&Lock>, arguments: &[&str]) -> Self {
        let port = free_port();
        let mut all: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let (operator, password) = OPERATOR;
        match lock {
            Some(lock) => {
                all.extend(lock.settings(Door::Server, port).iter().flat_map(|line| words(&format!("--{line}"))));
                all.extend(["--masteruser", operator, "--masterauth", password].map(ToOwned::to_owned));
            }
            None => all.extend(["--port".to_owned(), port.to_string()]),
        }
        let mut redis = Self { server: None, port, arguments: all, directory: tempfile::tempdir().unwrap(), lock: lock.cloned() };
        redis.run().await;
        redis
    }

    async fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"]);
        command.arg(self.directory.path()).args(&self.arguments);
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
        say(self.port, self.lock.as_ref(), words)
    }
}

fn say(port: u16, lock: Option<&Lock>, words: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(lock.map(Lock::arguments).unwrap_or_default())
        .args(words)
        .output()
        .unwrap();
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
    lock: Option<Lock>,
    _directory: TempDir,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        Self::start_behind(None).await
    }

    pub(crate) async fn start_behind(lock: Option<Lock>) -> Self {
        let master = Redis::start_behind(lock.as_ref(), &[]).await;
        let replica = Redis::start_behind(lock.as_ref(), &["--replicaof", "127.0.0.1", &master.port.to_string()]).await;
        wait_until("the replica follows", || replica.say(&["info", "replication"]).contains("master_link_status:up")).await;
        let directory = tempfile::tempdir().unwrap();
        let mut sentinels = Vec::new();
        for number in 0..3 {
            sentinels.push(start_sentinel(master.port, number, directory.path(), lock.as_ref()).await);
        }
        let watched = Self { master, replica, sentinels, lock, _directory: directory };
        wait_until("the Sentinels know each other and the replica", || {
            watched.sentinels.iter().all(|(_, port)| {
                let answer = say(*port, watched.lock.as_ref(), &["sentinel", "master", SERVICE]);
                field(&answer, "num-slaves") == Some("1") && field(&answer, "num-other-sentinels") == Some("2")
            })
        })
        .await;
        watched
    }

    /// Waits until the replica has everything that the master has been told so far.
    pub(crate) async fn until_replicated(&self) {
        until_replicated(&self.master, &self.replica).await;
    }

    /// Waits until every Sentinel takes the replica for the master, and for alive.
    pub(crate) async fn until_agreed(&self) {
        let port = self.replica.port.to_string();
        wait_until("the Sentinels agree on the new master", || {
            self.sentinels.iter().all(|(_, sentinel)| {
                let answer = say(*sentinel, self.lock.as_ref(), &["sentinel", "master", SERVICE]);
                field(&answer, "port") == Some(&port) && field(&answer, "flags") == Some("master")
            })
        })
        .await;
    }

    pub(crate) fn url(&self) -> String {
        let ports: Vec<u16> = self.sentinels.iter().map(|(_, port)| *port).collect();
        let path = format!("/{SERVICE}");
        match &self.lock {
            Some(lock) => {
                let password = encoded(&Door::Sentinel.usher().0);
                format!("{}&sentinel_user=usher&sentinel_password={password}", lock.url("redis+sentinel", &ports, &path))
            }
            None => format!("redis+sentinel://{}{path}", hosts(&ports)),
        }
    }
}

async fn until_replicated(master: &Redis, replica: &Redis) {
    let offset = |server: &Redis, name: &str| -> u64 {
        let text = server.say(&["info", "replication"]);
        text.lines().find_map(|line| line.strip_prefix(name)).and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    let told = offset(master, "master_repl_offset:");
    wait_until("the replica has it", || offset(replica, "slave_repl_offset:") >= told).await;
}

fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().skip_while(|line| *line != name).nth(1)
}

async fn start_sentinel(master: u16, number: u32, directory: &Path, lock: Option<&Lock>) -> (Server, u16) {
    let port = free_port();
    let file = directory.join(format!("sentinel{number}.conf"));
    let mut lines = vec!["bind 127.0.0.1".to_owned(), format!("dir {}", directory.display())];
    lines.extend(lock.map_or_else(|| vec![format!("port {port}")], |lock| lock.settings(Door::Sentinel, port)));
    lines.push(format!("sentinel monitor {SERVICE} 127.0.0.1 {master} 2"));
    lines.push(format!("sentinel down-after-milliseconds {SERVICE} 500"));
    lines.push(format!("sentinel failover-timeout {SERVICE} 5000"));
    if lock.is_some() {
        let (operator, password) = OPERATOR;
        lines.push(format!("sentinel auth-user {SERVICE} {operator}"));
        lines.push(format!("sentinel auth-pass {SERVICE} {password}"));
        lines.push(format!("sentinel sentinel-user {operator}"));
        lines.push(format!("sentinel sentinel-pass {password}"));
    }
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let mut command = Command::new("redis-server");
    command.arg(&file).arg("--sentinel");
    (Server::start(&mut command, PACKAGE, port, &directory.join(format!("sentinel{number}.log"))).await, port)
}

/// Three masters with a third of the slots each.
pub(crate) struct Cluster {
    pub nodes: Vec<Redis>,
    lock: Option<Lock>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_behind(None).await
    }

    pub(crate) async fn start_behind(lock: Option<Lock>) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(start_node(lock.as_ref()).await);
        }
        let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut command = Command::new("redis-cli");
        command.args(lock.as_ref().map(Lock::arguments).unwrap_or_default());
        let made = command.args(["--cluster", "create"]).args(&addresses).arg("--cluster-yes").output().unwrap();
        assert!(made.status.success(), "{}{}", String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
        let cluster = Self { nodes, lock };
        cluster.until_whole().await;
        cluster
    }

    /// The place of the node that has a key.
    pub(crate) fn place_of(&self, key: &str) -> usize {
        // A read is sent where the key is, by the one who is asked and does not have it.
        let has_it = |node: &Redis| !node.say(&["get", key]).contains("MOVED");
        self.nodes.iter().position(has_it).unwrap()
    }

    /// A replica of the node at this place, which takes over when that one is gone for two seconds.
    pub(crate) async fn add_replica(&self, of: usize) -> Redis {
        let (replica, master) = (start_node(self.lock.as_ref()).await, &self.nodes[of]);
        let bus = master.arguments.iter().skip_while(|word| *word != "--cluster-port").nth(1).unwrap();
        let id = master.say(&["cluster", "myid"]);
        replica.say(&["cluster", "meet", "127.0.0.1", &master.port.to_string(), bus]);
        wait_until("the replica knows its master", || replica.say(&["cluster", "replicate", id.trim()]).trim() == "OK").await;
        wait_until("it follows", || replica.say(&["info", "replication"]).contains("master_link_status:up")).await;
        wait_until("all know it", || self.nodes.iter().all(|node| node.say(&["cluster", "nodes"]).contains(" slave "))).await;
        replica
    }

    /// Waits until the replica of the node at this place has everything that it has been told so far.
    pub(crate) async fn until_replicated(&self, of: usize, replica: &Redis) {
        until_replicated(&self.nodes[of], replica).await;
    }

    /// Waits until those that are left serve all slots.
    pub(crate) async fn until_whole(&self) {
        let is_whole = |node: &Redis| node.server.is_none() || node.say(&["cluster", "info"]).contains("cluster_state:ok");
        wait_until("the cluster is whole", || self.nodes.iter().all(is_whole)).await;
    }

    pub(crate) fn url(&self) -> String {
        let ports: Vec<u16> = self.nodes.iter().map(|node| node.port).collect();
        match &self.lock {
            Some(lock) => lock.url("redis+cluster", &ports, ""),
            None => format!("redis+cluster://{}", hosts(&ports)),
        }
    }
}

async fn start_node(lock: Option<&Lock>) -> Redis {
    let bus = free_port().to_string();
    let mut arguments = vec!["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
    if lock.is_some() {
        arguments.extend(["--tls-cluster", "yes"]);
    }
    Redis::start_behind(lock, &arguments).await
}
