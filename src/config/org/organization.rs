//! `[[organization]]`: roles, seat tiers, mode, mappings and policy.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::SignedDuration;

use super::plan::PlanDefaults;
use crate::config::code::Code;
use crate::config::section::{Item, Section, Text, Wrong, did_you_mean};
use crate::config::value;
use crate::core::{
    Branding, Domain, EmailAddress, MappedGroup, Mode, NoRoleMatch, NoSeatMatch, OnTierFull, Organization, OrganizationId, OwnedSeats,
    Plan, Policy, RemovalThreshold, Role, RoleMapping, SeatTier, SeatTierMapping,
};

/// Reads all organizations; at least one, each id once.
pub(super) fn read_all(root: &mut Section<'_>, domains: &[Domain]) -> Vec<Organization> {
    if !root.has("organization") {
        root.missing("organization", "[[organization]] with id and plan");
    }
    let mut ids = BTreeSet::new();
    let mut organizations = Vec::new();
    for mut section in root.sections("organization") {
        let organization = read(&mut section, domains);
        if let Some(organization) = organization {
            if !ids.insert(organization.id.clone()) {
                let wrong = Wrong::new(Code::Duplicate, format!("the organization {:?} is here twice", organization.id.as_str()));
                section.wrong("id", wrong.suggest("give each organization its own id"));
            }
            organizations.push(organization);
        }
        section.finish();
    }
    organizations
}

fn read(section: &mut Section<'_>, domains: &[Domain]) -> Option<Organization> {
    let id = section.parsed_required("id", "id = \"acme\"", |text| value::short_name(text, OrganizationId::parse));
    let name = section.parsed("name", value::not_blank);
    let plans = [("team", Plan::Team), ("enterprise", Plan::Enterprise), ("console", Plan::Console), ("custom", Plan::Custom)];
    let plan =
        section.parsed_required("plan", "plan = \"enterprise\" (or \"team\", \"console\", \"custom\")", |text| value::choice(text, &plans));
    let defaults = PlanDefaults::of(plan.unwrap_or(Plan::Enterprise));
    let roles = roles(section, &defaults);
    let administrators = administrators(section, &defaults, &roles);
    let default_role = default_role(section, &defaults, &roles);
    let seat_tiers = seat_tiers(section);
    let mode = mode(section, &defaults);
    let group_mappings = section.boolean("group_mappings").unwrap_or(false);
    let role_mappings = mappings(&section.section("role_mappings"), |key| role_of(key, &roles));
    let role_mappings = role_mappings.into_iter().map(|(role, groups)| RoleMapping { role, groups }).collect();
    let seat_mappings = mappings(&section.section("seat_mappings"), |key| tier_of(key, &seat_tiers));
    let seat_tier_mappings = seat_mappings.into_iter().map(|(tier, groups)| SeatTierMapping { tier, groups }).collect();
    let primary_owner = section.parsed("primary_owner", |text| primary_owner(text, domains));
    let policy = policy(section.section("policy"));
    let id = id?;
    Some(Organization {
        name: name.unwrap_or_else(|| id.as_str().to_owned()),
        id,
        plan: plan?,
        administrators,
        default_role: default_role?,
        roles,
        seat_tiers,
        mode,
        group_mappings,
        role_mappings,
        seat_tier_mappings,
        primary_owner,
        policy,
        branding: Branding::default(),
    })
}

/// There is one Primary Owner, made by hand; it is above all roles and is not one of them (row 53).
fn is_primary_owner(name: &str) -> bool {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().eq_ignore_ascii_case("primaryowner")
}

fn primary_owner_is_no_role() -> Wrong {
    Wrong::new(Code::PrimaryOwnerRole, "the Primary Owner is not a role: no group and no list can give it")
        .suggest("name the person: primary_owner = \"olivia@acme.example\"")
}

fn unknown_role(text: &Text, roles: &[Role]) -> Wrong {
    Wrong::new(Code::UnknownRole, format!("there is no role {:?}", text.value))
        .suggest(did_you_mean(&text.value, roles.iter().map(Role::as_str)))
}

fn role_of(text: &Text, roles: &[Role]) -> Result<Role, Wrong> {
    if is_primary_owner(&text.value) {
        return Err(primary_owner_is_no_role());
    }
    roles.iter().find(|role| role.as_str() == text.value).cloned().ok_or_else(|| unknown_role(text, roles))
}

fn tier_of(text: &Text, tiers: &[OwnedSeats]) -> Result<SeatTier, Wrong> {
    let known = tiers.iter().map(|seats| &seats.tier);
    known.clone().find(|tier| tier.as_str() == text.value).cloned().ok_or_else(|| {
        let wrong = Wrong::new(Code::UnknownTier, format!("there is no seat tier {:?}", text.value));
        let empty = "list it first: seat_tiers = [{ name = \"Premium\", seats = 20 }]".to_owned();
        wrong.suggest(if tiers.is_empty() { empty } else { did_you_mean(&text.value, known.map(SeatTier::as_str)) })
    })
}

fn roles(section: &mut Section<'_>, defaults: &PlanDefaults) -> Vec<Role> {
    let written = section.texts("roles");
    if !section.has("roles") {
        if defaults.roles.is_empty() {
            let wrong = Wrong::new(Code::RolesMissing, "plan \"custom\" has no roles of its own, and none are listed");
            section.wrong("plan", wrong.suggest("list them, highest first: roles = [\"Owner\", \"Admin\", \"User\"]"));
        }
        return defaults.roles.iter().copied().map(Role::new).collect();
    }
    let mut roles: Vec<Role> = Vec::new();
    for text in written.iter().flatten() {
        let role = value::not_blank(text).map(Role::new);
        match role {
            Ok(role) if is_primary_owner(role.as_str()) => section.reader().at(text, primary_owner_is_no_role()),
            Ok(role) if roles.contains(&role) => {
                let wrong = Wrong::new(Code::Duplicate, format!("the role {:?} is here twice", role.as_str()));
                section.reader().at(text, wrong.suggest("a role has one rank: take one of them out"));
            }
            Ok(role) => roles.push(role),
            Err(wrong) => section.reader().at(text, wrong),
        }
    }
    if written.is_some_and(|written| written.is_empty()) {
        section.wrong(
            "roles",
            Wrong::new(Code::Empty, "an organization needs a role").suggest("list them, highest first, or leave the key out"),
        );
    }
    roles
}

fn administrators(section: &mut Section<'_>, defaults: &PlanDefaults, roles: &[Role]) -> BTreeSet<Role> {
    let mut administrators: BTreeSet<Role> = roles.first().cloned().into_iter().collect();
    if let Some(written) = section.texts("administrators") {
        for text in written {
            match role_of(&text, roles) {
                Ok(role) => {
                    administrators.insert(role);
                }
                Err(wrong) => section.reader().at(&text, wrong),
            }
        }
    } else {
        administrators.extend(roles.iter().filter(|role| defaults.administrators.contains(&role.as_str())).cloned());
    }
    administrators
}

fn default_role(section: &mut Section<'_>, defaults: &PlanDefaults, roles: &[Role]) -> Option<Role> {
    section
        .parsed("default_role", |text| role_of(text, roles))
        .or_else(|| roles.iter().find(|role| role.as_str() == defaults.default_role).or(roles.last()).cloned())
}

fn seat_tiers(section: &mut Section<'_>) -> Vec<OwnedSeats> {
    let mut tiers: Vec<OwnedSeats> = Vec::new();
    for mut entry in section.sections("seat_tiers") {
        let name = entry.parsed_required("name", "{ name = \"Premium\", seats = 20 }", value::not_blank).map(SeatTier::new);
        let seats = entry.number("seats", "{ name = \"Premium\", seats = 20 }");
        let owned = seats.and_then(|seats| u32::try_from(seats).ok());
        if let (Some(seats), None) = (seats, owned) {
            let wrong = Wrong::new(Code::Seats, format!("{seats} is not a number of seats"));
            entry.wrong("seats", wrong.suggest("write how many seats you own, 0 or more"));
        }
        if let Some(tier) = name {
            if tiers.iter().any(|seats| seats.tier == tier) {
                let wrong = Wrong::new(Code::Duplicate, format!("the seat tier {:?} is here twice", tier.as_str()));
                entry.wrong("name", wrong.suggest("take one of them out, and add up their seats"));
            }
            tiers.push(OwnedSeats { tier, owned: owned.unwrap_or(0) });
        }
        entry.finish();
    }
    tiers
}

fn mode(section: &mut Section<'_>, defaults: &PlanDefaults) -> Mode {
    let modes = [("manual", Mode::Manual), ("jit", Mode::Jit), ("scim", Mode::Scim)];
    section
        .parsed("provisioning", |text| {
            let mode = value::choice(text, &modes)?;
            if defaults.modes.contains(&mode) {
                return Ok(mode);
            }
            let wrong = Wrong::new(Code::ModeNotInPlan, format!("this plan has no provisioning = \"{mode}\""));
            Err(wrong.suggest("write \"jit\" or \"manual\", or choose another plan"))
        })
        .unwrap_or(Mode::Manual)
}

fn mappings<T>(section: &Section<'_>, target: impl Fn(&Text) -> Result<T, Wrong>) -> Vec<(T, Vec<MappedGroup>)> {
    let mut mappings = Vec::new();
    for (key, node) in section.entries() {
        let mut groups: Vec<MappedGroup> = Vec::new();
        for item in section.entry_items(&key, node) {
            match group(section, item) {
                // Said twice means the same as said once.
                Some(group) if groups.iter().all(|known| known.value != group.value) => groups.push(group),
                _ => {}
            }
        }
        match target(&key) {
            Ok(target) => mappings.push((target, groups)),
            Err(wrong) => section.reader().at(&key, wrong),
        }
    }
    mappings
}

/// A group as the provider sends it: outer white space is taken off on both sides, nothing else is touched.
fn group(section: &Section<'_>, item: Item<'_>) -> Option<MappedGroup> {
    match item {
        Item::Text(text) => {
            let value = value::not_blank(&text).map_err(|wrong| section.reader().at(&text, wrong)).ok()?;
            Some(MappedGroup { value, label: None })
        }
        Item::Section(mut entry) => {
            let value = entry.parsed_required("value", "{ value = \"8f1c…\", label = \"Design team\" }", value::not_blank);
            let label = entry.parsed("label", value::not_blank);
            entry.finish();
            Some(MappedGroup { value: value?, label })
        }
    }
}

fn primary_owner(text: &Text, domains: &[Domain]) -> Result<EmailAddress, Wrong> {
    let email = value::email(text)?;
    match domains.iter().find(|domain| &domain.name == email.domain()) {
        Some(domain) if domain.verified.is_some() => Ok(email),
        Some(domain) => {
            Err(Wrong::new(Code::PrimaryOwnerDomain, format!("the Primary Owner could not sign in: {} is not verified", domain.name))
                .suggest("if the domain is yours, say so there: verified = \"operator\""))
        }
        None => Err(Wrong::new(
            Code::PrimaryOwnerDomain,
            format!("the Primary Owner could not sign in: {} is not one of the domains of this file", email.domain()),
        )
        .suggest(format!("add [[domain]] with name = \"{}\"", email.domain()))),
    }
}

/// A share and a number of people; whichever is more.
fn removal_threshold(mut section: Section<'_>) -> RemovalThreshold {
    let default = RemovalThreshold::default();
    let percent = threshold(&mut section, "percent", 0..=100, default.percent);
    let people = threshold(&mut section, "people", 0..=1_000_000, default.people);
    section.finish();
    RemovalThreshold { percent, people }
}

fn threshold(section: &mut Section<'_>, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
    let Some(number) = section.has(key).then(|| section.number(key, &default.to_string())).flatten() else {
        return default;
    };
    u32::try_from(number).ok().filter(|number| range.contains(number)).unwrap_or_else(|| {
        let wrong = Wrong::new(Code::Threshold, format!("{number} is not a threshold for `{key}`"));
        section.wrong(key, wrong.suggest(format!("write a whole number from {} to {}", range.start(), range.end())));
        default
    })
}

fn policy(mut section: Section<'_>) -> Policy {
    let default = Policy::default();
    let no_role = [("remove", NoRoleMatch::Remove), ("default_role", NoRoleMatch::DefaultRole)];
    let no_seat = [
        ("highest_available", NoSeatMatch::HighestAvailable),
        ("lowest_available", NoSeatMatch::LowestAvailable),
        ("none", NoSeatMatch::None),
        ("refuse", NoSeatMatch::Refuse),
    ];
    let full = [("next_lower", OnTierFull::NextLower), ("refuse", OnTierFull::Refuse), ("no_seat", OnTierFull::NoSeat)];
    let no_role_match = section.parsed("no_role_match", |text| value::choice(text, &no_role)).unwrap_or(default.no_role_match);
    let no_seat_match = section.parsed("no_seat_match", |text| value::choice(text, &no_seat)).unwrap_or(default.no_seat_match);
    let on_tier_full = section.parsed("on_tier_full", |text| value::choice(text, &full)).unwrap_or(default.on_tier_full);
    let mut span = |key, default: SignedDuration| section.parsed(key, value::signed_duration).unwrap_or(default);
    let groups_absent_grace = span("groups_absent_grace", default.groups_absent_grace);
    let stale_after = span("stale_after", default.stale_after);
    let pin_max = span("pin_max", default.pin_max);
    let undo_window = span("undo_window", default.undo_window);
    let removal_threshold = removal_threshold(section.section("removal_threshold"));
    let seat_warn = threshold(&mut section, "seat_warn", 1..=100, default.seat_warn);
    let mut yes = |key, default: bool| section.boolean(key).unwrap_or(default);
    let approve_first_logins = yes("approve_first_logins", default.approve_first_logins);
    let require_sso = yes("require_sso", default.require_sso);
    let allow_guests = yes("allow_guests", default.allow_guests);
    let mut session = |key| section.parsed(key, value::session_cap);
    let (session_idle, session_max) = (session("session_idle"), session("session_max"));
    if session_idle.zip(session_max).is_some_and(|(idle, max)| idle > max) {
        let wrong = Wrong::new(Code::SessionLimits, "`session_idle` is longer than `session_max`");
        section.wrong("session_idle", wrong.suggest("make `session_idle` at most as long as `session_max`"));
    }
    section.finish();
    Policy {
        no_role_match,
        no_seat_match,
        on_tier_full,
        groups_absent_grace,
        stale_after,
        pin_max,
        undo_window,
        approve_first_logins,
        allow_guests,
        session_idle,
        session_max,
        require_sso,
        removal_threshold,
        seat_warn,
    }
}
