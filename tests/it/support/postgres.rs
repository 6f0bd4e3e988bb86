//! A real `PostgreSQL`, in a directory that goes with it.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::certificates::Certificates;
use super::child::{self, Server};
use super::port::free_port;

const PACKAGE: &str = "postgresql";
/// Where Debian keeps the programs of each version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// A running server. Everyone on this machine may be `usher`, its superuser, or `gateway`, who owns the databases and is nobody else.
pub(crate) struct Postgres {
    server: Option<Server>,
    port: u16,
    directory: tempfile::TempDir,
    databases: AtomicU32,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // Told to end at once, it takes its processes and its shared memory with it.
            server.signal("CONT");
            server.signal("QUIT");
            server.wait();
        }
    }
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| Vec::new()).await
    }

    /// Starts one with more settings (`name=value`), for which `settings` may lay files into the server's directory.
    pub(crate) async fn start_with(settings: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("data");
        own(directory.path());
        let made = as_server("initdb")
            .args(["--no-sync", "-A", "trust", "-U", "usher", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(&files)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = settings(&files);
        let mut server = Self { server: None, port: free_port(), directory, databases: AtomicU32::new(0) };
        let text =
            settings.iter().fold(std::fs::read_to_string(files.join("postgresql.conf")).unwrap(), |text, line| format!("{text}\n{line}\n"));
        std::fs::write(files.join("postgresql.conf"), text).unwrap();
        server.run().await;
        server
    }

    /// Starts one that lets `gateway` in over TLS alone, and by this method (`trust`, `scram-sha-256`).
    pub(crate) async fn start_behind_tls(files: &Certificates, method: &str) -> Self {
        Self::start_with(|directory| {
            for (from, name) in [(&files.certificate, "server.crt"), (&files.key, "server.key")] {
                let to = directory.join(name);
                std::fs::copy(from, &to).unwrap();
                own(&to);
            }
            let access = format!(
                "hostssl all gateway 127.0.0.1/32 {method}\nhostnossl all gateway 127.0.0.1/32 reject\nhost all usher 127.0.0.1/32 trust\n"
            );
            std::fs::write(directory.join("pg_hba.conf"), access).unwrap();
            vec!["ssl=on".to_owned()]
        })
        .await
    }

    async fn run(&mut self) {
        let mut command = as_server("postgres");
        command.arg("-D").arg(self.directory.path().join("data")).args(["-p", &self.port.to_string(), "-k", ""]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60"]);
        self.server = Some(Server::start(&mut command, PACKAGE, self.port, &self.directory.path().join("log")).await);
        // It listens before it can work.
        while self.options("postgres").connect().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let role = "DO $$ BEGIN CREATE ROLE gateway LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$";
        self.execute("postgres", role.to_owned()).await;
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port).username("usher").database(database)
    }

    /// Makes an empty database; its address.
    pub(crate) async fn create_database(&self) -> String {
        let name = format!("usher{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", format!("CREATE DATABASE {name} OWNER gateway")).await;
        self.url(&name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://gateway@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) async fn execute(&self, database: &str, statement: String) {
        let mut connection = self.options(database).connect().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }

    /// Rows of a name and a number.
    pub(crate) async fn numbers(&self, database: &str, question: &'static str) -> Vec<(String, i64)> {
        let mut connection = self.options(database).connect().await.unwrap();
        sqlx::query_as(question).fetch_all(&mut connection).await.unwrap()
    }

    /// Makes a database out of a dump of another one, as an operator does; its address.
    pub(crate) async fn restore_dump_of(&self, url: &str) -> String {
        let restored = self.create_database().await;
        let dump = as_server("pg_dump").args(["--format=custom", url]).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        let mut restore = as_server("pg_restore");
        restore.args(["--exit-on-error", "--no-owner", "--dbname", &restored]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut restore = restore.spawn().unwrap();
        restore.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
        let said = restore.wait_with_output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        restored
    }

    /// Kills it: what was not written is lost, and nobody answers.
    pub(crate) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        server.signal("QUIT");
        server.wait();
    }

    /// Starts it again, on the same port and files.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.run().await;
    }

    /// Stops every process of it where it stands (`STOP`), or lets them go on (`CONT`).
    pub(crate) fn signal_all(&self, name: &str) {
        let server = self.server.as_ref().unwrap().id();
        for process in std::iter::once(server).chain(children(server)) {
            child::signal(process, name);
        }
    }
}

fn children(parent: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    listed.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// A program of the server. It refuses to be run by root, so root runs it as the user that the package made.
fn as_server(program: &str) -> Command {
    child::need_file(PROGRAMS, PACKAGE);
    let newest = std::fs::read_dir(PROGRAMS).unwrap().map(|version| version.unwrap().path()).max().unwrap();
    let path = newest.join("bin").join(program);
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).current_dir("/").env("LC_ALL", "C.UTF-8");
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Gives a file or directory to the server's user.
fn own(path: &Path) {
    if let Some((user, group)) = server_user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

/// `None`: we are no root, and the server runs as we do.
fn server_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let fields: Vec<&str> =
        users.lines().find(|line| line.starts_with("postgres:")).expect("the package makes a user").split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}
