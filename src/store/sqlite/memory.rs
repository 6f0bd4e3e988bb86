//! What the writer knows without asking the file, because nobody else writes: what was changed since when, and the last line of the audit log.
//!
//! Other processes do write, seldom (commands beside the server); `PRAGMA data_version` says so, and then nothing that was known counts.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::AuditLine;
use crate::store::reading::AsOf;

/// Names that are remembered. With more of them everything counts as changed once.
const NAMES: usize = 100_000;

/// How many commits the writer has made, for everybody who reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Commits(Arc<AtomicU64>);

impl Commits {
    /// So many at least are seen by whoever begins to read now.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, count: u64) {
        self.0.store(count, Ordering::Release);
    }
}

/// What a job may change of what decisions rest on.
#[derive(Debug)]
pub(super) enum Reach {
    /// Anything.
    Everything,
    /// What has these names.
    Named(Vec<String>),
}

/// What one connection remembers. A commit has the number that the count will have after it.
#[derive(Debug)]
pub(super) struct Memory {
    commits: Commits,
    hasher: RandomState,
    /// By the hash of their names; two under one hash are changed when either is.
    changed: HashMap<u64, u64>,
    everything: u64,
    others: Option<i64>,
    last_line: Option<(i64, String)>,
}

impl Memory {
    /// Of a connection that has seen nothing yet.
    pub(super) fn new(commits: Commits) -> Self {
        let everything = commits.count() + 1;
        Self { commits, hasher: RandomState::new(), changed: HashMap::new(), everything, others: None, last_line: None }
    }

    fn number(&self) -> u64 {
        self.commits.count() + 1
    }

    /// A transaction has begun, and nobody else writes until it ends. `data_version`: another value when others have written since the last time.
    pub(super) fn begun(&mut self, data_version: i64) {
        if self.others.replace(data_version) != Some(data_version) {
            self.forget();
        }
    }

    /// A job was done, kept or not.
    pub(super) fn done(&mut self, reach: &Reach, kept: bool) {
        match reach {
            Reach::Named(names) if self.changed.len() + names.len() <= NAMES => {
                let number = self.number();
                for name in names {
                    self.changed.insert(self.hasher.hash_one(name), number);
                }
            }
            Reach::Named(_) | Reach::Everything => self.forget(),
        }
        if !kept {
            self.last_line = None;
        }
    }

    /// The transaction is durable.
    pub(super) fn committed(&mut self) {
        self.commits.set(self.number());
    }

    /// The transaction was undone.
    pub(super) fn undone(&mut self) {
        self.last_line = None;
    }

    fn forget(&mut self) {
        self.everything = self.number();
        self.changed.clear();
        self.last_line = None;
    }

    /// Whether nothing that has these names was changed since.
    pub(super) fn is_unchanged(&self, as_of: AsOf, names: &[String]) -> bool {
        let changed = |name: &String| self.changed.get(&self.hasher.hash_one(name)).copied().unwrap_or_default();
        self.everything <= as_of.commits && names.iter().all(|name| changed(name) <= as_of.commits)
    }

    pub(super) fn last_line(&self) -> Option<(i64, String)> {
        self.last_line.clone()
    }

    /// This line is written next. Whoever does not write it after all is not kept.
    pub(super) fn note_last_line(&mut self, line: &AuditLine) {
        self.last_line = Some((line.sequence, line.hash.clone()));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::core::{ConnectionId, GroupClaim, Identity, OrganizationId};
    use crate::store::FactsQuery;

    fn read_after(commits: u64) -> AsOf {
        let organization = OrganizationId::parse("acme").unwrap();
        let connection = ConnectionId::parse("okta").unwrap();
        let identity =
            Identity { connection, subject: "ada".into(), email: None, name: None, groups: GroupClaim::Absent, idp_initiated: false };
        AsOf::new(commits, &FactsQuery { organization: &organization, identity: &identity, now: Timestamp::UNIX_EPOCH })
    }

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// A memory that has seen one commit of nothing.
    fn memory() -> Memory {
        let mut memory = Memory::new(Commits::default());
        memory.begun(1);
        memory.committed();
        memory
    }

    fn stands(memory: &Memory, commits: u64) -> bool {
        memory.is_unchanged(read_after(commits), &named(&["person:1"]))
    }

    #[test]
    fn nothing_stands_that_was_read_before_this_connection_knew_anything() {
        let mut memory = Memory::new(Commits::default());
        assert!(!stands(&memory, 0));
        memory.begun(1);
        memory.committed();
        assert!(!stands(&memory, 0));
        assert!(stands(&memory, 1));
    }

    #[test]
    fn what_was_changed_since_does_not_stand_and_everything_else_does() {
        let mut memory = memory();
        memory.done(&Reach::Named(named(&["person:2"])), true);
        assert!(stands(&memory, 1));
        memory.done(&Reach::Named(named(&["person:2", "person:1"])), true);
        assert!(!stands(&memory, 1), "by a neighbour in the same transaction");
        memory.committed();
        assert!(!stands(&memory, 1), "by a commit");
        assert!(stands(&memory, 2), "it was read after that");
    }

    #[test]
    fn nothing_stands_after_a_change_of_anything() {
        let mut memory = memory();
        memory.done(&Reach::Everything, true);
        assert!(!stands(&memory, 1));
        memory.committed();
        assert!(stands(&memory, 2));
    }

    #[test]
    fn nothing_stands_when_another_process_has_written() {
        let mut memory = memory();
        memory.begun(1);
        assert!(stands(&memory, 1));
        memory.begun(2);
        assert!(!stands(&memory, 1));
    }

    #[test]
    fn nothing_stands_when_there_were_too_many_names_to_remember() {
        let mut memory = memory();
        for number in 0..NAMES {
            memory.done(&Reach::Named(vec![format!("person:x{number}")]), true);
        }
        assert!(stands(&memory, 1));
        memory.done(&Reach::Named(named(&["person:1"])), true);
        assert!(!stands(&memory, 1));
        memory.committed();
        assert!(stands(&memory, 2) && memory.changed.is_empty());
    }

    #[test]
    fn the_last_line_is_forgotten_with_whoever_did_not_write_it() {
        let known = |memory: &Memory| memory.last_line().is_some();
        let mut memory = memory();
        for forgets in [
            (|memory: &mut Memory| memory.done(&Reach::Named(Vec::new()), false)) as fn(&mut Memory),
            Memory::undone,
            |memory| memory.done(&Reach::Everything, true),
            |memory| memory.begun(3),
        ] {
            memory.last_line = Some((7, "hash".to_owned()));
            memory.done(&Reach::Named(Vec::new()), true);
            assert!(known(&memory));
            forgets(&mut memory);
            assert!(!known(&memory));
        }
    }
}
