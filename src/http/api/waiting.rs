//! People who were refused and wait for an administrator.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::schema;
use crate::app::App;
use crate::core::{ConnectionId, Reason};
use crate::store::Attempt;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Somebody who tried to come in and was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    #[schema(value_type = schema::ShortName)]
    connection: ConnectionId,
    /// The provider's own name for the person.
    subject: String,
    email: Option<String>,
    /// Why: `no_seats_left` is the waiting list for seats.
    #[schema(value_type = schema::Reason)]
    reason: Reason,
    #[schema(value_type = schema::Time)]
    first_at: Timestamp,
    #[schema(value_type = schema::Time)]
    last_at: Timestamp,
    /// How often they tried.
    count: u32,
}

/// People who wait.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingList {
    items: Vec<Waiting>,
}

impl From<Attempt> for Waiting {
    fn from(attempt: Attempt) -> Self {
        Self {
            connection: attempt.connection,
            subject: attempt.subject,
            email: attempt.email.map(|email| email.to_string()),
            reason: attempt.reason,
            first_at: attempt.first_at,
            last_at: attempt.last_at,
            count: attempt.count,
        }
    }
}

/// Lists people who were refused and wait for an administrator, the oldest first.
#[utoipa::path(
    get,
    path = "/waiting",
    operation_id = "list_waiting",
    tag = "members",
    responses((status = 200, description = "The people.", body = WaitingList)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller) -> Result<Json<WaitingList>, ApiError> {
    let attempts = caller.admin.list_attempts(&caller.actor).await?;
    Ok(Json(WaitingList { items: attempts.into_iter().map(Waiting::from).collect() }))
}
