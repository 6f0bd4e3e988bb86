//! What needs somebody, the most pressing first. Each alarm leads to what it is about.

use crate::core::Reason;
use crate::http::admin::connections::Summary;
use crate::http::admin::console::Console;
use crate::http::admin::parts::{Badge, Tone, count};

use super::Facts;

/// One thing that needs somebody.
#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) badge: Badge,
    pub(super) says: String,
    /// Label and address.
    pub(super) link: Option<(&'static str, String)>,
}

/// From how many hundredths on the seats of a tier are worth a word (rules.md, `seat_warn`).
const SEAT_WARN_PERCENT: u64 = 80;

pub(super) fn alarms(console: &Console, facts: &Facts) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = facts.connections.iter().filter(|connection| connection.enabled).flat_map(of_connection).collect();
    alarms.extend(of_attempts(console, facts));
    alarms.extend(of_seats(facts));
    for domain in console.settings.settings.domains.iter().filter(|domain| domain.verified.is_none()) {
        let says = format!("The domain {} is not verified: its people are refused.", domain.name);
        alarms.push(Alarm { badge: Badge::new(Tone::Warn, "Domain"), says, link: None });
    }
    alarms.sort_by_key(|alarm| alarm.badge.tone != Tone::Bad);
    alarms
}

fn of_connection(connection: &Summary) -> Vec<Alarm> {
    let link = || Some(("Look at the connection", connection.href.clone()));
    let mut alarms = Vec::new();
    if let Some(reason) = &connection.closed {
        let says = format!("Nobody can sign in through {}: {reason}.", connection.name);
        alarms.push(Alarm { badge: Badge::new(Tone::Bad, "Sign-in"), says, link: link() });
    } else if connection.status.tone == Tone::Warn {
        let says = format!("The last message from {} was refused.", connection.name);
        alarms.push(Alarm { badge: Badge::new(Tone::Warn, "Sign-in"), says, link: link() });
    }
    if let Some(claim) = connection.claim.as_ref().filter(|claim| matches!(claim.tone, Tone::Warn | Tone::Bad)) {
        let says = format!("{}: {}. Members keep their role for now, new people are refused.", connection.name, claim.text.to_lowercase());
        alarms.push(Alarm { badge: Badge::new(claim.tone, "Groups"), says, link: link() });
    }
    if let Some(certificate) = connection.last_certificate().filter(|certificate| certificate.badge.tone != Tone::Good) {
        let says = format!("The signing certificate of {}: {}.", connection.name, certificate.badge.text.to_lowercase());
        alarms.push(Alarm { badge: Badge::new(certificate.badge.tone, "Certificate"), says, link: link() });
    }
    alarms
}

fn of_attempts(_: &Console, facts: &Facts) -> Option<Alarm> {
    let waiting = facts.attempts.iter().filter(|attempt| attempt.reason == Reason::NoSeatsLeft).count();
    (waiting > 0).then(|| Alarm {
        badge: Badge::new(Tone::Warn, "Waiting"),
        says: format!("{} for a seat.", count(waiting, "person waits", "people wait")),
        link: None,
    })
}

fn of_seats(facts: &Facts) -> Vec<Alarm> {
    let full = |seat: &&crate::core::provision::SeatCount| {
        seat.owned > 0 && u64::from(seat.used) * 100 >= u64::from(seat.owned) * SEAT_WARN_PERCENT
    };
    let alarm = |seat: &crate::core::provision::SeatCount| {
        let (tone, says) = match seat.free() {
            0 => (Tone::Warn, format!("All {} {} seats are used.", seat.owned, seat.tier)),
            free => (
                Tone::Plain,
                format!("{} left of {}.", count(free, &format!("{} seat", seat.tier), &format!("{} seats", seat.tier)), seat.owned),
            ),
        };
        Alarm { badge: Badge::new(tone, "Seats"), says, link: None }
    };
    facts.seats.iter().filter(full).map(alarm).collect()
}
