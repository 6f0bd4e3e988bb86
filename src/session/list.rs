//! Sessions as an administrator looks at them: logins, newest first, each with the apps that it has entered.

use std::fmt;
use std::str::FromStr;

use super::{SessionError, SessionKey, SessionRecord, Sessions, index};
use crate::core::{MemberId, OrganizationId};

/// One login that is alive, on the auth host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its record; the last request is as this node knows it.
    pub record: SessionRecord,
    /// The hosts of the apps that were entered with it and are still open.
    pub apps: Vec<String>,
}

/// A page of them, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Listed>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<SessionCursor>,
}

/// A place in the list. It stays one when the session there ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionCursor {
    started_ms: i64,
    key: SessionKey,
}

impl fmt::Display for SessionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.started_ms, self.key)
    }
}

/// The text is not a place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the list of sessions")]
pub struct CursorError;

impl FromStr for SessionCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (started, key) = text.split_once('-').ok_or(CursorError)?;
        let started_ms = started.parse().map_err(|_| CursorError)?;
        Ok(Self { started_ms, key: SessionKey::parse(key).ok_or(CursorError)? })
    }
}

impl Sessions {
    /// A page of the logins into an organization, newest first; reads that organization's index, day by day, and the records of the page.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        after: Option<SessionCursor>,
        limit: usize,
    ) -> Result<SessionPage, SessionError> {
        let mut page = SessionPage::default();
        for day in self.days() {
            for cursor in self.cursors(&index::of_organization(organization, day)).await? {
                if after.is_some_and(|after| cursor >= after) {
                    continue;
                }
                if page.sessions.len() >= limit {
                    return Ok(page);
                }
                if let Some(listed) = self.find_listed(cursor.key, organization).await? {
                    page.sessions.push(listed);
                    page.next = Some(cursor);
                }
            }
        }
        page.next = None;
        Ok(page)
    }

    /// The logins of one member, newest first.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn list_of_member(&self, organization: &OrganizationId, member: MemberId) -> Result<Vec<Listed>, SessionError> {
        let mut sessions = Vec::new();
        for cursor in self.cursors(&index::of_member(member)).await? {
            sessions.extend(self.find_listed(cursor.key, organization).await?);
        }
        Ok(sessions)
    }

    /// A live login that was decided for an organization. Anything else is nothing, as a login of another organization is.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn find_listed(&self, key: SessionKey, organization: &OrganizationId) -> Result<Option<Listed>, SessionError> {
        let Some(session) = self.look(key).await? else { return Ok(None) };
        let decided = session.member_of(organization).is_some();
        let Some(record) = session.login_now().filter(|_| decided) else { return Ok(None) };
        let mut apps = Vec::new();
        for child in self.list_index(&index::of_parent(key)).await? {
            let child = self.look(child).await?;
            apps.extend(child.and_then(|child| child.place().app_host().map(str::to_owned)));
        }
        apps.sort();
        apps.dedup();
        Ok(Some(Listed { record, apps }))
    }

    /// The keys of all logins into an organization that may be alive.
    ///
    /// # Errors
    /// [`SessionError`] when the store cannot be asked.
    pub async fn list_keys(&self, organization: &OrganizationId) -> Result<Vec<SessionKey>, SessionError> {
        let mut keys = Vec::new();
        for day in self.days() {
            keys.extend(self.list_index(&index::of_organization(organization, day)).await?);
        }
        Ok(keys)
    }

    async fn cursors(&self, set: &str) -> Result<Vec<SessionCursor>, SessionError> {
        let entries = self.list_entries(set).await?;
        let mut cursors: Vec<_> =
            entries.into_iter().map(|index::Entry { started_ms, key, .. }| SessionCursor { started_ms, key }).collect();
        cursors.sort_unstable_by(|a, b| b.cmp(a));
        Ok(cursors)
    }
}
