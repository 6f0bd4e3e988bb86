//! The last logins through a connection, each in one line.

use jiff::Timestamp;

use crate::core::provision::Outcome;
use crate::core::{Reason, explain};
use crate::http::admin::parts::{Badge, Tone};
use crate::http::admin::trouble::as_sentence;
use crate::store::LoginTrace;

/// A login as the list shows it.
#[derive(Debug, Clone)]
pub(super) struct TraceLine {
    pub(super) at: Timestamp,
    /// Name or address; `None` when nobody knows who came.
    pub(super) who: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) result: Badge,
    /// The exact code.
    pub(super) code: String,
    pub(super) sentence: String,
    /// The reference that the person saw.
    pub(super) incident: Option<String>,
}

impl TraceLine {
    pub(super) fn of(trace: &LoginTrace) -> Self {
        match trace {
            LoginTrace::Decided(record) => {
                let admitted = matches!(record.decision.outcome, Outcome::Admit(_));
                let (tone, word) = if admitted { (Tone::Good, "Let in") } else { (Tone::Bad, "Refused") };
                let address = record.identity.email.as_ref().map(ToString::to_string);
                Self {
                    at: record.at,
                    who: record.identity.name.clone().or(address),
                    subject: Some(record.identity.subject.clone()),
                    result: Badge::new(tone, word),
                    code: record.decision.outcome.reason().code().to_owned(),
                    sentence: explain(&record.decision).sentence(),
                    incident: record.incident.filter(|_| !admitted).map(|incident| incident.to_string()),
                }
            }
            LoginTrace::Refused { at, code, incident } => Self {
                at: *at,
                who: None,
                subject: None,
                result: Badge::new(Tone::Bad, "Message refused"),
                code: code.clone(),
                sentence: as_sentence(Reason::AuthInvalid.for_admin()),
                incident: incident.map(|incident| incident.to_string()),
            },
        }
    }
}
