//! Roles, guards and pins.

use usher::core::provision::{Change, Rule, Verdict};
use usher::core::{GroupClaim, NoRoleMatch, NoSeatMatch, Reason, Role};

use crate::support::facts::{Answers as _, Case, days, email, gives_role, known, now};

#[test]
fn row_17_a_member_in_no_role_group_is_removed_and_refused() {
    let case = Case::mapped().member("Admin", "Premium").groups(&["design"]);
    let decision = case.decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
    let member = case.facts.linked.as_ref().unwrap().member.as_ref().unwrap().id;
    assert_eq!(decision.changes, [Change::RemoveMember { member, reason: Reason::NoRoleGroup }]);
}

#[test]
fn row_18_the_policy_default_role_keeps_members_and_not_strangers() {
    let default_role = |case: Case| case.with_policy(|policy| policy.no_role_match = NoRoleMatch::DefaultRole);
    assert_eq!(default_role(Case::mapped().member("Admin", "Premium")).decide().admission().role, Role::new("User"));
    assert_eq!(default_role(Case::mapped()).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn row_18_the_default_role_never_administers() {
    let case = Case::mapped().member("Owner", "Premium").with_organization(|organization| {
        organization.policy.no_role_match = NoRoleMatch::DefaultRole;
        organization.default_role = Role::new("Owner");
    });
    assert_eq!(case.decide().admission().role, Role::new("Custom"));
    let all_administer = case.with_organization(|organization| organization.administrators = organization.roles.iter().cloned().collect());
    assert_eq!(all_administer.decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn row_19_a_protected_member_in_no_role_group_is_let_in_with_an_alarm() {
    let last = Case::mapped().member("Owner", "Premium").with(|facts| facts.other_admins = 0).decide();
    assert_eq!((last.role_and_seat(), last.notes()), (("Owner", "Premium"), [Reason::GuardLastAdmin].as_slice()));
    assert_eq!(last.changes, []);
}

#[test]
fn row_21_the_highest_ranked_role_wins() {
    let decision = Case::mapped().groups(&["contractors", "everyone", "app-admins", "it-platform"]).decide();
    assert_eq!(decision.admission().role, Role::new("Admin"));
    assert_eq!(decision.traced(Rule::Role, Verdict::Won), ["rank 2 of 4: Admin by app-admins, it-platform"]);
    assert_eq!(decision.traced(Rule::Role, Verdict::Lost).len(), 2);
    assert_eq!(decision.traced(Rule::Role, Verdict::NoMatch), ["rank 1 of 4: Owner, needs app-owners"]);
}

#[test]
fn row_22_one_group_under_two_roles_gives_the_higher() {
    let both = |organization: &mut usher::core::Organization| {
        organization.role_mappings = vec![gives_role("User", &["staff"]), gives_role("Admin", &["staff"])];
    };
    assert_eq!(Case::mapped().with_organization(both).groups(&["staff"]).decide().admission().role, Role::new("Admin"));
}

#[test]
fn row_23_user_outranks_custom() {
    assert_eq!(Case::mapped().groups(&["contractors", "everyone"]).decide().admission().role, Role::new("User"));
    let reordered = Case::mapped().with_organization(|organization| organization.roles.swap(2, 3));
    assert_eq!(reordered.groups(&["contractors", "everyone"]).decide().admission().role, Role::new("Custom"), "the rank is the operator's");
}

#[test]
fn row_46_a_pin_survives_logins_until_it_ends() {
    let case = Case::mapped().member("Admin", "Premium").groups(&["everyone", "office"]);
    let pinned = case.clone().pin(Some("Admin"), Some("Premium"), now() + days(1));
    let decision = pinned.decide();
    assert_eq!((decision.role_and_seat(), decision.notes()), (("Admin", "Premium"), [Reason::Pinned].as_slice()));
    assert_eq!(decision.changes, []);
    assert!(decision.traced(Rule::Role, Verdict::Won).is_empty(), "the pin won, not a mapping");
}

#[test]
fn row_46_a_role_pin_keeps_someone_in_without_any_group() {
    let pinned = Case::mapped().member("User", "Standard").pin(Some("Admin"), None, now() + days(1));
    assert_eq!(pinned.decide().admission().role, Role::new("Admin"));
    let unknown = pinned.claim(GroupClaim::Malformed).with_member(|member| member.last_groups_at = Some(now() - days(60)));
    assert_eq!(unknown.decide().role_and_seat(), ("Admin", "Standard"));
}

#[test]
fn row_46_a_seat_pin_alone_does_not_keep_someone_in() {
    let pinned = Case::mapped().member("User", "Standard").pin(None, Some("Standard"), now() + days(1));
    assert_eq!(pinned.decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn row_46_a_pin_to_a_role_that_is_gone_pins_nothing() {
    let pinned = Case::mapped().member("User", "Standard").pin(Some("Wizard"), Some("Gold"), now() + days(1));
    assert_eq!(pinned.groups(&["everyone", "office"]).decide().role_and_seat(), ("User", "Standard"));
}

#[test]
fn row_52_the_primary_owner_is_kept_whatever_the_groups_say() {
    let owner = || Case::mapped().member("Owner", "Premium").with_member(|member| member.primary_owner = true);
    for case in [owner(), owner().groups(&["everyone", "office"]), owner().unhealthy().claim(GroupClaim::Absent)] {
        let decision = case.decide();
        assert_eq!(decision.admission().role, Role::new("Owner"));
        assert!(!decision.has(|change| matches!(change, Change::RemoveMember { .. } | Change::SetRole { .. })));
    }
    assert_eq!(owner().groups(&["everyone"]).decide().notes(), [Reason::GuardPrimaryOwner]);
}

#[test]
fn row_52_the_primary_owner_always_has_a_seat_if_there_is_one() {
    for no_seat_match in [NoSeatMatch::None, NoSeatMatch::Refuse] {
        let owner = |seat| Case::mapped().owned_by_ada().member("Owner", seat).groups(&["app-owners"]);
        let policy = |case: Case| case.with_policy(|policy| policy.no_seat_match = no_seat_match);
        assert_eq!(policy(owner("Standard")).decide().role_and_seat(), ("Owner", "Standard"));
        assert_eq!(policy(owner("").free(0, 1)).decide().role_and_seat(), ("Owner", "Standard"));
        assert_eq!(policy(owner("").free(0, 0)).decide().role_and_seat(), ("Owner", ""), "in, even without one");
    }
}

#[test]
fn row_52_the_primary_owner_comes_in_as_a_new_person_in_every_mode() {
    for case in [Case::manual(), Case::jit(), Case::mapped(), Case::scim(), Case::mapped().unhealthy().claim(GroupClaim::Absent)] {
        let decision = case.clone().owned_by_ada().free(0, 0).invite_over("Premium").decide();
        assert_eq!(decision.role_and_seat(), ("Owner", "Premium"), "with the seat that is held for them");
        assert!(decision.has(|change| matches!(change, Change::CreateMember { primary_owner: true, .. })));
        assert_eq!(case.owned_by_ada().free(0, 0).decide().role_and_seat(), ("Owner", ""), "and without one rather than not at all");
    }
}

#[test]
fn row_52_a_member_with_the_configured_address_becomes_the_primary_owner() {
    for case in [Case::manual(), Case::jit(), Case::mapped(), Case::scim()] {
        let decision = case.owned_by_ada().member("User", "Standard").decide();
        assert_eq!(decision.role_and_seat(), ("Owner", "Standard"));
        assert!(decision.has(|change| matches!(change, Change::MarkPrimaryOwner { .. })));
    }
}

#[test]
fn row_52_an_address_makes_no_second_primary_owner() {
    let other = |case: Case| case.owned_by_ada().with(|facts| facts.other_primary_owner = true);
    let member = other(Case::jit().member("User", "Standard")).decide();
    assert_eq!((member.admission().role.as_str(), member.changes.len()), ("User", 0));
    assert!(other(Case::jit()).decide().has(|change| matches!(change, Change::CreateMember { primary_owner: false, .. })));
    assert_eq!(other(Case::manual()).decide().refusal(), Reason::NotInvited);
}

#[test]
fn row_52_the_primary_owner_keeps_the_mark_under_a_new_address() {
    let case = Case::mapped().member("Owner", "Premium").with_member(|member| member.primary_owner = true);
    let decision = case.owned_by_ada().with_identity(|identity| identity.email = Some(email("ada.reed@acme.example"))).decide();
    assert_eq!(decision.admission().role, Role::new("Owner"));
}

#[test]
fn row_52_a_removed_person_is_not_the_primary_owner_by_an_old_mark() {
    let case = Case::jit().former("Owner").with_member(|member| member.primary_owner = true);
    assert_eq!(case.decide().admission().role, Role::new("User"));
}

#[test]
fn row_55_the_last_administrator_is_not_demoted() {
    let last =
        |role: &str, groups: &[&str]| Case::mapped().member(role, "Premium").groups(groups).with(|facts| facts.other_admins = 0).decide();
    let kept = last("Owner", &["everyone", "office"]);
    assert_eq!(kept.role_and_seat(), ("Owner", "Standard"), "the role is guarded, the seat is not");
    assert_eq!(kept.notes(), [Reason::GuardLastAdmin]);
    assert_eq!(kept.traced(Rule::Role, Verdict::Won), Vec::<&str>::new());
    assert_eq!(last("Owner", &["app-admins"]).admission().role, Role::new("Admin"), "an Admin administers too");
    assert_eq!(last("User", &["contractors"]).admission().role, Role::new("Custom"), "a User had nothing to lose");
}

#[test]
fn row_55_the_last_administrator_is_let_in_when_the_claim_stays_broken() {
    let long_ago = |case: Case| case.with_member(|member| member.last_groups_at = Some(now() - days(60)));
    let case = long_ago(Case::mapped().member("Admin", "Premium").unhealthy().claim(GroupClaim::Absent));
    assert_eq!(case.clone().decide().refusal(), Reason::GroupsClaimMissing);
    let last = case.with(|facts| facts.other_admins = 0).decide();
    assert_eq!(last.notes(), [Reason::GroupsClaimMissing, Reason::GuardLastAdmin]);
}

#[test]
fn row_55_a_pin_does_not_demote_the_last_administrator() {
    let pinned = Case::mapped().member("Admin", "Premium").pin(Some("User"), None, now() + days(1));
    let decision = pinned.with(|facts| facts.other_admins = 0).decide();
    assert_eq!(decision.admission().role, Role::new("Admin"));
}

#[test]
fn rows_55_and_67_a_service_account_is_not_the_last_administrator() {
    let bot = Case::mapped().member("Owner", "Premium").with(|facts| {
        facts.other_admins = 0;
        facts.linked.as_mut().unwrap().person.service_account = true;
    });
    assert_eq!(bot.decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn row_63_each_organization_decides_by_its_own_mappings() {
    let acme = Case::mapped().groups(&["staff"]);
    let labs = acme.clone().with_organization(|organization| organization.role_mappings = vec![gives_role("Admin", &["staff"])]);
    assert_eq!(acme.decide().refusal(), Reason::NoRoleGroup);
    assert_eq!(labs.decide().admission().role, Role::new("Admin"));
}

#[test]
fn row_64_the_decision_names_the_connection() {
    let decision = Case::mapped().member("User", "Standard").groups(&["everyone"]).decide();
    assert!(decision.traced(Rule::Connection, Verdict::Noted)[0].contains("okta"));
}

#[test]
fn row_65_a_group_renamed_at_the_provider_matches_nobody() {
    assert_eq!(Case::mapped().groups(&["app-admins-2026"]).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn unmapped_groups_and_names_of_roles_grant_nothing() {
    let decision = Case::mapped().groups(&["Owner", "Admin", "Primary Owner", "*", ""]).decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
}

#[test]
fn an_empty_mapped_value_fits_nobody() {
    let blank = Case::mapped().with_organization(|organization| organization.role_mappings = vec![gives_role("Owner", &["", " "])]);
    let raw = GroupClaim::Present(["", " ", "x"].map(str::to_owned).into());
    assert_eq!(blank.claim(raw).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn a_role_mapped_but_not_ranked_is_never_given() {
    let case = Case::mapped().with_organization(|organization| organization.role_mappings.push(gives_role("Primary Owner", &["bosses"])));
    assert_eq!(case.groups(&["bosses"]).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn a_member_found_by_address_is_removed_without_being_linked() {
    let mut ada = known(1, "ada@acme.example", &[]);
    ada.member = Some(crate::support::facts::member_of(&ada, "User", "Standard"));
    let decision = Case::mapped().with(|facts| facts.same_email = vec![ada]).decide();
    assert!(matches!(decision.changes.as_slice(), [Change::RemoveMember { .. }]));
}
