//! The audit log as people read it: newest first, filtered, a page at a time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditLine, StoreError};
use crate::core::{ConnectionId, IncidentId, OrganizationId, Reason};

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ActivityResult {
    /// It was done.
    Ok,
    /// It was refused: its event ends in `.refused`.
    Refused,
}

/// Which lines. What is left out does not matter; everything that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityFilter {
    /// Who did it, as the line names them: a person id, `token:…`, `cli`, `system`.
    pub actor: Option<String>,
    /// What happened: an event (`login.refused`), or the beginning of several up to a dot (`login.` or `login`).
    pub event: Option<String>,
    /// To whom: a person or member id (either finds both), a connection, or whatever else the line names.
    pub target: Option<String>,
    /// Done or refused.
    pub result: Option<ActivityResult>,
    /// The reason code.
    pub reason: Option<Reason>,
    /// Through or about which connection.
    pub connection: Option<ConnectionId>,
    /// From which client address.
    pub address: Option<String>,
    /// In which request.
    pub request: Option<String>,
    /// The reference that an error page showed.
    pub incident: Option<IncidentId>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Anywhere in the line, without regard to case.
    pub text: Option<String>,
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct ActivityQuery<'a> {
    /// The lines of this organization.
    pub organization: &'a OrganizationId,
    /// Also the lines that belong to no organization.
    pub parent_level: bool,
    /// Which of them.
    pub filter: &'a ActivityFilter,
    /// The events that exist, for a filter by beginning or result.
    pub events: &'a [&'a str],
    /// Start after this place in the chain, going back in time.
    pub before: Option<i64>,
    /// At most this many, 1 to 1000.
    pub limit: u32,
}

/// Lines, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityPage {
    /// The lines. A page may be short, or empty, and still not be the last one: a search for text looks through a bounded piece of the log.
    pub lines: Vec<AuditLine>,
    /// Where the next page starts: its `before`; `None` at the end of the log.
    pub next: Option<i64>,
}

/// Reading the audit log.
#[async_trait]
pub trait ActivityStore {
    /// A page of audit lines, by time and place in the chain, newest first.
    async fn list_activity(&self, query: ActivityQuery<'_>) -> Result<ActivityPage, StoreError>;

    /// What people are called, by person or member id: the name, else the address. Ids of nobody are left out.
    async fn name_people(&self, ids: &[String]) -> Result<BTreeMap<String, String>, StoreError>;
}
