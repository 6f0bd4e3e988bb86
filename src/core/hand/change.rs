//! Role and seat by hand (rows 34, 46, 47).

use super::{After, Refusal, Seats, Situation, active};
use crate::core::{MappedGroup, MemberRow, Organization, Role, SeatTier};

pub(super) fn change(
    situation: &Situation,
    row: &MemberRow,
    role: Option<&Role>,
    seat: Option<&Option<SeatTier>>,
    seats: &mut Seats<'_>,
) -> Result<After, Refusal> {
    active(row)?;
    let organization = &situation.organization;
    let (mut member, mut note) = (row.member.clone(), None);
    if let Some(role) = role.filter(|role| **role != member.role) {
        by_hand_lasts(situation, row, &format!("the role {role}"), &groups_of_role(organization, role))?;
        member.role = role.clone();
    }
    match seat {
        None => {}
        Some(None) => {
            seats.give_back(member.seat.take().as_ref());
            member.seat_unassigned = true;
            member.wanted_tier = None;
            note = situation
                .groups_decide(row)
                .then(|| format!("the next sign-in gives {} a seat again, by the groups; pin \"no seat\" if it must stay so", row.name()));
        }
        Some(Some(tier)) if member.seat.as_ref() == Some(tier) => {}
        Some(Some(tier)) => {
            // With one tier alone the groups have no say (row 28).
            if organization.seat_tiers.len() > 1 {
                by_hand_lasts(situation, row, &format!("a {tier} seat"), &groups_of_tier(organization, tier))?;
            }
            seats.give_back(member.seat.as_ref());
            seats.take(tier)?;
            member.seat = Some(tier.clone());
            member.seat_unassigned = false;
            member.wanted_tier = None;
        }
    }
    Ok((member, note))
}

/// Refuses what the next login would undo, and says which group to change instead.
fn by_hand_lasts(situation: &Situation, row: &MemberRow, what: &str, groups: &[&str]) -> Result<(), Refusal> {
    if !situation.groups_decide(row) {
        return Ok(());
    }
    let name = row.name();
    let mend = if groups.is_empty() {
        format!("no group gives {what} yet: map one")
    } else {
        format!("put {name} into the group {} at the identity provider", groups.join(" or "))
    };
    Err(Refusal::new("managed_by_idp", format!("groups decide role and seat here, so {mend}, or pin {what} for a while")))
}

fn groups_of_role<'a>(organization: &'a Organization, role: &Role) -> Vec<&'a str> {
    let mappings = organization.role_mappings.iter().filter(|mapping| &mapping.role == role);
    mappings.flat_map(|mapping| &mapping.groups).map(shown).collect()
}

fn groups_of_tier<'a>(organization: &'a Organization, tier: &SeatTier) -> Vec<&'a str> {
    let mappings = organization.seat_tier_mappings.iter().filter(|mapping| &mapping.tier == tier);
    mappings.flat_map(|mapping| &mapping.groups).map(shown).collect()
}

fn shown(group: &MappedGroup) -> &str {
    group.label.as_deref().unwrap_or(&group.value)
}
