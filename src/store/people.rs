//! What administrators do to people, as use cases.
//!
//! The pattern is that of a login: load a situation, decide it in [`crate::core::hand`], write it. What was decided on another state than the stored one
//! loses the race, and nothing is written.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RequestOrigin, StoreError};
use crate::core::hand::invite::InviteSituation;
use crate::core::hand::{Edit, Situation};
use crate::core::{ConnectionId, EmailAddress, Invite, InviteId, Member, MemberId, MemberRow, OrganizationId, RemovalId, Role, SeatTier};

/// Edits of members by hand, decided, to be written.
#[derive(Debug, Clone)]
pub struct EditCommit<'a> {
    /// What was known when they were decided.
    pub situation: &'a Situation,
    /// What was decided. Seats move through the gate, revisions must be those of `before`.
    pub edits: &'a [Edit],
    /// The event of the audit lines, one a member: `member.removed`.
    pub event: &'a str,
    /// Who acts, as audit lines name them.
    pub actor: &'a str,
    /// The actor's own member row, which must still be that of an active administrator; `None` for an API token and for the operator.
    pub acting: Option<MemberId>,
    /// What the audit lines say beside before and after.
    pub detail: Value,
    /// The removal that these edits undo, which then is undone.
    pub undoes: Option<RemovalId>,
    /// Where the request came from.
    pub origin: &'a RequestOrigin,
    /// Now.
    pub now: Timestamp,
}

/// How a write by hand ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written<T> {
    /// Everything is written.
    Done(T),
    /// What it was decided on is not so any more: nothing is written. Load the situation and decide once more.
    LostRace,
}

/// What edits wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The members after it, in the order of the edits.
    pub members: Vec<MemberRow>,
    /// What undoes it, when active members were removed.
    pub removal: Option<RemovalId>,
}

/// A removal that can be undone until the undo window ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Its id.
    pub id: RemovalId,
    /// When.
    pub at: Timestamp,
    /// Who did it, as audit lines name them; `system` when groups did at a login (row 17).
    pub actor: String,
    /// Who was removed, as they were.
    pub members: Vec<Member>,
    /// When it was undone, if it was.
    pub undone_at: Option<Timestamp>,
}

/// An invite that was neither used nor revoked; it may have expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRow {
    /// The invite. An expired one holds no seat, whatever it offers.
    pub invite: Invite,
    /// Whether it is the hold of a Primary Owner who has not come yet: made by the settings, and ended by them.
    pub primary_owner: bool,
    /// Whether its seat is held now.
    pub is_held: bool,
    /// Who sent it, as audit lines name them.
    pub invited_by: Option<String>,
    /// When it was made first.
    pub created_at: Timestamp,
}

/// A new invite, decided, to be written.
#[derive(Debug, Clone)]
pub struct InviteCommit<'a> {
    /// What was known when it was decided.
    pub situation: &'a InviteSituation,
    /// For whom.
    pub email: &'a EmailAddress,
    /// The role offered.
    pub role: &'a Role,
    /// The seat to hold.
    pub seat: Option<&'a SeatTier>,
    /// Who acts, as audit lines name them.
    pub actor: &'a str,
    /// Where the request came from.
    pub origin: &'a RequestOrigin,
    /// Now.
    pub now: Timestamp,
}

/// What administrators do to people. Each method is one transaction.
#[async_trait]
pub trait PeopleStore {
    /// One member, whatever its status.
    async fn find_member_by_id(&self, organization: &OrganizationId, member: MemberId) -> Result<Option<MemberRow>, StoreError>;

    /// The Primary Owner, if there is one.
    async fn find_primary_owner(&self, organization: &OrganizationId) -> Result<Option<MemberRow>, StoreError>;

    /// What acts on these members are decided on; the people in the order asked for, those that the organization does not have left out.
    async fn load_situation(&self, organization: &OrganizationId, members: &[MemberId], now: Timestamp) -> Result<Situation, StoreError>;

    /// Writes decided edits: members, seats, what undoes a removal, an audit line for each; all or nothing. Whoever counts as an administrator who can
    /// repair things is counted again.
    async fn commit_edits(&self, commit: EditCommit<'_>) -> Result<Written<Edited>, StoreError>;

    /// A removal by its id.
    async fn find_removal(&self, organization: &OrganizationId, removal: RemovalId) -> Result<Option<Removal>, StoreError>;

    /// Removals since a time that were not undone, newest first; at most `limit`.
    async fn list_removals(&self, organization: &OrganizationId, since: Timestamp, limit: u32) -> Result<Vec<Removal>, StoreError>;

    /// Marks a person as a service account or as a human, with an audit line. Lost when there is no such member, or when nobody who
    /// administers and can repair things would be left.
    async fn mark_service_account(
        &self,
        organization: &OrganizationId,
        member: MemberId,
        service_account: bool,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<MemberRow>, StoreError>;

    /// What an invite to this address is decided on.
    async fn load_invite_situation(
        &self,
        organization: &OrganizationId,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<InviteSituation, StoreError>;

    /// Writes a new invite, its hold and its audit line; an expired one for the same address ends.
    async fn create_invite(&self, commit: InviteCommit<'_>) -> Result<Written<InviteRow>, StoreError>;

    /// Invites that were neither used nor revoked, expired ones too, by address.
    async fn list_invites(&self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<InviteRow>, StoreError>;

    /// Opens an invite until `ends_at`, takes its seat again if the hold had ended, and writes an audit line.
    async fn renew_invite(
        &self,
        organization: &OrganizationId,
        invite: InviteId,
        ends_at: Timestamp,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<InviteRow>, StoreError>;

    /// Ends an invite, frees its hold, and writes an audit line.
    async fn revoke_invite(
        &self,
        organization: &OrganizationId,
        invite: InviteId,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<Written<InviteRow>, StoreError>;

    /// Active members who wait for a tier, first come, first served.
    async fn list_queue(&self, organization: &OrganizationId) -> Result<Vec<MemberRow>, StoreError>;

    /// Active humans with a seat who were last here, or joined, before that; longest away first, at most `limit`.
    async fn list_stale(&self, organization: &OrganizationId, before: Timestamp, limit: u32) -> Result<Vec<MemberRow>, StoreError>;

    /// Ties a member's person to another subject on a connection, instead of the one before, with an audit line (row 50). Lost when there is no such
    /// member, when the subject is somebody else's, or when the person has several links there.
    async fn relink(&self, organization: &OrganizationId, relink: Relink<'_>) -> Result<Written<MemberRow>, StoreError>;

    /// Ends the relink window of a connection now, with an audit line.
    async fn close_relink_window(
        &self,
        connection: &ConnectionId,
        actor: &str,
        origin: &RequestOrigin,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Active members of the organization who sign in through a connection, and whether each has a link on another one already, by address.
    async fn list_linked(
        &self,
        organization: &OrganizationId,
        from: &ConnectionId,
        to: &ConnectionId,
    ) -> Result<Vec<(MemberRow, bool)>, StoreError>;
}

/// Another subject for a person.
#[derive(Debug, Clone)]
pub struct Relink<'a> {
    /// Whose.
    pub member: MemberId,
    /// On which connection.
    pub connection: &'a ConnectionId,
    /// The subject to be known by.
    pub subject: &'a str,
    /// Who acts, as audit lines name them.
    pub actor: &'a str,
    /// Where the request came from.
    pub origin: &'a RequestOrigin,
    /// Now.
    pub now: Timestamp,
}
