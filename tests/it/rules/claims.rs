//! The states of the group claim (rules.md, "Group value states").

use std::collections::BTreeSet;

use jiff::SignedDuration;
use usher::core::provision::{Rule, Verdict};
use usher::core::{GroupClaim, Reason};

use crate::support::facts::{Answers as _, Case, days, now};

/// Member and stranger, for a claim on a connection that is healthy or not.
fn member(claim: GroupClaim) -> Case {
    Case::mapped().member("Admin", "Premium").claim(claim)
}

#[test]
fn absent_on_a_healthy_connection_is_no_group() {
    assert_eq!(member(GroupClaim::Absent).decide().refusal(), Reason::NoRoleGroup);
    assert_eq!(Case::mapped().claim(GroupClaim::Absent).decide().refusal(), Reason::NoRoleGroup);
}

#[test]
fn health_lasts_a_day() {
    let seen = |ago| member(GroupClaim::Absent).with(|facts| facts.connection.health.last_present_at = Some(now() - ago)).decide();
    assert_eq!(seen(SignedDuration::from_hours(24)).refusal(), Reason::NoRoleGroup);
    assert!(seen(SignedDuration::from_secs(24 * 3600 + 1)).notes().contains(&Reason::GroupsKeptGrace));
    let never = member(GroupClaim::Absent).with(|facts| facts.connection.health.last_present_at = None);
    assert!(never.decide().notes().contains(&Reason::GroupsKeptGrace));
}

#[test]
fn unknown_groups_keep_a_member_and_refuse_a_stranger() {
    for (claim, reason) in [
        (GroupClaim::Absent, Reason::GroupsClaimMissing),
        (GroupClaim::Malformed, Reason::GroupsClaimMalformed),
        (GroupClaim::Overage, Reason::GroupsOverage),
    ] {
        let kept = member(claim.clone()).unhealthy().decide();
        assert_eq!(kept.role_and_seat(), ("Admin", "Premium"));
        assert_eq!(kept.notes(), [reason, Reason::GroupsKeptGrace]);
        assert_eq!(kept.changes, []);
        for newcomer in [Case::mapped(), Case::mapped().former("Admin"), Case::mapped().invite("Admin", "Premium")] {
            let refused = newcomer.unhealthy().claim(claim.clone()).decide();
            assert_eq!((refused.refusal(), refused.changes.len()), (reason, 0));
        }
    }
}

#[test]
fn malformed_and_overage_are_unknown_on_a_healthy_connection_too() {
    for claim in [GroupClaim::Malformed, GroupClaim::Overage] {
        assert!(member(claim).decide().notes().contains(&Reason::GroupsKeptGrace));
    }
}

#[test]
fn the_grace_clock_runs_from_the_members_last_groups() {
    let seen = |ago| member(GroupClaim::Overage).with_member(|member| member.last_groups_at = Some(now() - ago)).decide();
    assert!(seen(days(7)).notes().contains(&Reason::GroupsKeptGrace));
    let over = seen(days(7) + SignedDuration::from_secs(1));
    assert_eq!((over.refusal(), over.changes.len()), (Reason::GroupsOverage, 0), "refused, not removed");
}

#[test]
fn someone_never_seen_with_groups_has_the_grace_from_joining() {
    let joined = |ago| {
        let case = member(GroupClaim::Overage).with_member(|member| {
            member.last_groups_at = None;
            member.joined_at = now() - ago;
        });
        case.decide()
    };
    assert!(joined(days(6)).notes().contains(&Reason::GroupsKeptGrace));
    assert_eq!(joined(days(8)).refusal(), Reason::GroupsOverage);
}

#[test]
fn a_grace_of_zero_keeps_nobody() {
    let off = member(GroupClaim::Overage).with_policy(|policy| policy.groups_absent_grace = SignedDuration::ZERO);
    assert_eq!(off.with_member(|member| member.last_groups_at = Some(now())).decide().refusal(), Reason::GroupsOverage);
}

#[test]
fn a_near_miss_is_noted_and_grants_nothing() {
    for (came, mapped) in [("App-Admins", "app-admins"), ("app- admins", "app-admins"), ("DESIGN", "design")] {
        let decision = Case::mapped().groups(&[came]).decide();
        assert_eq!(decision.refusal(), Reason::NoRoleGroup, "{came}");
        let notes = decision.traced(Rule::NearMiss, Verdict::Noted);
        assert!(notes.len() == 1 && notes[0].contains(came) && notes[0].contains(mapped), "{notes:?}");
    }
    assert!(Case::mapped().groups(&["app-admins", "other"]).decide().traced(Rule::NearMiss, Verdict::Noted).is_empty());
}

#[test]
fn outer_blanks_are_taken_off_on_both_sides() {
    let raw = GroupClaim::Present(BTreeSet::from([" app-admins\n".to_owned()]));
    let case = Case::mapped().with_organization(|organization| organization.role_mappings[1].groups[0].value = "app-admins ".to_owned());
    assert_eq!(case.claim(raw).decide().admission().role.as_str(), "Admin");
}

#[test]
fn groups_are_never_split() {
    for joined in ["everyone,app-owners", "everyone app-owners", "/app-owners", "everyone;app-owners", "app-owners/"] {
        assert_eq!(Case::mapped().groups(&[joined]).decide().refusal(), Reason::NoRoleGroup, "{joined}");
    }
}

#[test]
fn ten_thousand_groups_are_only_groups() {
    let many: Vec<String> = (0..10_000).map(|n| format!("group-{n}")).collect();
    let refs: Vec<&str> = many.iter().map(String::as_str).chain(["everyone"]).collect();
    let decision = Case::mapped().groups(&refs).decide();
    assert_eq!(decision.admission().role.as_str(), "User");
    assert!(decision.trace.steps.len() < 30, "the trace grows with the mappings, not with the groups");
}
