//! What is known before a preview: of the organization as a whole, and of one member.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::provision::{Known, SeatCount};
use crate::core::{ClaimHealth, ConnectionId, EmailAddress, Identity, Invite, Member, Person, PersonId, Role, SeatTier};

/// The organization as it is stored now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// Active members: how many a preview will look at.
    pub members: u64,
    /// Seats by tier, highest first, without holds that have expired.
    pub seats: Vec<SeatCount>,
    /// What is remembered of connections.
    pub connections: BTreeMap<ConnectionId, ConnectionMemory>,
    /// Active members who are human and have logged in, with a role that administers before or after the save.
    pub administrators: BTreeMap<PersonId, Role>,
    /// The active member with the mark of the Primary Owner, and the address.
    pub primary_owner: Option<(PersonId, Option<EmailAddress>)>,
    /// The open invite that keeps the Primary Owner's seat.
    pub owner_hold: Option<OwnerHold>,
    /// Whether the address that is to be the Primary Owner's belongs to an active member, or has an open invite.
    pub owner_is_expected: bool,
    /// Groups that connections have delivered.
    pub seen_groups: Vec<SeenGroup>,
}

/// What is remembered of a connection beside its settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionMemory {
    /// A relink window opened by an admin ends then.
    pub relink_open_until: Option<Timestamp>,
    /// How the group claim did lately.
    pub health: ClaimHealth,
}

/// The seat that waits for the Primary Owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerHold {
    /// For whom.
    pub email: EmailAddress,
    /// Which; `None` where seats are not counted.
    pub tier: Option<SeatTier>,
}

/// A group that a connection has delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenGroup {
    /// Through which connection.
    pub connection: ConnectionId,
    /// As it came.
    pub value: String,
    /// When anybody last had it.
    pub last_seen_at: Timestamp,
}

/// One active member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewMember {
    /// Who.
    pub person: Person,
    /// As what.
    pub member: Member,
    /// Connections that the person is linked on.
    pub connections: Vec<ConnectionId>,
    /// The newest login that said something about groups, or else the newest one; `None`: never seen.
    pub last: Option<LastSeen>,
}

/// A login of before, as it would come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// When it was.
    pub at: Timestamp,
    /// What the provider said.
    pub identity: Identity,
    /// Whom the identity is linked to now: nearly always the member.
    pub linked: Option<Known>,
    /// Everyone else with the address.
    pub same_email: Vec<Known>,
    /// The newest invite for the address that was neither used nor revoked.
    pub invite: Option<Invite>,
}
