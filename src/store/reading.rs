//! Facts as they were read, and when that was.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Deref;

use crate::core::EmailAddress;
use crate::core::provision::Facts;

use super::FactsQuery;

/// The facts of one login. They can be looked at and not changed, so that a commit may believe that they are what was read.
#[derive(Debug, Clone)]
pub struct Reading {
    facts: Facts,
    as_of: Option<AsOf>,
}

/// When facts were read, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct AsOf {
    /// Commits that were made before, as the store counts them.
    pub(in crate::store) commits: u64,
    asked: u64,
}

impl AsOf {
    pub(in crate::store) fn new(commits: u64, query: &FactsQuery<'_>) -> Self {
        Self { commits, asked: fingerprint(query) }
    }

    /// Whether the same was asked then: about the same person, at the same time.
    pub(in crate::store) fn answers(self, query: &FactsQuery<'_>) -> bool {
        self.asked == fingerprint(query)
    }
}

fn fingerprint(query: &FactsQuery<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let identity = query.identity;
    let email = identity.email.as_ref().map(EmailAddress::folded);
    // A commit has the time as it is stored.
    (query.organization.as_str(), identity.connection.as_str(), &identity.subject, email, query.now.as_microsecond()).hash(&mut hasher);
    hasher.finish()
}

impl Reading {
    /// Without `as_of` a commit reads everything again.
    pub(in crate::store) const fn new(facts: Facts, as_of: Option<AsOf>) -> Self {
        Self { facts, as_of }
    }

    pub(in crate::store) const fn as_of(&self) -> Option<AsOf> {
        self.as_of
    }

    /// The facts by themselves, for whoever asks what would be if some of them were others.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        self.facts
    }
}

impl Deref for Reading {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}
