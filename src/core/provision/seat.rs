//! Step 9: which seat the rules want. The gate then says what there is.

use super::candidate::Candidate;
use super::claim::Groups;
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use super::gate::{Gate, Place, Wish};
use super::guard;
use super::mapping::{Match, Received, note_matches};
use super::role::Standing;
use crate::core::{Member, Mode, NoSeatMatch, Organization, Reason, SeatTier};

pub(super) fn settle(candidate: &Candidate<'_>, groups: &Groups, standing: &Standing, trace: &mut Trace) -> Result<Place, Refusal> {
    let organization = candidate.organization();
    if organization.seat_tiers.is_empty() {
        trace.add(Rule::SeatGate, Verdict::Noted, "seats are not counted here");
        return Ok(Place::default());
    }
    let tried = match groups {
        Groups::Known(received) if standing.seat_by_groups => try_tiers(organization, received),
        _ => Vec::new(),
    };
    let mapped = tried.iter().find(|attempt| attempt.fits()).map(|attempt| attempt.gives.clone());
    let pinned = pinned_wish(candidate);
    let by_pin = pinned.is_some();
    let wish = pinned.unwrap_or_else(|| match candidate.member {
        _ if standing.seat_by_groups => by_groups(organization, mapped.clone()),
        Some(member) => as_it_was(candidate, member),
        None => for_newcomer(candidate),
    });

    let gate = Gate::of(candidate);
    let mut place = gate.grant(candidate, spare_protected(candidate, wish));
    let won = place.as_ref().ok().and_then(|place| place.tier.as_ref()).filter(|tier| !by_pin && mapped.as_ref() == Some(tier));
    note_matches(trace, Rule::Seat, tried, won);
    if by_pin {
        trace.add(Rule::Pin, Verdict::Won, "the seat is pinned");
        place = place.map(|place| place.noting(Reason::Pinned));
    }
    gate.note(trace);
    conclude(candidate, place, trace)
}

/// Rows 24-28: the highest tier over the groups. One tier alone needs no mapping.
fn by_groups(organization: &Organization, mapped: Option<SeatTier>) -> Wish {
    if organization.seat_tiers.len() == 1 {
        return Wish::FirstFree(all_tiers(organization));
    }
    match (mapped, organization.policy.no_seat_match) {
        (Some(tier), _) => Wish::Tier(tier),
        (None, NoSeatMatch::HighestAvailable) => Wish::FirstFree(all_tiers(organization)),
        (None, NoSeatMatch::LowestAvailable) => Wish::FirstFree(all_tiers(organization).into_iter().rev().collect()),
        (None, NoSeatMatch::None) => Wish::Nothing,
        (None, NoSeatMatch::Refuse) => Wish::Refuse,
    }
}

/// Rows 2, 3, 29, 37: the invited tier, or else the highest, and downwards from there; upwards only for the Primary Owner.
fn for_newcomer(candidate: &Candidate<'_>) -> Wish {
    let organization = candidate.organization();
    let held = candidate.invite.and_then(|invite| invite.seat.as_ref());
    let from = held.and_then(|held| organization.tier_rank(held)).unwrap_or(0);
    let mut tiers = all_tiers(organization);
    let higher: Vec<SeatTier> = tiers.drain(..from).collect();
    if candidate.primary_owner {
        tiers.extend(higher);
    }
    Wish::FirstFree(tiers)
}

/// Rows 8, 34: a seat stays. Someone who has none by an admin's hand is refused; plain JIT gives one to everyone else.
fn as_it_was(candidate: &Candidate<'_>, member: &Member) -> Wish {
    let organization = candidate.organization();
    if member.seat.is_some() || organization.maps_at_login() {
        Wish::Keep
    } else if member.seat_unassigned {
        Wish::Refuse
    } else if organization.mode == Mode::Jit {
        Wish::FirstFree(all_tiers(organization))
    } else {
        Wish::Keep
    }
}

/// Row 52: the Primary Owner always has a seat if there is one, and neither guarded person is refused for the lack of one.
fn spare_protected(candidate: &Candidate<'_>, wish: Wish) -> Wish {
    let has_seat = candidate.member.is_some_and(|member| member.seat.is_some());
    match wish {
        Wish::Keep | Wish::Nothing | Wish::Refuse if candidate.primary_owner => {
            if has_seat {
                Wish::Keep
            } else {
                Wish::FirstFree(all_tiers(candidate.organization()))
            }
        }
        Wish::Refuse if guard::protects(candidate).is_some() => Wish::Keep,
        other => other,
    }
}

fn conclude(candidate: &Candidate<'_>, place: Result<Place, Reason>, trace: &mut Trace) -> Result<Place, Refusal> {
    match place {
        Ok(place) => {
            let seat = place.tier.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("a {tier} seat"));
            let queue = place.waits_for.as_ref().map(|tier| format!(", and waits for {tier}")).unwrap_or_default();
            trace.add(Rule::SeatGate, Verdict::Won, format!("{seat}{queue}"));
            Ok(place)
        }
        Err(Reason::NoSeatsLeft) => {
            trace.add(Rule::SeatGate, Verdict::Refused, "no seat is free for a new person");
            Err(Refusal::recorded(Reason::NoSeatsLeft))
        }
        Err(reason) => {
            let why = if candidate.member.is_some() { "an admin or the policy gives no seat" } else { "the policy gives no seat" };
            trace.add(Rule::Seat, Verdict::Refused, why);
            Err(Refusal::plain(reason))
        }
    }
}

fn try_tiers<'a>(organization: &'a Organization, received: &Received) -> Vec<Match<'a, SeatTier>> {
    if organization.seat_tiers.len() == 1 {
        return Vec::new();
    }
    let of = |tier| organization.seat_tier_mappings.iter().filter(move |mapping| &mapping.tier == tier).flat_map(|mapping| &mapping.groups);
    organization.seat_tiers.iter().map(|owned| Match::find(&owned.tier, of(&owned.tier), received)).collect()
}

fn all_tiers(organization: &Organization) -> Vec<SeatTier> {
    organization.seat_tiers.iter().map(|owned| owned.tier.clone()).collect()
}

/// A tier that the organization no longer has pins nothing; a pin to no seat is a refusal (row 34).
fn pinned_wish(candidate: &Candidate<'_>) -> Option<Wish> {
    match candidate.pin()?.seat.as_ref()? {
        Some(tier) => candidate.organization().tier_rank(tier).map(|_| Wish::Tier(tier.clone())),
        None => Some(Wish::Refuse),
    }
}
