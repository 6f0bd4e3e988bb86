//! Where a request came from: its id, its peer, and the incident id if it ends on an error page.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use super::limits::network;
use crate::app::App;
use crate::core::IncidentId;
use crate::random::{self, RandomError};
use crate::server::RequestId;
use crate::session::Client;
use crate::store::RequestOrigin;

/// Where one request came from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    request: String,
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Origin {
    /// The request's id.
    pub(super) fn request(&self) -> &str {
        &self.request
    }

    /// The client's address, if it is known.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// For an audit line that belongs to no error page.
    pub(super) fn plain(&self) -> RequestOrigin {
        RequestOrigin { request: Some(self.request.clone()), incident: None, address: self.address.map(|address| address.to_string()) }
    }

    /// What tries are counted by: the client's address, or the network of those that one client has.
    pub(super) fn counted(&self) -> String {
        self.address.map_or_else(|| "unknown".to_owned(), network)
    }

    /// For the session that this request starts.
    pub(super) fn client(&self) -> Client {
        Client::new(self.address.map(|address| address.to_string()), self.user_agent.as_deref())
    }

    /// For an audit line with an incident id, which the page will show if it comes to one.
    pub(super) fn with_incident(&self, app: &App) -> Result<RequestOrigin, RandomError> {
        let incident = IncidentId::from_uuid(random::uuid(app.clock.now())?);
        Ok(RequestOrigin { incident: Some(incident), ..self.plain() })
    }
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let request = parts.extensions.get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let user_agent = parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Ok(Self { request, address, user_agent })
    }
}
