//! Persons, their links, and members.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectionId, EmailAddress, InviteId, LinkId, MemberId, OrganizationId, PersonId, Role, SeatTier};

/// A human (or a service account) we know, under one parent organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The stable id that apps see.
    pub id: PersonId,
    /// The current address.
    pub email: Option<EmailAddress>,
    /// The current display name.
    pub name: Option<String>,
    /// Not a human: does not count as an admin who can log in (rows 55, 67).
    pub service_account: bool,
}

/// A person's tie to a connection and subject: the key that a login is matched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// The provider's subject.
    pub subject: String,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MemberStatus {
    /// May use the app.
    Active,
    /// Was removed; history is kept, and a login may re-add (rows 40-42).
    Removed,
    /// Was removed and may not come back until unblocked (row 43).
    Blocked,
}

/// A hand-made exception that survives logins until it ends (row 46).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The pinned role, if the role is pinned.
    pub role: Option<Role>,
    /// The pinned seat; `Some(None)` pins "no seat".
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub seat: Option<Option<SeatTier>>,
    /// Why.
    pub reason: String,
    /// Who made it, as shown.
    pub by: String,
    /// When it stops counting.
    pub ends_at: Timestamp,
}

/// A field that is there counts as given, also when it is `null`: left to serde, `Some(None)` would come back as `None`.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A person in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id; kept for ever, also over removal and re-adding.
    pub id: MemberId,
    /// Who.
    pub person: PersonId,
    /// Where.
    pub organization: OrganizationId,
    /// Active, removed or blocked.
    pub status: MemberStatus,
    /// The role now; for a removed member, the last one.
    pub role: Role,
    /// The seat now. A removed or blocked member has none.
    pub seat: Option<SeatTier>,
    /// The tier that the rules want and that was full: the place in its queue is the time (rows 30, 32).
    pub wanted_tier: Option<WantedTier>,
    /// An admin took the seat away by hand (row 34).
    pub seat_unassigned: bool,
    /// The exception, if any.
    pub pin: Option<Pin>,
    /// Whether this is the Primary Owner.
    pub primary_owner: bool,
    /// The last successful login; `None`: never.
    pub last_login_at: Option<Timestamp>,
    /// The last login with groups present: the grace clock (rules.md, "Group value states").
    pub last_groups_at: Option<Timestamp>,
    /// When the person first joined.
    pub joined_at: Timestamp,
    /// Counts changes of this row; a write names the revision that it was decided on.
    pub revision: i64,
}

/// A member with the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who.
    pub person: Person,
    /// In this organization.
    pub member: Member,
}

impl MemberRow {
    /// What people call them: the name, or else the address.
    #[must_use]
    pub fn name(&self) -> String {
        let Person { id, email, name, .. } = &self.person;
        let name = name.clone().filter(|name| !name.trim().is_empty());
        name.or_else(|| email.as_ref().map(ToString::to_string)).unwrap_or_else(|| id.to_string())
    }
}

/// A place in the queue for a tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedTier {
    /// The tier.
    pub tier: SeatTier,
    /// Since when: first come, first served.
    pub since: Timestamp,
}

/// An invitation to one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// To which organization.
    pub organization: OrganizationId,
    /// For whom.
    pub email: EmailAddress,
    /// The role offered.
    pub role: Role,
    /// The seat that it holds until it is used or expires (rows 2, 37, 38).
    pub seat: Option<SeatTier>,
    /// When it expires: 21 days after it was sent.
    pub expires_at: Timestamp,
}
