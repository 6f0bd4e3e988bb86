//! The acceptance vectors of rules.md, as far as they are about one decision. 2 and 3 are in `preview`; 11 is the store's.

use usher::core::provision::{Change, Rule, Verdict};
use usher::core::{GroupClaim, Reason};

use crate::support::facts::{ADA, Answers as _, Case, days, email, gives_role, known, member_of, now};

#[test]
fn vector_01_user_and_owner_groups_make_an_owner() {
    assert_eq!(Case::mapped().groups(&["everyone", "app-owners"]).decide().role_and_seat().0, "Owner");
}

#[test]
fn vector_04_another_case_is_no_match_but_a_note() {
    let decision = Case::mapped()
        .with_organization(|organization| organization.role_mappings = vec![gives_role("Admin", &["Admins"])])
        .groups(&["admins"])
        .decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
    assert_eq!(decision.traced(Rule::NearMiss, Verdict::Noted), [r#""admins" came, "Admins" is mapped to Admin: not the same"#]);
}

#[test]
fn vector_05_absent_and_healthy_removes_a_member() {
    let decision = Case::mapped().member("User", "Standard").claim(GroupClaim::Absent).decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
    assert!(matches!(decision.changes.as_slice(), [Change::RemoveMember { .. }]));
}

#[test]
fn vector_06_absent_and_unhealthy_keeps_a_member_with_an_alarm() {
    let decision = Case::mapped().member("User", "Standard").unhealthy().claim(GroupClaim::Absent).decide();
    assert_eq!(decision.role_and_seat(), ("User", "Standard"));
    assert_eq!(decision.notes(), [Reason::GroupsClaimMissing, Reason::GroupsKeptGrace]);
}

#[test]
fn vector_07_overage_keeps_an_owner() {
    let decision = Case::mapped().member("Owner", "Premium").claim(GroupClaim::Overage).decide();
    assert_eq!(decision.role_and_seat(), ("Owner", "Premium"));
}

#[test]
fn vector_08_an_empty_claim_removes_a_member() {
    let decision = Case::mapped().member("User", "Standard").claim(GroupClaim::Empty).decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
    assert!(matches!(decision.changes.as_slice(), [Change::RemoveMember { .. }]));
}

#[test]
fn vector_09_lower_seat_then_upgraded_when_one_is_free() {
    let case = Case::mapped().groups(&["everyone", "design"]).free(0, 3);
    let first = case.decide();
    assert_eq!(first.role_and_seat().1, "Standard");
    let mut later = case.after(&first);
    assert_eq!(later.decide().role_and_seat().1, "Standard");
    later.facts.seats[0].used -= 1;
    let second = later.decide();
    assert_eq!(second.role_and_seat().1, "Premium");
    assert!(second.has(|change| matches!(change, Change::LeaveQueue { .. })));
}

#[test]
fn vector_10_no_seat_at_all_leaves_only_the_waiting_list() {
    let decision = Case::mapped().groups(&["everyone"]).free(0, 0).decide();
    assert_eq!(decision.refusal(), Reason::NoSeatsLeft);
    assert_eq!(decision.changes, [Change::RecordAttempt { reason: Reason::NoSeatsLeft }]);
}

#[test]
fn vector_12_the_invited_person_gets_the_last_seat_that_the_invite_holds() {
    for case in [Case::manual(), Case::jit(), Case::mapped().groups(&["everyone", "office"])] {
        let case = case.free(0, 0).invite_over("Standard");
        let decision = case.decide();
        assert_eq!(decision.role_and_seat().1, "Standard");
        assert_eq!(case.after(&decision).facts.seats, case.facts.seats);
    }
}

#[test]
fn vector_13_nobody_else_gets_the_seat_that_an_invite_holds() {
    assert_eq!(Case::jit().free(0, 1).invite_for("bea@acme.example", "User", "Standard").decide().refusal(), Reason::NoSeatsLeft);
}

#[test]
fn vector_14_removed_and_back_is_a_user() {
    assert_eq!(Case::jit().former("Admin").decide().role_and_seat().0, "User");
}

#[test]
fn vector_15_removed_and_blocked_is_refused() {
    let blocked = Case::jit().member("User", "").with_member(|member| member.status = usher::core::MemberStatus::Blocked);
    assert_eq!(blocked.decide().refusal(), Reason::BlockedByAdmin);
}

#[test]
fn vector_16_the_primary_owner_in_no_group_comes_in_unchanged() {
    let decision = Case::mapped().member("Owner", "Standard").with_member(|member| member.primary_owner = true).decide();
    assert_eq!(decision.role_and_seat(), ("Owner", "Standard"));
    assert_eq!(decision.changes, []);
}

#[test]
fn vector_17_the_last_human_owner_beside_a_bot_is_kept() {
    let decision = Case::mapped().member("Owner", "Premium").with(|facts| facts.other_admins = 0).groups(&["unmapped"]).decide();
    assert_eq!(decision.role_and_seat(), ("Owner", "Premium"));
    assert_eq!(decision.notes(), [Reason::GuardLastAdmin]);
}

#[test]
fn vector_18_a_changed_address_is_the_same_member() {
    let case = Case::jit().member("Admin", "Premium").with_identity(|identity| identity.email = Some(email("a.reed@acme.example")));
    let after = case.after(&case.decide());
    let id = |case: &Case| case.facts.linked.as_ref().unwrap().member.as_ref().unwrap().id;
    assert_eq!(id(&after), id(&case));
    assert_eq!(after.facts.linked.unwrap().person.email, Some(email("a.reed@acme.example")));
}

#[test]
fn vector_19_a_new_subject_is_refused_and_linked_inside_the_window() {
    let mut ada = known(1, ADA, &["sub-old"]);
    ada.member = Some(member_of(&ada, "Admin", "Standard"));
    let case = Case::jit().with(|facts| facts.same_email = vec![ada]);
    assert_eq!(case.decide().refusal(), Reason::SubjectChanged);
    let inside = case.with(|facts| facts.connection.relink_open_until = Some(now() + days(3)));
    let decision = inside.decide();
    assert_eq!(decision.role_and_seat(), ("Admin", "Standard"));
    assert_eq!(inside.after(&decision).facts.linked.unwrap().links[0].subject, "sub-ada");
    assert!(decision.traced(Rule::Identity, Verdict::Won)[0].contains("relink window"), "and it can be read in the record");
}

#[test]
fn vector_20_mappings_off_freezes_roles_and_makes_users() {
    assert_eq!(Case::jit().member("Owner", "Premium").groups(&["everyone"]).decide().role_and_seat(), ("Owner", "Premium"));
    assert_eq!(Case::jit().groups(&["app-owners"]).decide().role_and_seat().0, "User");
}

#[test]
fn vector_21_a_pin_keeps_before_its_end_and_is_dropped_after() {
    let end = now() + days(10);
    let case = Case::mapped().member("Admin", "Premium").groups(&["everyone", "office"]).pin(Some("Admin"), None, end);
    assert_eq!(case.clone().at(end - jiff::SignedDuration::from_secs(1)).decide().role_and_seat().0, "Admin");
    let after = case.at(end).decide();
    assert_eq!(after.role_and_seat(), ("User", "Standard"));
    assert!(after.has(|change| matches!(change, Change::DropPin { .. })));
}

#[test]
fn vector_22_a_group_with_spaces_matches_whole() {
    let spaced =
        || Case::mapped().with_organization(|organization| organization.role_mappings = vec![gives_role("Admin", &["group with spaces"])]);
    assert_eq!(spaced().groups(&["group with spaces"]).decide().role_and_seat().0, "Admin");
    assert_eq!(spaced().groups(&["group", "with", "spaces"]).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn vector_24_two_seat_groups_give_the_higher_tier() {
    assert_eq!(Case::mapped().groups(&["everyone", "design", "office"]).decide().role_and_seat().1, "Premium");
}
