//! The first page: what is still to set up, what needs somebody, and how it goes.
//!
//! - `checklist`: what is still to set up
//! - `alarms`: what needs somebody, each with the page that it is about
//!
//! Everything is asked anew for each page; nothing here is kept.

mod alarms;
mod checklist;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::SignedDuration;

use super::connections::{Summary, summarize};
use super::console::Console;
use super::frame::{Frame, Section};
use super::trouble::Trouble;
use crate::app::App;
use crate::core::provision::SeatCount;
use crate::core::{GoneGroup, Reason, gone_groups};
use crate::http::headers::ContentPolicy;
use crate::http::views::View;
use crate::store::{AccessRequest, LoginCount, StoreError};
use alarms::Alarm;
use checklist::Step;

/// How far back the numbers of logins go.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Logins of a connection that are looked through for groups that are gone.
const SEEN_LOGINS: u32 = 1000;

/// What the page is made from.
struct Facts {
    connections: Vec<Summary>,
    seats: Vec<SeatCount>,
    logins: Vec<LoginCount>,
    requests: Vec<AccessRequest>,
    administrators: u32,
    /// Mapped groups that people had and have no more.
    gone: Vec<GoneGroup>,
    /// Whether a recovery link was ever used.
    recovery_tried: bool,
    /// Whether a group that makes an administrator has come in a login.
    administrator_group_seen: bool,
}

#[derive(Debug, Template)]
#[template(path = "admin/overview.html")]
struct Overview {
    frame: Frame,
    /// Empty when all is done.
    steps: Vec<Step>,
    done: usize,
    alarms: Vec<Alarm>,
    admitted: u64,
    refused: u64,
    /// Why logins were refused, and how many.
    reasons: Vec<(Reason, u64)>,
    seats: Vec<Meter>,
    connections: Vec<Summary>,
}

impl View for Overview {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// How much of a tier is used.
#[derive(Debug)]
struct Meter {
    tier: String,
    used: u32,
    owned: u32,
    /// From where it is worth a look: 80 %.
    high: u32,
}

/// `GET /admin/{organization}`
pub(super) async fn show(State(app): State<Arc<App>>, console: Console) -> Result<Response, Trouble> {
    let facts = load(&app, &console).await?;
    let steps = checklist::steps(&console, &facts);
    let done = steps.iter().filter(|step| step.done).count();
    let sum = |admitted: bool| facts.logins.iter().filter(|login| login.admitted == admitted).map(|login| login.count).sum();
    let view = Overview {
        frame: Frame::new(&console, Section::Overview),
        steps: if done == steps.len() { Vec::new() } else { steps },
        done,
        alarms: alarms::alarms(&console, &facts),
        admitted: sum(true),
        refused: sum(false),
        reasons: facts.logins.iter().filter(|login| !login.admitted).map(|login| (login.reason, login.count)).collect(),
        seats: facts.seats.iter().map(meter).collect(),
        connections: facts.connections,
    };
    Ok(view.respond())
}

async fn load(app: &App, console: &Console) -> Result<Facts, Trouble> {
    let (store, organization) = (&app.store, &console.organization);
    let mut connections = Vec::new();
    let mut administrator_group_seen = false;
    for connection in &console.settings.settings.connections {
        connections.push(summarize(console, connection).await?);
        let seen = store.list_seen_groups(&connection.id, 5000).await?;
        let gives = |value: &str| {
            let mappings = organization.role_mappings.iter().filter(|mapping| organization.is_administrator(&mapping.role));
            mappings.flat_map(|mapping| &mapping.groups).any(|group| group.value == value)
        };
        administrator_group_seen |= seen.iter().any(|group| gives(&group.value));
    }
    Ok(Facts {
        connections,
        administrator_group_seen,
        seats: store.count_seats(&organization.id, console.now).await?,
        logins: store.count_logins(&organization.id, console.now - DAY).await?,
        requests: store.list_requests(&organization.id, console.now).await?,
        gone: gone(console).await?,
        recovery_tried: store.find_sso_proof(&organization.id).await?.recovery_used_at.is_some(),
        administrators: store.count_administrators(organization).await?,
    })
}

/// Row 65. Two connections are one look: a group that came through either is there.
pub(super) async fn gone(console: &Console) -> Result<Vec<GoneGroup>, StoreError> {
    if !console.organization.maps_at_login() {
        return Ok(Vec::new());
    }
    let mut logins = Vec::new();
    for connection in &console.settings.settings.connections {
        logins.extend(console.app.store.list_seen_logins(&console.organization.id, &connection.id, SEEN_LOGINS).await?);
    }
    Ok(gone_groups(&console.organization, logins))
}

fn meter(seat: &SeatCount) -> Meter {
    Meter { tier: seat.tier.to_string(), used: seat.used, owned: seat.owned, high: seat.owned * 4 / 5 }
}
