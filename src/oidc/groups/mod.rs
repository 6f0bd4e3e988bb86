//! Groups that a login does not bring: Entra ID stops at 200, Google sends none. They are asked for with Usher's own credentials.
//!
//! - here: when, and what becomes of a failure
//! - `graph`: Microsoft Graph
//! - `google`: the Directory API of Google Workspace
//!
//! The one rule of this folder: an address is the operator's, never a token's, and whatever goes wrong leaves the groups unknown. Unknown neither gives
//! nor takes.

mod google;
mod graph;

use http::{StatusCode, header};
use jiff::Timestamp;

use super::discovery::Provider;
use super::json::{Object, parse_object};
use super::{OidcError, RelyingParty};
use crate::core::{GroupClaim, GroupLookup, OidcSettings};
use crate::outbound::OutboundError;

pub(super) use google::ServiceAccount;

const MAX_BYTES: usize = 1024 * 1024;

/// Why the groups stay unknown. For the log: a login is not refused for it, but decided without them.
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("no access token: {0}")]
    Token(#[from] OidcError),
    #[error("the answer was {0}")]
    Refused(StatusCode),
    #[error("{0}")]
    Unreadable(&'static str),
}

impl RelyingParty {
    /// The groups of a person: those that came, or those that were looked up where the connection says so.
    pub(super) async fn groups(&self, provider: &Provider, id_token: &Object, came: GroupClaim, now: Timestamp) -> GroupClaim {
        let (found, otherwise) = match &self.settings.group_lookup {
            Some(GroupLookup::MicrosoftGraph { url }) if came == GroupClaim::Overage => {
                (self.ask_graph(provider, url, id_token, now).await, came)
            }
            Some(GroupLookup::GoogleDirectory { url, .. }) => (self.ask_google(url, id_token, now).await, GroupClaim::Malformed),
            Some(GroupLookup::MicrosoftGraph { .. }) | None => return came,
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(connection.id = %self.connection, cause = %error, "the groups could not be looked up, and count as unknown");
            otherwise
        })
    }

    /// Sends a request with an access token; the answer is an object under 200, or there is none.
    async fn ask_api(&self, mut request: http::Request<Vec<u8>>, access_token: &str) -> Result<Object, LookupError> {
        let unfit = |_| LookupError::Unreadable("the access token does not fit into a header");
        let mut value = header::HeaderValue::try_from(format!("Bearer {access_token}")).map_err(unfit)?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        let fetched = self.outbound.send(request, self.reach, MAX_BYTES).await?;
        if fetched.status != StatusCode::OK {
            return Err(LookupError::Refused(fetched.status));
        }
        parse_object(&fetched.body).ok_or(LookupError::Unreadable("the answer is not a JSON object"))
    }
}

/// The service account of a connection that asks Google.
pub(super) fn service_account(settings: &OidcSettings) -> Result<Option<ServiceAccount>, OidcError> {
    match &settings.group_lookup {
        Some(GroupLookup::GoogleDirectory { service_account, impersonate, .. }) => {
            ServiceAccount::parse(service_account, impersonate).map(Some)
        }
        Some(GroupLookup::MicrosoftGraph { .. }) | None => Ok(None),
    }
}

/// An address below the one that the connection names; the last part is escaped.
fn address(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}
