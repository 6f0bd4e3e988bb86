//! What a review says: what stands against it, who is concerned, and what has to be typed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::changes::Change;
use super::{Edit, InHand, is_fresh};
use crate::admin::settings::{Objection, Review};
use crate::core::preview::{Lockout, Next, PersonEffect};
use crate::core::provision::SeatCount;
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::headers::ContentPolicy;
use crate::http::views::View;
use jiff::Timestamp;

/// How many people one list names; the rest are counted.
const NAMED: usize = 200;
/// How many groups of one person are named: some people are in hundreds.
const GROUPS: usize = 8;

/// What is said first.
#[derive(Debug, Clone)]
pub(super) enum Notice {
    /// This is not the review that was confirmed (409).
    Changed,
    /// What was typed does not fit (422).
    Typed(String),
}

/// The review without the frame: what is streamed.
#[derive(Debug, Template)]
#[template(path = "admin/review/effects.html")]
pub(super) struct Effects {
    frame: Frame,
    notice: Option<Notice>,
    nothing: bool,
    changes: Vec<Change>,
    objections: Vec<Objection>,
    refused: bool,
    warnings: Vec<String>,
    /// Number and words.
    sums: Vec<(u64, &'static str)>,
    lists: Vec<PeopleList>,
    seats: Vec<SeatCount>,
    administrators: String,
    organization_name: Option<String>,
    lose_access: Option<u64>,
    /// Something has to be typed, and the sign-in is too old for that.
    sign_in_href: Option<String>,
    /// Whether sessions could be ended at once, because somebody is concerned.
    concerns_people: bool,
    review: String,
    save_href: String,
    discard_href: String,
    back_href: String,
}

/// The whole page.
#[derive(Debug, Template)]
#[template(path = "admin/review/page.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    pub(super) headline: String,
    /// Already rendered by [`Effects`], or the mark where it will be.
    pub(super) effects: String,
    pub(super) status: StatusCode,
}

impl View for Page {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn policy(&self) -> ContentPolicy<'_> {
        self.frame.policy()
    }
}

/// People to whom the same happens.
#[derive(Debug)]
struct PeopleList {
    title: &'static str,
    people: Vec<PersonLine>,
    more: usize,
}

#[derive(Debug)]
struct PersonLine {
    name: String,
    email: Option<String>,
    before: String,
    after: String,
    /// The first few, and how many more there are.
    groups: Vec<String>,
    more: usize,
    seen_at: Option<Timestamp>,
}

/// The page of a review that is at hand.
pub(super) fn respond(console: &Console, in_hand: &InHand, review: &Review, notice: Option<Notice>) -> Response {
    let status = match &notice {
        None => StatusCode::OK,
        Some(Notice::Changed) => StatusCode::CONFLICT,
        Some(Notice::Typed(_)) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let effects = render(console, in_hand, review, notice);
    page(console, &in_hand.edit, effects, status).respond()
}

/// The page around something.
pub(super) fn page(console: &Console, edit: &Edit, effects: String, status: StatusCode) -> Page {
    Page { frame: Frame::new(console, section(edit)).below("Review"), headline: edit.headline(console), effects, status }
}

/// Where in the navigation the change belongs.
fn section(edit: &Edit) -> Section {
    match edit.page.split('/').next() {
        Some("connections") => Section::Connections,
        Some("settings") => Section::Settings,
        _ => Section::Access,
    }
}

/// The part that depends on the review.
pub(super) fn render(console: &Console, in_hand: &InHand, review: &Review, notice: Option<Notice>) -> String {
    let effects = of(console, in_hand, review, notice);
    effects.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a review could not be written");
        String::new()
    })
}

fn of(console: &Console, in_hand: &InHand, review: &Review, notice: Option<Notice>) -> Effects {
    // Only this organization's people are shown, whatever the change touches.
    let own = review.organizations.iter().find(|found| found.effects.organization == console.organization.id);
    let needs = review.needs.organization_name.is_some() || review.needs.lose_access.is_some();
    let lists = own.map(|own| lists(&own.effects.people)).unwrap_or_default();
    Effects {
        frame: Frame::new(console, Section::Access),
        notice,
        nothing: review.changes_nothing(),
        changes: in_hand.changes.clone(),
        refused: review.is_refused(),
        objections: review.objections.clone(),
        warnings: own.map(|own| own.warning_sentences.clone()).unwrap_or_default(),
        sums: own.map(sums).unwrap_or_default(),
        seats: own.map(|own| own.effects.seats.clone()).unwrap_or_default(),
        administrators: own.map(administrators).unwrap_or_default(),
        organization_name: review.needs.organization_name.clone(),
        lose_access: review.needs.lose_access,
        sign_in_href: (needs && !is_fresh(console)).then(|| console.fresh_sign_in()),
        concerns_people: lists.iter().any(|list| list.title != UNKNOWN),
        lists,
        review: review.id.clone(),
        save_href: console.path("review/save"),
        discard_href: console.path("review/discard"),
        back_href: console.path(&in_hand.edit.page),
    }
}

fn sums(own: &crate::admin::settings::OrganizationReview) -> Vec<(u64, &'static str)> {
    let effects = &own.effects;
    vec![
        (effects.lose_access, "lose access"),
        (effects.role_changes, "change role"),
        (effects.seat_changes, "change seat"),
        (effects.unknown, "unknown"),
        (effects.unchanged, "unchanged"),
    ]
}

/// "Olivia Owens (Owner), Ada Lovelace (Admin)". Whom only the guard of the last one would keep is not counted on.
fn administrators(own: &crate::admin::settings::OrganizationReview) -> String {
    if own.effects.lockouts.iter().any(|lockout| matches!(lockout, Lockout::Nobody { .. })) {
        return String::new();
    }
    let some = own.effects.administrators.iter().take(20);
    some.map(|administrator| format!("{} ({})", administrator.name, administrator.role)).collect::<Vec<_>>().join(", ")
}

const UNKNOWN: &str = "Nobody can say";

fn lists(people: &[PersonEffect]) -> Vec<PeopleList> {
    let lost = |effect: &PersonEffect| matches!(effect.next, Next::LosesAccess { .. });
    let role = |effect: &PersonEffect| effect.next.standing().is_some_and(|next| next.role != effect.before.role);
    let seat = |effect: &PersonEffect| effect.next.standing().is_some_and(|next| next.role == effect.before.role);
    let unknown = |effect: &PersonEffect| matches!(effect.next, Next::Unknown { .. });
    let named = |title, fits: &dyn Fn(&PersonEffect) -> bool| {
        let found: Vec<&PersonEffect> = people.iter().filter(|effect| fits(effect)).collect();
        let more = found.len().saturating_sub(NAMED);
        PeopleList { title, people: found.into_iter().take(NAMED).map(line).collect(), more }
    };
    let all = [named("Lose access", &lost), named("Change role", &role), named("Change seat", &seat), named(UNKNOWN, &unknown)];
    all.into_iter().filter(|list| !list.people.is_empty()).collect()
}

fn line(effect: &PersonEffect) -> PersonLine {
    let email = effect.email.as_ref().map(ToString::to_string);
    let after = match &effect.next {
        Next::ComesIn { standing, .. } => standing.to_string(),
        Next::LosesAccess { .. } => "out".to_owned(),
        Next::Unknown { why } => why.to_string(),
    };
    PersonLine {
        name: effect.name.clone().or_else(|| email.clone()).unwrap_or_else(|| effect.person.to_string()),
        email: email.filter(|_| effect.name.is_some()),
        before: effect.before.to_string(),
        after,
        more: effect.groups.len().saturating_sub(GROUPS),
        groups: effect.groups.iter().take(GROUPS).cloned().collect(),
        seen_at: effect.seen_at,
    }
}
