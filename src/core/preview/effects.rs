//! What came out of a preview.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lockout, Warning};
use crate::core::provision::SeatCount;
use crate::core::{EmailAddress, MemberId, OrganizationId, Person, PersonId, Reason, Role, SeatTier};

/// The effects of a save on one organization. The sums add up to its active members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// Which organization.
    pub organization: OrganizationId,
    /// Keep role and seat; also whoever is refused already, for the same reason.
    pub unchanged: u64,
    /// Get another role, with or without another seat.
    pub role_changes: u64,
    /// Keep the role and get another seat.
    pub seat_changes: u64,
    /// Come in now and would not any more.
    pub lose_access: u64,
    /// Nobody can say.
    pub unknown: u64,
    /// Everyone who is not unchanged, in the order in which they were looked at.
    pub people: Vec<PersonEffect>,
    /// Seats once everyone has signed in.
    pub seats: Vec<SeatCount>,
    /// Who would administer.
    pub administrators: Vec<Administrator>,
    /// What is allowed and worth a second look.
    pub warnings: Vec<Warning>,
    /// Why the save would shut people out of their own organization.
    pub lockouts: Vec<Lockout>,
    /// Why the save is not possible at all, in plain sentences.
    pub refusals: Vec<String>,
}

/// Role and seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The role.
    pub role: Role,
    /// The seat.
    pub seat: Option<SeatTier>,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.role)?;
        self.seat.as_ref().map_or(Ok(()), |seat| write!(f, " · {seat}"))
    }
}

/// What would change for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonEffect {
    /// Who.
    pub person: PersonId,
    /// Which member.
    pub member: MemberId,
    /// The name, if known.
    pub name: Option<String>,
    /// The address, if known.
    pub email: Option<EmailAddress>,
    /// Now.
    pub before: Standing,
    /// At the next login.
    pub next: Next,
    /// The groups that this rests on.
    pub groups: Vec<String>,
    /// When they were seen; `None`: never.
    pub seen_at: Option<Timestamp>,
}

/// A member at the next login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "next")]
pub enum Next {
    /// Comes in.
    ComesIn {
        /// As what.
        #[serde(flatten)]
        standing: Standing,
        /// What else was noticed: a guard, a pin, a full tier.
        notes: Vec<Reason>,
    },
    /// Does not come in any more.
    LosesAccess {
        /// Why.
        reason: Reason,
        /// Whether that login removes the member.
        removed: bool,
    },
    /// Nobody can say.
    Unknown {
        /// Why not.
        why: Unknown,
    },
}

impl Next {
    /// Role and seat, of whoever comes in.
    #[must_use]
    pub const fn standing(&self) -> Option<&Standing> {
        match self {
            Self::ComesIn { standing, .. } => Some(standing),
            Self::LosesAccess { .. } | Self::Unknown { .. } => None,
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ComesIn { standing, .. } => write!(f, "{standing}"),
            Self::LosesAccess { reason, .. } => write!(f, "refused ({})", reason.code()),
            Self::Unknown { why } => write!(f, "unknown ({why})"),
        }
    }
}

/// Why nobody can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// Has not signed in yet, so the groups are not known.
    #[strum(serialize = "has not signed in yet")]
    NeverSeen,
    /// Last came through a connection that there would not be any more.
    #[strum(serialize = "signs in through a connection that goes away")]
    ConnectionGone,
    /// The last sign-in now leads to somebody else.
    #[strum(serialize = "the last sign-in leads to somebody else now")]
    LeadsElsewhere,
}

/// Somebody who would administer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// Who.
    pub person: PersonId,
    /// The name, or else the address, or else the id.
    pub name: String,
    /// With which role.
    pub role: Role,
    /// A human who has signed in, whom the settings themselves keep: not a guard, and not for lack of knowledge.
    pub certain: bool,
}

/// What people are called in sentences.
pub(super) fn name_of(person: &Person) -> String {
    let name = person.name.clone().filter(|name| !name.is_empty());
    name.or_else(|| person.email.as_ref().map(ToString::to_string)).unwrap_or_else(|| person.id.to_string())
}
