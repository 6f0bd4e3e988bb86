//! Out, and back again. Before anybody is out, the page says who, what becomes free, what ends, and whether they come back by themselves.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::{Subject, acts};
use crate::admin::{AdminError, RemovalOutlook};
use crate::core::{MemberId, MemberStatus, RemovalId};
use crate::http::admin::confirm::{Confirm, Typed};
use crate::http::admin::console::Console;
use crate::http::admin::frame::{Frame, Section};
use crate::http::admin::parts::count;
use crate::http::admin::trouble::Trouble;
use crate::http::input::Posted;
use crate::http::views::View as _;
use crate::store::MemberRow;

/// From so many people on their number has to be typed (row 61).
const TYPED_FROM: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Removal {
    block: bool,
    confirmed: String,
}

/// `POST …/members/{member}/remove`
pub(super) async fn remove(console: Console, Subject(row): Subject, Posted(asked): Posted<Removal>) -> Result<Response, Trouble> {
    let members = [row.member.id];
    if asked.confirmed.is_empty() {
        let outlook = console.admin().removal_outlook(&console.actor, &members, asked.block).await?;
        let effects = effects_on_one(&console, &row, &outlook).await?;
        let path = console.path(&format!("members/{}", row.member.id));
        let verb = if asked.block { "Remove and block" } else { "Remove" };
        return Ok(Confirm {
            frame: Frame::new(&console, Section::Members).below(row.name()),
            headline: format!("{verb} {}?", row.name()),
            effects,
            names: Vec::new(),
            action: format!("{path}/remove"),
            fields: fields(asked.block),
            typed: None,
            button: verb.to_owned(),
            danger: true,
            back: path,
        }
        .respond());
    }
    let admin = console.admin();
    let change = admin.remove_members(&console.actor, &members, asked.block).await?;
    admin.revoke_tokens_of(&console.actor, row.person.id).await?;
    acts::done(&console, row.member.id, change).await
}

fn fields(block: bool) -> Vec<(String, String)> {
    [("confirmed", "yes"), ("block", if block { "true" } else { "false" })]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn effects_on_one(console: &Console, row: &MemberRow, outlook: &RemovalOutlook) -> Result<Vec<String>, AdminError> {
    let admin = console.admin();
    let sessions = admin.list_sessions_of(&console.actor, row.member.id).await?.len();
    let tokens = admin.list_tokens_of(&console.actor, row.person.id).await?;
    let mut effects = Vec::new();
    if let Some(seat) = &row.member.seat {
        effects.push(format!("Their {seat} seat is free at once."));
    }
    if row.member.status == MemberStatus::Active {
        effects.push(match sessions {
            0 => "They are not signed in now.".to_owned(),
            sessions => format!("{} ends at once, in every app.", count(sessions, "session", "sessions")),
        });
    }
    if !tokens.is_empty() {
        let names: Vec<&str> = tokens.iter().map(|token| token.row.name.as_str()).collect();
        effects.push(format!("{} of theirs is revoked: {}.", count(tokens.len(), "API token", "API tokens"), names.join(", ")));
    }
    effects.push(outlook.comes_back.sentence().to_owned());
    effects.push(format!("This can be undone for {}.", count(outlook.undo_days.unsigned_abs(), "day", "days")));
    Ok(effects)
}

/// `POST …/members/remove`: several, named first.
pub(super) async fn remove_several(console: Console, Posted(fields): Posted<Vec<(String, String)>>) -> Result<Response, Trouble> {
    let one = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let members: Vec<MemberId> =
        fields.iter().filter(|(field, _)| field == "member").filter_map(|(_, id)| MemberId::parse(id).ok()).collect();
    if members.is_empty() {
        return Err(AdminError::invalid("member", "choose at least one member first").into());
    }
    let outlook = console.admin().removal_outlook(&console.actor, &members, false).await?;
    let number = outlook.members.len().to_string();
    let typed = one("typed");
    let needs_number = outlook.members.len() >= TYPED_FROM;
    if one("confirmed").is_some() && (!needs_number || typed == Some(&number)) {
        let admin = console.admin();
        admin.remove_members(&console.actor, &members, false).await?;
        for row in &outlook.members {
            admin.revoke_tokens_of(&console.actor, row.person.id).await?;
        }
        return Ok(Redirect::to(&console.path("members?status=removed&sort=joined")).into_response());
    }
    let seats = outlook.members.iter().filter(|row| row.member.seat.is_some()).count();
    let people = count(outlook.members.len(), "person", "people");
    Ok(Confirm {
        frame: Frame::new(&console, Section::Members).below("Remove several"),
        headline: format!("Remove {people}?"),
        effects: vec![
            format!(
                "{} free at once; their sessions end, and their API tokens are revoked.",
                if seats == 1 { "1 seat is".to_owned() } else { format!("{seats} seats are") }
            ),
            outlook.comes_back.sentence().to_owned(),
            format!("This can be undone for {}.", count(outlook.undo_days.unsigned_abs(), "day", "days")),
        ],
        names: outlook.members.iter().map(|row| format!("{} · {}", row.name(), row.member.role)).collect(),
        action: console.path("members/remove"),
        fields: members
            .iter()
            .map(|id| ("member".to_owned(), id.to_string()))
            .chain([("confirmed".to_owned(), "yes".to_owned())])
            .collect(),
        typed: needs_number.then(|| Typed {
            field: "typed",
            label: format!("Type the number of people, {number}"),
            problem: typed.map(|_| format!("That is not {number}.")),
        }),
        button: format!("Remove {people}"),
        danger: true,
        back: console.path("members"),
    }
    .respond())
}

/// `POST …/members/{member}/unblock`
pub(super) async fn unblock(console: Console, Subject(row): Subject) -> Result<Response, Trouble> {
    let change = console.admin().unblock_member(&console.actor, row.member.id).await?;
    acts::done(&console, row.member.id, change).await
}

/// `POST …/removals/{removal}/undo`
pub(super) async fn undo(console: Console, Path((_, removal)): Path<(String, String)>) -> Result<Response, Trouble> {
    let id = RemovalId::parse(&removal).map_err(|_| AdminError::NoSuch("removal"))?;
    let change = console.admin().undo_removal(&console.actor, id).await?;
    match change.members.as_slice() {
        [only] => acts::done(&console, only.member.id, change.clone()).await,
        _ => Ok(Redirect::to(&console.path("members")).into_response()),
    }
}
