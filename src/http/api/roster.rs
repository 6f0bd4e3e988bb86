//! The list of members: a page of it, or all of it as a file.

use std::sync::Arc;

use axum::Json;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{self, Asked};
use super::members::Member;
use super::page::{Page, Paging};
use super::{file, schema};
use crate::admin::AdminError;
use crate::app::App;
use crate::core::{MemberId, MemberStatus, Role, SeatTier};
use crate::store::{RosterFilter, RosterOrder, RosterPlace, SeatFilter, Seen, Source};

/// The longest text of a filter.
const MAX_TEXT: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export))
}

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MemberPage {
    #[serde(flatten)]
    page: Page<Member>,
    /// How many members fit altogether.
    total: u64,
}

/// Which members, in which order, and which page of them. Everything that is given must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Part of a name or address, without regard to case.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    search: Option<String>,
    /// The role; of a removed member, the last one.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    role: Option<String>,
    /// The seat tier.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    tier: Option<String>,
    /// Any seat, none, or waiting for another one; not together with `tier`.
    #[param(inline, nullable = false)]
    seat: Option<SeatOf>,
    /// Where they stand.
    #[param(inline, nullable = false)]
    status: Option<StatusOf>,
    /// Where what they have comes from.
    #[param(value_type = Option<schema::Source>, inline, nullable = false)]
    source: Option<Source>,
    /// Active humans who did not sign in since then; who never did counts from the day of joining.
    #[param(value_type = Option<schema::Time>, inline, nullable = false)]
    idle_since: Option<Timestamp>,
    /// `true`: who never signed in. Not together with `idle_since`.
    #[param(nullable = false)]
    never_signed_in: Option<bool>,
    /// In which order.
    #[param(value_type = Option<schema::RosterOrder>, inline, nullable = false)]
    sort: Option<RosterOrder>,
    /// The `next` of the page before, in the same order.
    #[param(max_length = 400, nullable = false)]
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    limit: Option<u32>,
}

/// Which seat.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SeatOf {
    Any,
    None,
    Waiting,
}

/// Which status; left out, `active`.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StatusOf {
    #[default]
    Active,
    Removed,
    Blocked,
    All,
}

impl Filter {
    fn parts(self) -> Result<(RosterFilter, RosterOrder, Paging), ApiError> {
        let tier = input::line("tier", self.tier, MAX_TEXT)?.map(|tier| SeatFilter::Tier(SeatTier::new(tier)));
        let seat = self.seat.map(|seat| match seat {
            SeatOf::Any => SeatFilter::Any,
            SeatOf::None => SeatFilter::None,
            SeatOf::Waiting => SeatFilter::Waiting,
        });
        let idle = self.idle_since.map(Seen::NotSince);
        let never = self.never_signed_in.unwrap_or_default().then_some(Seen::Never);
        let filter = RosterFilter {
            search: input::line("search", self.search, MAX_TEXT)?,
            role: input::line("role", self.role, MAX_TEXT)?.map(Role::new),
            seat: one_of("seat", "tier", seat, tier)?,
            status: match self.status.unwrap_or_default() {
                StatusOf::Active => Some(MemberStatus::Active),
                StatusOf::Removed => Some(MemberStatus::Removed),
                StatusOf::Blocked => Some(MemberStatus::Blocked),
                StatusOf::All => None,
            },
            source: self.source,
            seen: one_of("idle_since", "never_signed_in", idle, never)?,
        };
        Ok((filter, self.sort.unwrap_or_default(), Paging::new(self.cursor, self.limit)))
    }
}

fn one_of<T>(one: &str, other: &str, first: Option<T>, second: Option<T>) -> Result<Option<T>, ApiError> {
    match (first, second) {
        (Some(_), Some(_)) => Err(ApiError::invalid(other, format!("not together with `{one}`"))),
        (first, second) => Ok(first.or(second)),
    }
}

/// Lists members by name, or in another order. A cursor is a member, so that pages stay good when rows come and go.
#[utoipa::path(
    get,
    path = "/members",
    operation_id = "list_members",
    tag = "members",
    params(Filter),
    responses((status = 200, description = "A page of members.", body = MemberPage)),
    security(("token" = ["members:read"]))
)]
async fn list(caller: Caller, Asked(filter): Asked<Filter>) -> Result<Json<MemberPage>, ApiError> {
    let (filter, order, paging) = filter.parts()?;
    let place = paging.after(|text| MemberId::parse(text).ok())?.map_or(RosterPlace::Start, RosterPlace::After);
    let page = match caller.admin.list_roster(&caller.actor, &filter, order, place, paging.limit()?).await {
        Err(AdminError::NoSuch("member")) => return Err(ApiError::invalid("cursor", "this is no `next` of this list")),
        listed => listed?,
    };
    let next = page.rows.last().filter(|_| page.later).map(|row| row.member.id);
    let items = page.rows.into_iter().map(Member::from).collect();
    Ok(Json(MemberPage { page: Page::new(items, next.as_ref()), total: page.total }))
}

/// Exports the members who fit as CSV (RFC 4180), streamed. That it was exported is in the activity.
#[utoipa::path(
    get,
    path = "/members/export.csv",
    operation_id = "export_members",
    tag = "members",
    params(Filter),
    responses((status = 200, description = "The file. It has no pages: `cursor` and `limit` are refused.", body = String, content_type = "text/csv")),
    security(("token" = ["members:read"]))
)]
async fn export(caller: Caller, Asked(filter): Asked<Filter>) -> Result<Response, ApiError> {
    if filter.cursor.is_some() || filter.limit.is_some() {
        return Err(ApiError::invalid("query", "a file has no pages: leave out `cursor` and `limit`"));
    }
    let (filter, order, _) = filter.parts()?;
    let rows = caller.admin.export_roster(&caller.actor, filter, order).await?;
    Ok(file::streamed("text/csv; charset=utf-8", "attachment; filename=\"members.csv\"", rows))
}
