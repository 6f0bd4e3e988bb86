//! Groups that this process has noted a moment ago, so that not every login asks the database whether they are.

use quick_cache::sync::Cache;

use crate::core::ConnectionId;

/// Groups that are remembered. Whatever is forgotten is noted once more than it needs to be.
const GROUPS: usize = 20_000;

/// When groups were noted last, by connection and value; in microseconds.
#[derive(Debug)]
pub(in crate::store) struct NotedGroups(Cache<String, i64>);

impl Default for NotedGroups {
    fn default() -> Self {
        Self(Cache::new(GROUPS))
    }
}

impl NotedGroups {
    /// Those that were not noted after `recent`.
    pub(super) fn keep_others(&self, connection: &ConnectionId, groups: &mut Vec<String>, recent: i64) {
        groups.retain(|group| self.0.get(&key(connection, group)).is_none_or(|at| at <= recent));
    }

    /// They are noted, and that is durable.
    pub(super) fn note(&self, connection: &ConnectionId, groups: &[String], at: i64) {
        for group in groups {
            self.0.insert(key(connection, group), at);
        }
    }
}

/// The id of a connection has no space in it.
fn key(connection: &ConnectionId, group: &str) -> String {
    format!("{connection} {group}")
}
