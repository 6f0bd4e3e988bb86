//! The one way a session dies.

use std::collections::BTreeSet;

use super::news::News;
use super::{SessionError, SessionKey, SessionRecord, Sessions, WayIn, find, index};
use crate::core::{MemberId, PersonId, ProviderLogout};

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// One session; with one of the auth host go the app sessions that came from it.
    Session(SessionKey),
    /// Every session of a person.
    Person(PersonId),
    /// Every session that was decided for a member.
    Member(MemberId),
    /// What a provider's logout message ends; a login of before that is still on its way counts among them.
    Provider(ProviderLogout),
}

/// Why. Its text form is what logs and audit lines show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// The person signed out.
    Logout,
    /// Another login took its place.
    Replaced,
    /// A limit was reached.
    Expired,
    /// The member was removed or blocked.
    Removed,
    /// The provider ended its session.
    Provider,
    /// An admin ended it.
    Admin,
}

/// What was ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Records deleted.
    pub sessions: usize,
    /// Streams of this node that were told to close.
    pub streams: usize,
}

impl Sessions {
    /// Ends sessions: deletes their records, forgets them and closes their streams, here and on every other node. Ending what is over already is no error.
    ///
    /// # Errors
    /// [`SessionError`] when the store fails; sessions may then be left, and the call is repeated.
    pub async fn end_sessions(&self, selector: Selector, cause: Cause) -> Result<Ended, SessionError> {
        let (ended, _) = self.end_and_tell(&selector, cause).await?;
        Ok(ended)
    }

    /// Ends a session in whose place another one has started. `false`: it had ended already, and so must the other.
    ///
    /// # Errors
    /// As of [`Self::end_sessions`].
    pub async fn end_replaced(&self, before: SessionKey) -> Result<bool, SessionError> {
        let (_, over) = self.end_and_tell(&Selector::Session(before), Cause::Replaced).await?;
        Ok(over.contains(&before))
    }

    async fn end_and_tell(&self, selector: &Selector, cause: Cause) -> Result<(Ended, Vec<SessionKey>), SessionError> {
        let (mut ended, mut over) = (Ended::default(), Vec::new());
        let result = self.end_selected(selector, cause, &mut ended, &mut over).await;
        // Also after a failure half way: what is over is over.
        self.counts.ended.add(cause.into(), ended.sessions);
        if !over.is_empty() {
            self.tell(News::Ended(over.clone())).await;
        }
        result.map(|()| (ended, over))
    }

    async fn end_selected(
        &self,
        selector: &Selector,
        cause: Cause,
        ended: &mut Ended,
        over: &mut Vec<SessionKey>,
    ) -> Result<(), SessionError> {
        let keys = self.select(selector).await?;
        self.end_each(&keys, cause, ended, over).await?;
        if matches!(selector, Selector::Session(_)) {
            return Ok(());
        }
        // A session that takes another's place is listed before the other ends. So whatever escaped by that while we went through the list is in it now.
        let meanwhile = self.select(selector).await?.difference(&keys).copied().collect();
        self.end_each(&meanwhile, cause, ended, over).await
    }

    /// What was named first, then what hangs on it: an app session that starts meanwhile is listed by then, or finds its parent gone.
    async fn end_each(
        &self,
        keys: &BTreeSet<SessionKey>,
        cause: Cause,
        ended: &mut Ended,
        over: &mut Vec<SessionKey>,
    ) -> Result<(), SessionError> {
        for key in keys {
            self.end(*key, cause, ended, over).await?;
        }
        for key in keys {
            for child in self.list_index(&index::of_parent(*key)).await? {
                self.end(child, cause, ended, over).await?;
            }
        }
        Ok(())
    }

    async fn end(&self, key: SessionKey, cause: Cause, ended: &mut Ended, over: &mut Vec<SessionKey>) -> Result<(), SessionError> {
        let record = self.ephemeral.take(&key.entry()).await?;
        let streams = self.forget(key);
        let Some(record) = record else { return Ok(()) };
        over.push(key);
        ended.sessions += 1;
        ended.streams += streams;
        if let Ok(Some(record)) = find::parse(key, &record) {
            self.remove_from_index(&record).await?;
            self.drop_grant(&record).await?;
            tracing::info!(session.cause = %cause, person.id = %record.person, "session ended");
        }
        Ok(())
    }

    async fn select(&self, selector: &Selector) -> Result<BTreeSet<SessionKey>, SessionError> {
        let set = match selector {
            Selector::Session(key) => return Ok(BTreeSet::from([*key])),
            Selector::Person(person) => index::of_person(*person),
            Selector::Member(member) => index::of_member(*member),
            Selector::Provider(logout) => return self.select_provider(logout).await,
        };
        Ok(self.list_index(&set).await?.into_iter().collect())
    }

    async fn select_provider(&self, logout: &ProviderLogout) -> Result<BTreeSet<SessionKey>, SessionError> {
        self.mark_ended(logout).await?;
        let sets = match &logout.name_id {
            Some(name_id) => vec![index::of_name(&logout.connection, name_id)],
            None => logout.indexes.iter().map(|index| index::of_index(&logout.connection, index)).collect(),
        };
        let mut keys = BTreeSet::new();
        for set in sets {
            for key in self.list_index(&set).await? {
                let stored = self.ephemeral.find(&key.entry()).await?;
                let record = stored.and_then(|stored| find::parse(key, &stored).ok().flatten());
                if record.is_some_and(|record| is_meant(&record, logout)) {
                    keys.insert(key);
                }
            }
        }
        Ok(keys)
    }
}

fn is_meant(record: &SessionRecord, logout: &ProviderLogout) -> bool {
    matches!(&record.way, WayIn::Connection { connection, door_session, .. } if *connection == logout.connection && logout.means(door_session))
}
