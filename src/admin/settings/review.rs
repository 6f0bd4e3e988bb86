//! A review: what a change would do, to whom, and what stands against it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::{Actor, Admin, AdminError, Who};
use super::rights::{need_effects, touches_parent};
use super::{SettingsChange, sound};
use crate::core::preview::{Effects, Preview, Question};
use crate::core::{Mode, Organization, OrganizationId, PersonId, Settings};
use crate::store::settings_diff::diff;
use crate::store::{Store, StoreError, StoredSettings};

/// Members that are read at a time: a page is a few milliseconds of a core.
const PAGE: u32 = 500;

/// How far a review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Members looked at, over all organizations.
    pub done: u64,
    /// Members to look at in the organizations begun so far.
    pub total: u64,
}

/// What a change would do. Its id stands for the change, the settings that it changes, and everything that it does to people; logins that change
/// none of this leave it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// What the save names.
    pub id: String,
    /// The revision that it changes; `None`: nothing is stored yet.
    pub base: Option<i64>,
    /// What changes in the settings, object by object, without secrets.
    pub objects: Vec<Value>,
    /// What changes for people, in each organization that the change concerns.
    pub organizations: Vec<OrganizationReview>,
    /// What stands against the save.
    pub objections: Vec<Objection>,
    /// What has to be typed to save all the same.
    pub needs: Needs,
    /// The settings that the save would make.
    #[serde(skip)]
    pub(super) settings: Settings,
    #[serde(skip)]
    pub(super) before: Option<Arc<Settings>>,
}

/// One organization in a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrganizationReview {
    /// Its name for people.
    pub name: String,
    /// What happens to its members.
    #[serde(flatten)]
    pub effects: Effects,
    /// The warnings as sentences, in the same order.
    pub warning_sentences: Vec<String>,
}

/// Why a save is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// In which organization, if in one.
    pub organization: Option<OrganizationId>,
    /// One word: `lockout_saver`, `lockout_owner`, `lockout_nobody`, `sso_not_proven`, `impossible`.
    pub code: &'static str,
    /// What stands against it, and what would mend it.
    pub sentence: String,
    /// Whether typing the organization's name overrules it.
    pub can_be_forced: bool,
}

/// What has to be typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// The organization's name, because the saver loses their administration.
    pub organization_name: Option<String>,
    /// The number of people who lose access, because they are many.
    pub lose_access: Option<u64>,
}

impl Review {
    /// Whether anything that nobody may overrule stands against the save.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.objections.iter().any(|objection| !objection.can_be_forced)
    }

    /// Whether the settings stay as they are.
    #[must_use]
    pub const fn changes_nothing(&self) -> bool {
        self.objects.is_empty()
    }
}

impl Admin {
    /// What a change of settings would do. Writes nothing.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] and [`AdminError::Refused`] (`above_your_role`, `not_all_organizations`, `primary_owner`, `changed_since`): the actor may not;
    /// [`AdminError::NoSuch`], [`AdminError::Invalid`]: there are no such settings; [`AdminError::Store`].
    pub async fn review_settings(
        &self,
        actor: &Actor,
        change: &SettingsChange,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Review, AdminError> {
        actor.need(super::super::Permission::SettingsWrite)?;
        let stored = self.store.find_settings().await?;
        let before = stored.as_ref().map(|stored| Arc::clone(&stored.settings));
        let after = change.apply(self.store.as_ref(), before.as_deref()).await?;
        // What can be nobody's settings is a fault of the text, whoever sent it.
        let faults = sound::check(before.as_deref(), &after);
        if !faults.is_empty() {
            return Err(AdminError::Invalid(faults));
        }
        self.need_settings_rights(actor, before.as_deref(), &after).await?;
        let mut review = Review {
            id: String::new(),
            base: stored.as_ref().map(|stored| stored.revision),
            objects: diff(before.as_deref(), &after),
            organizations: Vec::new(),
            objections: Vec::new(),
            needs: Needs::default(),
            settings: after,
            before,
        };
        match self.check_required_sso(review.before.as_deref(), &review.settings).await {
            Err(AdminError::Refused { code, sentence }) => {
                review.objections.push(Objection { organization: None, code, sentence, can_be_forced: false });
            }
            checked => checked?,
        }
        if let Some(StoredSettings { settings, .. }) = &stored {
            self.look_at_people(actor, settings, &mut review, progress).await?;
        }
        review.id = review.fingerprint()?;
        Ok(review)
    }

    async fn look_at_people(
        &self,
        actor: &Actor,
        before: &Arc<Settings>,
        review: &mut Review,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), AdminError> {
        let (after, now) = (Arc::new(review.settings.clone()), self.clock.now());
        let everywhere = touches_parent(Some(before), &after);
        let mut seen = Progress { done: 0, total: 0 };
        for old in &before.organizations {
            // Taking away an organization that has members is refused by the store.
            let Some(new) = after.find_organization(&old.id) else { continue };
            if !everywhere && old == new {
                continue;
            }
            let question =
                Question { before: Arc::clone(before), after: Arc::clone(&after), organization: old.id.clone(), saver: saver(actor), now };
            let Some((effects, members)) = preview(self.store.as_ref(), question, (old, new), &mut seen, progress).await? else { continue };
            need_effects(actor, old, &effects)?;
            review.note(old, new, effects, members);
        }
        Ok(())
    }
}

impl Review {
    fn note(&mut self, old: &Organization, new: &Organization, effects: Effects, members: u64) {
        for lockout in &effects.lockouts {
            let (code, can_be_forced, sentence) = (lockout.code(), lockout.can_be_forced(), lockout.sentence(new));
            self.objections.push(Objection { organization: Some(new.id.clone()), code, sentence, can_be_forced });
            if can_be_forced {
                self.needs.organization_name = Some(old.name.clone());
            }
        }
        let impossible = effects.refusals.iter().cloned();
        self.objections.extend(impossible.map(|sentence| Objection {
            organization: Some(new.id.clone()),
            code: "impossible",
            sentence,
            can_be_forced: false,
        }));
        // Row 61: whom the directory does not have is removed at its first sync, and it may have nobody.
        let lose = if new.mode == Mode::Scim && old.mode != Mode::Scim { members } else { effects.lose_access };
        if lose > new.policy.removal_threshold.of(members) {
            self.needs.lose_access = Some(self.needs.lose_access.unwrap_or(0) + lose);
        }
        let warning_sentences = effects.warnings.iter().map(crate::core::preview::Warning::sentence).collect();
        self.organizations.push(OrganizationReview { name: new.name.clone(), effects, warning_sentences });
    }

    /// Short enough to be copied by hand.
    fn fingerprint(&self) -> Result<String, AdminError> {
        let known = |effects: &Effects| {
            let people = effects.people.iter().filter(|effect| !matches!(effect.next, crate::core::preview::Next::Unknown { .. }));
            people.map(|effect| (effect.member, effect.before.clone(), effect.next.clone())).collect::<Vec<_>>()
        };
        let effects: Vec<_> = self.organizations.iter().map(|review| (&review.effects.organization, known(&review.effects))).collect();
        let objections: Vec<_> = self.objections.iter().map(|objection| (objection.code, objection.can_be_forced)).collect();
        let text = serde_json::to_vec(&(&self.settings, self.base, effects, objections, self.needs.lose_access))
            .map_err(|error| StoreError::Corrupt(format!("settings cannot be written as JSON: {error}")))?;
        let number = Sha256::digest(text).iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Ok(format!("{number:012x}"))
    }
}

const fn saver(actor: &Actor) -> Option<PersonId> {
    match actor.who {
        Who::Person { person, .. } => Some(person),
        Who::Token { .. } | Who::Operator => None,
    }
}

/// Streams the members through the decision: one page is decided on a thread of its own while the next one is read.
async fn preview(
    store: &dyn Store,
    question: Question,
    (old, new): (&Organization, &Organization),
    seen: &mut Progress,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Option<(Effects, u64)>, AdminError> {
    let scene = store.load_scene(old, new, question.now).await?;
    let members = scene.members;
    seen.total += members;
    progress(*seen);
    let Some(mut preview) = Preview::new(question, scene) else { return Ok(None) };
    let mut page = store.list_preview_members(&old.id, None, PAGE).await?;
    while let Some(last) = page.last().map(|member| member.person.id) {
        seen.done += u64::try_from(page.len()).unwrap_or_default();
        let deciding = tokio::task::spawn_blocking(move || {
            for member in page {
                preview.add(member);
            }
            preview
        });
        let (decided, next) = tokio::join!(deciding, store.list_preview_members(&old.id, Some(last), PAGE));
        preview = decided.map_err(|error| StoreError::Unavailable(error.into()))?;
        page = next?;
        progress(*seen);
    }
    Ok(Some((preview.finish(), members)))
}
