//! Sign-in, sessions, and the times of the rules.

use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{PAGE, fault, page};
use crate::admin::Fault;
use crate::config::{SessionLimits, parse_duration};
use crate::core::{Organization, Policy, RemovalThreshold};
use crate::http::admin::console::Console;
use crate::http::admin::review::{self, Edit, What};
use crate::http::admin::trouble::Trouble;
use crate::http::input::Posted;
use crate::http::views::View as _;
use crate::store::SsoProof;

const DAY_HOURS: i64 = 24;
/// No time of the rules is longer: ten years.
const LONGEST: SignedDuration = SignedDuration::from_hours(3650 * DAY_HOURS);

/// What the form shows.
#[derive(Debug)]
pub(super) struct PolicyForm {
    pub(super) require_sso: bool,
    pub(super) approve_first_logins: bool,
    pub(super) allow_guests: bool,
    /// Empty: as the process says.
    pub(super) session_idle: String,
    pub(super) session_max: String,
    /// What the process says.
    pub(super) idle_at_most: String,
    pub(super) lasts_at_most: String,
    pub(super) groups_absent_grace: String,
    pub(super) stale_after: String,
    pub(super) pin_max: String,
    pub(super) undo_window: String,
    pub(super) removal_percent: u32,
    pub(super) removal_people: u32,
    pub(super) seat_warn: String,
    /// When the way in without a provider was tried, and when somebody with the highest role came in through one.
    pub(super) recovery_used_at: Option<Timestamp>,
    pub(super) owner_signed_in_at: Option<Timestamp>,
    pub(super) highest_role: String,
    pub(super) link_command: String,
}

impl PolicyForm {
    pub(super) fn of(console: &Console, organization: &Organization, proof: SsoProof) -> Self {
        let policy = &organization.policy;
        let SessionLimits { idle_timeout, lifetime, .. } = console.app.config.session;
        let cap = |cap: Option<SignedDuration>| cap.map(written).unwrap_or_default();
        let process = |limit| format!("At most {}.", written(SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)));
        Self {
            require_sso: policy.require_sso,
            approve_first_logins: policy.approve_first_logins,
            allow_guests: policy.allow_guests,
            session_idle: cap(policy.session_idle),
            session_max: cap(policy.session_max),
            idle_at_most: process(idle_timeout),
            lasts_at_most: process(lifetime),
            groups_absent_grace: written(policy.groups_absent_grace),
            stale_after: written(policy.stale_after),
            pin_max: written(policy.pin_max),
            undo_window: written(policy.undo_window),
            removal_percent: policy.removal_threshold.percent,
            removal_people: policy.removal_threshold.people,
            seat_warn: policy.seat_warn.to_string(),
            recovery_used_at: proof.recovery_used_at,
            owner_signed_in_at: proof.owner_signed_in_at,
            highest_role: organization.roles.first().unwrap_or(&organization.default_role).to_string(),
            link_command: format!("usher admin link --organization {}", organization.id),
        }
    }
}

/// The form as it comes. A box that is not ticked sends nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    require_sso: Option<String>,
    approve_first_logins: Option<String>,
    allow_guests: Option<String>,
    session_idle: String,
    session_max: String,
    groups_absent_grace: String,
    stale_after: String,
    pin_max: String,
    undo_window: String,
    removal_percent: String,
    removal_people: String,
    seat_warn: String,
}

/// `POST /admin/{organization}/settings/policy`: to be reviewed, as every change of settings.
pub(super) async fn edit(console: Console, Posted(form): Posted<Form>) -> Result<Response, Trouble> {
    let mut organization = console.organization.clone();
    let faults = form.read(&console.app.config.session, &mut organization.policy);
    if faults.is_empty() {
        return review::begin(&console, &Edit { what: What::Organization(Box::new(organization)), page: PAGE.to_owned() }).await;
    }
    let mut page = page(&console, &organization).await?;
    page.faults = faults;
    page.policy.keep(form);
    Ok(page.respond())
}

impl Form {
    fn read(&self, process: &SessionLimits, policy: &mut Policy) -> Vec<Fault> {
        let mut faults = Vec::new();
        policy.require_sso = self.require_sso.is_some();
        policy.approve_first_logins = self.approve_first_logins.is_some();
        policy.allow_guests = self.allow_guests.is_some();
        policy.session_idle = cap(&self.session_idle, ("session_idle", "Idle"), process.idle_timeout, &mut faults);
        policy.session_max = cap(&self.session_max, ("session_max", "Lasts"), process.lifetime, &mut faults);
        let mut time = |text: &str, name: &'static str, label: &str, now: &mut SignedDuration| match span(text, label) {
            Ok(span) => *now = span,
            Err(message) => faults.push(fault(name, message)),
        };
        time(&self.groups_absent_grace, "groups_absent_grace", "Keep role and seat", &mut policy.groups_absent_grace);
        time(&self.stale_after, "stale_after", "Stale after", &mut policy.stale_after);
        time(&self.pin_max, "pin_max", "Longest pin", &mut policy.pin_max);
        time(&self.undo_window, "undo_window", "Removals can be undone", &mut policy.undo_window);
        match (self.removal_percent.trim().parse(), self.removal_people.trim().parse()) {
            (Ok(percent @ 0..=100), Ok(people @ 0..=1_000_000)) => policy.removal_threshold = RemovalThreshold { percent, people },
            _ => faults.push(fault("removal_percent", "Removals: write a share from 0 to 100 % and a number of people.")),
        }
        match self.seat_warn.trim().parse() {
            Ok(percent @ 1..=100) => policy.seat_warn = percent,
            _ => faults.push(fault("seat_warn", "Seats: write a share from 1 to 100 %.")),
        }
        faults
    }
}

impl PolicyForm {
    /// What was typed stays in the fields.
    fn keep(&mut self, form: Form) {
        self.session_idle = form.session_idle;
        self.session_max = form.session_max;
        self.groups_absent_grace = form.groups_absent_grace;
        self.stale_after = form.stale_after;
        self.pin_max = form.pin_max;
        self.undo_window = form.undo_window;
        self.seat_warn = form.seat_warn;
    }
}

/// A limit of sessions: none, or one within what the process allows.
fn cap(text: &str, (name, label): (&str, &str), process: std::time::Duration, faults: &mut Vec<Fault>) -> Option<SignedDuration> {
    if text.trim().is_empty() {
        return None;
    }
    let longest = SignedDuration::try_from(process).unwrap_or(SignedDuration::MAX);
    let message = match span(text, label) {
        Ok(span) if span < Policy::SESSION_MIN => format!("{label}: a session lasts at least 5 minutes."),
        Ok(span) if span > longest => format!("{label}: usher.toml allows {} at most.", written(longest)),
        Ok(span) => return Some(span),
        Err(message) => message,
    };
    faults.push(fault(name, message));
    None
}

fn span(text: &str, label: &str) -> Result<SignedDuration, String> {
    let span = parse_duration(text.trim()).map_err(|_| format!("{label}: write a number and a unit, like 30m, 8h or 7d."))?;
    if span > LONGEST { Err(format!("{label}: ten years at most.")) } else { Ok(span) }
}

/// As people write it: `30m`, `8h`, `7d`.
fn written(span: SignedDuration) -> String {
    let (seconds, minutes, hours) = (span.as_secs(), span.as_mins(), span.as_hours());
    if seconds % 60 != 0 {
        format!("{seconds}s")
    } else if minutes % 60 != 0 {
        format!("{minutes}m")
    } else if hours == 0 || hours % DAY_HOURS != 0 {
        format!("{hours}h")
    } else {
        format!("{}d", hours / DAY_HOURS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_it_is_read() {
        for text in ["90s", "30m", "8h", "7d", "36h", "0h"] {
            assert_eq!(written(span(text, "").unwrap()), text);
        }
    }

    #[test]
    fn a_limit_of_sessions_is_within_what_the_process_allows() {
        let read = |text: &str| {
            let mut faults = Vec::new();
            let cap = cap(text, ("session_max", "Lasts"), std::time::Duration::from_hours(12), &mut faults);
            (cap, faults.len())
        };
        assert_eq!(read(" "), (None, 0));
        assert_eq!(read("1h"), (Some(SignedDuration::from_hours(1)), 0));
        for bad in ["13h", "1m", "-1h", "soon", "99999999999999d", "1 month"] {
            assert_eq!(read(bad), (None, 1), "{bad}");
        }
    }
}
