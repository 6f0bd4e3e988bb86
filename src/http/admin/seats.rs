//! Seats: who has how many, who waits, and whose could be free.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;

use super::console::Console;
use super::frame::{Frame, Section};
use super::members::Subject;
use super::parts::{address, count};
use super::trouble::Trouble;
use crate::admin::{AdminError, TierView};
use crate::app::App;
use crate::core::MemberStatus;
use crate::http::headers::ContentPolicy;
use crate::http::input::Asked;
use crate::http::views::View;
use crate::store::{MemberRow, RosterFilter, RosterOrder, RosterPage, RosterPlace, SeatFilter, Seen};

/// People in one list here; the list of members has all.
const SHOWN: u32 = 20;
/// Up to so many members, every look at the page works the forecast out: it reads each one's last login.
const FORECAST_AT_ONCE: u64 = 2000;
/// The most who wait that are put in their order.
const QUEUE: u32 = 500;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/seats", get(show))
        .route("/admin/{organization}/seats/{member}/give", post(give))
        .route("/admin/{organization}/seats/{member}/reclaim", post(reclaim))
}

#[derive(Debug, Template)]
#[template(path = "admin/seats.html")]
struct Page {
    frame: Frame,
    tiers: Vec<Tier>,
    waiting: Vec<Holder>,
    waiting_more: u64,
    waiting_href: String,
    stale: Vec<Holder>,
    stale_more: u64,
    stale_href: String,
    stale_days: i64,
    /// Members that a forecast would look at, when they are too many for every look at this page.
    forecast_members: Option<u64>,
    path: String,
}

#[derive(Debug)]
struct Tier {
    view: TierView,
    href: String,
    /// Bad news about it, in a sentence.
    warning: Option<String>,
    /// Seats that there would have to be if everybody signed in.
    forecast: Option<u64>,
    /// Who joined last of those who have one, when none is free.
    newest: Option<Holder>,
}

impl Tier {
    fn falls_short(&self) -> bool {
        self.forecast.is_some_and(|needed| needed > u64::from(self.view.owned))
    }
}

#[derive(Debug)]
struct Holder {
    row: MemberRow,
    name: String,
    href: String,
}

impl View for Page {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    forecast: bool,
}

/// `GET /admin/{organization}/seats`
async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    let views = console.admin().look_at_seats(&console.actor).await?;
    let active = RosterFilter { status: Some(MemberStatus::Active), ..RosterFilter::default() };
    let waits = RosterFilter { seat: Some(SeatFilter::Waiting), ..active.clone() };
    let mut waiting = list(&console, &waits, RosterOrder::Joined, QUEUE).await?;
    waiting.rows.sort_by_key(|row| row.member.wanted_tier.as_ref().map(|wanted| wanted.since));
    waiting.rows.truncate(SHOWN as usize);
    let since = console.now.saturating_sub(console.organization.policy.stale_after).unwrap_or(Timestamp::MIN);
    let away = RosterFilter { seat: Some(SeatFilter::Any), seen: Some(Seen::NotSince(since)), ..active.clone() };
    let stale = list(&console, &away, RosterOrder::Idle, SHOWN).await?;
    let everybody = list(&console, &active, RosterOrder::Joined, 1).await?.total;
    let forecast = if query.forecast || everybody <= FORECAST_AT_ONCE {
        Some(console.admin().forecast_seats(&console.actor).await?.tiers)
    } else {
        None
    };
    let members = console.path("members");
    let mut tiers = Vec::new();
    for view in views {
        let needed = forecast.iter().flatten().find(|tier| tier.tier == view.tier).map(|tier| tier.needed);
        let newest = newest(&console, &active, &view).await?;
        tiers.push(Tier { forecast: needed, newest, ..tier(&members, view) });
    }
    Ok(Page {
        forecast_members: forecast.is_none().then_some(everybody),
        tiers,
        waiting_more: waiting.total.saturating_sub(waiting.rows.len() as u64),
        waiting: holders(&console, waiting.rows),
        waiting_href: address(&members, &[("seat", "waiting")]),
        stale_more: stale.total.saturating_sub(stale.rows.len() as u64),
        stale: holders(&console, stale.rows),
        stale_href: address(&members, &[("seen", "stale"), ("seat", "any"), ("sort", "idle")]),
        stale_days: console.organization.policy.stale_after.as_hours() / 24,
        path: console.path("seats"),
        frame: Frame::new(&console, Section::Seats),
    }
    .respond())
}

/// Who took the last seat, as far as one can say: the newest member who has one.
async fn newest(console: &Console, active: &RosterFilter, view: &TierView) -> Result<Option<Holder>, AdminError> {
    if view.taken == 0 || view.taken.saturating_add(view.held) < view.owned {
        return Ok(None);
    }
    let holders_of = RosterFilter { seat: Some(SeatFilter::Tier(view.tier.clone())), ..active.clone() };
    let rows = list(console, &holders_of, RosterOrder::Joined, 1).await?.rows;
    Ok(holders(console, rows).into_iter().next())
}

async fn list(console: &Console, filter: &RosterFilter, order: RosterOrder, limit: u32) -> Result<RosterPage, AdminError> {
    console.admin().list_roster(&console.actor, filter, order, RosterPlace::Start, limit).await
}

fn holders(console: &Console, rows: Vec<MemberRow>) -> Vec<Holder> {
    let holder = |row: MemberRow| Holder { name: row.name(), href: console.path(&format!("members/{}", row.member.id)), row };
    rows.into_iter().map(holder).collect()
}

fn tier(members: &str, view: TierView) -> Tier {
    let used = view.taken.saturating_add(view.held);
    let short = view.needed.saturating_sub(view.owned);
    let warning = if used > view.owned {
        Some(format!("{} more in use than owned. Nobody loses one, and nobody new gets one.", used - view.owned))
    } else if short > 0 {
        Some(format!("{} missing for everybody who waits.", count(short, "seat is", "seats are")))
    } else if used == view.owned {
        Some("All are in use. Whoever comes next gets a lower tier, or waits.".to_owned())
    } else {
        None
    };
    let href = address(members, &[("seat", &format!("tier:{}", view.tier))]);
    Tier { href, view, warning, forecast: None, newest: None }
}

/// `POST …/seats/{member}/give`
async fn give(console: Console, Subject(row): Subject) -> Result<Response, Trouble> {
    console.admin().assign_waiting_seat(&console.actor, row.member.id).await?;
    Ok(Redirect::to(&console.path("seats")).into_response())
}

/// `POST …/seats/{member}/reclaim`
async fn reclaim(console: Console, Subject(row): Subject) -> Result<Response, Trouble> {
    console.admin().reclaim_seat(&console.actor, row.member.id).await?;
    Ok(Redirect::to(&console.path("seats")).into_response())
}
