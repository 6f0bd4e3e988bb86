//! `usher demo` as a newcomer starts it: the real binary, in a process of its own.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::Browser;

/// A demo that answers, until it is dropped.
#[derive(Debug)]
pub(crate) struct Demo {
    process: Child,
    /// Open as long as the demo: it may say more.
    _said: BufReader<ChildStdout>,
    port: u16,
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
        Some(Self { process, _said: said, port })
    }

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

    /// From the app's page through sign-in and the provider, as far as the person's click goes.
    pub(crate) async fn sign_in(&self, browser: &Browser, path: &str, door: &str, person: &str) {
        browser.goto(&self.app(path)).await;
        browser.follow(door).await;
        browser.arrive(&self.idp("/")).await;
        browser.click(&format!("button[value={person}]")).await;
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
