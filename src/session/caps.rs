//! How long a session may be idle and how long it may last: as the process says, or shorter where an organization says so.
//!
//! The caps in force count for sessions that are alive too: whoever shortens them ends what is older at once.

use std::time::Duration;

use super::{Session, SessionError, Sessions};
use crate::config::SessionLimits;
use crate::core::{OrganizationId, Settings, describe};
use crate::store::StoreError;

/// The limits of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caps {
    /// It ends so long after its last request.
    pub(super) idle: Duration,
    /// It ends so long after the login.
    pub(super) lifetime: Duration,
}

impl Caps {
    const fn of_process(limits: &SessionLimits) -> Self {
        Self { idle: limits.idle_timeout, lifetime: limits.lifetime }
    }

    /// A session in several organizations obeys the strictest of them.
    fn of<'a>(limits: &SessionLimits, settings: &Settings, organizations: impl Iterator<Item = &'a OrganizationId>) -> Self {
        let shorter = |cap: Duration, own: Option<jiff::SignedDuration>| own.map_or(cap, |own| cap.min(own.unsigned_abs()));
        organizations.filter_map(|id| settings.find_organization(id)).fold(Self::of_process(limits), |caps, organization| Self {
            idle: shorter(caps.idle, organization.policy.session_idle),
            lifetime: shorter(caps.lifetime, organization.policy.session_max),
        })
    }
}

impl Sessions {
    /// The caps of a login into these organizations, at most [`super::MEMBER_AGE`] old.
    pub(super) async fn caps(&self, organizations: impl Iterator<Item = &OrganizationId>) -> Result<Caps, SessionError> {
        match self.members.load_settings().await {
            Ok(settings) => Ok(Caps::of(&self.limits(), &settings.answer, organizations)),
            // Nothing was ever saved.
            Err(StoreError::Missing(_)) => Ok(Caps::of_process(&self.limits())),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the caps of now in force for a session; while the settings cannot be read, those of before stay.
    pub(super) async fn cap(&self, session: &Session) {
        match self.caps(session.organizations().iter().map(|(organization, _)| organization)).await {
            Ok(caps) => session.cap(caps),
            Err(error) => tracing::debug!(error = describe(&error), "a session keeps the limits that it had"),
        }
    }
}
