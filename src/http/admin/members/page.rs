//! One member: why they have what they have, what happened, and what can be done.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;

use super::Subject;
use super::list::badges;
use super::why::{Today, Why, why};
use crate::admin::{AdminError, SessionView};
use crate::core::{MemberId, MemberStatus, Mode, RemovalId, SeatTier};
use crate::http::admin::activity::Line;
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::{Badge, Select, address};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::views::View;
use crate::store::{ActivityFilter, MemberRow};

/// Lines of the log that are shown here.
const TIMELINE: u32 = 20;

#[derive(Debug, Template)]
#[template(path = "admin/members/page.html")]
struct Page {
    frame: Frame,
    row: MemberRow,
    name: String,
    badges: Vec<Badge>,
    notes: Vec<String>,
    sessions: Vec<SessionView>,
    lines: Vec<Line>,
    why: Why,
    activity_href: String,
    sessions_href: String,
    path: String,
    /// Groups decide here, so that a change by hand lasts only as a pin.
    mapped: bool,
    role: Select,
    seat: Option<Select>,
    pin_role: Select,
    pin_seat: Option<Select>,
    pin_days: Select,
    /// What brings a removed member back as they were.
    undo: Option<(String, Timestamp)>,
    may_transfer: bool,
}

impl Page {
    fn is(&self, status: &str) -> bool {
        self.row.member.status.to_string() == status
    }
}

impl View for Page {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET …/members/{member}`
pub(super) async fn show(console: Console, Subject(row): Subject) -> Result<Response, Trouble> {
    let path = console.path(&format!("members/{}", row.member.id));
    if console.location != path {
        return Ok(Redirect::to(&path).into_response());
    }
    Ok(page(&console, row, Vec::new()).await?.respond())
}

/// The page after an act that left something to be known.
pub(super) async fn with_notes(console: &Console, member: MemberId, notes: Vec<String>) -> Result<Response, Trouble> {
    let row = console.app.store.find_member_by_id(&console.organization.id, member).await?.ok_or(AdminError::NoSuch("member"))?;
    Ok(page(console, row, notes).await?.respond())
}

async fn page(console: &Console, row: MemberRow, notes: Vec<String>) -> Result<Page, AdminError> {
    let (admin, actor, organization) = (console.admin(), &console.actor, &console.organization);
    let id = row.member.id.to_string();
    let filter = ActivityFilter { target: Some(id.clone()), ..ActivityFilter::default() };
    let timeline = admin.list_activity(actor, &filter, None, TIMELINE).await?;
    let roles: Vec<&str> = organization.roles.iter().map(crate::core::Role::as_str).collect();
    let tiers: Vec<(String, String)> = organization
        .seat_tiers
        .iter()
        .map(|owned| (format!("tier:{}", owned.tier), owned.tier.to_string()))
        .chain([("none".to_owned(), "No seat".to_owned())])
        .collect();
    let has = row.member.seat.as_ref().map(SeatTier::as_str).map_or_else(|| "none".to_owned(), |tier| format!("tier:{tier}"));
    let counted = !organization.seat_tiers.is_empty();
    let days = organization.policy.pin_max.as_hours() / 24;
    let lasts = [1, 7, 14, 30, 90].into_iter().filter(|length| *length < days).chain([days]);
    Ok(Page {
        role: Select::new("role", "Role", roles.iter().map(|role| (*role, *role)), row.member.role.as_str()),
        seat: counted.then(|| Select::new("seat", "Seat", tiers.clone(), &has)),
        pin_role: Select::new("role", "Role", roles.iter().map(|role| (*role, *role)), "").or_nothing("As the groups say"),
        pin_seat: counted.then(|| Select::new("seat", "Seat", tiers, "").or_nothing("As the groups say")),
        pin_days: Select::new(
            "days",
            "For",
            lasts.map(|days| (days.to_string(), if days == 1 { "1 day".to_owned() } else { format!("{days} days") })),
            "7",
        ),
        mapped: organization.group_mappings
            && organization.mode != Mode::Manual
            && !console.settings.settings.is_guest(organization, row.person.email.as_ref()),
        sessions: admin.list_sessions_of(actor, row.member.id).await?,
        lines: timeline.entries.into_iter().map(|entry| Line::new(console, entry)).collect(),
        why: why(console, &row).await?,
        activity_href: address(&console.path("activity"), &[("target", &id)]),
        sessions_href: address(&console.path("sessions"), &[("member", &id)]),
        undo: find_undo(console, &row).await?,
        may_transfer: console.row.member.primary_owner && !row.member.primary_owner && row.member.status == MemberStatus::Active,
        badges: badges(console, &row.member, row.person.service_account),
        path: console.path(&format!("members/{id}")),
        frame: Frame::new(console, Section::Members).below(row.name()),
        name: row.name(),
        notes,
        row,
    })
}

/// The newest removal of this member that can still be undone.
async fn find_undo(console: &Console, row: &MemberRow) -> Result<Option<(String, Timestamp)>, AdminError> {
    if row.member.status == MemberStatus::Active {
        return Ok(None);
    }
    let removals = console.admin().list_removals(&console.actor).await?;
    let found = removals.into_iter().find(|removal| removal.members.iter().any(|member| member.id == row.member.id));
    let href = |id: RemovalId| console.path(&format!("removals/{id}/undo"));
    Ok(found.filter(|removal| removal.undone_at.is_none()).map(|removal| (href(removal.id), removal.at)))
}
