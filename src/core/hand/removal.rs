//! Removal and its undo (rows 40-45).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{After, Refusal, Seats, Situation};
use crate::core::{Member, MemberRow, MemberStatus, Mode, Organization, WantedTier};

/// The seat is free, and no old exception waits for someone who comes back. The role stays, as the last one. Who is removed already can still be blocked.
pub(super) fn remove(member: &Member, block: bool, seats: &mut Seats<'_>) -> Member {
    let status = if block || member.status == MemberStatus::Blocked { MemberStatus::Blocked } else { MemberStatus::Removed };
    seats.give_back(member.seat.as_ref());
    let mut removed = gone(member);
    removed.status = status;
    removed
}

fn gone(member: &Member) -> Member {
    Member { seat: None, seat_unassigned: false, wanted_tier: None, pin: None, primary_owner: false, ..member.clone() }
}

pub(super) fn unblock(row: &MemberRow) -> Result<After, Refusal> {
    if row.member.status != MemberStatus::Blocked {
        return Err(Refusal::new("not_blocked", format!("{} is not blocked", row.name())));
    }
    Ok((Member { status: MemberStatus::Removed, ..row.member.clone() }, None))
}

/// As they were: role, pin, and the seat if it is still there; else the next lower one, or none, and a place in the queue. Who has come back meanwhile
/// keeps the seat of now, and gets the old role back unless groups have decided anew.
pub(super) fn restore(situation: &Situation, row: &MemberRow, as_they_were: &[Member], now: Timestamp, seats: &mut Seats<'_>) -> After {
    let (organization, groups_decide) = (&situation.organization, situation.groups_decide(row));
    let mut member = row.member.clone();
    let Some(former) = as_they_were.iter().find(|former| former.id == member.id) else { return (member, None) };
    let is_back = member.status == MemberStatus::Active;
    if organization.role_rank(&former.role).is_some() && !(is_back && groups_decide) {
        member.role = former.role.clone();
    }
    if member.pin.is_none() {
        member.pin = former.pin.clone().filter(|pin| now < pin.ends_at && groups_decide);
    }
    if is_back {
        return (member, None);
    }
    member.status = MemberStatus::Active;
    member.seat_unassigned = former.seat_unassigned;
    member.wanted_tier = former.wanted_tier.clone().filter(|wanted| organization.tier_rank(&wanted.tier).is_some());
    let Some(tier) = &former.seat else { return (member, None) };
    member.seat = seats.take_or_lower(tier);
    if member.seat.as_ref() == Some(tier) {
        return (member, None);
    }
    if organization.tier_rank(tier).is_some() && member.wanted_tier.is_none() {
        member.wanted_tier = Some(WantedTier { tier: tier.clone(), since: now });
    }
    let instead = member.seat.as_ref().map_or_else(|| "no seat".to_owned(), |lower| format!("a {lower} seat"));
    let note = format!("no {tier} seat is free any more, so {} is back with {instead}", row.name());
    (member, Some(note))
}

/// Whether somebody who is removed comes back by themselves: what a removal asks before it is done (rows 40-44).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComesBack {
    /// Not without an invite.
    OnlyInvited,
    /// At the next sign-in, with the default role, as long as the provider lets them sign in.
    AtSignIn,
    /// At the next sign-in, with what the groups give, as long as one of them is mapped.
    ByGroups,
    /// At the next full sync, as long as they are in the directory.
    BySync,
    /// Not before somebody unblocks them.
    OnlyUnblocked,
}

/// What a removal means in this organization.
#[must_use]
pub const fn comes_back(organization: &Organization, block: bool) -> ComesBack {
    match organization.mode {
        _ if block => ComesBack::OnlyUnblocked,
        Mode::Manual => ComesBack::OnlyInvited,
        Mode::Jit if organization.group_mappings => ComesBack::ByGroups,
        Mode::Jit => ComesBack::AtSignIn,
        Mode::Scim => ComesBack::BySync,
    }
}

impl ComesBack {
    /// In a sentence.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::OnlyInvited => "They cannot come back without an invite.",
            Self::AtSignIn => {
                "They come back with the default role when they sign in again. To keep them out, block them or take them off the app at the identity provider."
            }
            Self::ByGroups => {
                "They come back with what their groups give when they sign in again. To keep them out, block them or take them out of the mapped groups."
            }
            Self::BySync => "They come back at the next full sync while the directory lists them. To keep them out, block them.",
            Self::OnlyUnblocked => "They cannot come back until somebody unblocks them.",
        }
    }
}
