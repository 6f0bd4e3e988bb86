//! Row 56, vectors 2 and 3: a save that would shut the saver out.

use std::sync::Arc;

use usher::core::lockout::{Administrator, Lockout, check_save};
use usher::core::{GroupClaim, Organization, Role};

use crate::support::facts::{Answers as _, Case, gives_role, now};

/// Mappings on, where before everything was by hand.
fn mappings() -> Arc<Organization> {
    Case::mapped().facts.organization
}

fn owner(groups: &[&str]) -> Case {
    Case::jit().member("Owner", "Premium").groups(groups)
}

fn check(saver: &Case, others: &[&Case], after: &Arc<Organization>) -> Result<(), Lockout> {
    let administrator = |case: &Case| (case.facts.clone(), case.identity.clone());
    let others: Vec<_> = others.iter().map(|case| administrator(case)).collect();
    let others: Vec<_> = others.iter().map(|(facts, identity)| Administrator { facts, identity }).collect();
    check_save(Administrator { facts: &saver.facts, identity: &saver.identity }, &others, after, now())
}

#[test]
fn vector_02_a_save_that_demotes_the_saver_is_refused_and_can_be_forced_while_another_owner_stays() {
    let saver = owner(&["everyone", "design"]);
    let lockout = check(&saver, &[&owner(&["app-owners"])], &mappings()).unwrap_err();
    assert_eq!(lockout, Lockout { role_after: Some(Role::new("User")), can_be_forced: true });
    let forced = saver.with(|facts| facts.organization = mappings()).decide();
    assert_eq!(forced.role_and_seat(), ("User", "Premium"), "forced, the next login makes a User");
}

#[test]
fn vector_03_the_sole_administrator_cannot_force_it() {
    let saver = owner(&["everyone"]).with(|facts| facts.other_admins = 0);
    assert!(!check(&saver, &[], &mappings()).unwrap_err().can_be_forced);
}

#[test]
fn row_56_a_saver_who_would_not_come_in_at_all_is_told_so() {
    assert_eq!(check(&owner(&["unmapped"]), &[], &mappings()).unwrap_err().role_after, None);
}

#[test]
fn row_56_an_other_administrator_counts_only_if_certain_to_remain() {
    let demoted = owner(&["everyone"]);
    let absent = owner(&["app-owners"]).with_member(|member| member.last_login_at = None);
    let bot = owner(&["app-owners"]).with(|facts| facts.linked.as_mut().unwrap().person.service_account = true);
    let removed = owner(&["app-owners"]).with_member(|member| member.status = usher::core::MemberStatus::Removed);
    let user = Case::jit().member("User", "Premium").groups(&["app-owners"]);
    let others = [&demoted, &absent, &bot, &removed, &user];
    assert!(!check(&owner(&["everyone"]), &others, &mappings()).unwrap_err().can_be_forced);
}

#[test]
fn row_56_a_saver_who_keeps_an_administrator_role_may_save() {
    assert_eq!(check(&owner(&["app-admins"]), &[], &mappings()), Ok(()));
    let primary_owner = owner(&["everyone"]).with_member(|member| member.primary_owner = true);
    assert_eq!(check(&primary_owner, &[], &mappings()), Ok(()));
    assert_eq!(check(&Case::jit().member("User", "Premium"), &[], &mappings()), Ok(()), "nothing to lose");
}

#[test]
fn row_56_taking_the_savers_role_off_the_administrators_counts_too() {
    let after = Case::mapped().with_organization(|organization| {
        organization.administrators.clear();
        organization.role_mappings = vec![gives_role("Owner", &["app-owners"])];
    });
    let saver = owner(&["app-owners"]).claim(GroupClaim::from_values(["app-owners"]));
    assert_eq!(check(&saver, &[], &after.facts.organization).unwrap_err().role_after, Some(Role::new("Owner")));
}
