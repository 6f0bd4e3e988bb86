//! `usher demo` as a newcomer starts it: the real binary, in a process of its own; and where its three hosts are.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Deref;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::Browser;

/// Where a demo is: three hosts on one port.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) port: u16,
}

impl Site {
    /// A page of the app.
    pub(crate) fn app(&self, path: &str) -> String {
        format!("http://app.localhost:{}{path}", self.port)
    }

    /// A page of sign-in.
    pub(crate) fn auth(&self, path: &str) -> String {
        format!("http://auth.localhost:{}{path}", self.port)
    }

    /// A page of the provider.
    pub(crate) fn idp(&self, path: &str) -> String {
        format!("http://idp.localhost:{}{path}", self.port)
    }

    /// A page of the console.
    pub(crate) fn console(&self, path: &str) -> String {
        self.auth(&format!("/admin/acme{path}"))
    }

    /// From the app's page through sign-in and the provider, as far as the person's click goes.
    pub(crate) async fn sign_in(&self, browser: &Browser, path: &str, door: &str, person: &str) {
        browser.goto(&self.app(path)).await;
        browser.follow(door).await;
        browser.arrive(&self.idp("/")).await;
        browser.click(&format!("button[value={person}]")).await;
    }

    /// The same on the way to a page of sign-in or of the console, whoever was signed in before.
    pub(crate) async fn sign_in_to(&self, browser: &Browser, url: &str, person: &str) {
        self.knock(browser, url, person).await;
        browser.arrive(url).await;
    }

    /// The same, wherever it leads: not everybody is let in.
    pub(crate) async fn knock(&self, browser: &Browser, url: &str, person: &str) {
        browser.forget().await;
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", url).finish();
        browser.goto(&self.auth(&format!("/login/demo-saml?{query}"))).await;
        browser.arrive(&self.idp("/")).await;
        browser.click(&format!("button[value={person}]")).await;
        browser.arrive(&self.auth("/")).await;
    }
}

/// A demo that answers, until it is dropped.
#[derive(Debug)]
pub(crate) struct Demo {
    process: Child,
    /// Open as long as the demo: it may say more.
    _said: BufReader<ChildStdout>,
    site: Site,
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        // A port that was free a moment ago can be taken by now: the demo then ends, and the next port is tried.
        (0..5).find_map(|_| Self::start_at(free_port(), arguments)).unwrap()
    }

    fn start_at(port: u16, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(["demo", "--port", &port.to_string()]).args(arguments);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        // The greeting comes when it listens; the end of the output, when it does not.
        let mut line = String::new();
        while !line.contains("start here") {
            line.clear();
            if said.read_line(&mut line).unwrap() == 0 {
                process.wait().unwrap();
                return None;
            }
        }
        Some(Self { process, _said: said, site: Site { port } })
    }
}

impl Deref for Demo {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A port on which nothing listens.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
