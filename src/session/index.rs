//! Which sessions belong to whom: sets in the ephemeral store, one for each question that `end_sessions` and the lists may ask.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Place, SessionError, SessionKey, SessionRecord, Sessions, WayIn};
use crate::core::{ConnectionId, MemberId, OrganizationId, PersonId};

const DAY_SECONDS: i64 = 86_400;
/// The oldest sessions of a set that a new one looks at, whether they are over.
const TIDIED: u32 = 16;

pub(super) fn of_person(person: PersonId) -> String {
    format!("sessions:person:{person}")
}

pub(super) fn of_member(member: MemberId) -> String {
    format!("sessions:member:{member}")
}

pub(super) fn of_index(connection: &ConnectionId, index: &str) -> String {
    format!("sessions:index:{connection}:{}", fold(index))
}

pub(super) fn of_name(connection: &ConnectionId, name_id: &str) -> String {
    format!("sessions:name:{connection}:{}", fold(name_id))
}

pub(super) fn of_parent(parent: SessionKey) -> String {
    format!("sessions:parent:{parent}")
}

/// The logins into an organization on one day, in their order; their app sessions hang on them. Such a set dies by itself, where one for ever would only
/// grow.
pub(super) fn of_organization(organization: &OrganizationId, day: i64) -> String {
    format!("sessions:organization:{organization}:{day}")
}

pub(super) fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY_SECONDS)
}

/// Names and indexes are the provider's text: of any length, and personal.
pub(super) fn fold(text: &str) -> Folded {
    Folded(Sha256::digest(text.as_bytes()).into())
}

pub(super) struct Folded([u8; 32]);

impl std::fmt::Display for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A set, and whether it dies with its day: whoever inserts takes out what is over, but not from a set of that size.
struct Set {
    name: String,
    of_a_day: bool,
}

/// An entry of a set says when its session ends, so that old ones can be taken out without looking them up, and when it began, so that lists have an
/// order of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    ends_at_second: i64,
    pub(super) started_ms: i64,
    pub(super) key: SessionKey,
}

impl Entry {
    fn of(record: &SessionRecord) -> Self {
        Self { ends_at_second: record.ends_at.as_second(), started_ms: record.started_at.as_millisecond(), key: record.key }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (ends_at, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { ends_at_second: ends_at, started_ms: started, key: SessionKey::parse(parts.next()?)? })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at_second <= now.as_second()
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.ends_at_second, self.started_ms, self.key)
    }
}

fn sets_of(record: &SessionRecord) -> Vec<Set> {
    let started = day(record.started_at);
    let mut lasting = vec![of_person(record.person)];
    lasting.extend(record.organizations.values().map(|member| of_member(*member)));
    if let WayIn::Connection { connection, door_session, .. } = &record.way {
        lasting.extend(door_session.name_id.iter().map(|name| of_name(connection, name)));
        lasting.extend(door_session.index.iter().map(|index| of_index(connection, index)));
    }
    lasting.extend(record.place.parent().map(of_parent));
    let mut of_the_day = Vec::new();
    if record.place == Place::AuthHost {
        of_the_day.extend(record.organizations.keys().map(|organization| of_organization(organization, started)));
    }
    let sets = |names: Vec<String>, of_a_day| names.into_iter().map(move |name| Set { name, of_a_day });
    sets(lasting, false).chain(sets(of_the_day, true)).collect()
}

impl Sessions {
    /// Lists a session everywhere it may be looked for, and takes out some of what is over: more than one for each that comes, and the oldest, which are
    /// over first. An account of a service, with thousands of sessions a day, would pay for all of them at each login otherwise.
    pub(super) async fn insert_into_index(&self, record: &SessionRecord, now: Timestamp) -> Result<(), SessionError> {
        for Set { name, of_a_day } in sets_of(record) {
            if !of_a_day {
                for old in self.ephemeral.list_oldest(&name, TIDIED).await? {
                    if Entry::parse(&old).is_none_or(|entry| entry.is_over(now)) {
                        self.ephemeral.remove_from_set(&name, &old).await?;
                    }
                }
            }
            // One day more than the longest life, so that a set never dies before what it lists.
            let ttl = self.limits().lifetime + std::time::Duration::from_hours(24);
            self.ephemeral.insert_into_set(&name, &Entry::of(record).to_string(), ttl).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_from_index(&self, record: &SessionRecord) -> Result<(), SessionError> {
        for Set { name, .. } in sets_of(record) {
            self.ephemeral.remove_from_set(&name, &Entry::of(record).to_string()).await?;
        }
        Ok(())
    }

    pub(super) async fn list_index(&self, set: &str) -> Result<Vec<SessionKey>, SessionError> {
        Ok(self.list_entries(set).await?.into_iter().map(|entry| entry.key).collect())
    }

    /// The entries of a set that may still be alive.
    pub(super) async fn list_entries(&self, set: &str) -> Result<Vec<Entry>, SessionError> {
        let now = self.now();
        let entries = self.ephemeral.list_set(set).await?;
        Ok(entries.iter().filter_map(|entry| Entry::parse(entry)).filter(|entry| !entry.is_over(now)).collect())
    }

    /// The days on which a session that is alive may have begun, the latest first.
    pub(super) fn days(&self) -> impl Iterator<Item = i64> + use<> {
        let today = day(self.now());
        let days = i64::try_from(self.limits().lifetime.as_secs() / 86_400 + 1).unwrap_or(i64::MAX);
        (today.saturating_sub(days)..=today).rev()
    }
}
