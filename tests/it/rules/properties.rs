//! What holds for any facts and any identity.

use std::sync::Arc;

use proptest::prelude::*;
use usher::core::provision::{Change, Decision, Outcome};
use usher::core::{GroupClaim, Member, MemberStatus, explain};

use crate::support::facts::any::{any_case, broken_case};
use crate::support::facts::{Case, gives_role, gives_tier};

/// The person that the login found, if the facts leave no doubt.
fn active_member(case: &Case) -> Option<&Member> {
    case.facts.linked.as_ref()?.member.as_ref().filter(|member| member.status == MemberStatus::Active)
}

/// Without the trace, which tells the mappings in the order in which they stand.
fn answer(decision: Decision) -> (Outcome, Vec<Change>) {
    (decision.outcome, decision.changes)
}

fn removes(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(change, Change::RemoveMember { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decide_is_total(case in broken_case()) {
        let decision = case.decide();
        prop_assert!(!explain(&decision).headline.is_empty() || case.facts.organization.roles.is_empty());
        prop_assert!(decision.outcome.reason().is_admission() == matches!(decision.outcome, Outcome::Admit(_)));
        prop_assert!(!decision.outcome.reason().is_note());
    }

    #[test]
    fn the_order_of_groups_and_mappings_never_matters(
        case in any_case(),
        came in Just(vec!["a", "b", "c", "A"]).prop_shuffle(),
        order in Just(vec![("Owner", "a"), ("Admin", "b"), ("Admin", "x"), ("User", "c")]).prop_shuffle(),
    ) {
        let sorted = case.clone().groups(&["A", "a", "b", "c"]).with_organization(|organization| {
            organization.role_mappings = vec![gives_role("Owner", &["a"]), gives_role("Admin", &["b", "x"]), gives_role("User", &["c"])];
            organization.seat_tier_mappings = vec![gives_tier("Premium", &["a", "b"]), gives_tier("Standard", &["c"])];
        });
        let shuffled = case.groups(&came).with_organization(|organization| {
            organization.role_mappings = order.iter().map(|(role, group)| gives_role(role, &[group])).collect();
            organization.seat_tier_mappings = vec![gives_tier("Standard", &["c"]), gives_tier("Premium", &["b", "a"])];
        });
        prop_assert_eq!(answer(sorted.decide()), answer(shuffled.decide()));
    }

    #[test]
    fn applying_a_decision_twice_changes_nothing(case in any_case()) {
        let once = case.after(&case.decide());
        let again = once.decide();
        prop_assert_eq!(&once.after(&again), &once, "{:?}", again.changes);
        if let Outcome::Admit(_) = again.outcome {
            prop_assert_eq!(again.changes, []);
        }
    }

    #[test]
    fn no_seat_is_given_that_is_not_free(case in any_case()) {
        let after = case.after(&case.decide());
        for (before, after) in case.facts.seats.iter().zip(&after.facts.seats) {
            prop_assert!(after.used <= after.owned.max(before.used), "{before:?} became {after:?}");
        }
    }

    #[test]
    fn a_refused_login_creates_nothing(case in any_case()) {
        let decision = case.decide();
        if let Outcome::Refuse(_) = decision.outcome {
            prop_assert!(decision.changes.len() <= 1, "{:?}", decision.changes);
            let allowed = |change: &Change| matches!(change, Change::RemoveMember { .. } | Change::RecordAttempt { .. });
            prop_assert!(decision.changes.iter().all(allowed), "{:?}", decision.changes);
        }
    }

    #[test]
    fn the_primary_owner_is_never_demoted_or_removed(case in any_case()) {
        if !active_member(&case).is_some_and(|member| member.primary_owner) {
            return Ok(());
        }
        let rank = |role: &usher::core::Role| case.facts.organization.role_rank(role).unwrap_or(usize::MAX);
        let decision = case.decide();
        prop_assert!(!removes(&decision));
        for change in decision.changes {
            if let Change::SetRole { from, to, .. } = change {
                prop_assert!(rank(&to) < rank(&from));
            }
        }
    }

    #[test]
    fn the_last_human_administrator_is_never_demoted_or_removed(case in any_case()) {
        let case = case.with(|facts| facts.other_admins = 0);
        let organization = Arc::clone(&case.facts.organization);
        let human = case.facts.linked.as_ref().is_some_and(|known| !known.person.service_account);
        if !human || !active_member(&case).is_some_and(|member| organization.is_administrator(&member.role)) {
            return Ok(());
        }
        let decision = case.decide();
        prop_assert!(!removes(&decision));
        if let Outcome::Admit(admission) = &decision.outcome {
            prop_assert!(organization.is_administrator(&admission.role));
        }
    }

    #[test]
    fn an_address_never_leads_to_someone_who_signs_in_otherwise(case in any_case()) {
        let case = case.with(|facts| {
            facts.linked = None;
            facts.connection.relink_open_until = None;
        });
        let holders = case.facts.same_email.iter().filter(|known| known.person.email == case.identity.email);
        if holders.clone().any(|known| !known.links.is_empty()) {
            let decision = case.decide();
            prop_assert!(matches!(decision.outcome, Outcome::Refuse(_)));
            prop_assert_eq!(decision.changes, []);
        }
    }

    #[test]
    fn without_a_verified_domain_nothing_is_written(case in any_case()) {
        let decision = case.with(|facts| facts.connection.domain_verified = false).decide();
        prop_assert!(matches!(decision.outcome, Outcome::Refuse(_)));
        prop_assert_eq!(decision.changes, []);
    }

    #[test]
    fn unknown_groups_give_nobody_a_higher_role(
        case in any_case(),
        claim in prop_oneof![Just(GroupClaim::Malformed), Just(GroupClaim::Overage)],
    ) {
        let case = case.claim(claim).with_organization(|organization| organization.primary_owner = None);
        let case = case.with(|facts| {
            let everyone = facts.linked.iter_mut().chain(&mut facts.same_email);
            everyone.filter_map(|known| known.member.as_mut()).for_each(|member| member.pin = None);
        });
        let changes = case.decide().changes;
        prop_assert!(!changes.iter().any(|change| matches!(change, Change::SetRole { .. })), "{:?}", changes);
    }
}
