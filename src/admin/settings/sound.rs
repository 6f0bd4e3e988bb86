//! Whether something can be settings at all: what the file's reader checks for org.toml, for settings that come by other ways.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::super::Fault;
use crate::core::{MappedGroup, Organization, Policy, Settings, is_unseen};

/// The longest name or group, in characters.
const LONGEST: usize = 256;

/// Everything wrong with what is different from before.
pub(super) fn check(before: Option<&Settings>, after: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    if after.parent_name.trim().is_empty() || after.parent_name.chars().count() > LONGEST {
        faults.push(fault("parent_name", "write a name"));
    }
    for organization in &after.organizations {
        if before.and_then(|before| before.find_organization(&organization.id)) != Some(organization) {
            Check { organization, faults: &mut faults }.run(after);
        }
    }
    for connection in &after.connections {
        for domain in connection.domains.iter().filter(|name| after.domains.iter().all(|domain| domain.name != **name)) {
            faults.push(fault("connection.domains", format!("{domain} is not one of the domains; add it first")));
        }
    }
    faults
}

struct Check<'a> {
    organization: &'a Organization,
    faults: &'a mut Vec<Fault>,
}

impl Check<'_> {
    fn run(&mut self, settings: &Settings) {
        let organization = self.organization;
        self.need(!organization.name.trim().is_empty() && is_short(&organization.name), "name", "write a name");
        let contact = organization.branding.support_contact.as_deref().unwrap_or_default();
        self.need(is_short(contact), "support_contact", "this is too long");
        for (field, text) in [("name", organization.name.as_str()), ("support_contact", contact)] {
            self.need(!text.contains(is_unseen), field, "there are characters in it that nobody sees");
        }
        self.roles();
        self.tiers();
        if !organization.plan.modes().contains(&organization.mode) {
            self.wrong("mode", format!("this plan has no provisioning by {}", organization.mode));
        }
        self.mappings();
        self.sessions();
        self.thresholds();
        let verified =
            |domain: &crate::core::DomainName| settings.domains.iter().any(|known| &known.name == domain && known.verified.is_some());
        if let Some(owner) = organization.primary_owner.as_ref().filter(|owner| !verified(owner.domain())) {
            self.wrong("primary_owner", format!("the Primary Owner could not sign in: {} is not a verified domain", owner.domain()));
        }
    }

    fn roles(&mut self) {
        let organization = self.organization;
        let roles = &organization.roles;
        self.need(!roles.is_empty(), "roles", "an organization needs a role");
        for role in roles {
            let name = role.as_str();
            self.need(!name.trim().is_empty() && name.trim() == name && is_short(name), "roles", "a role needs a name");
            // Row 53: above all roles, and none of them.
            let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            self.need(!letters.eq_ignore_ascii_case("primaryowner"), "roles", "the Primary Owner is not a role: no group can give it");
        }
        self.need(roles.iter().collect::<BTreeSet<_>>().len() == roles.len(), "roles", "a role has one rank: one is here twice");
        let known = |role| roles.contains(role);
        self.need(organization.administrators.iter().all(known), "administrators", "one of these is not a role");
        self.need(
            roles.first().is_none_or(|first| organization.is_administrator(first)),
            "administrators",
            "the highest role administers always",
        );
        self.need(known(&organization.default_role), "default_role", "this is not a role");
    }

    fn tiers(&mut self) {
        let tiers: Vec<&str> = self.organization.seat_tiers.iter().map(|seats| seats.tier.as_str()).collect();
        self.need(
            tiers.iter().all(|tier| !tier.trim().is_empty() && tier.trim() == *tier && is_short(tier)),
            "seat_tiers",
            "a seat tier needs a name",
        );
        self.need(tiers.iter().collect::<BTreeSet<_>>().len() == tiers.len(), "seat_tiers", "a seat tier is here twice");
    }

    fn mappings(&mut self) {
        let organization = self.organization;
        let mut seen = BTreeSet::new();
        for mapping in &organization.role_mappings {
            if organization.role_rank(&mapping.role).is_none() {
                self.wrong("role_mappings", format!("there is no role {:?}", mapping.role.as_str()));
            }
            self.need(seen.insert(mapping.role.as_str()), "role_mappings", "a role is mapped in two places");
            self.groups("role_mappings", &mapping.groups);
        }
        let mut seen = BTreeSet::new();
        for mapping in &organization.seat_tier_mappings {
            if organization.tier_rank(&mapping.tier).is_none() {
                self.wrong("seat_tier_mappings", format!("there is no seat tier {:?}", mapping.tier.as_str()));
            }
            self.need(seen.insert(mapping.tier.as_str()), "seat_tier_mappings", "a seat tier is mapped in two places");
            self.groups("seat_tier_mappings", &mapping.groups);
        }
    }

    fn thresholds(&mut self) {
        let policy = &self.organization.policy;
        self.need((1..=100).contains(&policy.seat_warn), "seat_warn", "a warning about seats comes from 1 to 100 percent");
    }

    fn sessions(&mut self) {
        let Policy { session_idle, session_max, .. } = &self.organization.policy;
        let long_enough = |cap: &Option<SignedDuration>| cap.is_none_or(|cap| cap >= Policy::SESSION_MIN);
        self.need(long_enough(session_idle), "session_idle", "a session lasts at least 5 minutes");
        self.need(long_enough(session_max), "session_max", "a session lasts at least 5 minutes");
        let fits = session_idle.zip(*session_max).is_none_or(|(idle, max)| idle <= max);
        self.need(fits, "session_idle", "a session cannot be idle for longer than it lasts");
    }

    fn groups(&mut self, field: &'static str, groups: &[MappedGroup]) {
        for group in groups {
            let fits = |text: &str| !text.trim().is_empty() && is_short(text) && !text.chars().any(char::is_control);
            self.need(
                fits(&group.value) && group.label.as_deref().is_none_or(fits),
                field,
                "a group is 1 to 256 characters without line breaks",
            );
        }
    }

    fn need(&mut self, fine: bool, field: &str, message: &str) {
        if !fine {
            self.wrong(field, message);
        }
    }

    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.faults.push(fault(field, message));
    }
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= LONGEST
}

fn fault(field: &str, message: impl Into<String>) -> Fault {
    Fault { field: field.to_owned(), message: message.into() }
}
