//! What each event says, in one sentence. A test reads the source and asks for a sentence for every event that it writes.

use serde_json::Value;

use crate::store::AuditLine;

/// Every event that Usher writes.
#[must_use]
pub const fn events() -> &'static [&'static str] {
    &EVENTS
}

const EVENTS: [&str; 33] = [
    "activity.exported",
    "connection.relink_window_closed",
    "connection.relink_window_opened",
    "invite.created",
    "invite.revoked",
    "invite.sent_again",
    "login.admitted",
    "login.refused",
    "logout.refused",
    "member.blocked",
    "member.changed",
    "member.pinned",
    "member.relinked",
    "member.removed",
    "member.restored",
    "member.seat_given",
    "member.seat_reclaimed",
    "member.service_account_marked",
    "member.unblocked",
    "member.unpinned",
    "members.exported",
    "owner.transferred",
    "recovery.link_created",
    "recovery.link_used",
    "request.approved",
    "request.asked",
    "request.blocked",
    "request.declined",
    "session.ended",
    "settings.applied",
    "token.created",
    "token.revoked",
    "token.rotated",
];

/// What an actor or target is called that is no person.
pub(super) fn name_of(id: &str) -> String {
    match id {
        "cli" => "The operator".to_owned(),
        "system" => "Usher".to_owned(),
        other => other.strip_prefix("token:").map_or_else(|| other.to_owned(), |token| format!("API token {token}")),
    }
}

/// A time as people write it: `10 Nov 2026, 08:00 UTC`.
#[must_use]
pub fn moment(text: &str) -> Option<String> {
    text.parse::<jiff::Timestamp>().ok().map(|at| at.strftime("%-d %b %Y, %H:%M UTC").to_string())
}

/// The sentence of a line.
pub(super) fn of(line: &AuditLine, actor: &str, target: Option<&str>) -> String {
    let said = Said { line, actor, target: target.unwrap_or("somebody") };
    said.known().unwrap_or_else(|| said.unknown())
}

struct Said<'a> {
    line: &'a AuditLine,
    actor: &'a str,
    target: &'a str,
}

impl Said<'_> {
    fn detail(&self, pointer: &str) -> Option<String> {
        match self.line.detail.pointer(pointer)? {
            Value::Null => None,
            Value::String(text) => Some(moment(text).unwrap_or_else(|| text.clone())),
            other => Some(other.to_string()),
        }
    }

    /// The detail with words around it, or nothing.
    fn with(&self, before: &str, pointer: &str, after: &str) -> String {
        self.detail(pointer).map(|text| format!("{before}{text}{after}")).unwrap_or_default()
    }

    fn known(&self) -> Option<String> {
        let Self { actor, target, .. } = self;
        Some(match self.line.event.as_str() {
            "login.admitted" => self.admitted(),
            "login.refused" => self.refused(),
            "logout.refused" => {
                let through = self.detail("/connection").or_else(|| self.line.target.as_ref().map(|_| target.to_string()));
                let through = through.map(|through| format!(" through {through}")).unwrap_or_default();
                format!("A sign-out message{through} was refused{}.", self.with(": ", "/code", ""))
            }
            "session.ended" => self.session_ended(),
            "settings.applied" => format!("{actor} changed the settings ({}).", self.objects()),
            "connection.relink_window_opened" => {
                format!("{actor} opened the relink window of connection {target}{}.", self.with(" until ", "/until", ""))
            }
            "connection.relink_window_closed" => format!("{actor} closed the relink window of connection {target}."),
            "invite.created" => format!("{actor} invited {target}{}.", self.with(" as ", "/after/invite/role", "")),
            "invite.revoked" => format!("{actor} revoked the invite of {target}."),
            "invite.sent_again" => format!("{actor} sent the invite of {target} again."),
            "owner.transferred" => format!("{actor} made {} the Primary Owner.", self.new_owner()),
            event if event.starts_with("member.") => return self.by_hand(event),
            "token.created" => format!("{actor} made the API token{}.", self.with(" ", "/name", "")),
            "token.rotated" => format!("{actor} gave the API token{} another secret.", self.with(" ", "/name", "")),
            "token.revoked" => format!("{actor} revoked the API token{}.", self.with(" ", "/name", "")),
            "members.exported" => format!("{actor} exported the list of members."),
            "activity.exported" => format!("{actor} exported the activity{}.", self.with(" as ", "/format", "")),
            "request.approved" => {
                let role = self.with(" as ", "/after/member/role", "");
                let pin = self.with(", pinned until ", "/after/member/pin/ends_at", "");
                format!("{actor} let {} in on request{role}{pin}.", self.person())
            }
            "request.asked" => format!("{} asked for access{}.", self.person(), self.with(": “", "/asked_for", "”")),
            "request.blocked" => format!("{actor} blocked {}, who had asked for access.", self.person()),
            "request.declined" => format!("{actor} declined the request of {}{}.", self.person(), self.with(": “", "/note", "”")),
            "recovery.link_created" => format!("{actor} made a recovery link{}.", self.with(" for ", "/email", "")),
            "recovery.link_used" => format!("{actor} signed in with a recovery link."),
            _ => return None,
        })
    }

    /// `member.seat_moved` of a later version: "Ada: member seat moved (Jo Park)."
    fn unknown(&self) -> String {
        let what = self.line.event.replace(['.', '_'], " ");
        let target = if self.line.target.is_some() { format!(" ({})", self.target) } else { String::new() };
        format!("{}: {what}{target}.", self.actor)
    }

    fn admitted(&self) -> String {
        let came = match self.line.reason.map(crate::core::Reason::code) {
            Some("ok_new") => "signed in for the first time and became a member",
            Some("ok_readded") => "signed in and became a member again",
            _ => "signed in",
        };
        let role = self.with(" as ", "/outcome/admit/role", "");
        let seat = self.with(" with a ", "/outcome/admit/seat", " seat");
        format!("{} {came}{}{role}{seat}.", self.target, self.with(" through ", "/connection", ""))
    }

    fn refused(&self) -> String {
        let why = self.line.reason.map(|reason| format!(": {}", reason.code())).unwrap_or_default();
        if self.line.organization.is_none() {
            let through = self.detail("/connection").or_else(|| self.line.target.clone()).unwrap_or_default();
            return format!("A sign-in message through {through} was refused{}.", self.with(": ", "/code", ""));
        }
        // Whoever has no place here is known by what the provider says.
        let stranger = || self.detail("/email").unwrap_or_else(|| self.with("Somebody called ", "/subject", ""));
        let who = self.line.target.as_ref().map_or_else(stranger, |_| self.target.to_owned());
        let removed = if self.removes_the_member() { ", and is no member any more" } else { "" };
        format!("{who} was refused at sign-in{}{why}{removed}.", self.with(" through ", "/connection", ""))
    }

    /// Who asked: the address, while there is no person yet.
    fn person(&self) -> String {
        let by_address = || self.detail("/email").unwrap_or_else(|| "Somebody".to_owned());
        self.line.target.as_ref().map_or_else(by_address, |_| self.target.to_owned())
    }

    fn removes_the_member(&self) -> bool {
        let changes = self.line.detail.get("changes").and_then(Value::as_array);
        changes.is_some_and(|changes| changes.iter().any(|change| change.get("change").is_some_and(|kind| kind == "remove_member")))
    }

    /// What an administrator did to a member.
    fn by_hand(&self, event: &str) -> Option<String> {
        let Self { actor, target, .. } = self;
        let seat = || self.detail("/after/member/seat").map_or_else(|| "a seat".to_owned(), |tier| format!("a {tier} seat"));
        Some(match event {
            "member.blocked" => format!("{actor} removed and blocked {target}."),
            "member.changed" => format!("{actor} changed {target} by hand."),
            "member.pinned" => {
                let until = self.with(" until ", "/after/member/pin/ends_at", "");
                format!("{actor} pinned what {target} has{until}{}.", self.with(": ", "/after/member/pin/reason", ""))
            }
            "member.relinked" => format!("{actor} tied {target} to another sign-in{}.", self.with(" through ", "/connection", "")),
            "member.removed" => format!("{actor} removed {target}."),
            "member.restored" => format!("{actor} undid the removal of {target}."),
            "member.seat_given" => format!("{actor} gave {target} {}, which they waited for.", seat()),
            "member.seat_reclaimed" => format!("{actor} took the seat of {target} back."),
            "member.service_account_marked" => match self.line.detail.pointer("/after/person/service_account").and_then(Value::as_bool) {
                Some(false) => format!("{actor} marked {target} as a human."),
                _ => format!("{actor} marked {target} as a service account."),
            },
            "member.unblocked" => format!("{actor} unblocked {target}."),
            "member.unpinned" => format!("{actor} took the pin of {target} off."),
            _ => return None,
        })
    }

    /// A transfer has a line for either side; both name the new one.
    fn new_owner(&self) -> String {
        let after = |field: &str| self.line.detail.pointer(field);
        if after("/after/member/primary_owner") == Some(&Value::Bool(false)) {
            format!("somebody else than {}", self.target)
        } else {
            self.target.to_owned()
        }
    }

    fn session_ended(&self) -> String {
        let Self { actor, target, .. } = self;
        match self.detail("/which").as_deref() {
            None if self.detail("/cause").as_deref() == Some("provider") => format!("The identity provider signed {target} out."),
            None => format!("{target} signed out."),
            Some("one") => format!("{actor} ended a session of {target}."),
            Some("member") => format!("{actor} ended {} of {target}.", self.sessions()),
            Some("connection") => format!("{actor} ended {}{}.", self.sessions(), self.with(" that came through ", "/connection", "")),
            Some(_) => format!("{actor} ended {} of the organization.", self.sessions()),
        }
    }

    fn sessions(&self) -> String {
        match self.line.detail.get("sessions").and_then(Value::as_u64) {
            Some(1) => "the one session".to_owned(),
            Some(count) => format!("all {count} sessions"),
            None => "all sessions".to_owned(),
        }
    }

    /// `organization acme changed, connection okta added`.
    fn objects(&self) -> String {
        let text = |object: &Value, key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let objects = self.line.detail.get("objects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let said: Vec<String> = objects
            .iter()
            .map(|object| {
                let words = [text(object, "object"), text(object, "id"), text(object, "change")];
                words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        if said.is_empty() { "nothing in particular".to_owned() } else { said.join(", ") }
    }
}
