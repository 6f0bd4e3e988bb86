//! How often one address, and one account, may knock. Counted in the ephemeral store, so that all nodes count together when there is Redis.
//!
//! An address stands for everyone behind it: a whole company signs in from one at nine o'clock. So the limit by address only keeps a flood out, and the
//! limit by account is the narrow one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::browser::short_hex;
use super::origin::Origin;
use super::problem::Problem;
use crate::app::App;
use crate::core::Identity;
use crate::store::RecoveryKey;
use crate::store::ephemeral::EphemeralError;

/// What limits count in.
const WINDOW: Duration = Duration::from_mins(1);
/// Finished logins of one account in that time.
const ACCOUNT_LIMIT: u64 = 30;
/// What recovery links are counted in, and how many looks and tries of one address, or at one link, are no person with a link any more. A secret of 256 bits
/// needs no limit; the store does, and a link that was left somewhere.
const RECOVERY_WINDOW: Duration = Duration::from_mins(10);
const RECOVERY_LIMIT: u64 = 30;

/// Sign-in, callbacks and recovery links: `[limits] sign_in` requests a minute from one address.
pub(super) async fn sign_in(State(app): State<Arc<App>>, origin: Origin, request: Request, next: Next) -> Response {
    let limit = app.config.limits.sign_in_per_minute;
    match by_address(&app, "sign-in", &origin, limit).await {
        Ok(()) => next.run(request).await,
        Err(problem) => wait(problem),
    }
}

/// Logout tokens of one address, told by a provider's server: as often as sign-ins, but only those that are refused count in the end. A provider that signs
/// everybody out at once sends them all from one address, and sends none of them again. Answers what to give to [`was_true`].
pub(super) async fn logout_tokens(app: &App, origin: &Origin) -> Result<String, Problem> {
    let key = format!("limit:logout-token:{}", origin.counted());
    let count = app.ephemeral.count(&key, WINDOW).await?;
    if count > u64::from(app.config.limits.sign_in_per_minute) { Err(Problem::TooManyRequests) } else { Ok(key) }
}

/// Whoever sent it is the provider.
pub(super) async fn was_true(app: &App, key: &str) -> Result<(), Problem> {
    app.ephemeral.delete(key).await?;
    Ok(())
}

/// The answer to a request too many, with how long to wait.
pub(super) fn wait(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}

/// The answer to more than there is room for.
pub(super) fn too_many() -> Response {
    wait(Problem::TooManyRequests)
}

/// What somebody who asks too often is told to wait.
pub(super) const RETRY_AFTER_SECONDS: u64 = WINDOW.as_secs();

/// The Admin API: `[limits] api` requests a minute from one address, whatever token it shows, so that nobody tries tokens out.
pub(super) async fn api_by_address(app: &App, origin: &Origin) -> Result<bool, EphemeralError> {
    let Some(address) = origin.address() else { return Ok(true) };
    api(app, &network(address), origin).await
}

/// The same number with one token, from wherever it is used.
pub(super) async fn api_by_token(app: &App, token: &str, origin: &Origin) -> Result<bool, EphemeralError> {
    api(app, token, origin).await
}

async fn api(app: &App, who: &str, origin: &Origin) -> Result<bool, EphemeralError> {
    let limit = app.config.limits.api_per_minute;
    let count = app.ephemeral.count(&format!("limit:api:{who}"), WINDOW).await?;
    if count == u64::from(limit) + 1 {
        tracing::warn!(limit.what = "api", limit.per_minute = limit, request.id = origin.request(), "a program asks too often");
    }
    Ok(count <= u64::from(limit))
}

/// Looks and tries at recovery links, by address and by link.
pub(super) async fn recovery(app: &App, origin: &Origin, key: RecoveryKey) -> Result<(), Problem> {
    for who in [origin.counted(), short_hex(&key.0)] {
        if app.ephemeral.count(&format!("limit:recovery:{who}"), RECOVERY_WINDOW).await? > RECOVERY_LIMIT {
            return Err(Problem::TooManyRequests);
        }
    }
    Ok(())
}

/// Counts a request of an address.
async fn by_address(app: &App, what: &str, origin: &Origin, limit: u32) -> Result<(), Problem> {
    // Without an address there is nobody to count: only a test calls the router by itself.
    let Some(address) = origin.address() else { return Ok(()) };
    let count = app.ephemeral.count(&format!("limit:{what}:{}", network(address)), WINDOW).await?;
    if count <= u64::from(limit) {
        return Ok(());
    }
    // Once a window, not once a request: whoever floods us must not flood the log.
    if count == u64::from(limit) + 1 {
        tracing::warn!(limit.what = what, limit.per_minute = limit, request.id = origin.request(), "an address knocks too often");
    }
    Err(Problem::TooManyRequests)
}

/// Counts a login of an account before anything is decided or written: each one is rows that stay.
pub(super) async fn by_account(app: &App, identity: &Identity) -> Result<(), Problem> {
    let account = format!("{} {}", identity.connection, identity.subject);
    let key = format!("limit:account:{}", short_hex(&Sha256::digest(account.as_bytes())));
    if app.ephemeral.count(&key, WINDOW).await? > ACCOUNT_LIMIT { Err(Problem::TooManyRequests) } else { Ok(()) }
}

/// Whoever has one IPv6 address has the other 2^64 of its network.
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_network_count_together() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
