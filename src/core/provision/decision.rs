//! What the decision says: outcome, changes to write, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::{EmailAddress, InviteId, LinkId, MemberId, PersonId, Pin, Reason, Role, SeatTier};

/// The whole answer for one login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// In or out.
    pub outcome: Outcome,
    /// What to write, in order. A refusal writes nothing but [`Change::RemoveMember`] (row 17) and [`Change::RecordAttempt`].
    pub changes: Vec<Change>,
    /// Every rule tried, and why it won or lost.
    pub trace: Trace,
}

/// In or out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The person is let in.
    Admit(Admission),
    /// The person is refused, for this reason.
    Refuse(Reason),
}

/// How a person comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// `ok_new`, `ok_existing` or `ok_readded`.
    pub reason: Reason,
    /// The role after this login.
    pub role: Role,
    /// The seat after this login; `None`: no tier (policy `none`, tiers not counted).
    pub seat: Option<SeatTier>,
    /// What else was noticed: `tier_full_lowered`, `groups_kept_grace`, `guard_last_admin`, … in rule order.
    pub notes: Vec<Reason>,
}

impl Outcome {
    /// The reason code of the outcome.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Admit(admission) => admission.reason,
            Self::Refuse(reason) => *reason,
        }
    }
}

/// One thing to write. New rows have no id yet: the store's caller gives them one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// The member gets a pin, after everything else.
    SetPin {
        /// The pin.
        pin: Pin,
    },
    /// A person nobody knew. At most one, always before what needs it; later changes mean this person.
    CreatePerson {
        /// The address.
        email: Option<EmailAddress>,
        /// The display name.
        name: Option<String>,
    },
    /// The address or name changed at the provider (row 48).
    UpdatePerson {
        /// Who.
        person: PersonId,
        /// The address now.
        email: Option<EmailAddress>,
        /// The name now.
        name: Option<String>,
    },
    /// Ties the person to the asserted (connection, subject).
    CreateLink,
    /// Replaces the subject of a link inside a relink window (row 50).
    Relink {
        /// The link.
        link: LinkId,
    },
    /// A new member. The seat, if any, is taken from the gate, or moved over from the consumed invite.
    CreateMember {
        /// The role.
        role: Role,
        /// The seat.
        seat: Option<SeatTier>,
        /// Whether the member is the Primary Owner.
        primary_owner: bool,
    },
    /// A removed member is one again (rows 40-42), without the mark of the Primary Owner unless [`Change::MarkPrimaryOwner`] follows.
    ReaddMember {
        /// Who.
        member: MemberId,
        /// The role now; a former higher role is not restored by itself.
        role: Role,
        /// The seat.
        seat: Option<SeatTier>,
    },
    /// The role changes.
    SetRole {
        /// Who.
        member: MemberId,
        /// Before.
        from: Role,
        /// After.
        to: Role,
    },
    /// The seat changes: the old one is freed, the new one taken from the gate. A new seat ends "no seat assigned by an admin".
    MoveSeat {
        /// Who.
        member: MemberId,
        /// Before.
        from: Option<SeatTier>,
        /// After.
        to: Option<SeatTier>,
    },
    /// The member (this one, or the one just created) waits for a tier; an earlier place for the same tier is kept.
    QueueForTier {
        /// The tier.
        tier: SeatTier,
    },
    /// The member no longer waits for a tier.
    LeaveQueue {
        /// Who.
        member: MemberId,
    },
    /// The invite is used up; its held seat is freed for this same transaction.
    ConsumeInvite {
        /// Which.
        invite: InviteId,
        /// The seat that it held.
        held: Option<SeatTier>,
    },
    /// The member with the configured address becomes the Primary Owner.
    MarkPrimaryOwner {
        /// Who.
        member: MemberId,
    },
    /// A pin that has ended is taken off.
    DropPin {
        /// Whose.
        member: MemberId,
    },
    /// The member is removed: status, seat freed, sessions ended by the caller (row 17).
    RemoveMember {
        /// Who.
        member: MemberId,
        /// Why.
        reason: Reason,
    },
    /// A refused newcomer is kept for the admins: `not_invited`, `no_role_group`, and `no_seats_left`, their waiting list (rows 1, 16, 31).
    /// One open row a person and reason.
    RecordAttempt {
        /// Why it was refused.
        reason: Reason,
    },
}

/// Every rule tried, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// When it was decided.
    pub at: Timestamp,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One rule of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was asked.
    pub rule: Rule,
    /// What came out.
    pub verdict: Verdict,
    /// The facts in plain words for an admin: `rank 2 of 3: Admin by app-admins`.
    pub detail: String,
    /// The groups that made a role or tier fit, by label where the mapping has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// What a step asks. The order is that of rules.md, "Order of evaluation at one login".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Rule {
    /// Connection on, domain verified.
    Connection,
    /// Which person is it.
    Identity,
    /// Active, removed or blocked.
    Status,
    /// How people come in.
    Mode,
    /// An open invite.
    Invite,
    /// The state of the group claim.
    Groups,
    /// One role and its mapping.
    Role,
    /// A group name that almost fits a mapping.
    NearMiss,
    /// A seat tier and its mapping.
    Seat,
    /// Seats owned, used, free.
    SeatGate,
    /// Primary Owner and last administrator.
    Guard,
    /// A hand-made exception.
    Pin,
    /// An administrator's yes.
    Approval,
}

/// What came out of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// This rule decided.
    Won,
    /// This rule fitted, and another with a higher rank decided.
    Lost,
    /// This rule did not fit.
    NoMatch,
    /// The check passed, or this is worth knowing.
    Noted,
    /// This rule refused the login.
    Refused,
}
