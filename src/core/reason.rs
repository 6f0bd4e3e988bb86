//! Reason codes: why a login came out as it did. One enum for explain, audit and the error page (rules.md, "Reason codes").

use serde::{Deserialize, Serialize};

/// Why. The text form (`no_role_group`) is part of the interface.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// A new member.
    OkNew,
    /// A member who was one before.
    OkExisting,
    /// A removed member who is one again.
    OkReadded,
    /// Not invited, and nobody comes in by themselves.
    NotInvited,
    /// Not in the directory.
    NotInDirectory,
    /// In no mapped role group.
    NoRoleGroup,
    /// No seat is free.
    NoSeatsLeft,
    /// An admin took the seat away.
    SeatUnassigned,
    /// The wanted tier was full: a lower one was given.
    TierFullLowered,
    /// The wanted tier was full: a place in its queue was given.
    TierUpgradeQueued,
    /// The group claim is missing.
    GroupsClaimMissing,
    /// The group claim cannot be read.
    GroupsClaimMalformed,
    /// The provider had too many groups to list.
    GroupsOverage,
    /// Role and seat were kept although the groups are unknown.
    GroupsKeptGrace,
    /// Blocked by an admin.
    BlockedByAdmin,
    /// The same address with another subject.
    SubjectChanged,
    /// The new address belongs to another member.
    EmailTaken,
    /// More than one person fits.
    IdentityAmbiguous,
    /// The address is not in a domain of this connection.
    DomainNotAllowed,
    /// The Primary Owner was kept.
    GuardPrimaryOwner,
    /// The last administrator was kept.
    GuardLastAdmin,
    /// A pin decided.
    Pinned,
    /// The identity provider manages this.
    ManagedByIdp,
    /// The login message was not valid.
    AuthInvalid,
}

impl Reason {
    /// The code as text.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}
