//! Step 10: the Primary Owner and the last administrator are neither demoted nor removed (rows 19, 52, 55).

use super::candidate::Candidate;
use super::decision::{Rule, Trace, Verdict};
use crate::core::{Reason, Role};

/// Who must not be shut out by groups or seats, and by which guard.
pub(super) fn protects(candidate: &Candidate<'_>) -> Option<Reason> {
    if candidate.primary_owner {
        Some(Reason::GuardPrimaryOwner)
    } else if is_last_administrator(candidate) {
        Some(Reason::GuardLastAdmin)
    } else {
        None
    }
}

/// A service account is no one who could repair things (GitLab #504245), so it is not kept.
fn is_last_administrator(candidate: &Candidate<'_>) -> bool {
    let human = candidate.found.known.is_some_and(|known| !known.person.service_account);
    let administrator = candidate.member.is_some_and(|member| candidate.organization().is_administrator(&member.role));
    human && administrator && candidate.login.facts.other_admins == 0
}

/// The role that `wanted` becomes, and the guard that changed it. The last administrator gets the first of these that administers.
pub(super) fn raise(candidate: &Candidate<'_>, wanted: Role) -> (Role, Option<Reason>) {
    let organization = candidate.organization();
    let current = candidate.member.map(|member| &member.role);
    let rank = |role: &Role| organization.role_rank(role).unwrap_or(usize::MAX);
    let floor = if candidate.is_marked() { current } else { organization.roles.first() };
    let owners = floor.filter(|floor| candidate.primary_owner && rank(floor) < rank(&wanted));

    let must_administer = is_last_administrator(candidate);
    let fits = |role: &Role| !must_administer || organization.is_administrator(role);
    match (owners.filter(|role| fits(role)), current) {
        (Some(role), _) => (role.clone(), Some(Reason::GuardPrimaryOwner)),
        (None, Some(role)) if !fits(&wanted) => (role.clone(), Some(Reason::GuardLastAdmin)),
        _ => (wanted, None),
    }
}

/// Writes down that a guard decided.
pub(super) fn note(trace: &mut Trace, guard: Reason, what: &str) {
    let who = if guard == Reason::GuardPrimaryOwner { "the Primary Owner" } else { "the last administrator who can log in" };
    trace.add(Rule::Guard, Verdict::Won, format!("{what}: this is {who}"));
}
