//! Who am I.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use tower_sessions::Session as CookieSession;

use super::admin::console;
use super::login::ask::Access;
use super::login::enter;
use super::problem::Problem;
use super::views::{Account, AppLink, Page, Seat, View as _};
use crate::app::App;
use crate::core::{MemberStatus, OrganizationId, Reason, groups_behind_role, groups_behind_seat};
use crate::session::SessionRecord;

/// `GET /`: the account page of someone who is signed in, else sign-in.
pub(super) async fn show(State(app): State<Arc<App>>, session: CookieSession) -> Result<Response, Problem> {
    let Some(record) = enter::signed_in(&app, &session).await? else { return Ok(Redirect::to("/login").into_response()) };
    let Some(organization) = record.organizations.keys().next() else { return Ok(Redirect::to("/login").into_response()) };
    let Some(row) = app.store.find_member(organization, record.person).await? else { return Ok(Redirect::to("/login").into_response()) };
    match row.member.status {
        MemberStatus::Active => {}
        MemberStatus::Removed => return Err(refused(Reason::NotInvited, organization)),
        MemberStatus::Blocked => return Err(refused(Reason::BlockedByAdmin, organization)),
    }
    let last = app.store.find_last_decision(organization, record.person).await?;
    let last = last.map(|last| last.decision);
    let role_why = last.as_ref().map(|decision| because(&groups_behind_role(decision))).unwrap_or_default();
    let seat_why = last.as_ref().map(|decision| because(&groups_behind_seat(decision))).unwrap_or_default();
    let hosts = app.config.routes.iter().filter(|route| record.organizations.contains_key(&route.organization)).map(|route| &route.host);
    let addresses: Vec<(&str, String)> = hosts.map(|host| (host.as_str(), app.app_origin(host))).collect();
    let apps: Vec<AppLink<'_>> = addresses.iter().map(|(host, href)| AppLink { name: host, host, href }).collect();
    let console = administers(&app, &record).await?.then_some("/admin");
    let provider = record.way.connection().and_then(|connection| app.doors.find(connection)).map(|entrance| entrance.connection.name);
    let (brand, email) = (app.brand_of(organization), row.person.email.as_ref().map(ToString::to_string));
    Ok(Account {
        page: Page::of(&brand),
        name: row.person.name.as_deref().unwrap_or_default(),
        email: email.as_deref(),
        provider: provider.as_deref(),
        role: row.member.role.as_str(),
        role_why: &role_why,
        seat: row.member.seat.as_ref().map(|tier| Seat { tier: tier.as_str(), why: &seat_why }),
        apps: &apps,
        console_href: console,
    }
    .respond())
}

/// Whether the person administers one of the organizations that this session was decided for.
async fn administers(app: &App, record: &SessionRecord) -> Result<bool, Problem> {
    for organization in &app.settings().organizations {
        if record.organizations.contains_key(&organization.id) && console::find_administrator(app, organization, record).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Empty when no group decided.
fn because(groups: &[String]) -> String {
    if groups.is_empty() { String::new() } else { format!("Because you are in {}.", groups.join(" and ")) }
}

fn refused(reason: Reason, organization: &OrganizationId) -> Problem {
    Problem::Refused {
        reason,
        organization: organization.clone(),
        incident: None,
        again: "/login?again=true".to_owned(),
        access: Access::Closed,
    }
}
