//! Members: the list, and one of them.
//!
//! - `list`: the list, on a page and as a file
//! - `page`: one member, with everything that can be done; `why`: why they have what they have
//! - `acts`: role, seat, pin and ownership by hand; `removal`: out, and back again; `invites`: who is not here yet
//!
//! The one rule of this folder: what would be lost is named before it is done.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use serde::Deserialize;

use super::console::Console;
use super::trouble::Trouble;
use crate::admin::AdminError;
use crate::app::App;
use crate::core::{MemberId, PersonId};
use crate::http::problem::Problem;
use crate::store::MemberRow;

mod acts;
mod invites;
mod list;
mod page;
mod removal;
mod why;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/{organization}/members", get(list::show))
        .route("/admin/{organization}/members/remove", post(removal::remove_several))
        .route("/admin/{organization}/members/{member}", get(page::show))
        .route("/admin/{organization}/members/{member}/change", post(acts::change))
        .route("/admin/{organization}/members/{member}/pin", post(acts::pin))
        .route("/admin/{organization}/members/{member}/unpin", post(acts::unpin))
        .route("/admin/{organization}/members/{member}/kind", post(acts::mark))
        .route("/admin/{organization}/members/{member}/owner", post(acts::transfer))
        .route("/admin/{organization}/members/{member}/remove", post(removal::remove))
        .route("/admin/{organization}/members/{member}/unblock", post(removal::unblock))
        .route("/admin/{organization}/removals/{removal}/undo", post(removal::undo))
        .route("/admin/{organization}/invites", get(invites::show).post(invites::create))
        .route("/admin/{organization}/invites/{invite}/resend", post(invites::resend))
        .route("/admin/{organization}/invites/{invite}/revoke", post(invites::revoke))
}

/// The member that an address is about, of this organization; a person's id leads to their member.
pub(super) struct Subject(pub(super) MemberRow);

#[derive(Deserialize)]
struct Address {
    member: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Subject {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let console = Console::from_request_parts(parts, state).await?;
        let Path(Address { member }) = Path::from_request_parts(parts, state).await.map_err(|_| Problem::NotFound)?;
        let row = match (MemberId::parse(&member), PersonId::parse(&member)) {
            (Ok(member), _) => console.app.store.find_member_by_id(&console.organization.id, member).await?,
            (_, Ok(person)) => console.app.store.find_member(&console.organization.id, person).await?,
            _ => None,
        };
        row.map(Self).ok_or_else(|| AdminError::NoSuch("member").into())
    }
}
