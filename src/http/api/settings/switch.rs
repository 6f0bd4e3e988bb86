//! A connection is turned on or off: reviewed and saved as every change of settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reviewed::Review;
use super::save::Confirmed;
use super::shown::Settings;
use crate::admin::AdminError;
use crate::admin::settings::SettingsChange;
use crate::app::App;
use crate::core::ConnectionId;
use crate::http::api::caller::Caller;
use crate::http::api::connections::Address;
use crate::http::api::error::ApiError;
use crate::http::api::input::{At, Sent};
use crate::http::api::revision::{IfMatch, Tagged};
use crate::http::api::schema;
use crate::http::login::test;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(review)).routes(routes!(save))
}

/// What the connection is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub(super) struct SwitchReviewRequest {
    /// Off: no login starts or finishes.
    enabled: bool,
}

/// What the connection is to be, reviewed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false, "review": "5f3a5f3a5f3a"}))]
pub(super) struct SwitchRequest {
    /// The same as in the review.
    enabled: bool,
    /// The review's `id`.
    #[schema(max_length = 200)]
    review: String,
    #[serde(default)]
    #[schema(nullable = false)]
    confirm: Confirmed,
}

impl Caller {
    /// The change, if the connection may be turned on at all.
    async fn switch(&self, app: &App, connection: ConnectionId, enabled: bool) -> Result<SettingsChange, ApiError> {
        if enabled {
            let settings = app.settings();
            let found = settings.find_connection(&connection).ok_or(AdminError::NoSuch("connection"))?;
            test::need_proven(app, &self.actor.organization, found).await?;
        }
        Ok(SettingsChange::Switch { connection, enabled })
    }
}

/// Says what turning a connection on or off would do: who would have no way in any more, and what stands against it. Saves nothing.
#[utoipa::path(
    post,
    path = "/connections/{connection}/switch/review",
    operation_id = "review_switch",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "Which.")),
    request_body = SwitchReviewRequest,
    responses(
        (status = 200, description = "The review.", body = Review),
        (status = 409, description = "Refused: `connection_not_tested`, `not_all_organizations`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn review(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(at): At<Address>,
    Sent(request): Sent<SwitchReviewRequest>,
) -> Result<Json<Review>, ApiError> {
    caller.organization(None).await?;
    let change = caller.switch(&app, at.connection, request.enabled).await?;
    caller.review(&change).await
}

/// Turns a connection on or off, if a review of now still says the same. Connections are shared by all organizations of the parent. One that was never
/// used is turned on at the console, after a test login.
#[utoipa::path(
    post,
    path = "/connections/{connection}/switch",
    operation_id = "switch_connection",
    tag = "connections",
    params(("connection" = inline(schema::ShortName), Path, description = "Which."), IfMatch),
    request_body = SwitchRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = Settings, headers(("ETag" = String, description = "For `If-Match`."))),
        (status = 409, description = "Refused: `connection_not_tested`, `not_all_organizations`, and as for a save.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn save(
    State(app): State<Arc<App>>,
    caller: Caller,
    seen: IfMatch,
    At(at): At<Address>,
    Sent(request): Sent<SwitchRequest>,
) -> Result<Tagged<Json<Settings>>, ApiError> {
    caller.organization(Some(&seen)).await?;
    let change = caller.switch(&app, at.connection, request.enabled).await?;
    caller.save(&app, &change, &request.review, request.confirm).await
}
