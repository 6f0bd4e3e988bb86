//! Which sessions belong to whom: sets in the ephemeral store, one for each question that `end_sessions` may be asked.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{SessionError, SessionKey, SessionRecord, Sessions};
use crate::core::{ConnectionId, MemberId, PersonId};

const DAY_SECONDS: i64 = 86_400;

pub(super) fn of_person(person: PersonId) -> String {
    format!("sessions:person:{person}")
}

pub(super) fn of_member(member: MemberId) -> String {
    format!("sessions:member:{member}")
}

pub(super) fn of_subject(connection: &ConnectionId, subject: &str) -> String {
    format!("sessions:subject:{connection}:{}", fold(subject))
}

pub(super) fn of_index(connection: &ConnectionId, index: &str) -> String {
    format!("sessions:index:{connection}:{}", fold(index))
}

pub(super) fn of_parent(parent: SessionKey) -> String {
    format!("sessions:parent:{parent}")
}

/// All sessions are listed by the day of their login: such a set dies by itself, where one for ever would only grow.
pub(super) fn of_day(day: i64) -> String {
    format!("sessions:day:{day}")
}

pub(super) fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY_SECONDS)
}

/// Subjects and indexes are the provider's text: of any length, and personal.
fn fold(text: &str) -> SessionKeyText {
    SessionKeyText(Sha256::digest(text.as_bytes()).into())
}

struct SessionKeyText([u8; 32]);

impl std::fmt::Display for SessionKeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An entry of a set says when its session ends, so that old ones can be taken out without looking them up.
fn entry(record: &SessionRecord) -> String {
    format!("{}:{}", record.ends_at.as_second(), record.key)
}

fn parse(entry: &str) -> Option<(i64, SessionKey)> {
    let (ends_at, key) = entry.split_once(':')?;
    Some((ends_at.parse().ok()?, SessionKey::parse(key)?))
}

fn sets_of(record: &SessionRecord) -> Vec<String> {
    let mut sets = vec![of_person(record.person), of_subject(&record.connection, &record.subject), of_day(day(record.started_at))];
    sets.extend(record.organizations.values().map(|member| of_member(*member)));
    sets.extend(record.door_session.index.iter().map(|index| of_index(&record.connection, index)));
    sets.extend(record.place.parent().map(of_parent));
    sets
}

impl Sessions {
    /// Lists a session everywhere it may be looked for, and takes out what is over.
    pub(super) async fn insert_into_index(&self, record: &SessionRecord, now: Timestamp) -> Result<(), SessionError> {
        let days = of_day(day(record.started_at));
        for set in sets_of(record) {
            if set != days {
                for old in self.ephemeral.list_set(&set).await? {
                    if parse(&old).is_none_or(|(ends_at, _)| ends_at <= now.as_second()) {
                        self.ephemeral.remove_from_set(&set, &old).await?;
                    }
                }
            }
            // One day more than the longest life, so that a set never dies before what it lists.
            let ttl = self.limits.lifetime + std::time::Duration::from_hours(24);
            self.ephemeral.insert_into_set(&set, &entry(record), ttl).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_from_index(&self, record: &SessionRecord) -> Result<(), SessionError> {
        for set in sets_of(record) {
            self.ephemeral.remove_from_set(&set, &entry(record)).await?;
        }
        Ok(())
    }

    pub(super) async fn list_index(&self, set: &str) -> Result<Vec<SessionKey>, SessionError> {
        let entries = self.ephemeral.list_set(set).await?;
        Ok(entries.iter().filter_map(|entry| parse(entry)).map(|(_, key)| key).collect())
    }
}
