//! Any login: small pools of names, so that things meet, and seats that add up.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use usher::core::provision::{Facts, Known, SeatCount};
use usher::core::{
    ConnectionId, GroupClaim, Identity, Invite, InviteId, MappedGroup, Member, MemberStatus, Mode, NoRoleMatch, NoSeatMatch, OnTierFull,
    Organization, OwnedSeats, Pin, Role, RoleMapping, SeatTier, SeatTierMapping, WantedTier,
};
use uuid::Uuid;

use super::{Case, days, email, known, member_of, now, organization};

const GROUPS: [&str; 6] = ["a", "b", "c", "A", "a b", "d"];
const ROLES: [&str; 5] = ["Owner", "Admin", "User", "Custom", "Gone"];
const TIERS: [&str; 4] = ["Premium", "Plus", "Standard", "Gone"];
const ADDRESSES: [&str; 3] = ["ada@acme.example", "ADA@acme.example", "bea@acme.example"];
const SUBJECTS: [&str; 3] = ["sub-ada", "sub-bea", " "];

fn role() -> impl Strategy<Value = Role> {
    select(&ROLES[..]).prop_map(Role::new)
}

fn seat() -> impl Strategy<Value = Option<SeatTier>> {
    option::of(select(&TIERS[..]).prop_map(SeatTier::new))
}

/// Around the edges of every window of the rules, and the ends of time.
fn moment() -> impl Strategy<Value = Timestamp> {
    let near = (-60_i64..60, -1_i64..=1).prop_map(|(day, second)| now() + days(day) + SignedDuration::from_secs(second));
    prop_oneof![10 => near, 1 => select(vec![Timestamp::MIN, Timestamp::MAX, now()])]
}

fn mapped() -> impl Strategy<Value = Vec<MappedGroup>> {
    vec(select(&GROUPS[..]), 0..3).prop_map(|values| super::mapped(&values))
}

pub(crate) fn claim() -> impl Strategy<Value = GroupClaim> {
    prop_oneof![
        6 => btree_set(select(&GROUPS[..]).prop_map(str::to_owned), 0..5).prop_map(GroupClaim::Present),
        1 => Just(GroupClaim::Empty),
        2 => Just(GroupClaim::Absent),
        1 => Just(GroupClaim::Malformed),
        1 => Just(GroupClaim::Overage),
    ]
}

prop_compose! {
    fn any_organization()(
        mode in select(vec![Mode::Manual, Mode::Jit, Mode::Jit, Mode::Jit, Mode::Scim]),
        group_mappings in prop::bool::weighted(0.7),
        administrators in subsequence(ROLES.to_vec(), 0..=3),
        default_role in role(),
        tiers in subsequence(TIERS[..3].to_vec(), 0..=3),
        role_mappings in vec((role(), mapped()), 0..5),
        tier_mappings in vec((select(&TIERS[..]).prop_map(SeatTier::new), mapped()), 0..4),
        primary_owner in option::weighted(0.3, select(&ADDRESSES[..])),
        no_role_match in select(vec![NoRoleMatch::Remove, NoRoleMatch::DefaultRole]),
        no_seat_match in select(vec![NoSeatMatch::HighestAvailable, NoSeatMatch::LowestAvailable, NoSeatMatch::None, NoSeatMatch::Refuse]),
        on_tier_full in select(vec![OnTierFull::NextLower, OnTierFull::Refuse, OnTierFull::NoSeat]),
        grace in select(vec![SignedDuration::ZERO, days(7), SignedDuration::MAX, SignedDuration::MIN]),
    ) -> Organization {
        let mut organization = organization(mode, group_mappings);
        organization.administrators = administrators.into_iter().map(Role::new).collect();
        organization.default_role = default_role;
        organization.seat_tiers = tiers.into_iter().map(|tier| OwnedSeats { tier: SeatTier::new(tier), owned: 2 }).collect();
        organization.role_mappings = role_mappings.into_iter().map(|(role, groups)| RoleMapping { role, groups }).collect();
        organization.seat_tier_mappings = tier_mappings.into_iter().map(|(tier, groups)| SeatTierMapping { tier, groups }).collect();
        organization.primary_owner = primary_owner.map(email);
        let policy = &mut organization.policy;
        (policy.no_role_match, policy.no_seat_match, policy.on_tier_full) = (no_role_match, no_seat_match, on_tier_full);
        policy.groups_absent_grace = grace;
        organization
    }
}

prop_compose! {
    fn any_pin()(role in option::of(role()), seat in option::of(seat()), ends_at in moment()) -> Pin {
        Pin { role, seat, reason: "on call".to_owned(), by: "Olivia".to_owned(), ends_at }
    }
}

prop_compose! {
    /// `number` makes the ids.
    fn any_known(number: u128)(
        address in select(&ADDRESSES[..]),
        subjects in subsequence(SUBJECTS[..2].to_vec(), 0..=2),
        elsewhere in prop::bool::weighted(0.2),
        service_account in prop::bool::weighted(0.1),
        is_member in prop::bool::weighted(0.8),
        status in select(vec![MemberStatus::Active, MemberStatus::Active, MemberStatus::Active, MemberStatus::Removed, MemberStatus::Blocked]),
        role in role(),
        seat in seat(),
        (waits, since) in (option::of(select(&TIERS[..]).prop_map(SeatTier::new)), moment()),
        (seat_unassigned, primary_owner) in (any::<bool>(), prop::bool::weighted(0.2)),
        pin in option::of(any_pin()),
        (last_login_at, last_groups_at, joined_at) in (option::of(moment()), option::of(moment()), moment()),
    ) -> Known {
        let mut known = known(number, address, &subjects);
        known.person.service_account = service_account;
        if elsewhere {
            known.links.iter_mut().for_each(|link| link.connection = ConnectionId::parse("entra").unwrap());
        }
        let active = status == MemberStatus::Active;
        known.member = is_member.then(|| Member {
            status,
            role,
            seat: seat.filter(|_| active),
            wanted_tier: waits.map(|tier| WantedTier { tier, since }),
            seat_unassigned,
            pin,
            primary_owner,
            last_login_at,
            last_groups_at,
            joined_at,
            ..member_of(&known, "", "")
        });
        known
    }
}

prop_compose! {
    fn any_identity()(
        subject in select(vec!["sub-ada", "sub-ada", "sub-ada", "sub-bea", " "]),
        address in option::weighted(0.95, select(&ADDRESSES[..])),
        name in option::of(select(vec!["Ada Reed", "Ada", ""])),
        groups in claim(),
        idp_initiated in prop::bool::weighted(0.1),
    ) -> Identity {
        let (subject, name) = (subject.to_owned(), name.map(str::to_owned));
        Identity { subject, email: address.map(email), name, groups, idp_initiated, ..Case::jit().identity }
    }
}

prop_compose! {
    /// Any login that a store could ask about: what the people of the facts hold is among the seats used.
    pub(crate) fn any_case()(
        organization in any_organization(),
        identity in any_identity(),
        linked in option::of(any_known(1)),
        same_email in (option::weighted(0.4, any_known(2)), option::weighted(0.2, any_known(3))),
        invite in option::weighted(0.4, (select(&ADDRESSES[..]), role(), seat(), moment())),
        seats in vec((0_u32..4, 0_u32..5), 3),
        (other_admins, other_primary_owner) in (0_u32..3, any::<bool>()),
        (enabled, domain_verified, allow_idp_initiated) in (prop::bool::weighted(0.95), prop::bool::weighted(0.95), any::<bool>()),
        (relink_open_until, last_present_at) in (option::weighted(0.3, moment()), option::of(moment())),
    ) -> Case {
        let mut case = Case { identity, ..Case::jit() };
        let facts = &mut case.facts;
        facts.linked = linked;
        facts.same_email = [same_email.0, same_email.1].into_iter().flatten().collect();
        facts.invite = invite.map(|(address, role, seat, expires_at)| Invite {
            id: InviteId::from_uuid(Uuid::from_u128(9)),
            organization: organization.id.clone(),
            email: email(address),
            role,
            seat,
            expires_at,
        });
        let held = held(facts);
        let counts = organization.seat_tiers.iter().zip(seats).map(|(tier, (owned, others))| {
            let own = held.iter().filter(|seat| **seat == tier.tier).count();
            SeatCount { tier: tier.tier.clone(), owned, used: others + u32::try_from(own).unwrap() }
        });
        facts.seats = counts.collect();
        facts.organization = Arc::new(organization);
        (facts.other_admins, facts.other_primary_owner) = (other_admins, other_primary_owner);
        let connection = &mut facts.connection;
        (connection.enabled, connection.domain_verified, connection.allow_idp_initiated) = (enabled, domain_verified, allow_idp_initiated);
        (connection.relink_open_until, connection.health.last_present_at) = (relink_open_until, last_present_at);
        case
    }
}

fn held(facts: &Facts) -> Vec<SeatTier> {
    let members = facts.linked.iter().chain(&facts.same_email).filter_map(|known| known.member.as_ref());
    let invite = facts.invite.iter().filter_map(|invite| invite.seat.clone());
    members.filter_map(|member| member.seat.clone()).chain(invite).collect()
}

prop_compose! {
    /// Facts that no store would give: counts that do not add up, ranks that are missing, any time.
    pub(crate) fn broken_case()(
        mut case in any_case(),
        now in moment(),
        no_roles in any::<bool>(),
        seats in vec((select(&TIERS[..]), any::<u32>(), any::<u32>()), 0..5),
        subject in ".*",
        groups in btree_set(".*", 0..5),
    ) -> Case {
        case.now = now;
        case.facts.seats = seats.into_iter().map(|(tier, owned, used)| SeatCount { tier: SeatTier::new(tier), owned, used }).collect();
        if no_roles {
            Arc::make_mut(&mut case.facts.organization).roles.clear();
        }
        case.identity.subject = subject;
        case.identity.groups = GroupClaim::Present(groups);
        case
    }
}
