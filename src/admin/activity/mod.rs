//! Activity: the audit log for people.
//!
//! - this file: pages of it, for whoever may see them
//! - [`Entry`]: a line as people read it; `sentence`: what each event says; `diff`: what changed
//! - `export`: the log as a file; `verify`: whether its hash chain holds
//!
//! Lines are never changed or deleted here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actor, Admin, AdminError, Permission, Who};
use crate::core::MemberStatus;
use crate::store::{ActivityFilter, ActivityQuery, AuditLine, StoreError};

mod diff;
mod export;
mod sentence;
mod verify;

pub use diff::FieldChange;
pub use export::ExportFormat;
pub use sentence::{events, moment};
pub use verify::{ChainReport, Noted};

/// One line of the log as people read it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Entry {
    /// The line itself.
    #[serde(flatten)]
    pub line: AuditLine,
    /// Who did it, by name.
    pub actor_name: String,
    /// To whom, by name, if to someone.
    pub target_name: Option<String>,
    /// What happened, in one sentence.
    pub sentence: String,
    /// What changed, field by field.
    pub changes: Vec<FieldChange>,
}

/// A page of the log, newest first.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Activity {
    /// The lines. A page may be short and still not be the last: a search for text goes back a piece at a time.
    pub entries: Vec<Entry>,
    /// Where the next page starts: its `before`; `None` at the end of the log.
    pub next: Option<i64>,
}

impl Admin {
    /// A page of the activity of the actor's organization, newest first; `before` is the `next` of the page before it, `limit` at most 1000.
    /// Lines that belong to no organization (settings, refused messages) are among them for whoever administers every organization.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`]; [`AdminError::NoSuch`] when `before` is no place in the log; [`AdminError::Store`].
    pub async fn list_activity(
        &self,
        actor: &Actor,
        filter: &ActivityFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Activity, AdminError> {
        actor.need(Permission::ActivityRead)?;
        let parent_level = self.sees_parent_level(actor).await?;
        let query = ActivityQuery { organization: &actor.organization, parent_level, filter, events: events(), before, limit };
        let page = self.store.list_activity(query).await.map_err(|error| match error {
            StoreError::Missing(_) => AdminError::NoSuch("place in the activity"),
            other => other.into(),
        })?;
        Ok(Activity { entries: self.describe(page.lines).await?, next: page.next })
    }

    /// Lines as people read them, with the names that they have now.
    pub(super) async fn describe(&self, lines: Vec<AuditLine>) -> Result<Vec<Entry>, AdminError> {
        let ids: BTreeSet<String> = lines.iter().flat_map(|line| std::iter::once(&line.actor).chain(&line.target)).cloned().collect();
        let names = self.store.name_people(&Vec::from_iter(ids)).await?;
        Ok(lines.into_iter().map(|line| Entry::new(line, &names)).collect())
    }

    /// Whether the actor administers every organization of the parent. A token acts in one organization only.
    pub(super) async fn sees_parent_level(&self, actor: &Actor) -> Result<bool, AdminError> {
        if actor.who == Who::Operator {
            return Ok(true);
        }
        let Some(stored) = self.store.find_settings().await? else { return Ok(false) };
        for organization in &stored.settings.organizations {
            let administers = match &actor.who {
                Who::Operator => true,
                Who::Token { .. } => organization.id == actor.organization,
                Who::Person { person, .. } => {
                    let row = self.store.find_member(&organization.id, *person).await?;
                    let member = row.map(|row| row.member).filter(|member| member.status == MemberStatus::Active);
                    member.is_some_and(|member| organization.is_administrator(&member.role))
                }
            };
            if !administers {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Entry {
    /// A line with the names of people, by person and member id.
    #[must_use]
    pub fn new(line: AuditLine, names: &BTreeMap<String, String>) -> Self {
        let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| sentence::name_of(id));
        let actor_name = name(&line.actor);
        let target_name = line.target.as_deref().map(name);
        let sentence = sentence::of(&line, &actor_name, target_name.as_deref());
        let changes = diff::of(&line);
        Self { line, actor_name, target_name, sentence, changes }
    }
}
