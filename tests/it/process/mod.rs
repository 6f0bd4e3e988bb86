//! The real binary, `usher serve`, in processes of its own, as an operator runs it.
//!
//! - `counting`: what was counted, at a reload
//! - `database`: a PostgreSQL that wants a password, and shows a certificate
//! - `failover`: two on Sentinels, and on a cluster, one of whose masters dies
//! - `nodes`: two that share PostgreSQL and Redis: what is done on one, and a rolling restart
//! - `outages`: without a server that it stands on, and while it stops: what each door says
//! - `panics`: a fault of the program in the middle of a request
//! - `rotation`: new keys and secrets under load
//! - `slow`: servers that answer late
//! - `secrets`: everything that a whole life writes down, searched for what it must not say
//!
//! The one rule of this folder: a process is told what an operator would tell it (files, signals, commands), and asked what a client would ask.

#![cfg(test)]

mod counting;
mod database;
mod failover;
mod nodes;
mod outages;
mod panics;
mod rotation;
mod secrets;
mod slow;
mod stops;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use url::Url;
use usher::clock::{Clock as _, SystemClock};
use usher::saml::message::{decode_redirect, encode_post};

use crate::support::ask::{Ask, Reply};
use crate::support::browser::{Browser, Page};
use crate::support::child;
use crate::support::installation::{ORGANIZATION, Site};
use crate::support::op::Op;
use crate::support::saml_house::provider;
use crate::support::saml_idp::{Draft, IDP, IDP_CERT, Scene, Signer};

/// How long something may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// What stands in a node's usher.toml.
struct Files<'a> {
    /// The port that people use: the node's own, or the balancer's.
    public: u16,
    port: u16,
    ops: u16,
    app: SocketAddr,
    /// Lines before the first table.
    top: &'a str,
    /// Lines of `[server]`.
    server: &'a str,
    /// More tables.
    more: &'a str,
}

impl Files<'_> {
    fn usher_toml(&self) -> String {
        let Self { public, port, ops, app, top, server, more } = self;
        format!(
            "public_url = \"http://auth.localhost:{public}\"\ndata_dir = \"data\"\n{top}\n[server]\nlisten = \"127.0.0.1:{port}\"\n{server}\n\
             [ops]\nlisten = \"127.0.0.1:{ops}\"\n[limits]\nsign_in = 100000\n[[route]]\nhost = \"app.localhost\"\nupstream = \"http://{app}\"\n\
             organization = \"acme\"\npublic_paths = [\"/public\"]\n{more}\n[org]\nfile = \"org.toml\"\n"
        )
    }
}

/// The organization of all tests, with a SAML connection `okta`, whose key is [`Signer::idp`], and others.
fn org_toml(connections: &str) -> String {
    format!(
        "{ORGANIZATION}\n[[connection]]\nid = \"okta\"\nprotocol = \"saml\"\ndomains = [\"acme.example\"]\nentity_id = \"{IDP}\"\n\
         sso_url = \"https://idp.example/sso\"\ncertificates = [\"\"\"{IDP_CERT}\"\"\"]\n{connections}\n"
    )
}

/// A folder with both files, in which a node runs.
struct Node {
    folder: TempDir,
    port: u16,
    ops: u16,
    process: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Node {
    async fn start(files: &Files<'_>, org_toml: &str) -> Self {
        Self::start_with(&files.usher_toml(), files.port, files.ops, org_toml).await
    }

    /// Starts a node beside another one, with the same keys.
    async fn start_beside(&self, files: &Files<'_>, org_toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        for key in ["identity-keys.pem", "saml.key.pem", "saml.crt.pem"] {
            std::fs::copy(self.path("data").join(key), folder.path().join("data").join(key)).unwrap();
        }
        Self::start_in(folder, &files.usher_toml(), files.port, files.ops, org_toml).await
    }

    async fn start_with(usher_toml: &str, port: u16, ops: u16, org_toml: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), usher_toml, port, ops, org_toml).await
    }

    async fn start_in(folder: TempDir, usher_toml: &str, port: u16, ops: u16, org_toml: &str) -> Self {
        std::fs::write(folder.path().join("usher.toml"), usher_toml).unwrap();
        std::fs::write(folder.path().join("org.toml"), org_toml).unwrap();
        let mut node = Self { folder, port, ops, process: None };
        node.run().await;
        node
    }

    /// Starts the process, and waits until it is ready.
    async fn run(&mut self) {
        let open = |name: &str| std::fs::File::options().create(true).append(true).open(self.path(name)).unwrap();
        let mut command = self.command(&["serve"]);
        let process = command.stdout(open("stdout")).stderr(open("stderr")).spawn().unwrap();
        self.process = Some(process);
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        is_ready(self.ops).await
    }

    /// SIGTERM, and waits for the end.
    async fn stop(&mut self) {
        self.signal("TERM");
        let mut process = self.process.take().unwrap();
        let status = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}\n{}", self.log());
    }

    fn signal(&self, name: &str) {
        child::signal(self.process.as_ref().unwrap().id(), name);
    }

    /// SIGHUP, and waits until the log says that the files are in force.
    async fn reload(&self) {
        let before = self.log().matches("\"reloaded\"").count();
        self.signal("HUP");
        let deadline = Instant::now() + PATIENCE;
        while self.log().matches("\"reloaded\"").count() == before {
            assert!(Instant::now() < deadline && !self.log().contains("not reloaded"), "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the log says so.
    async fn until(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "{words}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("stderr")).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// A command beside the running server.
    fn usher(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    async fn ask(&self, ask: Ask) -> Reply {
        ask.send(([127, 0, 0, 1], self.port).into()).await
    }
}

async fn is_ready(ops: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], ops));
    tokio::net::TcpStream::connect(address).await.is_ok() && Ask::to("localhost", "GET", "/readyz").send(address).await.status == 200
}

/// A login through `okta`, whose provider says this about the person; the page where it ends.
async fn sign_in(browser: &mut Browser, site: &Site, edit: impl FnOnce(Draft) -> Draft) -> Page {
    let asked = go_to_provider(browser, site).await;
    send_answer(browser, site, &answer(site, &asked, edit)).await
}

/// A login through `okta` as far as the provider; the address there, which carries our request.
async fn go_to_provider(browser: &mut Browser, site: &Site) -> Url {
    let start = browser.visit(&site.app("/welcome")).await;
    let page = browser.follow_until(start, |url| url.host_str() == Some("idp.example")).await;
    let page = match page.find_link(&site.auth("/login/okta")) {
        Some(link) => {
            let page = browser.visit(link.as_str()).await;
            browser.follow_until(page, |url| url.host_str() == Some("idp.example")).await
        }
        None => page,
    };
    page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text))
}

/// The form in which the provider answers a request.
type Answer = [(&'static str, String); 2];

fn answer(site: &Site, asked: &Url, edit: impl FnOnce(Draft) -> Draft) -> Answer {
    let parameter = |name: &str| asked.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    let xml = decode_redirect(&parameter("SAMLRequest")).unwrap();
    let request = roxmltree::Document::parse(&xml).unwrap().root_element().attribute("ID").unwrap().to_owned();
    let scene = Scene { base: site.auth(""), request: Some(request.clone()), ..Scene::default() };
    let draft = edit(Draft::in_scene(&scene).at(SystemClock.now()).edit("_assertion1", &format!("_a{request}")));
    [("SAMLResponse", encode_post(&draft.sign_response(&Signer::idp()).0)), ("RelayState", parameter("RelayState"))]
}

/// The browser brings the answer, and goes wherever that leads.
async fn send_answer(browser: &mut Browser, site: &Site, answer: &Answer) -> Page {
    let fields = answer.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.post_from(&provider(), &site.auth("/saml/okta/acs"), &fields).await
}

/// A login through `op` until the person has signed in there; the address that the browser comes back to.
async fn callback(browser: &mut Browser, site: &Site, op: &Op) -> String {
    let start = browser.visit(&site.auth("/login/op")).await;
    let page = browser.follow_until(start, |url| url.host_str() == Some("op.localhost")).await;
    let query = op.authorize(page.location().unwrap_or_else(|| panic!("{} {}", page.status, page.text)).as_str());
    site.auth(&format!("/oidc/op/callback?{query}"))
}

/// A login through `op`.
async fn sign_in_by_oidc(browser: &mut Browser, site: &Site, op: &Op) -> Page {
    let callback = callback(browser, site, op).await;
    browser.open(&callback).await
}

/// Ada's browser, inside; the cookie of the app.
async fn ada(site: &Site) -> (Browser, String) {
    let mut browser = Browser::new();
    let page = sign_in(&mut browser, site, |draft| draft).await;
    assert_eq!(page.status, 200, "{} {}", page.url, page.text);
    let cookie = browser.cookie("app.localhost", "__Host-usher").unwrap();
    (browser, cookie)
}

/// Requests without a pause, over connections that are kept, until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Of whoever has this cookie.
    fn start(port: u16, cookie: &str, callers: usize) -> Self {
        Self::at(&format!("http://app.localhost:{port}/load"), port, cookie, callers)
    }

    #[expect(clippy::disallowed_methods, reason = "a browser is not the gateway")]
    fn at(address: &str, port: u16, cookie: &str, callers: usize) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let caller = |_| {
            let client = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tls_danger_accept_invalid_certs(true)
                .resolve("app.localhost", ([127, 0, 0, 1], port).into())
                .build()
                .unwrap();
            let ask = client.get(address).header("Cookie", format!("__Host-usher={cookie}"));
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let fault = match ask.try_clone().unwrap().send().await {
                        Ok(answer) if answer.status() != 200 => Some(format!("{answer:?}")),
                        Ok(answer) => answer.text().await.err().map(|error| format!("{error:?}")),
                        Err(error) => Some(format!("{error:?}")),
                    };
                    failures.extend(fault);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                failures
            })
        };
        let callers = (0..callers).map(caller).collect();
        Self { stop, answered, callers }
    }

    /// Waits for so many more answers.
    async fn more(&self, count: usize) {
        let enough = self.answered.load(Ordering::SeqCst) + count;
        while self.answered.load(Ordering::SeqCst) < enough {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it: nothing may have failed.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let mut failures = Vec::new();
        for caller in self.callers {
            failures.extend(caller.await.unwrap());
        }
        let answered = self.answered.load(Ordering::SeqCst);
        assert!(failures.is_empty(), "{} of {answered} failed, the first: {}", failures.len(), failures[0]);
        answered
    }
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
