//! Steps 7 and 8: the role, or no way in.

use super::candidate::Candidate;
use super::claim::{Groups, within_grace};
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use super::guard;
use super::mapping::{Match, Received, note_matches};
use crate::core::{Member, NoRoleMatch, Organization, Reason, Role};

/// The role after this login.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) role: Role,
    /// Whether groups decide the seat too; otherwise a member's seat stays as it is.
    pub(super) seat_by_groups: bool,
    /// What was noticed on the way.
    pub(super) notes: Vec<Reason>,
    guard: Option<Reason>,
}

impl Standing {
    fn by_groups(candidate: &Candidate<'_>, wanted: Role) -> Self {
        let (role, guard) = guard::raise(candidate, wanted);
        Self { role, seat_by_groups: true, notes: Vec::new(), guard }
    }

    /// As it was; a newcomer starts with the default role.
    fn kept(candidate: &Candidate<'_>, notes: Vec<Reason>) -> Self {
        let wanted = candidate.member.map_or(&candidate.organization().default_role, |member| &member.role);
        Self { seat_by_groups: false, notes, ..Self::by_groups(candidate, wanted.clone()) }
    }

    /// As an administrator says.
    pub(super) const fn by_hand(role: Role) -> Self {
        Self { role, seat_by_groups: false, notes: Vec::new(), guard: None }
    }

    /// Writes down the guard, if one changed the role.
    fn noting_guard(mut self, trace: &mut Trace) -> Self {
        if let Some(guard) = self.guard {
            guard::note(trace, guard, &format!("role {}", self.role));
            self.notes.push(guard);
        }
        self
    }
}

pub(super) fn settle(candidate: &Candidate<'_>, groups: &Groups, trace: &mut Trace) -> Result<Standing, Refusal> {
    match groups {
        Groups::Ignored => Ok(unmapped(candidate, trace)),
        Groups::Unknown(reason) => without_groups(candidate, *reason, trace),
        Groups::Known(received) => mapped(candidate, received, trace),
    }
}

/// Rows 2, 3, 8, 10, 37, 41: a member's role stays; a newcomer has the invited or the default role.
fn unmapped(candidate: &Candidate<'_>, trace: &mut Trace) -> Standing {
    let organization = candidate.organization();
    let invited = candidate.invite.map(|invite| &invite.role).filter(|role| organization.role_rank(role).is_some());
    let (wanted, why) = match (candidate.member, invited) {
        (Some(member), _) => (&member.role, "as it was: a login does not change it here"),
        (None, Some(role)) => (role, "as invited"),
        (None, None) => (&organization.default_role, "the role of new members"),
    };
    let standing = Standing { seat_by_groups: false, ..Standing::by_groups(candidate, wanted.clone()) };
    let verdict = if standing.guard.is_none() { Verdict::Won } else { Verdict::Lost };
    trace.add(Rule::Role, verdict, format!("{wanted}, {why}"));
    standing.noting_guard(trace)
}

/// The claim is missing or unreadable: what a member has is kept for a while, nothing is given (rules.md, "Group value states").
fn without_groups(candidate: &Candidate<'_>, reason: Reason, trace: &mut Trace) -> Result<Standing, Refusal> {
    if let Some(role) = pinned_role(candidate) {
        trace.add(Rule::Pin, Verdict::Won, format!("role {role} is pinned"));
        let standing = Standing::by_groups(candidate, role.clone());
        return Ok(Standing { seat_by_groups: false, notes: vec![reason, Reason::Pinned], ..standing }.noting_guard(trace));
    }
    if let Some(member) = candidate.member.filter(|member| within_grace(candidate, member)) {
        trace.add(Rule::Groups, Verdict::Won, format!("role {} and seat are kept for now", member.role));
        return Ok(Standing::kept(candidate, vec![reason, Reason::GroupsKeptGrace]).noting_guard(trace));
    }
    if let Some(guard) = guard::protects(candidate) {
        return Ok(keep_protected(candidate, guard, vec![reason], trace));
    }
    let why = if candidate.member.is_some() { "the time for keeping role and seat is over" } else { "nothing to keep for a new person" };
    trace.add(Rule::Groups, Verdict::Refused, why);
    Err(Refusal::plain(reason))
}

/// Rows 4, 9, 16-19, 21-23: the highest role over the groups.
fn mapped(candidate: &Candidate<'_>, received: &Received, trace: &mut Trace) -> Result<Standing, Refusal> {
    let tried = try_roles(candidate.organization(), received);
    let best = tried.iter().find(|attempt| attempt.fits()).map(|attempt| attempt.gives.clone());
    if let Some(role) = pinned_role(candidate) {
        note_matches(trace, Rule::Role, tried, None);
        trace.add(Rule::Pin, Verdict::Won, format!("role {role} is pinned"));
        let standing = Standing::by_groups(candidate, role.clone());
        return Ok(Standing { notes: vec![Reason::Pinned], ..standing }.noting_guard(trace));
    }
    let standing = best.map(|role| Standing::by_groups(candidate, role));
    let winner = standing.as_ref().filter(|standing| standing.guard.is_none()).map(|standing| &standing.role);
    note_matches(trace, Rule::Role, tried, winner);
    match standing {
        Some(standing) => Ok(standing.noting_guard(trace)),
        None => no_match(candidate, trace),
    }
}

/// Rows 16-19.
fn no_match(candidate: &Candidate<'_>, trace: &mut Trace) -> Result<Standing, Refusal> {
    if let Some(guard) = guard::protects(candidate) {
        return Ok(keep_protected(candidate, guard, Vec::new(), trace));
    }
    let Some(member) = candidate.member else {
        trace.add(Rule::Role, Verdict::Refused, "in no group that gives a role");
        return Err(Refusal::recorded(Reason::NoRoleGroup));
    };
    match fallback_role(candidate.organization()) {
        Some(role) => {
            trace.add(Rule::Role, Verdict::Won, format!("{role}, the default role: the policy keeps members who are in no role group"));
            Ok(Standing::by_groups(candidate, role.clone()))
        }
        None => Err(remove(member, trace)),
    }
}

fn remove(member: &Member, trace: &mut Trace) -> Refusal {
    trace.add(Rule::Role, Verdict::Refused, "in no group that gives a role any more: removed");
    Refusal::removing(member.id, Reason::NoRoleGroup)
}

fn keep_protected(candidate: &Candidate<'_>, guard: Reason, mut notes: Vec<Reason>, trace: &mut Trace) -> Standing {
    notes.push(guard);
    let standing = Standing::kept(candidate, notes);
    guard::note(trace, guard, &format!("let in, role {}", standing.role));
    standing
}

fn try_roles<'a>(organization: &'a Organization, received: &Received) -> Vec<Match<'a, Role>> {
    let of = |role| organization.role_mappings.iter().filter(move |mapping| &mapping.role == role).flat_map(|mapping| &mapping.groups);
    organization.roles.iter().map(|role| Match::find(role, of(role), received)).collect()
}

fn pinned_role<'a>(candidate: &Candidate<'a>) -> Option<&'a Role> {
    let role = candidate.pin()?.role.as_ref()?;
    candidate.organization().role_rank(role).map(|_| role)
}

/// Row 18: never a role that administers, whatever the default role is.
fn fallback_role(organization: &Organization) -> Option<&Role> {
    match organization.policy.no_role_match {
        NoRoleMatch::Remove => None,
        NoRoleMatch::DefaultRole => {
            let lowest_first = organization.roles.iter().rev();
            std::iter::once(&organization.default_role).chain(lowest_first).find(|role| !organization.is_administrator(role))
        }
    }
}
