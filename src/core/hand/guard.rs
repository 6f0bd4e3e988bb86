//! Who is neither removed nor demoted by hand (R13, rows 52, 55), whatever the act was: only before and after count.

use super::{Edit, Hand, Refusal, Situation};
use crate::core::{Member, MemberRow, MemberStatus, Organization, Role};

pub(super) fn check(situation: &Situation, edits: &[Edit], hand: Hand) -> Result<(), Refusal> {
    let organization = &situation.organization;
    let handed_over = edits.iter().any(|edit| edit.after.primary_owner);
    for edit in edits {
        let name = || name_of(situation, edit);
        let falls = is_lower(organization, edit);
        let is_owner = edit.before.primary_owner && !(edit.after.primary_owner || handed_over);
        if is_owner || (edit.before.primary_owner && (falls || loses_the_seat(edit))) {
            return Err(Refusal::new(
                "primary_owner",
                format!("{} is the Primary Owner, who keeps role and seat; hand the ownership over first", name()),
            ));
        }
        if hand.member == Some(edit.before.id) && falls && is_top(organization, &edit.before) {
            return Err(Refusal::new("yourself", "nobody with the highest role removes or demotes themselves; another one must do it"));
        }
    }
    let lost = edits.iter().filter(|edit| counts(situation, &edit.before) && !counts(situation, &edit.after)).count();
    let gained = edits.iter().filter(|edit| !counts(situation, &edit.before) && counts(situation, &edit.after)).count();
    let (lost, gained) = (u32::try_from(lost).unwrap_or(u32::MAX), u32::try_from(gained).unwrap_or(u32::MAX));
    if lost > 0 && situation.administrators.saturating_sub(lost).saturating_add(gained) == 0 {
        let who: Vec<String> = edits.iter().filter(|edit| counts(situation, &edit.before)).map(|edit| name_of(situation, edit)).collect();
        return Err(Refusal::new(
            "last_admin",
            format!(
                "without {} nobody who has ever signed in would administer {}; give somebody else an administrator's role first",
                who.join(" and "),
                organization.name
            ),
        ));
    }
    Ok(())
}

/// Whether a person counts as one who could repair things: an active administrator who is human and has been here.
pub(super) fn is_counted(organization: &Organization, row: &MemberRow, member: &Member) -> bool {
    member.status == MemberStatus::Active
        && organization.is_administrator(&member.role)
        && !row.person.service_account
        && member.last_login_at.is_some()
}

fn counts(situation: &Situation, member: &Member) -> bool {
    let row = situation.people.iter().find(|row| row.member.id == member.id);
    row.is_some_and(|row| is_counted(&situation.organization, row, member))
}

fn rank(organization: &Organization, role: &Role) -> usize {
    organization.role_rank(role).unwrap_or(usize::MAX)
}

fn is_lower(organization: &Organization, edit: &Edit) -> bool {
    let was_active = edit.before.status == MemberStatus::Active;
    was_active
        && (edit.after.status != MemberStatus::Active || rank(organization, &edit.after.role) > rank(organization, &edit.before.role))
}

fn loses_the_seat(edit: &Edit) -> bool {
    edit.before.seat.is_some() && edit.after.seat.is_none()
}

fn is_top(organization: &Organization, member: &Member) -> bool {
    member.primary_owner || organization.roles.first() == Some(&member.role)
}

fn name_of(situation: &Situation, edit: &Edit) -> String {
    let row = situation.people.iter().find(|row| row.member.id == edit.before.id);
    row.map_or_else(|| edit.before.id.to_string(), MemberRow::name)
}
