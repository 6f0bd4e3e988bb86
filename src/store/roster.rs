//! The members of an organization as a list that can be narrowed, ordered and walked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MemberRow, StoreError};
use crate::core::{MemberId, MemberStatus, OrganizationId, Role, SeatTier};

/// Which members. What is left out does not matter; everything that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RosterFilter {
    /// Part of a name or address, compared without regard to case.
    pub search: Option<String>,
    /// The role; for a removed member, the last one.
    pub role: Option<Role>,
    /// The seat.
    pub seat: Option<SeatFilter>,
    /// Where they stand.
    pub status: Option<MemberStatus>,
    /// Where what they have comes from.
    pub source: Option<Source>,
    /// When they were last here.
    pub seen: Option<Seen>,
}

/// Which seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatFilter {
    /// One of this tier.
    Tier(SeatTier),
    /// One, of whatever tier.
    Any,
    /// None.
    None,
    /// They wait for another one.
    Waiting,
}

/// Where what a member has comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    /// They came in by themselves, through an identity provider.
    Provider,
    /// They were invited.
    Invite,
    /// They have a pin.
    Pin,
}

/// When a member was last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Never signed in.
    Never,
    /// Active and human, and did not sign in since then; whoever never did counts from the day of joining (rows 14, 67).
    NotSince(Timestamp),
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::EnumIter)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RosterOrder {
    /// By name, else address, both folded.
    #[default]
    Name,
    /// By address; whoever has none comes first.
    Email,
    /// The last sign-in first.
    Recent,
    /// The last sign-in last; whoever never signed in comes first.
    Idle,
    /// Who joined last comes first.
    Joined,
}

/// From where in the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RosterPlace {
    /// Its beginning.
    #[default]
    Start,
    /// What follows this member.
    After(MemberId),
    /// What comes before this member, as many as fit, still in order.
    Before(MemberId),
}

/// One page of the list.
#[derive(Debug, Clone)]
pub struct RosterQuery<'a> {
    /// Whose members.
    pub organization: &'a OrganizationId,
    /// Which.
    pub filter: &'a RosterFilter,
    /// In which order.
    pub order: RosterOrder,
    /// From where.
    pub place: RosterPlace,
    /// At most this many, 1 to 500.
    pub limit: u32,
    /// How many members fit, when the caller knows; else they are counted.
    pub total: Option<u64>,
}

/// Members in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterPage {
    /// The members.
    pub rows: Vec<MemberRow>,
    /// How many fit altogether.
    pub total: u64,
    /// Whether there are more before the first of these.
    pub earlier: bool,
    /// Whether there are more after the last of these.
    pub later: bool,
}

/// Reading the list of members.
#[async_trait]
pub trait RosterStore {
    /// A page. A place at a member who is not of this organization is [`StoreError::Missing`].
    async fn list_roster(&self, query: RosterQuery<'_>) -> Result<RosterPage, StoreError>;

    /// How many active members wait for each tier; a tier that nobody waits for is left out.
    async fn count_waiting(&self, organization: &OrganizationId) -> Result<BTreeMap<SeatTier, u64>, StoreError>;
}
