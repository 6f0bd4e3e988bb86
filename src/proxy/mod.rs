//! The reverse proxy: for every request one question, "which member is this, and may they pass?", and to the app one clean request.
//!
//! - `target`: host and path, refused when two parsers could read them differently
//! - `route`: app hosts, compiled from configuration
//! - `pass`, `decide`: who this is, and the one decision
//! - `introduce`: the headers that tell an app who it is, and `jwt`, the token among them
//! - [`clean`]: what is taken out of a request and an answer
//! - `forward`: the path of one request; `upstream`, `pool`, `body`: to the app and back, streaming
//! - `forward_auth`: the same decision for another proxy that asks before it passes a request on
//! - `upgrade`, `watch`, `frames`: WebSocket and event streams, closed with their session, or when this node stops
//! - `own`: `/.usher/…` on app hosts
//! - `answer`: every answer that is Usher's own
//! - `counts`: what metrics show
//!
//! The one rule of this folder: what is judged is what is sent, and any error on the way is a denial.

mod answer;
mod body;
pub mod clean;
mod counts;
mod decide;
mod forward;
mod forward_auth;
mod frames;
mod introduce;
pub mod jwt;
mod own;
mod pass;
mod peer;
mod pool;
mod route;
mod target;
mod upgrade;
mod upstream;
mod watch;

pub use answer::{Page, Pages, PlainPages, Problem, REQUEST_ID};
pub use body::{Body, BoxError};
pub use counts::RouteReport;
pub use forward::{AppHost, Proxy};
pub use forward_auth::FORWARD_AUTH;
pub use jwt::IdentityKeys;
pub use peer::{Peer, RequestId};
pub use target::{Malformed, Target};
pub use upgrade::Place;
