//! The page: mode, mappings and policy, with what is known of each group beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::form::{self, MODES, NO_ROLE_MATCH, NO_SEAT_MATCH, ON_TIER_FULL, Pairs};
use super::what_if::WhatIf;
use crate::app::App;
use crate::core::provision::{SeatCount, folded};
use crate::core::{GroupClaim, MappedGroup, MemberStatus, Mode, Organization, PersonId};
use crate::http::admin::connections::{Summary, summarize};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::overview::gone;
use crate::http::admin::parts::{Badge, Tone, When, count};
use crate::http::admin::review::{self, Edit, What};
use crate::http::admin::trouble::Trouble;
use crate::http::headers::ContentPolicy;
use crate::http::input::Posted;
use crate::http::views::View;
use crate::store::{RosterFilter, RosterOrder, RosterPlace, RosterQuery, StoreError};

/// Up to so many members, the page says how many are in each group: it takes reading each one's last login.
const COUNTED_MEMBERS: u64 = 2000;
/// A group that nobody came with for so long is worth a word.
const UNSEEN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far back the last save of this organization is looked for.
const SAVES: u32 = 30;
const GROUPS_OFFERED: u32 = 2000;

#[derive(Debug, Template)]
#[template(path = "admin/access/page.html")]
pub(super) struct Page {
    frame: Frame,
    saved: bool,
    /// There are changes that were not saved.
    unsaved: bool,
    modes: Vec<Choice>,
    mappings_on: bool,
    /// How groups arrive, by connection.
    claims: Vec<Summary>,
    roles: Vec<Row>,
    tiers: Vec<Row>,
    no_role_match: Vec<Choice>,
    no_seat_match: Vec<Choice>,
    on_tier_full: Vec<Choice>,
    /// Groups that have come, for the fields that add one.
    offered: Vec<String>,
    last: LastSave,
    pub(super) what_if: WhatIf,
}

impl View for Page {
    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// One of several.
#[derive(Debug)]
pub(super) struct Choice {
    value: &'static str,
    label: &'static str,
    hint: &'static str,
    chosen: bool,
}

/// A role or a tier, and its groups.
#[derive(Debug)]
struct Row {
    kind: &'static str,
    place: usize,
    name: String,
    groups: Vec<Chip>,
    /// "9 people", "12 of 20".
    now: String,
}

/// A group, and what is known of it.
#[derive(Debug)]
struct Chip {
    value: String,
    label: String,
    /// "6 members".
    members: Option<String>,
    seen: Option<When>,
    warning: Option<Badge>,
}

/// Who saved last.
#[derive(Debug, Default)]
struct LastSave {
    revision: i64,
    /// When, and by whom; `None` when it was not lately.
    by: Option<(Timestamp, String)>,
    /// The revision that can be taken back.
    undo: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    saved: bool,
}

/// `GET /admin/{organization}/access`
pub(super) async fn show(console: Console, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let draft = draft(&console).await?;
    let mut page = build(&console, draft).await?;
    page.saved = asked.saved;
    Ok(page.respond())
}

/// The organization as somebody wants it, when it was not saved yet.
pub(super) async fn draft(console: &Console) -> Result<Option<Organization>, Trouble> {
    let edit = review::find(console).await?;
    Ok(edit.filter(|edit| edit.page == PAGE).and_then(|edit| match edit.what {
        What::Organization(organization) if *organization != console.organization => Some(*organization),
        _ => None,
    }))
}

const PAGE: &str = "access";

/// `POST /admin/{organization}/access`: the form, to be reviewed or only to get one more group.
pub(super) async fn edit(console: Console, Posted(pairs): Posted<Pairs>) -> Result<Response, Trouble> {
    let organization = form::read(&console.organization, &pairs);
    let edit = Edit { what: What::Organization(Box::new(organization)), page: PAGE.to_owned() };
    let reviewed = review::begin(&console, &edit).await?;
    let adds = pairs.iter().any(|(name, value)| name == "act" && value == "add");
    Ok(if adds { Redirect::to(&console.path(PAGE)).into_response() } else { reviewed })
}

#[derive(Debug, Deserialize)]
pub(super) struct Undo {
    revision: i64,
}

/// `POST /admin/{organization}/access/undo`
pub(super) async fn undo(console: Console, Posted(Undo { revision }): Posted<Undo>) -> Result<Response, Trouble> {
    review::begin(&console, &Edit { what: What::Undo { revision }, page: PAGE.to_owned() }).await
}

/// A form's own address, asked for by a reload.
pub(super) async fn again(State(_): State<Arc<App>>, console: Console) -> Redirect {
    Redirect::to(&console.path(PAGE))
}

/// The page with the organization as it is, or as it is to be.
pub(super) async fn build(console: &Console, draft: Option<Organization>) -> Result<Page, Trouble> {
    let unsaved = draft.is_some();
    let organization = draft.unwrap_or_else(|| console.organization.clone());
    let known = Known::load(console).await?;
    let seats = console.app.store.count_seats(&organization.id, console.now).await?;
    Ok(Page {
        frame: Frame::new(console, Section::Access),
        saved: false,
        unsaved,
        modes: modes(&organization),
        mappings_on: organization.group_mappings,
        claims: claims(console).await?,
        roles: organization
            .roles
            .iter()
            .enumerate()
            .map(|(place, role)| {
                let now = known.roles.get(role.as_str()).copied().unwrap_or_default();
                let now = if known.counted { count(now, "person now", "people now") } else { String::new() };
                Row { kind: "role", place, name: role.to_string(), groups: known.chips(form::role_groups(&organization, role)), now }
            })
            .collect(),
        tiers: organization
            .seat_tiers
            .iter()
            .enumerate()
            .map(|(place, owned)| {
                let used = seats.iter().find(|count: &&SeatCount| count.tier == owned.tier).map_or(0, |count| count.used);
                let (groups, now) = (known.chips(form::tier_groups(&organization, &owned.tier)), format!("{used} of {}", owned.owned));
                Row { kind: "tier", place, name: owned.tier.to_string(), groups, now }
            })
            .collect(),
        no_role_match: choices(&NO_ROLE_MATCH, &organization.policy.no_role_match),
        no_seat_match: choices(&NO_SEAT_MATCH, &organization.policy.no_seat_match),
        on_tier_full: choices(&ON_TIER_FULL, &organization.policy.on_tier_full),
        offered: known.seen.keys().cloned().collect(),
        last: last_save(console).await?,
        what_if: WhatIf::empty(console),
    })
}

/// The connections that say something about groups.
async fn claims(console: &Console) -> Result<Vec<Summary>, Trouble> {
    let mut claims = Vec::new();
    for connection in console.settings.settings.connections.iter().filter(|connection| connection.enabled) {
        claims.push(summarize(console, connection).await?);
    }
    Ok(claims)
}

fn choices<T: PartialEq, const N: usize>(choices: &form::Choices<T, N>, now: &T) -> Vec<Choice> {
    choices.iter().map(|(value, label, meaning)| Choice { value, label, hint: "", chosen: meaning == now }).collect()
}

fn modes(organization: &Organization) -> Vec<Choice> {
    // There is no directory yet that could be chosen; one that was set in org.toml is shown.
    let offered = MODES.iter().filter(|(.., mode)| *mode != Mode::Scim || organization.mode == Mode::Scim);
    let hint = |mode: Mode| match mode {
        Mode::Manual => "Somebody has to be invited first.",
        Mode::Jit => "Whoever may sign in at the provider becomes a member.",
        Mode::Scim => "Members come from the directory.",
    };
    offered.map(|(value, label, mode)| Choice { value, label, hint: hint(*mode), chosen: organization.mode == *mode }).collect()
}

/// What is known of groups and members.
struct Known {
    /// Mapped groups that people had and have no more.
    gone: BTreeSet<String>,
    seen: BTreeMap<String, Timestamp>,
    spellings: BTreeMap<String, BTreeSet<String>>,
    members: BTreeMap<String, usize>,
    roles: BTreeMap<String, usize>,
    /// Whether members were counted at all.
    counted: bool,
    now: Timestamp,
}

impl Known {
    async fn load(console: &Console) -> Result<Self, StoreError> {
        let store = &console.app.store;
        let mut known = Self {
            gone: gone(console).await?.into_iter().map(|gone| gone.value).collect(),
            seen: BTreeMap::new(),
            spellings: BTreeMap::new(),
            members: BTreeMap::new(),
            roles: BTreeMap::new(),
            counted: true,
            now: console.now,
        };
        for connection in &console.settings.settings.connections {
            for group in store.list_seen_groups(&connection.id, GROUPS_OFFERED).await? {
                known.spellings.entry(folded(&group.value)).or_default().insert(group.value.clone());
                let at = known.seen.entry(group.value).or_insert(group.last_seen_at);
                *at = (*at).max(group.last_seen_at);
            }
        }
        known.count_members(console).await?;
        Ok(known)
    }

    async fn count_members(&mut self, console: &Console) -> Result<(), StoreError> {
        let (store, organization) = (&console.app.store, &console.organization.id);
        let filter = RosterFilter { status: Some(MemberStatus::Active), ..RosterFilter::default() };
        let (order, place) = (RosterOrder::Joined, RosterPlace::Start);
        let members = store.list_roster(RosterQuery { organization, filter: &filter, order, place, limit: 1, total: None }).await?.total;
        self.counted = members <= COUNTED_MEMBERS;
        let mut after: Option<PersonId> = None;
        while self.counted {
            let page = store.list_preview_members(organization, after, 500).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.person.id);
            for member in page {
                *self.roles.entry(member.member.role.to_string()).or_default() += 1;
                if let Some(GroupClaim::Present(groups)) = member.last.map(|last| last.identity.groups) {
                    for group in groups {
                        *self.members.entry(group).or_default() += 1;
                    }
                }
            }
        }
        Ok(())
    }

    fn chips(&self, groups: &[MappedGroup]) -> Vec<Chip> {
        groups.iter().map(|group| self.chip(group)).collect()
    }

    fn chip(&self, group: &MappedGroup) -> Chip {
        let value = group.value.trim();
        let seen = self.seen.get(value).copied();
        let near = || self.spellings.get(&folded(value)).into_iter().flatten().find(|spelling| spelling.as_str() != value);
        let warning = match seen {
            Some(_) if self.gone.contains(value) => Some(Badge::new(Tone::Bad, "gone: nobody has it any more")),
            Some(at) if self.now.duration_since(at) <= UNSEEN => None,
            _ => match near() {
                Some(spelling) => Some(Badge::new(Tone::Warn, format!("did you mean {spelling}?"))),
                // Before anybody came, every group is one that nobody came with.
                None if self.seen.is_empty() => None,
                None if seen.is_some() => Some(Badge::new(Tone::Plain, "not for 30 days")),
                None => Some(Badge::new(Tone::Warn, "never seen")),
            },
        };
        Chip {
            value: group.value.clone(),
            label: group.label.clone().unwrap_or_else(|| group.value.clone()),
            members: self.counted.then(|| count(self.members.get(value).copied().unwrap_or_default(), "member", "members")),
            seen: seen.map(|at| When { at, now: self.now }),
            warning,
        }
    }
}

/// The newest save that changed this organization. What others changed has no name here.
async fn last_save(console: &Console) -> Result<LastSave, Trouble> {
    let store = &console.app.store;
    let id = &console.organization.id;
    let mut last = LastSave { revision: console.settings.revision, ..LastSave::default() };
    let mut made = Some(&console.organization);
    let saves = store.list_replaced_settings(SAVES).await?;
    for save in &saves {
        let before = save.settings.find_organization(id);
        if before != made {
            last.by = Some((save.at, name_of(console, &save.actor).await?));
            last.undo = before.is_some().then_some(save.revision);
            break;
        }
        made = before;
    }
    Ok(last)
}

/// An actor of an audit line as people know them here.
async fn name_of(console: &Console, actor: &str) -> Result<String, Trouble> {
    let Ok(person) = PersonId::parse(actor) else {
        return Ok(if actor.starts_with("token:") { "an API token" } else { "the command line" }.to_owned());
    };
    let row = console.app.store.find_member(&console.organization.id, person).await?;
    let known = row.and_then(|row| row.person.name.or_else(|| row.person.email.map(|email| email.to_string())));
    Ok(known.unwrap_or_else(|| "another administrator".to_owned()))
}
