//! Seats by tier.

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use crate::admin::SeatForecast;
use crate::app::App;
use crate::core::preview::TierForecast;
use crate::core::provision::SeatCount;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(forecast))
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

/// Seats of a tier, if everyone signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Expected {
    #[schema(example = "Premium")]
    tier: String,
    owned: u32,
    /// Seats that there would have to be; those that invites hold are among them.
    needed: u64,
}

impl From<TierForecast> for Expected {
    fn from(TierForecast { tier, owned, needed }: TierForecast) -> Self {
        Self { tier: tier.to_string(), owned, needed }
    }
}

/// How many seats there would have to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeatForecast)]
pub(super) struct Forecast {
    /// Highest tier first; empty: seats are not counted.
    items: Vec<Expected>,
    /// Members who were looked at, with the groups that came at their last login.
    members: u64,
    /// People who were looked at and are no members yet: they ask to come in, or wait for a seat.
    strangers: usize,
}

impl From<SeatForecast> for Forecast {
    fn from(SeatForecast { tiers, members, strangers }: SeatForecast) -> Self {
        Self { items: tiers.into_iter().map(Expected::from).collect(), members, strangers }
    }
}

/// Counts the seats that there would have to be if everyone in the mapped groups signed in. It looks at every member: for 100,000 it takes seconds.
#[utoipa::path(
    get,
    path = "/seats/forecast",
    operation_id = "forecast_seats",
    tag = "seats",
    responses((status = 200, description = "The forecast.", body = Forecast)),
    security(("token" = ["members:read"]))
)]
async fn forecast(caller: Caller) -> Result<Json<Forecast>, ApiError> {
    Ok(Json(caller.admin.forecast_seats(&caller.actor).await?.into()))
}
