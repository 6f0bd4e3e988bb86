//! An administrator's yes: waited for at a first login, or given by hand.

use usher::core::provision::{Change, Grant, Outcome, Rule, Verdict, approve};
use usher::core::{Mode, Reason, Role, SeatTier};

use crate::support::facts::{Answers as _, Case, days, now};

fn asks(case: Case) -> Case {
    case.with_policy(|policy| policy.approve_first_logins = true)
}

fn grant(role: &str, seat: Option<&str>) -> Grant {
    Grant { role: Role::new(role), seat: seat.map(SeatTier::new), by: "Olivia".to_owned() }
}

#[test]
fn someone_new_waits_and_takes_no_seat() {
    for case in [Case::jit(), Case::mapped().groups(&["everyone"])] {
        let decision = asks(case).decide();
        assert_eq!(decision.refusal(), Reason::AwaitingApproval);
        assert_eq!(decision.changes, [Change::RecordAttempt { reason: Reason::AwaitingApproval }]);
        assert_eq!(decision.traced(Rule::Approval, Verdict::Refused).len(), 1);
    }
}

#[test]
fn only_whom_the_rules_would_let_in_waits() {
    assert_eq!(asks(Case::mapped()).decide().refusal(), Reason::NoRoleGroup);
    assert_eq!(asks(Case::jit().free(0, 0)).decide().refusal(), Reason::NoSeatsLeft);
    assert_eq!(asks(Case::manual()).decide().refusal(), Reason::NotInvited);
    assert_eq!(asks(Case::scim()).decide().refusal(), Reason::NotInDirectory);
}

#[test]
fn members_invited_people_and_the_primary_owner_do_not_wait() {
    for case in [
        Case::jit().member("User", "Standard"),
        Case::jit().invite("User", "Standard"),
        Case::manual().invite("User", "Standard"),
        Case::jit().owned_by_ada(),
    ] {
        assert!(matches!(asks(case).decide().outcome, Outcome::Admit(_)));
    }
}

#[test]
fn a_yes_by_hand_makes_the_member_in_every_mode() {
    for mode in [Mode::Manual, Mode::Jit, Mode::Scim] {
        let case = asks(Case::new(mode, false));
        let decision = approve(&case.facts, &case.identity, &grant("User", Some("Standard")), now());
        assert_eq!(decision.role_and_seat(), ("User", "Standard"), "{mode}");
        assert!(decision.has(|change| matches!(change, Change::CreateLink)));
        assert!(!decision.has(|change| matches!(change, Change::SetPin { .. })), "nothing takes it back in {mode}");
    }
}

#[test]
fn what_the_mappings_would_take_back_is_pinned() {
    let pin = |groups: &[&str], role, seat| {
        let case = Case::mapped().groups(groups);
        let decision = approve(&case.facts, &case.identity, &grant(role, seat), now());
        decision.changes.into_iter().find_map(|change| match change {
            Change::SetPin { pin } => Some(pin),
            _ => None,
        })
    };
    let pinned = pin(&[], "User", Some("Standard")).unwrap();
    assert_eq!((pinned.ends_at, pinned.by.as_str()), (now() + days(30), "Olivia"));
    assert!(pin(&["everyone"], "Admin", Some("Premium")).is_some(), "another role than the groups give");
    assert_eq!(pin(&["everyone", "office"], "User", Some("Standard")), None, "what the groups give anyway");
}

/// What the pin is for: the next login, decided as any other.
#[test]
fn after_a_yes_the_next_login_lets_the_person_in_until_the_pin_ends() {
    let case = Case::mapped();
    let decision = approve(&case.facts, &case.identity, &grant("User", Some("Standard")), now());
    let after = case.after(&decision);
    let next = after.decide();
    assert_eq!(next.role_and_seat(), ("User", "Standard"));
    let later = after.at(now() + days(31)).decide();
    assert_eq!(later.refusal(), Reason::NoRoleGroup, "then the mappings decide again");
}

#[test]
fn a_yes_gives_no_seat_that_is_not_free_and_brings_back_nobody_who_was_blocked() {
    let full = Case::jit().free(0, 5);
    let decision = approve(&full.facts, &full.identity, &grant("User", Some("Premium")), now());
    assert_eq!((decision.refusal(), decision.changes.len()), (Reason::NoSeatsLeft, 0));
    let blocked = Case::jit().former("User").with_member(|member| member.status = usher::core::MemberStatus::Blocked);
    let decision = approve(&blocked.facts, &blocked.identity, &grant("User", None), now());
    assert_eq!((decision.refusal(), decision.changes.len()), (Reason::BlockedByAdmin, 0));
    let member = Case::jit().member("User", "Standard");
    let decision = approve(&member.facts, &member.identity, &grant("Owner", None), now());
    assert_eq!(decision.changes.len(), 0, "nobody is promoted by a request");
    let unverified = Case::jit().with(|facts| facts.connection.domain_verified = false);
    let decision = approve(&unverified.facts, &unverified.identity, &grant("User", None), now());
    assert_eq!(decision.refusal(), Reason::DomainNotAllowed);
}
