//! One connection in a few words.

use jiff::{SignedDuration, Timestamp};

use crate::core::{Connection, Protocol};
use crate::doors::Door;
use crate::http::admin::console::Console;
use crate::http::admin::parts::{Badge, Tone, count};
use crate::saml::IdpCertificate;
use crate::store::{ConnectionState, LoginTrace, StoreError};

/// A claim that came for nobody for so long is not healthy (rules.md, "Group value states").
const CLAIM_HEALTHY: SignedDuration = SignedDuration::from_hours(24);
const DAY_HOURS: i64 = 24;
/// Days before the end of a certificate at which the console speaks up, then warns, then shouts.
const NOTICE_DAYS: i64 = 60;
const WARN_DAYS: i64 = 30;
const ALARM_DAYS: i64 = 7;

/// What a list says of a connection.
#[derive(Debug, Clone)]
pub(in crate::http::admin) struct Summary {
    pub(in crate::http::admin) name: String,
    pub(in crate::http::admin) href: String,
    pub(in crate::http::admin) protocol: &'static str,
    pub(in crate::http::admin) enabled: bool,
    pub(in crate::http::admin) domains: Vec<String>,
    pub(in crate::http::admin) status: Badge,
    /// Why it cannot be used, when it cannot.
    pub(in crate::http::admin) closed: Option<String>,
    pub(in crate::http::admin) state: ConnectionState,
    /// Whether groups arrive; only where they decide something.
    pub(in crate::http::admin) claim: Option<Badge>,
    pub(in crate::http::admin) certificates: Vec<Certificate>,
}

/// A certificate of the provider, and how long it lasts.
#[derive(Debug, Clone)]
pub(in crate::http::admin) struct Certificate {
    pub(in crate::http::admin) not_after: Timestamp,
    pub(in crate::http::admin) fingerprint: String,
    pub(in crate::http::admin) badge: Badge,
}

impl Summary {
    /// The certificate that lasts longest says when logins end to work: with a second one, the provider changes over without anybody noticing.
    pub(in crate::http::admin) fn last_certificate(&self) -> Option<&Certificate> {
        self.certificates.iter().max_by_key(|certificate| certificate.not_after)
    }
}

/// Asks store and doors about a connection.
pub(in crate::http::admin) async fn summarize(console: &Console, connection: &Connection) -> Result<Summary, StoreError> {
    let app = &console.app;
    let state = app.store.find_connection_state(&console.organization.id, &connection.id).await?;
    let newest = app.store.list_login_traces(&console.organization.id, &connection.id, 1).await?;
    let entrance = app.doors.find_also_off(&connection.id);
    let closed = entrance.as_ref().and_then(|entrance| entrance.door.as_ref().err().cloned());
    let certificates = match entrance.map(|entrance| entrance.door) {
        Some(Ok(Door::Saml(sp))) => sp.idp_certificates().iter().map(|known| certificate(known, console.now)).collect(),
        _ => Vec::new(),
    };
    let last_message_refused = matches!(newest.first(), Some(LoginTrace::Refused { .. }));
    let status = match (connection.enabled, &closed) {
        (false, _) => Badge::new(Tone::Plain, "Off"),
        (true, Some(_)) => Badge::new(Tone::Bad, "Cannot be used"),
        (true, None) if last_message_refused => Badge::new(Tone::Warn, "Last message refused"),
        (true, None) if state.last_success_at.is_none() => Badge::new(Tone::Plain, "On, not used yet"),
        (true, None) => Badge::new(Tone::Good, "On"),
    };
    Ok(Summary {
        name: connection.name.clone(),
        href: console.path(&format!("connections/{}", connection.id)),
        protocol: protocol(connection),
        enabled: connection.enabled,
        domains: connection.domains.iter().map(ToString::to_string).collect(),
        status,
        closed,
        claim: console.organization.maps_at_login().then(|| claim(&state, console.now)),
        state,
        certificates,
    })
}

/// What people call the protocol.
pub(super) const fn protocol(connection: &Connection) -> &'static str {
    match connection.protocol {
        Protocol::Saml(_) => "SAML",
        Protocol::Oidc(_) => "OpenID Connect",
    }
}

fn claim(state: &ConnectionState, now: Timestamp) -> Badge {
    match state.last_groups_at {
        Some(at) if now.duration_since(at) <= CLAIM_HEALTHY => Badge::new(Tone::Good, "Groups arrive"),
        Some(_) => Badge::new(Tone::Warn, "No groups for a day"),
        None if state.last_success_at.is_some() => Badge::new(Tone::Bad, "Groups never came"),
        None => Badge::new(Tone::Plain, "No groups seen yet"),
    }
}

fn certificate(known: &IdpCertificate, now: Timestamp) -> Certificate {
    let days = known.not_after.duration_since(now).as_hours() / DAY_HOURS;
    let left = || format!("{} left", count(days.unsigned_abs(), "day", "days"));
    let badge = if known.not_after <= now {
        Badge::new(Tone::Bad, "Has ended")
    } else if days <= ALARM_DAYS {
        Badge::new(Tone::Bad, left())
    } else if days <= WARN_DAYS {
        Badge::new(Tone::Warn, left())
    } else if days <= NOTICE_DAYS {
        Badge::new(Tone::Plain, left())
    } else {
        Badge::new(Tone::Good, "Valid")
    };
    let fingerprint = known.fingerprint.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    Certificate { not_after: known.not_after, fingerprint, badge }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_announced_60_30_and_7_days_before_its_end() {
        let now: Timestamp = "2026-11-03T12:00:00Z".parse().unwrap();
        let after = |days: i64| {
            let not_after = now + SignedDuration::from_hours(days * DAY_HOURS);
            let badge = certificate(&IdpCertificate { not_after, fingerprint: "00ff".to_owned() }, now).badge;
            (badge.tone, badge.text)
        };
        assert_eq!(after(61), (Tone::Good, "Valid".to_owned()));
        assert_eq!(after(60), (Tone::Plain, "60 days left".to_owned()));
        assert_eq!(after(30), (Tone::Warn, "30 days left".to_owned()));
        assert_eq!(after(7), (Tone::Bad, "7 days left".to_owned()));
        assert_eq!(after(1), (Tone::Bad, "1 day left".to_owned()));
        assert_eq!(after(0), (Tone::Bad, "Has ended".to_owned()));
    }
}
