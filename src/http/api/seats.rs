//! Seats by tier.

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use crate::app::App;
use crate::core::provision::SeatCount;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Seats of a tier.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Seats {
    #[schema(example = "Premium")]
    tier: String,
    owned: u32,
    /// Those that invites hold are among them.
    used: u32,
}

impl From<SeatCount> for Seats {
    fn from(count: SeatCount) -> Self {
        Self { tier: count.tier.to_string(), owned: count.owned, used: count.used }
    }
}

/// Seats by tier.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeatList {
    /// Highest first; empty: seats are not counted.
    items: Vec<Seats>,
}

/// Counts seats by tier, those that invites hold among the used ones. To buy more or fewer, change `seat_tiers` in the settings.
#[utoipa::path(
    get,
    path = "/seats",
    operation_id = "list_seats",
    tag = "seats",
    responses((status = 200, description = "The seats.", body = SeatList)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller) -> Result<Json<SeatList>, ApiError> {
    let counts = caller.admin.count_seats(&caller.actor).await?;
    Ok(Json(SeatList { items: counts.into_iter().map(Seats::from).collect() }))
}
