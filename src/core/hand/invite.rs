//! Invites: who may be invited, and which seat is held for them (rows 2, 37-39).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use super::seat::full;
use crate::core::provision::SeatCount;
use crate::core::{EmailAddress, MemberStatus, Mode, Organization, SeatTier};

/// How long an invite is open (R21).
pub const OPEN_FOR: SignedDuration = SignedDuration::from_hours(21 * 24);

/// What is known when an invite is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteSituation {
    /// The settings.
    pub organization: Arc<Organization>,
    /// Seats by tier, highest first, without holds that have expired.
    pub seats: Vec<SeatCount>,
    /// Whether some connection that is on takes the address, in a verified domain.
    pub domain_allowed: bool,
    /// Whether the address is in a domain that is none of the parent's: a guest's (row 39).
    pub guest_domain: bool,
    /// Whether the address has an open invite.
    pub is_invited: bool,
    /// The member with the address, if there is or was one.
    pub member: Option<MemberStatus>,
}

/// The seat that a new invite holds; `None` when seats are not counted. Without a wish it is the highest that is free.
///
/// # Errors
/// [`Refusal`], with what would mend it.
pub fn create(situation: &InviteSituation, email: &EmailAddress, wish: Option<&SeatTier>) -> Result<Option<SeatTier>, Refusal> {
    let InviteSituation { organization, seats, is_invited, member, .. } = situation;
    by_mode(situation)?;
    if !situation.domain_allowed && !situation.is_guest() {
        let sentence = format!("nobody could sign in with {email}: no connection that is on has the verified domain {}", email.domain());
        return Err(Refusal::new("domain_not_allowed", sentence));
    }
    match member {
        Some(MemberStatus::Active) => return Err(Refusal::new("already_member", format!("{email} is a member already"))),
        Some(MemberStatus::Blocked) => return Err(Refusal::new("blocked_by_admin", format!("{email} is blocked; unblock them first"))),
        Some(MemberStatus::Removed) | None => {}
    }
    if *is_invited {
        return Err(Refusal::new("already_invited", format!("{email} has an open invite; send it again, or revoke it first")));
    }
    match wish {
        None if seats.is_empty() => Ok(None),
        None => match seats.iter().find(|count| count.free() > 0) {
            Some(count) => Ok(Some(count.tier.clone())),
            None => Err(Refusal::new("no_seats_left", "no seat is free that the invite could hold; free one, or own more")),
        },
        Some(tier) => hold(organization, seats, tier),
    }
}

/// The seat of an invite that is sent again: the hold is taken anew when it had ended.
///
/// # Errors
/// [`Refusal`], with what would mend it.
pub fn renew(situation: &InviteSituation, offered: Option<&SeatTier>, is_held: bool) -> Result<(), Refusal> {
    by_mode(situation)?;
    match offered {
        Some(tier) if !is_held => hold(&situation.organization, &situation.seats, tier).map(drop),
        _ => Ok(()),
    }
}

/// When an invite that is sent now ends.
#[must_use]
pub fn ends_at(now: Timestamp) -> Timestamp {
    now.saturating_add(OPEN_FOR).unwrap_or(Timestamp::MAX)
}

impl InviteSituation {
    /// Whether the invite is for a guest, and guests are allowed.
    fn is_guest(&self) -> bool {
        self.guest_domain && self.organization.policy.allow_guests
    }
}

/// Row 39: guests come by invites whatever the mode.
fn by_mode(situation: &InviteSituation) -> Result<(), Refusal> {
    let how = match situation.organization.mode {
        _ if situation.is_guest() => return Ok(()),
        Mode::Manual => return Ok(()),
        Mode::Jit => "people become members by signing in here, so nobody is invited: assign them to the app at the identity provider",
        Mode::Scim => "the directory makes members here, so nobody is invited: add them to the directory",
    };
    Err(Refusal::new("managed_by_idp", how))
}

fn hold(organization: &Organization, seats: &[SeatCount], tier: &SeatTier) -> Result<Option<SeatTier>, Refusal> {
    match seats.iter().find(|count| &count.tier == tier) {
        None => Err(Refusal::new("no_such_tier", format!("{} has no seat tier {tier}", organization.name))),
        Some(count) if count.free() == 0 => Err(full(count)),
        Some(_) => Ok(Some(tier.clone())),
    }
}
