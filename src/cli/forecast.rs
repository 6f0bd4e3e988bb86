//! What new settings would mean for a member at the next login: the one decision, asked with the new settings and the groups last seen.

use std::sync::Arc;

use jiff::Timestamp;

use super::Failure;
use crate::core::provision::{ConnectionState, Facts, Outcome, decide};
use crate::core::{Identity, Organization, Reason, Role, SeatTier, Settings};
use crate::store::{FactsQuery, MemberRow, Store};

/// A member after the next login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Forecast {
    /// Comes in, with this role and seat.
    Member(Role, Option<SeatTier>),
    /// Is refused.
    Refused(Reason),
    /// Was never seen: what the provider would say is not known.
    Unknown,
}

/// Asks for one member. Guards that keep the last administrator in stay out of it: they work by accident, not by the settings.
pub(super) async fn forecast(
    store: &dyn Store,
    row: &MemberRow,
    settings: &Settings,
    organization: &Arc<Organization>,
    now: Timestamp,
) -> Result<Forecast, Failure> {
    let Some(last) = store.find_last_decision(&organization.id, row.person.id).await? else { return Ok(Forecast::Unknown) };
    let identity = last.identity;
    let stored = match store.load_facts(FactsQuery { organization: &organization.id, identity: &identity, now }).await {
        Ok(facts) => facts,
        // The connection of the last login is gone already, so what a login on another would say is not known.
        Err(crate::store::StoreError::Missing(_)) => return Ok(Forecast::Unknown),
        Err(error) => return Err(error.into()),
    };
    Ok(with_settings(stored, &identity, settings, organization, now))
}

fn with_settings(stored: Facts, identity: &Identity, settings: &Settings, organization: &Arc<Organization>, now: Timestamp) -> Forecast {
    let Some(connection) = settings.find_connection(&identity.connection) else { return Forecast::Unknown };
    let seats = organization.seat_tiers.iter().map(|tier| {
        let used = stored.seats.iter().find(|seats| seats.tier == tier.tier).map_or(0, |seats| seats.used);
        crate::core::provision::SeatCount { tier: tier.tier.clone(), owned: tier.owned, used }
    });
    let facts = Facts {
        seats: seats.collect(),
        connection: ConnectionState {
            enabled: connection.enabled,
            domain_verified: identity.email.as_ref().is_some_and(|email| settings.allows_domain(connection, email.domain())),
            allow_idp_initiated: connection.allow_idp_initiated,
            ..stored.connection
        },
        organization: Arc::clone(organization),
        other_admins: u32::MAX,
        ..stored
    };
    match decide(&facts, identity, now).outcome {
        Outcome::Admit(admission) => Forecast::Member(admission.role, admission.seat),
        Outcome::Refuse(reason) => Forecast::Refused(reason),
    }
}
