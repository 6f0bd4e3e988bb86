//! The list of members: a page of it, all of it as a file, or its seats.

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;
use serde_json::json;

use super::{Actor, Admin, AdminError, Permission, table};
use crate::core::SeatTier;
use crate::core::provision::SeatCount;
use crate::store::{MemberRow, NewAuditLine, RosterFilter, RosterOrder, RosterPage, RosterPlace, RosterQuery, StoreError};

/// Members that are read at once for a file.
const PIECE: u32 = 500;

impl Admin {
    /// A page of the members who fit, with their whole number; `limit` from 1 to 500.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] when the place is at nobody of this organization; [`AdminError::Store`].
    pub async fn list_roster(
        &self,
        actor: &Actor,
        filter: &RosterFilter,
        order: RosterOrder,
        place: RosterPlace,
        limit: u32,
    ) -> Result<RosterPage, AdminError> {
        actor.need(Permission::MembersRead)?;
        self.piece(actor, filter, order, place, limit, None).await
    }

    /// The members who fit as CSV with a header line (RFC 4180), in pieces that never hold more than a page. That it was exported is in the audit log
    /// before the first byte.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::Store`], also in the middle of the stream: the file is incomplete then.
    pub async fn export_roster(
        &self,
        actor: &Actor,
        filter: RosterFilter,
        order: RosterOrder,
    ) -> Result<impl Stream<Item = Result<Bytes, AdminError>> + Send + 'static + use<>, AdminError> {
        actor.need(Permission::MembersRead)?;
        let line = NewAuditLine {
            event: "members.exported",
            actor: &actor.name(),
            organization: Some(&actor.organization),
            target: None,
            reason: None,
            detail: json!({ "format": "csv", "filter": filter }),
            origin: &actor.origin,
            now: self.clock.now(),
        };
        self.store.record(line).await?;
        let export = Export { admin: self.clone(), actor: actor.clone(), filter, order, next: Next::Header };
        Ok(try_unfold(export, |mut export| async move { Ok(export.next().await?.map(|bytes| (bytes, export))) }))
    }

    /// Seats by tier, highest first, with who waits for more of them.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn look_at_seats(&self, actor: &Actor) -> Result<Vec<TierView>, AdminError> {
        actor.need(Permission::MembersRead)?;
        let counts = self.store.count_seats(&actor.organization, self.clock.now()).await?;
        let waiting = self.store.count_waiting(&actor.organization).await?;
        let invites = self.list_invites(actor).await?;
        let held = |tier: &SeatTier| {
            let of_tier = invites.iter().filter(|row| row.is_held && row.invite.seat.as_ref() == Some(tier)).count();
            u32::try_from(of_tier).unwrap_or(u32::MAX)
        };
        Ok(counts
            .into_iter()
            .map(|SeatCount { tier, owned, used }| {
                let held = held(&tier);
                let waiting = waiting.get(&tier).map_or(0, |waiting| u32::try_from(*waiting).unwrap_or(u32::MAX));
                TierView { taken: used.saturating_sub(held), needed: used.saturating_add(waiting), tier, owned, held, waiting }
            })
            .collect())
    }

    async fn piece(
        &self,
        actor: &Actor,
        filter: &RosterFilter,
        order: RosterOrder,
        place: RosterPlace,
        limit: u32,
        total: Option<u64>,
    ) -> Result<RosterPage, AdminError> {
        let query = RosterQuery { organization: &actor.organization, filter, order, place, limit, total };
        self.store.list_roster(query).await.map_err(|error| match error {
            StoreError::Missing(_) => AdminError::NoSuch("member"),
            other => other.into(),
        })
    }
}

/// The seats of one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierView {
    /// Which tier.
    pub tier: SeatTier,
    /// Seats bought.
    pub owned: u32,
    /// Seats that members have.
    pub taken: u32,
    /// Seats that open invites hold.
    pub held: u32,
    /// Members who wait for one.
    pub waiting: u32,
    /// Seats that there would have to be for everybody.
    pub needed: u32,
}

/// What of a file is still to come.
struct Export {
    admin: Admin,
    actor: Actor,
    filter: RosterFilter,
    order: RosterOrder,
    next: Next,
}

enum Next {
    Header,
    Piece(RosterPlace, Option<u64>),
    Nothing,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, AdminError> {
        match self.next {
            Next::Header => {
                self.next = Next::Piece(RosterPlace::Start, None);
                table::csv([HEADER.map(str::to_owned)]).map(Some)
            }
            Next::Piece(place, total) => {
                let page = self.admin.piece(&self.actor, &self.filter, self.order, place, PIECE, total).await?;
                self.next = match page.rows.last() {
                    Some(last) if page.later => Next::Piece(RosterPlace::After(last.member.id), Some(page.total)),
                    _ => Next::Nothing,
                };
                table::csv(page.rows.iter().map(line)).map(Some)
            }
            Next::Nothing => Ok(None),
        }
    }
}

const HEADER: [&str; 11] =
    ["name", "email", "role", "seat", "waits_for", "status", "pinned_until", "last_sign_in", "joined", "member", "person"];

fn line(row: &MemberRow) -> [String; 11] {
    let MemberRow { person, member } = row;
    let text = |text: Option<String>| text.unwrap_or_default();
    [
        text(person.name.clone()),
        text(person.email.as_ref().map(ToString::to_string)),
        member.role.to_string(),
        text(member.seat.as_ref().map(ToString::to_string)),
        text(member.wanted_tier.as_ref().map(|wanted| wanted.tier.to_string())),
        member.status.to_string(),
        text(member.pin.as_ref().map(|pin| pin.ends_at.to_string())),
        text(member.last_login_at.map(|at| at.to_string())),
        member.joined_at.to_string(),
        member.id.to_string(),
        person.id.to_string(),
    ]
}
