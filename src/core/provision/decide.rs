//! The order of evaluation at one login.

use jiff::Timestamp;

use super::candidate::{Candidate, Login};
use super::claim::Groups;
use super::decision::{Admission, Change, Decision, Outcome, Trace};
use super::{Facts, approval, connection, entry, mode, person, role, seat};
use crate::core::{Identity, MemberId, Reason};

/// Decides what happens to `identity` in the organization of `facts`, at `now`.
///
/// Total: any facts and any identity have an answer. Where facts contradict each other, the answer is the one that gives less.
#[must_use]
pub fn decide(facts: &Facts, identity: &Identity, now: Timestamp) -> Decision {
    let mut trace = Trace { at: now, steps: Vec::new() };
    let (outcome, changes) = match evaluate(Login { facts, identity, now }, &mut trace) {
        Ok((admission, changes)) => (Outcome::Admit(admission), changes),
        Err(refusal) => (Outcome::Refuse(refusal.reason), refusal.changes),
    };
    Decision { outcome, changes, trace }
}

/// rules.md, "Order of evaluation at one login". The doors have done step 1 but for what only the settings know.
fn evaluate(login: Login<'_>, trace: &mut Trace) -> Result<(Admission, Vec<Change>), Refusal> {
    connection::check(login, trace)?; //                             1, 2
    let found = person::find(login, trace)?; //                      3
    let candidate = Candidate::of(login, found, trace)?; //          4
    mode::check(&candidate, trace)?; //                              5
    let groups = Groups::read(&candidate, trace); //                 6
    let standing = role::settle(&candidate, &groups, trace)?; //     7, 8, 10
    let place = seat::settle(&candidate, &groups, &standing, trace)?; // 9, 10
    approval::check(&candidate, trace)?; //                          a newcomer, where the policy asks for a yes
    Ok(entry::write(&candidate, standing, place)) //                 11
}

/// Why not, and the little that a refusal may write.
#[derive(Debug)]
pub(super) struct Refusal {
    reason: Reason,
    changes: Vec<Change>,
}

impl Refusal {
    /// Why.
    pub(super) const fn reason(&self) -> Reason {
        self.reason
    }

    /// Writes nothing.
    pub(super) const fn plain(reason: Reason) -> Self {
        Self { reason, changes: Vec::new() }
    }

    /// Leaves the attempt of a newcomer for the admins.
    pub(super) fn recorded(reason: Reason) -> Self {
        Self { reason, changes: vec![Change::RecordAttempt { reason }] }
    }

    /// Removes the member (row 17).
    pub(super) fn removing(member: MemberId, reason: Reason) -> Self {
        Self { reason, changes: vec![Change::RemoveMember { member, reason }] }
    }
}
