//! Whether saving other mappings would shut the saver out (row 56).

use std::sync::Arc;

use jiff::Timestamp;

use super::provision::{Facts, Outcome, decide};
use super::{Identity, Member, MemberStatus, Organization, Role};

/// Someone who administers the organization, as they would come to their next login: facts of today, groups last seen.
#[derive(Debug, Clone, Copy)]
pub struct Administrator<'a> {
    /// The facts; the person is the linked one.
    pub facts: &'a Facts,
    /// What the provider last said, or what it is expected to say.
    pub identity: &'a Identity,
}

/// The save would take the saver's administration away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("with these settings you would no longer administer the organization")]
pub struct Lockout {
    /// The saver's role at the next login; `None`: they would not come in at all.
    pub role_after: Option<Role>,
    /// Whether another administrator is certain to remain: only then may the saver insist, by typing the organization's name.
    pub can_be_forced: bool,
}

/// Checks a save of `after` by `saver`. `others` are the other administrators; the guard at login does not count, because it keeps
/// people in by accident rather than by the mappings that are being saved.
///
/// # Errors
/// [`Lockout`] when the saver administers the organization now and would not afterwards.
pub fn check_save(
    saver: Administrator<'_>,
    others: &[Administrator<'_>],
    after: &Arc<Organization>,
    now: Timestamp,
) -> Result<(), Lockout> {
    if !saver.administers_now() {
        return Ok(());
    }
    let role_after = saver.role_after(after, now);
    if role_after.as_ref().is_some_and(|role| after.is_administrator(role)) {
        return Ok(());
    }
    let can_be_forced = others.iter().any(|other| other.is_certain_to_remain(after, now));
    Err(Lockout { role_after, can_be_forced })
}

impl Administrator<'_> {
    fn member(&self) -> Option<&Member> {
        self.facts.linked.as_ref()?.member.as_ref().filter(|member| member.status == MemberStatus::Active)
    }

    fn administers_now(&self) -> bool {
        self.member().is_some_and(|member| self.facts.organization.is_administrator(&member.role))
    }

    /// A human who has logged in at least once (row 55) and keeps an administrator role.
    fn is_certain_to_remain(&self, after: &Arc<Organization>, now: Timestamp) -> bool {
        let human = self.facts.linked.as_ref().is_some_and(|known| !known.person.service_account);
        let has_logged_in = self.member().is_some_and(|member| member.last_login_at.is_some());
        human && has_logged_in && self.administers_now() && self.role_after(after, now).is_some_and(|role| after.is_administrator(&role))
    }

    fn role_after(&self, after: &Arc<Organization>, now: Timestamp) -> Option<Role> {
        // With other administrators about, the last-administrator guard stays out of it.
        let facts = Facts { organization: Arc::clone(after), other_admins: u32::MAX, ..self.facts.clone() };
        match decide(&facts, self.identity, now).outcome {
            Outcome::Admit(admission) => Some(admission.role),
            Outcome::Refuse(_) => None,
        }
    }
}
