//! The command line: one file a command.
//!
//! - [`Cli`], [`Command`]: what can be asked; [`main`] asks and turns the end into an exit code
//! - `output`: data on stdout, talk on stderr; `failure`: how a command ends badly, with the exit codes of the interface
//! - `database`: the store beside a usher.toml, for commands that work without a running server
//! - [`logging`]: where log lines go; `systemd`: what the service manager is told
//! - `review`: a review of settings on the terminal
//!
//! The one rule of this folder: commands decide nothing; they ask `config`, `core`, `store` and `admin`, and say what came back.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::{Clock, SystemClock};

mod activity;
mod admin;
mod apply;
mod by_hand;
mod check;
mod database;
mod demo;
mod explain;
pub mod failure;
mod init;
mod invite;
mod keys;
pub mod logging;
mod member;
mod openapi;
pub mod output;
mod request;
mod review;
mod seat;
mod serve;
mod session;
mod store;
mod systemd;
mod token;
mod version;
mod whatif;

pub use failure::Failure;

/// Usher: sign-in with SAML or OIDC in front of an app, with the right role and seat for everyone.
#[derive(Debug, Parser)]
#[command(name = "usher", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it: an identity provider with twelve people and a sample app, on this machine only, nothing kept.
    Demo(demo::Args),
    /// Write a usher.toml and an org.toml to start from.
    Init(init::Args),
    /// Look over configuration files, offline: every fault with a pointer and a suggestion.
    Check(check::Args),
    /// Run the gateway.
    Serve(serve::Args),
    /// Make an org.toml the organization's settings, after a review.
    Apply(apply::Args),
    /// Say why somebody has their role and seat, or was refused.
    Explain(explain::Args),
    /// Say what would happen at a login. Nothing is written.
    Whatif(whatif::Args),
    /// Look at members, change, remove and restore them.
    #[command(subcommand)]
    Member(member::Command),
    /// Invite people, where they come in by invites.
    #[command(subcommand)]
    Invite(invite::Command),
    /// Look at seats, who waits for one, and who does not use theirs.
    #[command(subcommand)]
    Seat(seat::Command),
    /// Make, list and revoke API tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Print the OpenAPI document of the Admin API.
    Openapi(openapi::Args),
    /// The database as a whole.
    #[command(subcommand)]
    Store(store::Command),
    /// See who waits to be let in, and answer.
    #[command(subcommand)]
    Request(request::Command),
    /// See and end sessions.
    #[command(subcommand)]
    Session(session::Command),
    /// Show the activity: what was done, by whom, and why.
    Activity(activity::Args),
    /// Write something out as a file.
    #[command(subcommand)]
    Export(activity::Export),
    /// Get in when nothing else works.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Change the keys that Usher signs with.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Say which version this is.
    Version(version::Args),
}

/// What every command may ask of its surroundings.
#[derive(Debug)]
pub struct Context {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The clock.
    pub clock: Box<dyn Clock>,
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure`], with its exit code.
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Demo(args) => serve_on_threads(args.run()),
            Self::Serve(args) => serve_on_threads(args.run(context)),
            Self::Init(args) => args.run(),
            Self::Check(args) => args.run(context),
            Self::Apply(args) => block_on(args.run(context)),
            Self::Explain(args) => block_on(args.run(context)),
            Self::Whatif(args) => block_on(args.run(context)),
            Self::Member(command) => block_on(command.run(context)),
            Self::Invite(command) => block_on(command.run(context)),
            Self::Seat(command) => block_on(command.run(context)),
            Self::Token(command) => block_on(command.run(context)),
            Self::Openapi(openapi::Args {}) => openapi::run(),
            Self::Store(command) => block_on(command.run(context)),
            Self::Request(command) => block_on(command.run(context)),
            Self::Session(command) => block_on(command.run(context)),
            Self::Activity(args) => block_on(args.run(context)),
            Self::Export(command) => block_on(command.run(context)),
            Self::Admin(command) => block_on(command.run(context)),
            Self::Keys(command) => command.run(context),
            Self::Version(args) => args.run(),
        }
    }
}

/// Runs a command that waits for the store; one thread is plenty.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?.block_on(command)
}

/// Runs what serves: the listeners have runtimes of their own; this one is for what happens beside requests.
fn serve_on_threads(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(anyhow::Error::from)?.block_on(command)
}

/// Reads the command line, does what it asks, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and end well; anything else is a usage error, 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    let context = Context { env: crate::config::environment(), clock: Box::new(SystemClock) };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
