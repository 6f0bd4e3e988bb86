//! Connections, and how their claims are. Secrets are shown to nobody.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::At;
use super::schema;
use crate::admin::ConnectionView;
use crate::app::App;
use crate::core::{ConnectionId, Protocol};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// An identity provider. Connections are shared by all organizations of the parent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connection {
    #[schema(value_type = schema::ShortName)]
    id: ConnectionId,
    name: String,
    #[schema(value_type = schema::Protocol)]
    protocol: &'static str,
    /// Off: no login starts or finishes.
    enabled: bool,
    /// Domains whose people sign in here.
    domains: Vec<String>,
    /// Responses that Usher did not ask for are accepted.
    allow_idp_initiated: bool,
    /// The last time that it let somebody into the organization.
    #[schema(value_type = Option<schema::Time>)]
    last_success_at: Option<Timestamp>,
    /// The last time that it delivered groups for anyone.
    #[schema(value_type = Option<schema::Time>)]
    last_groups_at: Option<Timestamp>,
    /// Whether that was within the last day.
    groups_claim_healthy: bool,
    /// Until when its relink window is open; also one that is over.
    #[schema(value_type = Option<schema::Time>)]
    relink_open_until: Option<Timestamp>,
}

/// Connections, in the order in which sign-in offers them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connections {
    items: Vec<Connection>,
}

/// Which connection an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    pub(super) connection: ConnectionId,
}

impl From<ConnectionView> for Connection {
    fn from(ConnectionView { connection, state, claim_healthy }: ConnectionView) -> Self {
        Self {
            id: connection.id,
            name: connection.name,
            protocol: match connection.protocol {
                Protocol::Saml(_) => "saml",
                Protocol::Oidc(_) => "oidc",
            },
            enabled: connection.enabled,
            domains: connection.domains.iter().map(ToString::to_string).collect(),
            allow_idp_initiated: connection.allow_idp_initiated,
            last_success_at: state.last_success_at,
            last_groups_at: state.last_groups_at,
            groups_claim_healthy: claim_healthy,
            relink_open_until: state.relink_open_until,
        }
    }
}

/// Lists connections, with the health of their group claims.
#[utoipa::path(
    get,
    path = "/connections",
    operation_id = "list_connections",
    tag = "connections",
    responses((status = 200, description = "The connections.", body = Connections)),
    security(("token" = ["settings:read"]))
)]
async fn list(caller: Caller) -> Result<Json<Connections>, ApiError> {
    let connections = caller.admin.list_connections(&caller.actor).await?;
    Ok(Json(Connections { items: connections.into_iter().map(Connection::from).collect() }))
}

/// Shows a connection.
#[utoipa::path(
    get,
    path = "/connections/{connection}",
    operation_id = "show_connection",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "Which.")),
    responses((status = 200, description = "The connection.", body = Connection)),
    security(("token" = ["settings:read"]))
)]
async fn show(caller: Caller, At(at): At<Address>) -> Result<Json<Connection>, ApiError> {
    Ok(Json(caller.admin.find_connection(&caller.actor, &at.connection).await?.into()))
}
