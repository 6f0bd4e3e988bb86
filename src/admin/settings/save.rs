//! The save: the review once more, and then exactly that.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{Actor, Admin, AdminError};
use super::{Progress, Review, SettingsChange};
use crate::core::MemberId;
use crate::core::preview::Next;
use crate::session::{Cause, Ended, Selector};
use crate::store::{ReviewedSave, StoreError, StoredSettings};

/// What the saver typed and chose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confirmations {
    /// The organization's name: I know that I lose my administration.
    pub organization_name: Option<String>,
    /// The number of people who lose access.
    pub lose_access: Option<u64>,
    /// End the sessions of everyone whose role, seat or access changes, so that it is in force at once (row 57).
    pub apply_now: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The settings in force now. Whoever serves logins reads them again: [`crate::app::App::refresh`].
    pub stored: StoredSettings,
    /// Sessions that were ended.
    pub ended: Ended,
}

impl Admin {
    /// Saves a change whose review has this id, if a review of now still says the same.
    ///
    /// # Errors
    /// As [`Admin::review_settings`]; [`AdminError::ReviewChanged`] with the review of now when it says something else; [`AdminError::Refused`] with
    /// `lockout_nobody`, `lockout_owner`, `lockout_saver`, `sso_not_proven`, `impossible`, or with `confirm_organization_name` or `confirm_lose_access` when that was not typed as the
    /// review needs it; [`AdminError::FreshSignInNeeded`] when something has to be typed. Nothing was saved then.
    pub async fn save_settings(
        &self,
        actor: &Actor,
        change: &SettingsChange,
        review: &str,
        confirmations: &Confirmations,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Saved, AdminError> {
        let now = self.review_settings(actor, change, progress).await?;
        if now.id != review {
            return Err(AdminError::ReviewChanged(Box::new(now)));
        }
        self.save_reviewed(actor, &now, confirmations).await
    }

    /// Saves what a review that was made a moment ago says.
    ///
    /// # Errors
    /// As [`Admin::save_settings`].
    pub async fn save_reviewed(&self, actor: &Actor, review: &Review, confirmations: &Confirmations) -> Result<Saved, AdminError> {
        check_confirmations(actor, review, confirmations)?;
        let note = json!({
            "id": review.id,
            "forced": review.needs.organization_name.is_some(),
            "lose_access": review.organizations.iter().map(|organization| organization.effects.lose_access).sum::<u64>(),
            "apply_now": confirmations.apply_now,
        });
        let (name, now) = (actor.name(), self.clock.now());
        let save = ReviewedSave { settings: &review.settings, expected: review.base, actor: &name, origin: &actor.origin, note, now };
        let stored = match self.store.save_reviewed_settings(save).await {
            Ok(stored) => stored,
            Err(StoreError::Refused(why)) => {
                let revision = self.store.find_settings().await?.map(|stored| stored.revision);
                return Err(if revision == review.base { AdminError::refused("impossible", why) } else { AdminError::Stale });
            }
            Err(error) => return Err(error.into()),
        };
        self.sessions.invalidate_settings().await;
        let ended = if confirmations.apply_now { self.end_sessions_of_changed(review).await? } else { Ended::default() };
        Ok(Saved { stored, ended })
    }

    async fn end_sessions_of_changed(&self, review: &Review) -> Result<Ended, AdminError> {
        let mut all = Ended::default();
        for member in changed(review) {
            let ended = self.sessions.end_sessions(Selector::Member(member), Cause::Admin).await?;
            all.sessions += ended.sessions;
            all.streams += ended.streams;
        }
        Ok(all)
    }
}

fn changed(review: &Review) -> impl Iterator<Item = MemberId> {
    let people = review.organizations.iter().flat_map(|organization| &organization.effects.people);
    people.filter(|effect| !matches!(effect.next, Next::Unknown { .. })).map(|effect| effect.member)
}

fn check_confirmations(actor: &Actor, review: &Review, typed: &Confirmations) -> Result<(), AdminError> {
    if let Some(objection) = review.objections.iter().find(|objection| !objection.can_be_forced) {
        return Err(AdminError::refused(objection.code, objection.sentence.clone()));
    }
    if let Some(name) = &review.needs.organization_name {
        let sentences: Vec<&str> = review.objections.iter().map(|objection| objection.sentence.as_str()).collect();
        match typed.organization_name.as_deref().map(str::trim) {
            None => return Err(AdminError::refused("lockout_saver", sentences.join(" "))),
            Some(text) if text != name.trim() => {
                return Err(AdminError::refused("confirm_organization_name", format!("type {name} to give up your administration")));
            }
            Some(_) => {}
        }
    }
    if let Some(count) = review.needs.lose_access
        && typed.lose_access != Some(count)
    {
        return Err(AdminError::refused("confirm_lose_access", format!("{count} people would lose access: type {count} to go on")));
    }
    if review.needs.organization_name.is_some() || review.needs.lose_access.is_some() {
        actor.need_fresh()?;
    }
    Ok(())
}
