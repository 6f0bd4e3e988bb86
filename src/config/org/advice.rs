//! Warnings: what is allowed, does something else than it seems to, or leaves somebody out.

use std::collections::BTreeMap;

use super::plan::PlanDefaults;
use crate::config::code::Code;
use crate::config::section::{Section, Wrong};
use crate::core::{Mode, Organization, Settings};

/// Looks over settings that are sound: nothing was refused, so the n-th of each stands in the n-th table.
pub(super) fn give(root: &mut Section<'_>, settings: &Settings) {
    if settings.connections.is_empty() && !root.has("connection") {
        let wrong = Wrong::new(Code::NoConnection, "nobody can sign in: there is no connection to an identity provider");
        root.wrong("connection", wrong.suggest("add [[connection]]"));
    }
    shared_domains(root, settings);
    for (organization, mut section) in settings.organizations.iter().zip(root.sections("organization")) {
        seats(&mut section, organization);
        mappings(&mut section, organization);
        administration(&mut section, organization);
    }
}

fn shared_domains(root: &mut Section<'_>, settings: &Settings) {
    let mut first = BTreeMap::new();
    for (connection, mut section) in settings.connections.iter().zip(root.sections("connection")) {
        for domain in connection.domains.iter().filter(|_| connection.enabled) {
            let Some(other) = first.insert(domain, &connection.id) else { continue };
            let message = format!(
                "people of {domain} can sign in through {other} and through {}, and the last login decides role and seat",
                connection.id
            );
            section.wrong(
                "domains",
                Wrong::new(Code::DomainInTwoConnections, message).suggest("let both providers send the same groups, or keep one"),
            );
        }
    }
}

fn seats(section: &mut Section<'_>, organization: &Organization) {
    if organization.seat_tiers.len() == 1 && !organization.seat_tier_mappings.is_empty() {
        let wrong = Wrong::new(Code::SingleTierMapping, "there is one seat tier, so `seat_mappings` changes nothing");
        section.wrong("seat_mappings", wrong.suggest("leave it out"));
    }
    let usual = PlanDefaults::of(organization.plan).usual_tiers;
    if organization.seat_tiers.is_empty() && !usual.is_empty() {
        let wrong = Wrong::new(Code::SeatsNotCounted, "without `seat_tiers`, seats are not counted and nobody has a tier");
        let example: Vec<String> = usual.iter().map(|tier| format!("{{ name = {tier:?}, seats = 20 }}")).collect();
        section.wrong("seat_tiers", wrong.suggest(format!("say what you own: seat_tiers = [{}]", example.join(", "))));
    }
}

fn mappings(section: &mut Section<'_>, organization: &Organization) {
    if organization.mode == Mode::Scim {
        let wrong = Wrong::new(Code::NoDirectorySync, "directory sync is not in this version yet: nobody new can come in");
        section.wrong("provisioning", wrong.suggest("write \"jit\" until then"));
    }
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for mapping in &organization.role_mappings {
        for group in &mapping.groups {
            let Some(other) = owners.insert(&group.value, mapping.role.as_str()) else { continue };
            let message = format!("the group {:?} is mapped to {other} and to {}, and the higher role wins", group.value, mapping.role);
            section.wrong("role_mappings", Wrong::new(Code::GroupInTwoRoles, message).suggest("keep it under one role"));
        }
    }
    if !organization.group_mappings {
        return;
    }
    if organization.mode == Mode::Manual {
        let wrong = Wrong::new(Code::MappingsInManual, "in manual mode groups decide nothing, so `group_mappings` changes nothing");
        section.wrong("group_mappings", wrong.suggest("write provisioning = \"jit\", or leave it out"));
    }
    if organization.role_mappings.iter().all(|mapping| mapping.groups.is_empty()) {
        let wrong = Wrong::new(Code::NoRoleMapping, "`group_mappings` is on and no group is mapped to a role: everyone is refused");
        section.wrong("group_mappings", wrong.suggest("map groups in [organization.role_mappings], or leave `group_mappings` out"));
    }
}

fn administration(section: &mut Section<'_>, organization: &Organization) {
    let default_administers = organization.is_administrator(&organization.default_role);
    let mapped =
        organization.role_mappings.iter().any(|mapping| organization.is_administrator(&mapping.role) && !mapping.groups.is_empty());
    let by_login = match organization.mode {
        Mode::Jit if organization.group_mappings => mapped,
        Mode::Jit => default_administers,
        Mode::Manual | Mode::Scim => false,
    };
    if organization.primary_owner.is_none() && !by_login {
        let wrong = Wrong::new(
            Code::NobodyAdministers,
            "nobody could administer: no Primary Owner is named, and no login gives an administrator's role",
        );
        section.wrong("primary_owner", wrong.suggest("name the first one: primary_owner = \"you@acme.example\""));
    }
    if default_administers && organization.roles.len() > 1 {
        let wrong = Wrong::new(
            Code::DefaultAdministers,
            format!("{} is the role of every newcomer, and it administers", organization.default_role),
        );
        section.wrong("default_role", wrong.suggest("choose a role that does not administer"));
    }
}
