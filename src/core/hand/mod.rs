//! What may be done to people by hand, and what it changes. Pure: a situation in, the rows as they will be out.
//!
//! - [`Situation`]: everything that the decision may know
//! - [`Act`], [`decide`](fn@decide): what an administrator does to members, and what comes of it
//! - `change`, `pin`, `removal`, `seat`, `owner`: the acts, one subject a file
//! - `guard`: who is neither removed nor demoted, whatever the act
//! - [`invite`]: who may be invited, and which seat is held
//!
//! The one rule of this folder: an act gives the member as it will be, and the guards look at before and after. So no act has a guard of its own, and none
//! can forget one. Whether the actor may at all, and nobody above their own rank, is asked in `admin`.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::provision::SeatCount;
use super::{Member, MemberId, MemberRow, Mode, Organization, Pin, Role, SeatTier};

mod change;
mod guard;
pub mod invite;
mod owner;
mod pin;
mod removal;
mod seat;

pub use removal::{ComesBack, comes_back};
use seat::Seats;

/// What is known when an act is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The settings.
    pub organization: Arc<Organization>,
    /// Seats by tier, highest first, without holds that have expired.
    pub seats: Vec<SeatCount>,
    /// Active members with an administrator's role who are human and have logged in at least once (row 55).
    pub administrators: u32,
    /// Whom the act is about, as they are.
    pub people: Vec<MemberRow>,
    /// Those of them who are guests (row 39).
    pub guests: BTreeSet<MemberId>,
}

impl Situation {
    /// Whether groups decide somebody's role and seat, at a login or by sync: then what is changed by hand does not last (row 46). About guests they say
    /// nothing.
    fn groups_decide(&self, row: &MemberRow) -> bool {
        self.organization.group_mappings && self.organization.mode != Mode::Manual && !self.guests.contains(&row.member.id)
    }
}

/// Who acts, as far as the guards ask, and when.
#[derive(Debug, Clone, Copy)]
pub struct Hand {
    /// The actor's own member row; `None` for an API token and for the operator.
    pub member: Option<MemberId>,
    /// Now.
    pub now: Timestamp,
}

/// What is done to members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Role and seat by hand (rows 34, 46, 47). `seat: Some(None)` is "no seat assigned".
    Change {
        /// The role to have, if it is to change.
        role: Option<Role>,
        /// The seat to have, if it is to change.
        seat: Option<Option<SeatTier>>,
    },
    /// An exception that survives logins until it ends (row 46).
    Pin(Pin),
    /// Takes the exception off.
    Unpin,
    /// Removes (rows 40-44).
    Remove {
        /// So that they do not come back by themselves (row 43).
        block: bool,
    },
    /// Lets a blocked person come back, by the rules.
    Unblock,
    /// Undoes a removal: everyone as they were (row 45).
    Restore(Vec<Member>),
    /// Gives the seat that the member waits for (rows 30, 32).
    GiveWaitingSeat,
    /// Frees the seat of someone who has not been here for long (row 14). Who comes back gets one again, if there is one.
    ReclaimSeat,
    /// Makes one of the two people the Primary Owner, instead of the other (R10).
    TransferOwnership {
        /// The new one.
        to: MemberId,
    },
}

/// One member before and after an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// As it is; its revision is what the write rests on.
    pub before: Member,
    /// As it will be.
    pub after: Member,
    /// What the actor should know, in a sentence.
    pub note: Option<String>,
}

/// Why an act is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// One word in snake case.
    pub code: &'static str,
    /// What stands against it, and what would mend it.
    pub sentence: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

/// Decides an act on everyone in the situation: all of it, or nothing. Whoever stays as they are has no edit; when that is everyone, it is refused.
///
/// # Errors
/// [`Refusal`], with what would mend it.
pub fn decide(situation: &Situation, act: &Act, hand: Hand) -> Result<Vec<Edit>, Refusal> {
    let mut seats = Seats::of(situation);
    let mut edits = Vec::new();
    for row in &situation.people {
        let (after, note) = on_one(situation, act, hand, row, &mut seats)?;
        if after != row.member {
            edits.push(Edit { before: row.member.clone(), after, note });
        }
    }
    if edits.is_empty() {
        return Err(Refusal::new("nothing_to_do", "nothing would change: it is so already"));
    }
    guard::check(situation, &edits, hand)?;
    Ok(edits)
}

/// The member as it will be, and what the actor should know.
type After = (Member, Option<String>);

fn on_one(situation: &Situation, act: &Act, hand: Hand, row: &MemberRow, seats: &mut Seats<'_>) -> Result<After, Refusal> {
    match act {
        Act::Change { role, seat } => change::change(situation, row, role.as_ref(), seat.as_ref(), seats),
        Act::Pin(pin) => pin::pin(situation, row, pin, hand.now, seats),
        Act::Unpin => Ok((Member { pin: None, ..row.member.clone() }, None)),
        Act::Remove { block } => Ok((removal::remove(&row.member, *block, seats), None)),
        Act::Unblock => removal::unblock(row),
        Act::Restore(as_they_were) => Ok(removal::restore(situation, row, as_they_were, hand.now, seats)),
        Act::GiveWaitingSeat => seat::give_waiting(row, seats),
        Act::ReclaimSeat => seat::reclaim(row, seats),
        Act::TransferOwnership { to } => owner::transfer(&situation.organization, row, *to, seats),
    }
}

/// Only active members can be changed.
fn active(row: &MemberRow) -> Result<(), Refusal> {
    if row.member.status == super::MemberStatus::Active {
        return Ok(());
    }
    Err(Refusal::new("not_active", format!("{} is {} and has neither role nor seat to change", row.name(), row.member.status)))
}
