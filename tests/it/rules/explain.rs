//! A decision in plain lines.

use usher::core::{GroupClaim, Reason, explain, groups_behind_role, groups_behind_seat};

use crate::support::facts::{Case, days, now};

#[test]
fn ada_is_admin_with_premium_because_of_her_groups() {
    let explanation = explain(&Case::mapped().groups(&["app-admins", "design", "everyone"]).decide());
    assert_eq!(explanation.headline, "Admin · Premium");
    assert_eq!(explanation.because, ["app-admins", "design"]);
    assert_eq!(explanation.sentence(), "Admin · Premium, because app-admins and design");
    assert_eq!(explanation.role[2], "lost: rank 3 of 4: User by everyone, overruled");
    assert!(explanation.changes.iter().any(|line| line == "becomes a member: Admin, a Premium seat"));
}

#[test]
fn the_role_and_the_seat_each_have_their_own_groups() {
    let decision = Case::mapped().groups(&["app-admins", "design", "everyone"]).decide();
    assert_eq!((groups_behind_role(&decision), groups_behind_seat(&decision)), (vec!["app-admins".to_owned()], vec!["design".to_owned()]));
    let decision = Case::mapped().groups(&["everyone"]).decide();
    assert_eq!((groups_behind_role(&decision), groups_behind_seat(&decision)), (vec!["everyone".to_owned()], vec![]));
}

#[test]
fn a_label_stands_for_a_group_id() {
    let case = Case::mapped().with_organization(|organization| {
        let group = &mut organization.role_mappings[1].groups[0];
        (group.value, group.label) = ("5f1c0e".to_owned(), Some("Platform team".to_owned()));
    });
    assert_eq!(explain(&case.groups(&["5f1c0e"]).decide()).because, ["Platform team"]);
}

#[test]
fn groups_that_did_not_decide_are_not_named_as_the_cause() {
    let pinned = Case::mapped().member("Admin", "Standard").pin(Some("Admin"), None, now() + days(1)).groups(&["everyone", "office"]);
    let explanation = explain(&pinned.decide());
    assert_eq!(explanation.because, ["office"]);
    assert_eq!(explanation.pins, ["won: role Admin is pinned"]);
    let guarded = Case::mapped().member("Owner", "Standard").with(|facts| facts.other_admins = 0).groups(&["everyone", "office"]);
    assert_eq!(explain(&guarded.decide()).because, ["office"]);
    let full = Case::mapped().groups(&["everyone", "design"]).free(0, 3);
    assert_eq!(explain(&full.decide()).because, ["everyone"], "design did not give the Standard seat");
}

#[test]
fn a_refusal_says_why_and_what_was_tried() {
    let explanation = explain(&Case::mapped().groups(&["App-Admins"]).decide());
    assert_eq!((explanation.reason, explanation.headline.as_str()), (Reason::NoRoleGroup, Reason::NoRoleGroup.for_admin()));
    assert_eq!(explanation.sentence(), explanation.headline);
    assert_eq!(explanation.notes, [r#""App-Admins" came, "app-admins" is mapped to Admin: not the same"#]);
    assert_eq!(explanation.role.len(), 5, "four roles and the refusal");
}

#[test]
fn what_was_noticed_is_among_the_notes() {
    let kept = Case::mapped().member("User", "Standard").unhealthy().claim(GroupClaim::Absent);
    let explanation = explain(&kept.decide());
    assert_eq!(explanation.notes, [Reason::GroupsClaimMissing.for_admin(), Reason::GroupsKeptGrace.for_admin()]);
    assert!(explanation.because.is_empty() && explanation.changes.is_empty());
}

#[test]
fn it_survives_json() {
    let decision = Case::mapped().groups(&["app-admins", "design"]).invite("User", "Premium").decide();
    let json = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<usher::core::provision::Decision>(&json).unwrap(), decision);
    let explanation = explain(&decision);
    let json = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<usher::core::Explanation>(&json).unwrap(), explanation);
}
