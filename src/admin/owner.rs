//! The Primary Owner hands the ownership over (R10).

use serde_json::json;

use super::people::Deed;
use super::{Actor, Admin, AdminError, PeopleChange, Permission, Who};
use crate::core::hand::Act;
use crate::core::{EmailAddress, MemberId, MemberRow};

impl Admin {
    /// The Primary Owner, if there is one.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`], [`AdminError::Store`].
    pub async fn find_primary_owner(&self, actor: &Actor) -> Result<Option<MemberRow>, AdminError> {
        actor.need(Permission::MembersRead)?;
        Ok(self.store.find_primary_owner(&actor.organization).await?)
    }

    /// Makes an active member the Primary Owner, confirmed by their address as typed by hand. Only the Primary Owner may, with a fresh sign-in, or the
    /// operator. The former one keeps the highest role.
    ///
    /// The configured address names the first Primary Owner only: it acts again when it is changed, so what was handed over stays through a restart.
    ///
    /// # Errors
    /// [`AdminError::Refused`] with `not_the_primary_owner`, `never_signed_in` or `not_active`; [`AdminError::Invalid`] when the address is not the
    /// member's; [`AdminError::FreshSignInNeeded`]; the others as [`Admin::remove_members`].
    pub async fn transfer_primary_owner(&self, actor: &Actor, to: MemberId, typed: &str) -> Result<PeopleChange, AdminError> {
        actor.need(Permission::MembersWrite)?;
        match actor.who {
            Who::Operator | Who::Person { primary_owner: true, .. } => actor.need_fresh()?,
            Who::Person { .. } | Who::Token { .. } => {
                return Err(AdminError::refused(
                    "not_the_primary_owner",
                    "only the Primary Owner hands the ownership over, or the operator of Usher",
                ));
            }
        }
        let row = self.load_row(actor, to).await?;
        let typed = EmailAddress::parse(typed.trim()).ok();
        if typed.is_none() || typed != row.person.email {
            return Err(AdminError::invalid("confirmation", format!("type the address of {} to confirm", row.name())));
        }
        let former = self.store.find_primary_owner(&actor.organization).await?;
        // Somebody who handed it over a moment ago in another window owns nothing any more.
        if actor.member().is_some() && actor.member() != former.as_ref().map(|former| former.member.id) {
            return Err(AdminError::Stale);
        }
        let mut members: Vec<MemberId> = former.iter().map(|former| former.member.id).filter(|former| *former != to).collect();
        members.push(to);
        let detail = json!({"from": former.as_ref().map(|former| former.person.id), "to": row.person.id});
        self.perform(actor, Deed { detail, ..Deed::new(&members, Act::TransferOwnership { to }, "owner.transferred") }).await
    }
}
