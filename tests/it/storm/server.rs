//! The server as a process, and its database while it is down.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use usher::clock::{Clock as _, SystemClock};
use usher::core::provision::SeatCount;
use usher::core::{Member, OrganizationId};
use usher::store::sqlite::SqliteStore;
use usher::store::{Attempt, MemberQuery, Store as _};

use crate::support::saml_idp::{IDP, IDP_CERT, SSO};

/// How long a start may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with both files, where servers run one after the other.
pub(super) struct Site {
    folder: TempDir,
    pub(super) port: u16,
    /// Opens a connection for each request: what is left of a server that was killed must not meet the next.
    pub(super) client: reqwest::Client,
}

impl Site {
    #[expect(clippy::disallowed_methods, reason = "a browser is not the gateway")]
    pub(super) fn new(premium: usize, standard: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let usher = format!(
            r#"
            public_url = "http://auth.localhost:{port}"
            data_dir = "data"
            [server]
            listen = "127.0.0.1:{port}"
            [ops]
            listen = "127.0.0.1:0"
            [[route]]
            host = "app.localhost"
            upstream = "http://127.0.0.1:9"
            organization = "acme"
            [org]
            file = "org.toml"
            "#
        );
        let org = format!(
            r#"
            [parent]
            name = "Acme"
            [[domain]]
            name = "acme.example"
            verified = "operator"
            [[connection]]
            id = "okta"
            protocol = "saml"
            domains = ["acme.example"]
            entity_id = "{IDP}"
            sso_url = "{SSO}"
            certificates = ['''{IDP_CERT}''']
            [connection.attributes]
            email = "email"
            name = "displayName"
            groups = "groups"
            [[organization]]
            id = "acme"
            name = "Acme"
            plan = "enterprise"
            seat_tiers = [{{ name = "Premium", seats = {premium} }}, {{ name = "Standard", seats = {standard} }}]
            provisioning = "jit"
            group_mappings = true
            primary_owner = "olivia@acme.example"
            [organization.role_mappings]
            Owner = ["app-owners"]
            User = ["everyone"]
            [organization.seat_mappings]
            Premium = ["design"]
            "#
        );
        std::fs::write(folder.path().join("usher.toml"), usher).unwrap();
        std::fs::write(folder.path().join("org.toml"), org).unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0);
        Self { folder, port, client: client.build().unwrap() }
    }

    /// Starts the server, and waits until it listens.
    pub(super) async fn serve(&self) -> Server {
        let log = self.folder.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(["serve"]).current_dir(self.folder.path()).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut server = Server(process);
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
            let has_ended = server.0.try_wait().unwrap().is_some();
            assert!(!has_ended && Instant::now() < deadline, "the server does not start:\n{}", said(&log));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// What the database says, while no server runs.
    pub(super) async fn books(&self) -> Books {
        let store = SqliteStore::open(&self.folder.path().join("data/usher.db")).await.unwrap();
        let organization = OrganizationId::parse("acme").unwrap();
        let query = MemberQuery { organization: &organization, search: None, after: None, limit: 500 };
        let rows = store.list_members(query).await.unwrap();
        for row in &rows {
            let decision = store.find_last_decision(&organization, row.person.id).await.unwrap().unwrap();
            assert_eq!(decision.member, Some(row.member.id));
        }
        Books {
            faults: store.check_integrity().await.unwrap(),
            members: rows.into_iter().map(|row| (row.person.name.unwrap(), row.member)).collect(),
            seats: store.count_seats(&organization, SystemClock.now()).await.unwrap(),
            waiting: store.list_attempts(&organization).await.unwrap(),
        }
    }
}

fn said(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

/// What the database says.
pub(super) struct Books {
    /// What does not agree, by the store's own judgement.
    pub(super) faults: Vec<String>,
    /// By name.
    pub(super) members: Vec<(String, Member)>,
    /// Highest tier first.
    pub(super) seats: Vec<SeatCount>,
    /// Refused attempts.
    pub(super) waiting: Vec<Attempt>,
}

/// A running server; killed when it is dropped.
pub(super) struct Server(Child);

impl Server {
    /// SIGKILL. Once it returns, nothing is written any more.
    pub(super) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
