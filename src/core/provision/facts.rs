//! Everything that the decision may know about one login.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::{ClaimHealth, ConnectionId, Invite, Link, Member, Organization, Person, SeatTier};

/// The connection, as far as the decision asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ConnectionState {
    /// Which one.
    pub id: ConnectionId,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether the domain of the asserted address is one of the connection's and verified for the parent. `false` when no address came.
    pub domain_verified: bool,
    /// Whether the domain of the asserted address is none of the parent's: the address of a guest, if of anybody (row 39).
    #[serde(default)]
    pub guest_domain: bool,
    /// Whether unasked responses are accepted.
    pub allow_idp_initiated: bool,
    /// A relink window opened by an admin ends then (row 50).
    pub relink_open_until: Option<Timestamp>,
    /// How the group claim did lately.
    pub health: ClaimHealth,
}

/// A person in the store, with the links and with the member of this organization, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The person.
    pub person: Person,
    /// All links of the person.
    pub links: Vec<Link>,
    /// The member in the organization of these facts, whatever its status.
    pub member: Option<Member>,
}

/// The seats of one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatCount {
    /// The tier.
    pub tier: SeatTier,
    /// Seats owned.
    pub owned: u32,
    /// Seats taken: by members, and held by open invites.
    pub used: u32,
}

impl SeatCount {
    /// Seats that someone new could take. Zero when more are used than owned (row 36).
    #[must_use]
    pub const fn free(&self) -> u32 {
        self.owned.saturating_sub(self.used)
    }
}

/// The facts of one login in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The settings.
    pub organization: Arc<Organization>,
    /// The connection.
    pub connection: ConnectionState,
    /// Whom (connection, subject) is linked to.
    pub linked: Option<Known>,
    /// Everyone else under the parent with the asserted address, compared without regard to case.
    pub same_email: Vec<Known>,
    /// The newest invite of this organization for the asserted address, expired ones too. An expired invite holds no seat.
    pub invite: Option<Invite>,
    /// Seats by tier, highest first. Open invites count as used; the store frees expired holds before it counts.
    pub seats: Vec<SeatCount>,
    /// Other active members with an administrator role who are human and have logged in at least once (row 55). They are counted when somebody whom the
    /// login may be about administers; otherwise nothing depends on them, and this is 0.
    pub other_admins: u32,
    /// Whether another active member is the Primary Owner already: then the configured address makes nobody else one. An address is
    /// an attribute that a provider may change; there is one Primary Owner, and it is handed over by hand only.
    pub other_primary_owner: bool,
}
