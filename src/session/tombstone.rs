//! A provider's logout can be faster than the login that it ends: the login is still in the browser, or on another node. So a logout leaves a mark,
//! and a session that was issued before it does not start.

use std::time::Duration;

use jiff::Timestamp;

use super::{SessionError, Sessions, WayIn, index};
use crate::core::{ConnectionId, ProviderLogout};
use crate::store::ephemeral::ANYONES;

/// Longer than a login can be on its way: no door takes a message that is more than ten minutes old, or a minute ahead.
const TTL: Duration = Duration::from_mins(15);

/// One mark for a person, a session, or both together. Front-channel logout takes anybody's word, so strangers can leave marks.
fn mark(connection: &ConnectionId, name_id: Option<&str>, session: Option<&str>) -> String {
    let fold = |text: Option<&str>| text.map(|text| index::fold(text).to_string()).unwrap_or_default();
    format!("{ANYONES}ended:{connection}:{}:{}", fold(name_id), fold(session))
}

impl Sessions {
    /// Leaves the marks of a logout. Before its sessions are looked for: one that starts meanwhile is found, or finds the mark.
    pub(super) async fn mark_ended(&self, logout: &ProviderLogout) -> Result<(), SessionError> {
        let sessions = logout.indexes.iter().map(|index| Some(index.as_str()));
        let all = (logout.indexes.is_empty() && logout.name_id.is_some()).then_some(None);
        for session in sessions.chain(all) {
            let issued = logout.issued_at.as_millisecond().to_string();
            self.ephemeral.put(&mark(&logout.connection, logout.name_id.as_deref(), session), issued.into(), TTL).await?;
        }
        Ok(())
    }

    /// Whether the provider ended this session at its own time of issue, or later. Providers write whole seconds, so the same second counts.
    pub(super) async fn was_ended(&self, way: &WayIn) -> Result<bool, SessionError> {
        let WayIn::Connection { connection, door_session: session, .. } = way else { return Ok(false) };
        let Some(issued) = session.issued_at else { return Ok(false) };
        let (name_id, index) = (session.name_id.as_deref(), session.index.as_deref());
        for (name_id, index) in [(name_id, None), (name_id, index), (None, index)] {
            let Some(found) = self.ephemeral.find(&mark(connection, name_id, index)).await? else { continue };
            let ended =
                std::str::from_utf8(&found).ok().and_then(|text| text.parse().ok()).and_then(|ms| Timestamp::from_millisecond(ms).ok());
            if ended.is_none_or(|ended| issued <= ended) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
