//! The list, narrowed and ordered by its address.

use std::str::FromStr;

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use strum::IntoEnumIterator as _;

use crate::core::{Member, MemberId, MemberStatus, Role, SeatTier};
use crate::http::admin::console::Console;
use crate::http::admin::file::download;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::{Badge, Pager, Select, Tone, address, count};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::input::Asked;
use crate::http::views::View;
use crate::store::{MemberRow, RosterFilter, RosterOrder, RosterPlace, SeatFilter, Seen, Source};

/// Members on one page.
const PAGE: u32 = 50;

/// What the address says; what it cannot mean is as if it were not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    q: String,
    role: String,
    seat: String,
    status: String,
    source: String,
    seen: String,
    sort: String,
    after: String,
    before: String,
    format: String,
}

impl Query {
    pub(super) fn order(&self) -> RosterOrder {
        self.sort.parse().unwrap_or_default()
    }

    /// Without a status, whoever is a member now.
    pub(super) fn filter(&self, console: &Console) -> RosterFilter {
        let search = self.q.trim();
        let stale_since = console.now.saturating_sub(console.organization.policy.stale_after).unwrap_or(Timestamp::MIN);
        RosterFilter {
            search: (!search.is_empty()).then(|| search.to_owned()),
            role: given(&self.role).map(Role::new),
            seat: given(&self.seat).map(|seat| match seat {
                "any" => SeatFilter::Any,
                "none" => SeatFilter::None,
                "waiting" => SeatFilter::Waiting,
                other => SeatFilter::Tier(SeatTier::new(other.strip_prefix("tier:").unwrap_or(other))),
            }),
            status: match self.status.as_str() {
                "all" => None,
                other => Some(MemberStatus::from_str(other).unwrap_or(MemberStatus::Active)),
            },
            source: self.source.parse().ok(),
            seen: match self.seen.as_str() {
                "never" => Some(Seen::Never),
                "stale" => Some(Seen::NotSince(stale_since)),
                _ => None,
            },
        }
    }

    fn place(&self) -> RosterPlace {
        match (MemberId::parse(&self.after), MemberId::parse(&self.before)) {
            (Ok(member), _) => RosterPlace::After(member),
            (_, Ok(member)) => RosterPlace::Before(member),
            _ => RosterPlace::Start,
        }
    }

    fn is_narrowed(&self) -> bool {
        [&self.q, &self.role, &self.seat, &self.status, &self.source, &self.seen].iter().any(|field| !field.is_empty())
    }

    /// The same list with something more in its address.
    fn address(&self, path: &str, more: (&str, &str)) -> String {
        address(
            path,
            &[
                ("q", self.q.as_str()),
                ("role", self.role.as_str()),
                ("seat", self.seat.as_str()),
                ("status", self.status.as_str()),
                ("source", self.source.as_str()),
                ("seen", self.seen.as_str()),
                ("sort", self.sort.as_str()),
                more,
            ],
        )
    }
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[derive(Debug, Template)]
#[template(path = "admin/members/list.html")]
struct List {
    frame: Frame,
    query: Query,
    filters: Vec<Select>,
    rows: Vec<Row>,
    headline: String,
    csv_href: String,
    invites_href: String,
    pager: Pager,
    path: String,
}

#[derive(Debug)]
struct Row {
    href: String,
    name: String,
    of: MemberRow,
    badges: Vec<Badge>,
}

impl View for List {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// `GET /admin/{organization}/members`
pub(super) async fn show(console: Console, Asked(query): Asked<Query>) -> Result<Response, Trouble> {
    let filter = query.filter(&console);
    if query.format == "csv" {
        let file = console.admin().export_roster(&console.actor, filter, query.order()).await?;
        return Ok(download(&console, "members", "csv", "text/csv; charset=utf-8", file));
    }
    let page = console.admin().list_roster(&console.actor, &filter, query.order(), query.place(), PAGE).await?;
    let path = console.path("members");
    let at = |row: Option<&MemberRow>| row.map(|row| row.member.id.to_string()).unwrap_or_default();
    let (first, last) = (at(page.rows.first()), at(page.rows.last()));
    let shown = count(page.rows.len(), "member", "members");
    let pager = Pager {
        range: if page.earlier || page.later { format!("{shown} of {}", page.total) } else { shown },
        previous: (page.earlier && !first.is_empty()).then(|| query.address(&path, ("before", &first))),
        next: page.later.then(|| query.address(&path, ("after", &last))),
    };
    Ok(List {
        filters: filters(&console, &query),
        headline: headline(page.total, query.is_narrowed()),
        invites_href: console.path("invites"),
        csv_href: query.address(&path, ("format", "csv")),
        rows: page.rows.into_iter().map(|row| shown_row(&console, row)).collect(),
        frame: Frame::new(&console, Section::Members),
        pager,
        query,
        path,
    }
    .respond())
}

fn headline(total: u64, narrowed: bool) -> String {
    let people = count(total, "person", "people");
    match (total, narrowed) {
        (1, true) => format!("{people} fits."),
        (_, true) => format!("{people} fit."),
        (_, false) => format!("{people} may use what is behind this sign-in."),
    }
}

fn filters(console: &Console, query: &Query) -> Vec<Select> {
    let organization = &console.organization;
    let roles = organization.roles.iter().map(|role| (role.as_str(), role.as_str()));
    let tiers = organization.seat_tiers.iter().map(|owned| (format!("tier:{}", owned.tier), owned.tier.to_string()));
    let special = [("any", "Any tier"), ("none", "No seat"), ("waiting", "Waits for another")]
        .map(|(value, label)| (value.to_owned(), label.to_owned()));
    let statuses = [("all", "Everybody there ever was"), ("removed", "Removed"), ("blocked", "Blocked")];
    let days = organization.policy.stale_after.as_hours() / 24;
    let seen = [("stale", format!("Not for {days} days")), ("never", "Never signed in".to_owned())];
    let mut all = vec![Select::new("role", "Role", roles, &query.role).or_nothing("Any role")];
    if !organization.seat_tiers.is_empty() {
        all.push(Select::new("seat", "Seat", tiers.chain(special), &query.seat).or_nothing("With or without"));
    }
    let sources = Source::iter().map(|source| (source.to_string(), source_name(source)));
    let orders = RosterOrder::iter().map(|order| (order.to_string(), order_name(order)));
    all.extend([
        Select::new("status", "Standing", statuses, &query.status).or_nothing("Members now"),
        Select::new("source", "Came by", sources, &query.source).or_nothing("Any way"),
        Select::new("seen", "Last sign-in", seen, &query.seen).or_nothing("At any time"),
        Select::new("sort", "Order", orders, &query.order().to_string()),
    ]);
    all
}

const fn source_name(source: Source) -> &'static str {
    match source {
        Source::Provider => "Signing in",
        Source::Invite => "An invite",
        Source::Pin => "Has a pin",
    }
}

const fn order_name(order: RosterOrder) -> &'static str {
    match order {
        RosterOrder::Name => "By name",
        RosterOrder::Email => "By address",
        RosterOrder::Recent => "Last here first",
        RosterOrder::Idle => "Longest away first",
        RosterOrder::Joined => "Newest first",
    }
}

fn shown_row(console: &Console, row: MemberRow) -> Row {
    Row {
        href: console.path(&format!("members/{}", row.member.id)),
        name: row.name(),
        badges: badges(console, &row.member, row.person.service_account),
        of: row,
    }
}

/// What is not ordinary about a member.
pub(super) fn badges(console: &Console, member: &Member, service_account: bool) -> Vec<Badge> {
    let pin = member.pin.as_ref();
    let marks = [
        (member.primary_owner, Tone::Good, "Primary Owner".to_owned()),
        (member.status == MemberStatus::Removed, Tone::Plain, "Removed".to_owned()),
        (member.status == MemberStatus::Blocked, Tone::Bad, "Blocked".to_owned()),
        (service_account, Tone::Plain, "Service account".to_owned()),
        (
            pin.is_some_and(|pin| pin.ends_at > console.now),
            Tone::Warn,
            pin.map_or_else(String::new, |pin| format!("Pinned until {}", pin.ends_at.strftime("%-d %b"))),
        ),
        (member.seat_unassigned, Tone::Warn, "Seat taken away".to_owned()),
    ];
    marks.into_iter().filter(|(is_so, ..)| *is_so).map(|(_, tone, text)| Badge::new(tone, text)).collect()
}
