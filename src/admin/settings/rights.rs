//! Whether the actor may make these settings of those.

use super::super::{Actor, Admin, AdminError, Permission, Who};
use crate::core::preview::Effects;
use crate::core::{MemberStatus, Organization, Role, RoleMapping, Settings};

/// What all organizations of the parent share.
pub(super) fn touches_parent(before: Option<&Settings>, after: &Settings) -> bool {
    let Some(before) = before else { return true };
    before.parent_name != after.parent_name
        || before.domains != after.domains
        || before.connections != after.connections
        || before.organizations.iter().map(|known| &known.id).ne(after.organizations.iter().map(|known| &known.id))
}

impl Admin {
    /// Refuses what the actor may not change. What another organization has does not exist for them.
    pub(super) async fn need_settings_rights(&self, actor: &Actor, before: Option<&Settings>, after: &Settings) -> Result<(), AdminError> {
        actor.need(Permission::SettingsWrite)?;
        if actor.who == Who::Operator {
            return Ok(());
        }
        let before = before.ok_or(AdminError::NoSuch("organization"))?;
        self.need_not_in_file(before, after)?;
        if touches_parent(Some(before), after) {
            self.need_all_organizations(actor, before).await?;
        }
        for (old, new) in before.organizations.iter().zip(&after.organizations).filter(|(old, new)| old != new) {
            if old.id != actor.organization {
                return Err(AdminError::NoSuch("organization"));
            }
            need_ranks(actor, old, new)?;
        }
        Ok(())
    }

    /// What stands in the operator's file would be as it is there again after the next start. How pages look is in no file.
    fn need_not_in_file(&self, before: &Settings, after: &Settings) -> Result<(), AdminError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut plain = after.clone();
        for (new, old) in plain.organizations.iter_mut().zip(&before.organizations) {
            new.branding.clone_from(&old.branding);
        }
        if plain == *before {
            return Ok(());
        }
        let sentence = format!("this is set in {} on the host, and changed there", file.display());
        Err(AdminError::refused("managed_by_file", sentence))
    }

    /// Connections, domains and the parent's name are everybody's: whoever changes them administers every organization.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `not_all_organizations`; [`AdminError::Store`].
    pub(in crate::admin) async fn need_all_organizations(&self, actor: &Actor, settings: &Settings) -> Result<(), AdminError> {
        let refused = || {
            AdminError::refused(
                "not_all_organizations",
                "connections and domains belong to all organizations of the parent, so only somebody who administers each of them may change them",
            )
        };
        for organization in &settings.organizations {
            let administers = match &actor.who {
                Who::Operator => true,
                Who::Person { person, .. } => {
                    let row = self.store.find_member(&organization.id, *person).await?;
                    row.is_some_and(|row| row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role))
                }
                Who::Token { .. } => organization.id == actor.organization,
            };
            if !administers {
                return Err(refused());
            }
        }
        Ok(())
    }
}

/// Nobody changes who gets a role above their own (R12): neither the groups of such a role, nor the order or the rights of what ranks there.
fn need_ranks(actor: &Actor, before: &Organization, after: &Organization) -> Result<(), AdminError> {
    let (Who::Person { role: own, .. } | Who::Token { role: own, .. }) = &actor.who else { return Ok(()) };
    let above = before.role_rank(own).unwrap_or(before.roles.len());
    let above_after = after.role_rank(own).unwrap_or(after.roles.len());
    let higher = before.roles.get(..above).unwrap_or_default();
    let kept = after.roles.get(..above_after) == Some(higher) && (after.role_rank(own).is_some() || before.role_rank(own).is_none());
    let touched = higher
        .iter()
        .find(|role| groups_of(before, role) != groups_of(after, role) || before.is_administrator(role) != after.is_administrator(role));
    match touched.or(higher.first().filter(|_| !kept)) {
        Some(role) => return actor.need_rank(before, role),
        None if !kept => {
            return Err(AdminError::refused("above_your_role", format!("your own role, {own}, stays the first among those you rank")));
        }
        None => {}
    }
    actor.need_rank(before, &after.default_role)?;
    if before.primary_owner != after.primary_owner {
        need_primary_owner(actor, before)?;
    }
    Ok(())
}

/// The address of the Primary Owner makes somebody the owner of everything: only the owner hands it over (R10).
fn need_primary_owner(actor: &Actor, before: &Organization) -> Result<(), AdminError> {
    let is_owner = matches!(actor.who, Who::Person { primary_owner: true, .. });
    if is_owner {
        return actor.need_fresh();
    }
    if before.primary_owner.is_some() {
        return Err(AdminError::refused("primary_owner", "only the Primary Owner hands the organization over to somebody else"));
    }
    before.roles.first().map_or(Ok(()), |highest| actor.need_rank(before, highest))
}

fn groups_of<'a>(organization: &'a Organization, role: &Role) -> Vec<&'a str> {
    let of_role = organization.role_mappings.iter().filter(|mapping| &mapping.role == role);
    let mut groups: Vec<&str> = of_role.flat_map(|RoleMapping { groups, .. }| groups).map(|group| group.value.trim()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The same for the effects: whatever the change is, nobody above the actor loses their role by it, and nobody gets above.
pub(super) fn need_effects(actor: &Actor, before: &Organization, effects: &Effects) -> Result<(), AdminError> {
    for effect in &effects.people {
        let next = effect.next.standing();
        let moves = match (&effect.next, next) {
            (crate::core::preview::Next::Unknown { .. }, _) => false,
            (_, Some(standing)) => standing.role != effect.before.role,
            (_, None) => true,
        };
        if moves {
            actor.need_rank(before, &effect.before.role)?;
            next.map_or(Ok(()), |standing| actor.need_rank(before, &standing.role))?;
        }
    }
    Ok(())
}
