//! Who comes in, by mode.

use usher::core::provision::{Change, Rule, Verdict};
use usher::core::{GroupClaim, MemberStatus, Mode, Reason};

use crate::support::facts::{Answers as _, Case, days, known, now};

#[test]
fn row_01_manual_refuses_a_stranger_and_creates_nothing() {
    let decision = Case::manual().decide();
    assert_eq!(decision.refusal(), Reason::NotInvited);
    assert_eq!(decision.changes, [Change::RecordAttempt { reason: Reason::NotInvited }]);
}

#[test]
fn row_02_manual_lets_an_invited_person_in_as_invited() {
    let case = Case::manual().free(1, 10).invite("Admin", "Premium");
    let decision = case.decide();
    assert_eq!(decision.role_and_seat(), ("Admin", "Premium"));
    assert_eq!(decision.admission().reason, Reason::OkNew);
    let after = case.after(&decision);
    assert_eq!(after.facts.seats, case.facts.seats, "the seat that was held is the seat that is used");
    assert!(after.facts.invite.is_none());
}

#[test]
fn row_03_jit_makes_a_user_with_the_highest_seat() {
    let decision = Case::jit().decide();
    assert_eq!(decision.role_and_seat(), ("User", "Premium"));
    assert!(matches!(decision.changes.as_slice(), [Change::CreatePerson { .. }, Change::CreateLink, Change::CreateMember { .. }]));
}

#[test]
fn row_04_mapped_jit_makes_a_member_by_groups() {
    let decision = Case::mapped().groups(&["everyone", "app-admins", "office"]).decide();
    assert_eq!(decision.admission().reason, Reason::OkNew);
    assert_eq!(decision.role_and_seat(), ("Admin", "Standard"));
}

#[test]
fn rows_05_and_06_scim_lets_a_member_in_untouched() {
    for mapped in [false, true] {
        let decision = Case::new(Mode::Scim, mapped).member("User", "Standard").groups(&["app-owners", "design"]).decide();
        assert_eq!(decision.role_and_seat(), ("User", "Standard"), "row 10: the login's groups are ignored");
        assert_eq!(decision.changes, []);
    }
}

#[test]
fn row_07_scim_never_creates_at_login() {
    for case in [Case::scim(), Case::scim().invite("User", "Standard"), Case::scim().former("User")] {
        let decision = case.groups(&["app-owners"]).decide();
        assert_eq!(decision.refusal(), Reason::NotInDirectory);
        assert_eq!(decision.changes, []);
    }
}

#[test]
fn row_08_without_mappings_a_login_touches_neither_role_nor_seat() {
    for mode in [Mode::Manual, Mode::Jit, Mode::Scim] {
        let decision = Case::new(mode, false).member("Admin", "Standard").groups(&["everyone", "design"]).decide();
        assert_eq!(decision.role_and_seat(), ("Admin", "Standard"), "{mode}");
        assert_eq!(decision.changes, [], "{mode}");
    }
}

#[test]
fn row_09_mapped_jit_recomputes_both_ways() {
    let up = Case::mapped().member("User", "Standard").groups(&["app-owners", "design"]).decide();
    assert_eq!(up.role_and_seat(), ("Owner", "Premium"));
    let down = Case::mapped().member("Owner", "Premium").groups(&["everyone", "office"]).decide();
    assert_eq!(down.role_and_seat(), ("User", "Standard"));
    assert!(matches!(down.changes.as_slice(), [Change::SetRole { .. }, Change::MoveSeat { .. }]));
}

#[test]
fn row_16_mapped_jit_refuses_a_stranger_in_no_role_group() {
    let decision = Case::mapped().groups(&["design", "unmapped"]).decide();
    assert_eq!(decision.refusal(), Reason::NoRoleGroup);
    assert_eq!(decision.changes, [Change::RecordAttempt { reason: Reason::NoRoleGroup }]);
    assert_eq!(decision.traced(Rule::Role, Verdict::NoMatch).len(), 4, "every role was tried");
}

#[test]
fn row_37_jit_takes_the_invited_role_and_mapped_jit_the_mapped_one() {
    let jit = Case::jit().free(1, 0).invite("Admin", "Premium").decide();
    assert_eq!(jit.role_and_seat(), ("Admin", "Premium"));
    let mapped = Case::mapped().invite("Admin", "Premium").groups(&["everyone", "office"]);
    let decision = mapped.decide();
    assert_eq!(decision.role_and_seat(), ("User", "Standard"));
    let counts: Vec<u32> = mapped.after(&decision).facts.seats.iter().map(|count| count.used).collect();
    assert_eq!(counts, [0, 1], "the held Premium seat is free again");
    assert!(!decision.traced(Rule::Invite, Verdict::Noted).is_empty(), "the invited role is logged");
}

#[test]
fn row_38_an_expired_invite_is_no_invite() {
    let expired = |case: Case| case.invite("Admin", "").with(|facts| facts.invite.as_mut().unwrap().expires_at = now()).decide();
    assert_eq!(expired(Case::manual()).refusal(), Reason::NotInvited);
    let jit = expired(Case::jit());
    assert_eq!(jit.role_and_seat(), ("User", "Premium"));
    assert!(!jit.has(|change| matches!(change, Change::ConsumeInvite { .. })));
}

#[test]
fn row_40_manual_refuses_a_removed_member_until_invited_again() {
    assert_eq!(Case::manual().former("Admin").decide().refusal(), Reason::NotInvited);
    let again = Case::manual().former("Admin").invite("User", "Standard").decide();
    assert_eq!(again.admission().reason, Reason::OkReadded);
    assert_eq!(again.role_and_seat(), ("User", "Standard"));
    assert!(again.has(|change| matches!(change, Change::ReaddMember { .. })), "the same member, with its history");
}

#[test]
fn row_41_jit_takes_a_removed_member_back_without_the_former_role() {
    let decision = Case::jit().former("Owner").decide();
    assert_eq!(decision.admission().reason, Reason::OkReadded);
    assert_eq!(decision.role_and_seat(), ("User", "Premium"));
}

#[test]
fn row_42_mapped_jit_takes_a_removed_member_back_by_groups() {
    let decision = Case::mapped().former("Owner").groups(&["app-admins", "office"]).decide();
    assert_eq!(decision.admission().reason, Reason::OkReadded);
    assert_eq!(decision.role_and_seat(), ("Admin", "Standard"));
    assert_eq!(Case::mapped().former("Owner").decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn row_43_a_blocked_member_stays_out_in_every_mode() {
    for mode in [Mode::Manual, Mode::Jit, Mode::Scim] {
        for mapped in [false, true] {
            let blocked = Case::new(mode, mapped).member("Owner", "").with_member(|member| member.status = MemberStatus::Blocked);
            let decision = blocked.invite("Owner", "Premium").groups(&["app-owners"]).owned_by_ada().decide();
            assert_eq!(decision.refusal(), Reason::BlockedByAdmin);
            assert_eq!(decision.changes, []);
        }
    }
}

#[test]
fn row_58_mappings_off_keeps_everything_and_drops_pins_and_queues() {
    let pinned = Case::jit().member("Admin", "Standard").pin(Some("Admin"), None, now() + days(5)).waiting_for("Premium");
    let decision = pinned.groups(&["app-owners"]).decide();
    assert_eq!(decision.role_and_seat(), ("Admin", "Standard"));
    assert!(matches!(decision.changes.as_slice(), [Change::DropPin { .. }, Change::LeaveQueue { .. }]));
    assert_eq!(Case::jit().groups(&["app-owners"]).decide().role_and_seat(), ("User", "Premium"), "new people are Users");
}

#[test]
fn row_59_back_to_manual_members_come_in_and_nobody_else() {
    let member = Case::new(Mode::Manual, true).member("Owner", "Premium").decide();
    assert_eq!(member.role_and_seat(), ("Owner", "Premium"));
    assert_eq!(member.changes, []);
    assert_eq!(Case::new(Mode::Manual, true).groups(&["app-owners"]).decide().refusal(), Reason::NotInvited);
}

#[test]
fn a_person_of_another_organization_becomes_a_member_here_as_the_same_person() {
    let decision = Case::jit().with(|facts| facts.linked = Some(known(1, "ada@acme.example", &["sub-ada"]))).decide();
    assert_eq!(decision.admission().reason, Reason::OkNew);
    assert!(matches!(decision.changes.as_slice(), [Change::CreateMember { .. }]));
}

#[test]
fn a_pin_and_a_queue_do_not_outlive_a_removal() {
    let decision = Case::mapped()
        .former("Owner")
        .pin(Some("Owner"), None, now() + days(5))
        .waiting_for("Premium")
        .groups(&["everyone", "office"])
        .decide();
    assert_eq!(decision.role_and_seat(), ("User", "Standard"));
    assert!(decision.has(|change| matches!(change, Change::DropPin { .. })));
    assert!(decision.has(|change| matches!(change, Change::LeaveQueue { .. })));
}

#[test]
fn an_invited_role_that_is_gone_becomes_the_default_role() {
    assert_eq!(Case::manual().invite("Wizard", "Standard").decide().role_and_seat(), ("User", "Standard"));
}

#[test]
fn groups_say_nothing_without_mappings_not_even_when_unreadable() {
    for claim in [GroupClaim::Absent, GroupClaim::Malformed, GroupClaim::Overage] {
        assert_eq!(Case::jit().unhealthy().claim(claim).decide().role_and_seat(), ("User", "Premium"));
    }
}
