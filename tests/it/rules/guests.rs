//! Row 39: guests, whose address is in a domain that is not the parent's.

use usher::core::{Mode, Reason};

use crate::support::facts::{Answers as _, Case, email, organization};

const GUEST: &str = "gwen@partner.example";

/// Gwen comes from elsewhere, where guests are allowed.
fn gwen(mode: Mode, mapped: bool) -> Case {
    stranger(mode, mapped).with_policy(|policy| policy.allow_guests = true)
}

fn stranger(mode: Mode, mapped: bool) -> Case {
    let from_elsewhere = Case::new(mode, mapped).with(|facts| {
        facts.connection.domain_verified = false;
        facts.connection.guest_domain = true;
    });
    from_elsewhere.with_identity(|identity| identity.email = Some(email(GUEST)))
}

const MODES: [(Mode, bool); 5] = [(Mode::Manual, false), (Mode::Jit, false), (Mode::Jit, true), (Mode::Scim, false), (Mode::Scim, true)];

#[test]
fn row_39_an_invited_guest_comes_in_as_invited_whatever_the_mode_and_the_groups() {
    for (mode, mapped) in MODES {
        let decision = gwen(mode, mapped).free(1, 10).invite_for(GUEST, "User", "Standard").groups(&["app-owners", "design"]).decide();
        assert_eq!(decision.role_and_seat(), ("User", "Standard"), "{mode} {mapped}");
    }
}

#[test]
fn row_39_a_guest_who_is_a_member_stays_as_they_are() {
    for (mode, mapped) in MODES {
        let case = gwen(mode, mapped).member("Admin", "Standard").groups(&["app-owners", "design"]);
        let case = case.with(|facts| facts.linked.as_mut().unwrap().person.email = Some(email(GUEST)));
        assert_eq!(case.decide().role_and_seat(), ("Admin", "Standard"), "{mode} {mapped}");
        let off = case.clone().with_policy(|policy| policy.allow_guests = false).decide();
        assert_eq!(off.refusal(), Reason::DomainNotAllowed, "guests are not allowed any more");
        let renamed = case.with_identity(|identity| identity.email = Some(email("gwen@other.example"))).decide();
        assert_eq!(renamed.refusal(), Reason::DomainNotAllowed, "row 48: only the address that was invited");
    }
}

#[test]
fn row_39_nobody_else_comes_in_by_a_foreign_address() {
    for (mode, mapped) in MODES {
        let refused = |case: Case| assert_eq!(case.groups(&["app-owners"]).decide().refusal(), Reason::DomainNotAllowed, "{mode} {mapped}");
        refused(gwen(mode, mapped));
        refused(gwen(mode, mapped).invite_for("gina@partner.example", "Owner", "Premium"));
        refused(stranger(mode, mapped).invite_for(GUEST, "User", "Standard"));
        refused(gwen(mode, mapped).invite_for(GUEST, "User", "Standard").with(|facts| {
            facts.invite.as_mut().unwrap().expires_at = crate::support::facts::now();
        }));
        // Removed: the old membership opens nothing.
        let former = gwen(mode, mapped).former("User");
        refused(former.with(|facts| facts.linked.as_mut().unwrap().person.email = Some(email(GUEST))));
        // A domain of the parent's that another connection has, or that is not verified yet, is no guest's.
        let ours = gwen(mode, mapped).invite_for(GUEST, "User", "Standard").with(|facts| facts.connection.guest_domain = false);
        refused(ours);
    }
}

#[test]
fn guests_are_not_allowed_by_default() {
    assert!(!organization(Mode::Jit, true).policy.allow_guests);
}
