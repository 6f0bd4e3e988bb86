//! A review, the save of what was reviewed, and the same for taking a save back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::change::Changes;
use super::reviewed::Review;
use super::shown::Settings;
use crate::admin::AdminError;
use crate::admin::settings::{Confirmations, SettingsChange};
use crate::app::App;
use crate::core::Organization;
use crate::http::api::caller::Caller;
use crate::http::api::error::ApiError;
use crate::http::api::input::Sent;
use crate::http::api::revision::{IfMatch, Tagged};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(review)).routes(routes!(save)).routes(routes!(review_undo)).routes(routes!(undo))
}

/// A change that was reviewed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"changes": {"group_mappings": false}, "review": "5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a"}))]
pub(super) struct SaveRequest {
    /// The same as in the review.
    changes: Changes,
    /// The review's `id`.
    #[schema(max_length = 200)]
    review: String,
    #[serde(default)]
    #[schema(nullable = false)]
    confirm: Confirmed,
}

/// Which save is to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"revision": 41}))]
pub(super) struct UndoReviewRequest {
    /// The revision that the save made: the `ETag` of its answer, without its quotes.
    revision: i64,
}

/// Which save is to be taken back, reviewed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"revision": 41, "review": "5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a"}))]
pub(super) struct UndoRequest {
    /// The revision that the save made.
    revision: i64,
    /// The review's `id`.
    #[schema(max_length = 200)]
    review: String,
    #[serde(default)]
    #[schema(nullable = false)]
    confirm: Confirmed,
}

/// What the review's `needs` ask for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Confirmations, example = json!({"lose_access": 14, "apply_now": true}))]
pub(super) struct Confirmed {
    /// The organization's name: that whoever owns the token loses their administration is meant.
    #[schema(max_length = 256)]
    organization_name: Option<String>,
    /// The number of people who lose access.
    lose_access: Option<u64>,
    /// End the sessions of everyone who changes, so that it is in force at once.
    #[schema(nullable = false)]
    apply_now: bool,
}

impl From<Confirmed> for Confirmations {
    fn from(Confirmed { organization_name, lose_access, apply_now }: Confirmed) -> Self {
        Self { organization_name, lose_access, apply_now }
    }
}

impl Caller {
    /// The organization that a change is made from, if it is the one that was seen.
    pub(super) async fn organization(&self, seen: Option<&IfMatch>) -> Result<Organization, ApiError> {
        let (organization, revision) = self.admin.find_organization_to_change(&self.actor).await?;
        if seen.is_some_and(|seen| seen.revision() != revision) {
            return Err(ApiError::RevisionDiffers);
        }
        Ok(organization)
    }

    pub(super) async fn review(&self, change: &SettingsChange) -> Result<Json<Review>, ApiError> {
        let review = self.admin.review_settings(&self.actor, change, &|_| ()).await?;
        Ok(Json(Review::of(review, &self.actor.organization)))
    }

    /// Saves what was reviewed; from then on logins go by it.
    pub(super) async fn save(
        &self,
        app: &App,
        change: &SettingsChange,
        review: &str,
        confirm: Confirmed,
    ) -> Result<Tagged<Json<Settings>>, ApiError> {
        let saved = self.admin.save_settings(&self.actor, change, review, &confirm.into(), &|_| ()).await?;
        app.refresh(false).await?;
        let organization = saved.stored.settings.find_organization(&self.actor.organization).cloned();
        let organization = organization.ok_or(AdminError::NoSuch("organization"))?;
        Ok(Tagged(saved.stored.revision, Json(organization.into())))
    }
}

fn changed(changes: Changes, organization: Organization) -> Result<SettingsChange, ApiError> {
    Ok(SettingsChange::Organization(Box::new(changes.apply(organization)?)))
}

/// Says what a change would do: who changes, who loses access, seats and administrators after, and what stands against it. Saves nothing.
#[utoipa::path(
    post,
    path = "/settings/review",
    operation_id = "review_settings",
    tag = "settings",
    request_body = Changes,
    responses(
        (status = 200, description = "The review.", body = Review),
        (status = 409, description = "Refused: `above_your_role`, `primary_owner`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn review(caller: Caller, Sent(changes): Sent<Changes>) -> Result<Json<Review>, ApiError> {
    caller.review(&changed(changes, caller.organization(None).await?)?).await
}

/// Saves a change that was reviewed, if a review of now still says the same.
#[utoipa::path(
    patch,
    path = "/settings",
    operation_id = "save_settings",
    tag = "settings",
    params(IfMatch),
    request_body = SaveRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = Settings, headers(("ETag" = String, description = "For `If-Match`."))),
        (status = 409, description = "Refused: `review_changed`, `lockout_saver`, `lockout_owner`, `lockout_nobody`, `confirm_organization_name`, `confirm_lose_access`, `sso_not_proven`, `impossible`, `above_your_role`, `primary_owner`, `stale`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn save(
    State(app): State<Arc<App>>,
    caller: Caller,
    seen: IfMatch,
    Sent(request): Sent<SaveRequest>,
) -> Result<Tagged<Json<Settings>>, ApiError> {
    let change = changed(request.changes, caller.organization(Some(&seen)).await?)?;
    caller.save(&app, &change, &request.review, request.confirm).await
}

/// Says what taking back a save would do. Saves nothing.
#[utoipa::path(
    post,
    path = "/settings/undo/review",
    operation_id = "review_undo",
    tag = "settings",
    request_body = UndoReviewRequest,
    responses(
        (status = 200, description = "The review.", body = Review),
        (status = 409, description = "Refused: `changed_since`, `above_your_role`, `primary_owner`, `not_all_organizations`.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn review_undo(caller: Caller, Sent(request): Sent<UndoReviewRequest>) -> Result<Json<Review>, ApiError> {
    caller.review(&SettingsChange::Undo { revision: request.revision }).await
}

/// Takes back what a save changed, when nothing of it was changed again since.
#[utoipa::path(
    post,
    path = "/settings/undo",
    operation_id = "undo_settings",
    tag = "settings",
    params(IfMatch),
    request_body = UndoRequest,
    responses(
        (status = 200, description = "The settings as they are now.", body = Settings, headers(("ETag" = String, description = "For `If-Match`."))),
        (status = 409, description = "Refused: `changed_since`, and as for a save.")
    ),
    security(("token" = ["settings:write"]))
)]
async fn undo(
    State(app): State<Arc<App>>,
    caller: Caller,
    seen: IfMatch,
    Sent(request): Sent<UndoRequest>,
) -> Result<Tagged<Json<Settings>>, ApiError> {
    caller.organization(Some(&seen)).await?;
    caller.save(&app, &SettingsChange::Undo { revision: request.revision }, &request.review, request.confirm).await
}
