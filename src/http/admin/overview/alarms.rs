//! What needs somebody, the most pressing first. Each alarm leads to what it is about.

use crate::core::provision::SeatCount;
use crate::core::{GoneGroup, Reason};
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

pub(super) fn alarms(console: &Console, facts: &Facts) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = facts.connections.iter().filter(|connection| connection.enabled).flat_map(of_connection).collect();
    alarms.extend(facts.gone.iter().map(|gone| of_gone(console, gone)));
    alarms.extend(of_requests(console, facts));
    alarms.extend(of_seats(console, facts));
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

/// Row 65.
fn of_gone(console: &Console, gone: &GoneGroup) -> Alarm {
    let GoneGroup { label, gives, logins, last_seen_at, .. } = gone;
    let says = format!(
        "None of the last {logins} who signed in was in {label}, which gives {gives}; until {} people were. Was it renamed or deleted at the provider?",
        last_seen_at.strftime("%-d %b %Y")
    );
    Alarm { badge: Badge::new(Tone::Bad, "Groups"), says, link: Some(("Look at the mappings", console.path("access"))) }
}

/// Who waits for a free seat, and who for an administrator's yes.
fn of_requests(console: &Console, facts: &Facts) -> Vec<Alarm> {
    let for_a_seat = facts.requests.iter().filter(|request| request.reason == Reason::NoSeatsLeft).count();
    let waiting = [(for_a_seat, "a free seat"), (facts.requests.len() - for_a_seat, "your answer")];
    let alarm = |(people, what): (usize, &str)| Alarm {
        badge: Badge::new(Tone::Warn, "Waiting"),
        says: format!("{} for {what}.", count(people, "person waits", "people wait")),
        link: Some(("Look at the requests", console.path("requests"))),
    };
    waiting.into_iter().filter(|(people, _)| *people > 0).map(alarm).collect()
}

fn of_seats(console: &Console, facts: &Facts) -> Vec<Alarm> {
    let policy = &console.organization.policy;
    let alarm = |seat: &SeatCount| {
        let (tone, says) = match seat.free() {
            0 => (Tone::Warn, format!("All {} {} seats are used.", seat.owned, seat.tier)),
            free => (
                Tone::Plain,
                format!("{} left of {}.", count(free, &format!("{} seat", seat.tier), &format!("{} seats", seat.tier)), seat.owned),
            ),
        };
        Alarm { badge: Badge::new(tone, "Seats"), says, link: Some(("Look at the seats", console.path("seats"))) }
    };
    facts.seats.iter().filter(|seat| policy.warns_of_seats(seat.owned, seat.used)).map(alarm).collect()
}
