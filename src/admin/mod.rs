//! What an administrator may do: the use cases behind the console, the API and the command line.
//!
//! - [`Admin`]: the parts that every act needs
//! - [`Actor`], [`Permission`]: who acts, in which organization, and what they may
//! - [`AdminError`]: why an act was not done
//! - `people`: how an act on members is done; `members`, `removals`, `seats`, `owner`, `invites`, `relink`: the acts
//! - [`activity`]: the audit log for people
//! - `sessions`: who is signed in, and how that ends
//! - `overview`: how things stand; reading only
//! - `tokens`: API tokens, and whom one speaks for
//! - `recovery`: the way in without an identity provider
//! - `requests`: who waits for a yes
//! - `roster`: the list of members; `table`: rows as CSV; `forecast`: seats, if everyone came
//! - [`settings`]: reviews and saves of settings; `explain`: why somebody has what they have, and what something else would give
//!
//! The one rule of this folder: whether somebody may is asked here and nowhere else, and an act and its audit line are one transaction.
//! Console, API and command line carry words in and out.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::session::Sessions;
use crate::store::Store;

pub mod activity;
mod actor;
mod error;
mod explain;
mod forecast;
mod invites;
mod members;
mod overview;
mod owner;
mod people;
mod recovery;
mod relink;
mod removals;
mod requests;
mod roster;
mod seats;
mod sessions;
pub mod settings;
mod table;
mod tokens;

pub use actor::{Actor, Permission, Who};
pub use error::{AdminError, Fault};
pub use explain::{Answer, Hypothesis, MemberExplanation, Way};
pub use forecast::SeatForecast;
pub use invites::NewInvite;
pub use members::{MemberChange, NewPin};
pub use overview::ConnectionView;
pub use people::PeopleChange;
pub use recovery::{RecoveryLink, recovery_key};
pub use removals::RemovalOutlook;
pub use requests::{Approved, NOTE_MAX, RequestList, RequestView};
pub use roster::TierView;
pub use sessions::{SessionList, SessionView};
pub use tokens::{Bearer, IssuedToken, TOKEN_LIFE_MAX, TOKEN_NAME_MAX, TOKEN_PREFIX, Token, TokenState, TokenWish};

/// What acts are done with.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Durable facts.
    pub store: Arc<dyn Store>,
    /// Sessions, which end with what they rest on.
    pub sessions: Arc<Sessions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's org.toml, where the process reads one at every start: what it says is changed there and nowhere else.
    pub file: Option<PathBuf>,
}
