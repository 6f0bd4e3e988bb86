//! Which person it is, and what a hostile provider or a hostile person at a provider might try.

use usher::core::provision::{Change, Known};
use usher::core::{ConnectionId, MemberStatus, Reason};

use crate::support::facts::{ADA, Answers as _, Case, days, email, known, member_of, now};

const BEA: &str = "bea@acme.example";

/// Another person, an Owner, with links of these subjects on `okta`.
fn owner(address: &str, subjects: &[&str]) -> Known {
    let mut bea = known(2, address, subjects);
    bea.member = Some(member_of(&bea, "Owner", "Premium"));
    bea
}

fn elsewhere(mut known: Known) -> Known {
    known.links.iter_mut().for_each(|link| link.connection = ConnectionId::parse("entra").unwrap());
    known
}

fn others(case: Case, others: Vec<Known>) -> Case {
    case.with(|facts| facts.same_email = others)
}

#[test]
fn row_48_a_new_address_under_the_same_subject_is_the_same_member() {
    let case = Case::jit().member("Admin", "Standard").with_identity(|identity| identity.email = Some(email("ada.reed@acme.example")));
    let decision = case.decide();
    assert_eq!(decision.admission().reason, Reason::OkExisting);
    let Change::UpdatePerson { person, email: address, .. } = &decision.changes[0] else { panic!("{decision:?}") };
    assert_eq!(*person, case.facts.linked.as_ref().unwrap().person.id);
    assert_eq!(address.as_ref().unwrap().as_str(), "ada.reed@acme.example");
    let unverified = case.with(|facts| facts.connection.domain_verified = false).decide();
    assert_eq!((unverified.refusal(), unverified.changes.len()), (Reason::DomainNotAllowed, 0));
}

#[test]
fn row_49_an_address_that_another_person_has_is_refused_and_never_merged() {
    for other in [owner(BEA, &["sub-bea"]), owner(BEA, &[]), elsewhere(owner(BEA, &["sub-bea"])), known(2, BEA, &[])] {
        for window in [None, Some(now() + days(1))] {
            let case = others(Case::jit().member("User", "Standard"), vec![other.clone()])
                .with_identity(|identity| identity.email = Some(email("Bea@ACME.example")))
                .with(|facts| facts.connection.relink_open_until = window);
            let decision = case.decide();
            assert_eq!((decision.refusal(), decision.changes.len()), (Reason::EmailTaken, 0));
        }
    }
}

#[test]
fn row_50_the_same_address_under_another_subject_is_refused() {
    let decision = others(Case::jit(), vec![owner(ADA, &["sub-old"])]).decide();
    assert_eq!((decision.refusal(), decision.changes.len()), (Reason::SubjectChanged, 0));
}

#[test]
fn row_50_a_relink_window_gives_the_link_its_new_subject_until_it_closes() {
    let window = |ends| others(Case::jit(), vec![owner(ADA, &["sub-old"])]).with(|facts| facts.connection.relink_open_until = Some(ends));
    let decision = window(now() + days(1)).decide();
    assert_eq!(decision.role_and_seat(), ("Owner", "Premium"));
    assert!(matches!(decision.changes.as_slice(), [Change::Relink { .. }]));
    assert_eq!(window(now()).decide().refusal(), Reason::SubjectChanged);
}

#[test]
fn row_51_a_person_known_from_another_connection_is_linked_only_inside_a_window() {
    let case = others(Case::jit(), vec![elsewhere(owner(ADA, &["sub-ada"]))]);
    assert_eq!(case.decide().refusal(), Reason::SubjectChanged);
    let decision = case.with(|facts| facts.connection.relink_open_until = Some(now() + days(1))).decide();
    assert!(matches!(decision.changes.as_slice(), [Change::CreateLink]), "the old link stays");
}

#[test]
fn a_relink_window_does_not_choose_between_links_or_people() {
    let open = |known| others(Case::jit(), known).with(|facts| facts.connection.relink_open_until = Some(now() + days(1))).decide();
    assert_eq!(open(vec![owner(ADA, &["one", "two"])]).refusal(), Reason::IdentityAmbiguous);
    assert_eq!(open(vec![known(1, ADA, &[]), owner(ADA, &["x"])]).refusal(), Reason::IdentityAmbiguous);
}

#[test]
fn a_relink_window_opens_nothing_for_a_blocked_member() {
    let mut blocked = owner(ADA, &["sub-old"]);
    blocked.member.as_mut().unwrap().status = MemberStatus::Blocked;
    let case = others(Case::jit(), vec![blocked]).with(|facts| facts.connection.relink_open_until = Some(now() + days(1)));
    assert_eq!(case.decide().refusal(), Reason::BlockedByAdmin);
}

#[test]
fn an_unlinked_member_is_found_by_verified_address_and_linked() {
    let decision = others(Case::jit(), vec![owner("ADA@acme.example", &[])]).decide();
    assert_eq!(decision.admission().reason, Reason::OkExisting);
    assert!(decision.has(|change| matches!(change, Change::CreateLink)));
    assert!(!decision.has(|change| matches!(change, Change::CreatePerson { .. } | Change::CreateMember { .. })));
}

#[test]
fn two_people_with_one_address_are_ambiguous_unless_the_subject_decides() {
    let two = vec![known(2, ADA, &[]), known(3, ADA, &[])];
    assert_eq!(others(Case::jit(), two.clone()).decide().refusal(), Reason::IdentityAmbiguous);
    assert_eq!(others(Case::jit().member("User", "Standard"), two).decide().changes, []);
}

#[test]
fn row_62_an_unverified_domain_finds_nobody_and_no_invite() {
    let unverified = |case: Case| case.with(|facts| facts.connection.domain_verified = false).decide();
    for case in [
        others(Case::jit(), vec![owner(ADA, &[])]),
        Case::manual().invite("Owner", "Premium"),
        Case::jit().member("Owner", "Premium"),
        Case::mapped().owned_by_ada().groups(&["app-owners"]),
    ] {
        let decision = unverified(case);
        assert_eq!((decision.refusal(), decision.changes.len()), (Reason::DomainNotAllowed, 0));
    }
}

#[test]
fn a_login_without_an_address_is_refused_even_if_facts_call_the_domain_verified() {
    let decision = Case::jit().member("User", "Standard").with_identity(|identity| identity.email = None).decide();
    assert_eq!(decision.refusal(), Reason::DomainNotAllowed);
}

#[test]
fn a_connection_that_is_off_lets_nobody_in() {
    let decision = Case::jit().member("Owner", "Premium").owned_by_ada().with(|facts| facts.connection.enabled = false).decide();
    assert_eq!(decision.refusal(), Reason::DomainNotAllowed);
}

#[test]
fn row_68_an_unasked_login_needs_a_connection_that_allows_it() {
    let unasked = Case::jit().member("User", "Standard").with_identity(|identity| identity.idp_initiated = true);
    assert_eq!(unasked.decide().refusal(), Reason::AuthInvalid);
    assert_eq!(unasked.with(|facts| facts.connection.allow_idp_initiated = true).decide().changes, []);
}

#[test]
fn an_empty_subject_is_nobody() {
    for subject in ["", " ", "\t\n"] {
        let decision = others(Case::jit(), vec![owner(ADA, &[])]).with_identity(|identity| identity.subject = subject.to_owned()).decide();
        assert_eq!((decision.refusal(), decision.changes.len()), (Reason::AuthInvalid, 0));
    }
}

#[test]
fn facts_of_another_connection_are_not_used() {
    let mixed_up = Case::jit().with_identity(|identity| identity.connection = ConnectionId::parse("entra").unwrap());
    assert_eq!(mixed_up.decide().refusal(), Reason::AuthInvalid);
}

#[test]
fn an_invite_for_another_address_is_not_used() {
    assert_eq!(Case::manual().invite_for(BEA, "Owner", "Premium").decide().refusal(), Reason::NotInvited);
}

#[test]
fn a_person_with_another_address_is_not_found() {
    let decision = others(Case::jit(), vec![owner(BEA, &[])]).decide();
    assert_eq!(decision.admission().reason, Reason::OkNew);
    assert_eq!(decision.role_and_seat().0, "User");
}

#[test]
fn taking_the_primary_owners_address_gives_nothing_while_there_is_one() {
    let attacker = || Case::jit().member("User", "Standard").with_identity(|identity| identity.email = Some(email(BEA)));
    let configured = |case: Case| case.with_organization(|organization| organization.primary_owner = Some(email(BEA)));
    let taken = others(configured(attacker()), vec![owner(BEA, &["sub-bea"])]);
    assert_eq!(taken.decide().refusal(), Reason::EmailTaken);
    let moved_on = configured(attacker()).with(|facts| facts.other_primary_owner = true).decide();
    assert_eq!(moved_on.role_and_seat().0, "User", "the owner has a new address, the file has the old one");
}

#[test]
fn a_new_spelling_or_name_is_taken_over_and_a_missing_name_is_not() {
    let spelled = Case::jit().member("User", "Standard").with_identity(|identity| identity.email = Some(email("Ada@Acme.example")));
    assert!(matches!(spelled.decide().changes.as_slice(), [Change::UpdatePerson { .. }]));
    for name in [None, Some(String::new()), Some("  ".to_owned())] {
        let case = Case::jit().member("User", "Standard").with_identity(|identity| identity.name = name);
        assert_eq!(case.decide().changes, []);
    }
}

#[test]
fn a_members_own_open_invite_is_used_up() {
    let case = Case::jit().member("User", "Standard").invite("Owner", "Premium");
    let decision = case.decide();
    assert_eq!(decision.role_and_seat(), ("User", "Standard"), "and changes nothing for a member");
    assert_eq!(case.after(&decision).facts.seats[0].used, 0);
}
