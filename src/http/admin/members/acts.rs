//! Role, seat, pin, kind and ownership by hand.

use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::SignedDuration;
use serde::Deserialize;

use super::{Subject, page};
use crate::admin::{AdminError, MemberChange, NewPin, PeopleChange};
use crate::core::{MemberId, Role, SeatTier};
use crate::http::admin::confirm::{Confirm, Typed};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::trouble::{Trouble, as_sentence};
use crate::http::input::Posted;
use crate::http::views::View as _;

/// Role and seat as a form says them: `keep`, `none`, `tier:Premium`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    role: String,
    seat: String,
    revision: i64,
    reason: String,
    days: String,
}

impl Wish {
    fn role(&self, now: Option<&Role>) -> Option<Role> {
        (!self.role.is_empty()).then(|| Role::new(&*self.role)).filter(|role| Some(role) != now)
    }

    /// What [`MemberChange`] takes: nothing said, no seat, or this one.
    #[expect(clippy::option_option, reason = "to keep a seat, to have none and to have one are three things")]
    fn seat(&self) -> Option<Option<SeatTier>> {
        match self.seat.as_str() {
            "none" => Some(None),
            seat => seat.strip_prefix("tier:").map(|tier| Some(SeatTier::new(tier))),
        }
    }
}

/// Back to the member, or the page itself when there is more to say than that it was done.
pub(super) async fn done(console: &Console, member: MemberId, change: PeopleChange) -> Result<Response, Trouble> {
    if change.notes.is_empty() {
        return Ok(Redirect::to(&console.path(&format!("members/{member}"))).into_response());
    }
    page::with_notes(console, member, change.notes).await
}

/// `POST …/members/{member}/change`
pub(super) async fn change(console: Console, Subject(row): Subject, Posted(wish): Posted<Wish>) -> Result<Response, Trouble> {
    let seat = wish.seat().filter(|seat| *seat != row.member.seat || row.member.seat_unassigned);
    let change = MemberChange { role: wish.role(Some(&row.member.role)), seat, expected: Some(wish.revision) };
    if change.role.is_none() && change.seat.is_none() {
        return Ok(Redirect::to(&console.path(&format!("members/{}", row.member.id))).into_response());
    }
    let changed = console.admin().change_member(&console.actor, row.member.id, change).await?;
    done(&console, row.member.id, changed).await
}

/// `POST …/members/{member}/pin`
pub(super) async fn pin(console: Console, Subject(row): Subject, Posted(wish): Posted<Wish>) -> Result<Response, Trouble> {
    let days = wish.days.parse::<i64>().ok().filter(|days| (1..=366).contains(days));
    let days = days.ok_or_else(|| AdminError::invalid("days", "choose for how many days"))?;
    let ends_at = console.now.saturating_add(SignedDuration::from_hours(days * 24)).unwrap_or(console.now);
    let pin = NewPin { role: wish.role(None), seat: wish.seat(), reason: wish.reason, ends_at, expected: Some(wish.revision) };
    let changed = console.admin().pin_member(&console.actor, row.member.id, pin).await?;
    done(&console, row.member.id, changed).await
}

/// `POST …/members/{member}/unpin`
pub(super) async fn unpin(console: Console, Subject(row): Subject, Posted(wish): Posted<Wish>) -> Result<Response, Trouble> {
    let changed = console.admin().unpin_member(&console.actor, row.member.id, Some(wish.revision)).await?;
    done(&console, row.member.id, changed).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Kind {
    service: bool,
}

/// `POST …/members/{member}/kind`: a service account, or a human.
pub(super) async fn mark(console: Console, Subject(row): Subject, Posted(Kind { service }): Posted<Kind>) -> Result<Response, Trouble> {
    console.admin().mark_service_account(&console.actor, row.member.id, service).await?;
    Ok(Redirect::to(&console.path(&format!("members/{}", row.member.id))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transfer {
    typed: Option<String>,
}

/// `POST …/members/{member}/owner`: hands the ownership over, after the address was typed.
pub(super) async fn transfer(
    console: Console,
    Subject(row): Subject,
    Posted(Transfer { typed }): Posted<Transfer>,
) -> Result<Response, Trouble> {
    let problem = if let Some(typed) = &typed {
        match console.admin().transfer_primary_owner(&console.actor, row.member.id, typed).await {
            Ok(change) => return done(&console, row.member.id, change).await,
            Err(AdminError::Invalid(faults)) => faults.into_iter().next().map(|fault| as_sentence(&fault.message)),
            Err(error) => return Err(error.into()),
        }
    } else {
        console.actor.need_fresh()?;
        None
    };
    let (name, email) = (row.name(), row.person.email.as_ref().map(ToString::to_string).unwrap_or_default());
    let path = console.path(&format!("members/{}", row.member.id));
    Ok(Confirm {
        frame: Frame::new(&console, Section::Members).below(name.clone()),
        headline: format!("Make {name} the Primary Owner?"),
        effects: vec![
            format!("{name} gets the highest role and can never be demoted or removed by anybody else, or by groups."),
            "You keep the highest role, and cannot take the ownership back by yourself.".to_owned(),
        ],
        names: Vec::new(),
        action: format!("{path}/owner"),
        fields: Vec::new(),
        typed: Some(Typed { field: "typed", label: format!("Type {email} to confirm"), problem }),
        button: "Hand it over".to_owned(),
        danger: true,
        back: path,
    }
    .respond())
}
