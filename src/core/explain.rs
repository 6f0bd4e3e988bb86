//! A decision in plain lines: what `usher explain`, `usher whatif`, the sample app and the console show.

use serde::{Deserialize, Serialize};

use super::provision::{Change, Decision, Outcome, Rule, Step, Verdict};
use super::{Reason, SeatTier};

/// A decision for a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The reason code.
    pub reason: Reason,
    /// `Admin · Premium`, or why not.
    pub headline: String,
    /// The groups that decided role and seat; empty when something else did.
    pub because: Vec<String>,
    /// Every role tried.
    pub role: Vec<String>,
    /// Every seat tier tried, and the arithmetic.
    pub seat: Vec<String>,
    /// Guards that were looked at or decided.
    pub guards: Vec<String>,
    /// Pins that decided.
    pub pins: Vec<String>,
    /// How the person was found and let in: connection, identity, status, mode, invite, groups.
    pub way_in: Vec<String>,
    /// What an admin should know: names that almost fit, and what the decision noticed.
    pub notes: Vec<String>,
    /// What the decision writes; empty when nothing changes.
    pub changes: Vec<String>,
}

impl Explanation {
    /// The headline with its groups: `Admin · Premium, because app-admins and design`.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.because.as_slice() {
            [] => self.headline.clone(),
            [only] => format!("{}, because {only}", self.headline),
            [first @ .., last] => format!("{}, because {} and {last}", self.headline, first.join(", ")),
        }
    }
}

/// Explains a decision, whether it was written or only asked for.
#[must_use]
pub fn explain(decision: &Decision) -> Explanation {
    let lines =
        |wanted: &[Rule]| -> Vec<String> { decision.trace.steps.iter().filter(|step| wanted.contains(&step.rule)).map(line).collect() };
    let mut notes = lines(&[Rule::NearMiss]);
    let (headline, because) = match &decision.outcome {
        Outcome::Refuse(reason) => (reason.for_admin().to_owned(), Vec::new()),
        Outcome::Admit(admission) => {
            notes.extend(admission.notes.iter().map(|note| note.for_admin().to_owned()));
            let seat = admission.seat.as_ref().map(|tier| format!(" · {tier}")).unwrap_or_default();
            (format!("{}{seat}", admission.role), winning_groups(&decision.trace.steps))
        }
    };
    Explanation {
        reason: decision.outcome.reason(),
        headline,
        because,
        role: lines(&[Rule::Role]),
        seat: lines(&[Rule::Seat, Rule::SeatGate]),
        guards: lines(&[Rule::Guard]),
        pins: lines(&[Rule::Pin]),
        way_in: lines(&[Rule::Connection, Rule::Identity, Rule::Status, Rule::Mode, Rule::Invite, Rule::Groups]),
        notes,
        changes: decision.changes.iter().filter_map(described).collect(),
    }
}

fn line(step: &Step) -> String {
    let mark = match step.verdict {
        Verdict::Won => "won: ",
        Verdict::Lost => "lost: ",
        Verdict::NoMatch => "no: ",
        Verdict::Refused => "refused: ",
        Verdict::Noted => "",
    };
    format!("{mark}{}", step.detail)
}

/// The groups that decided the role, as people read them; empty when something else did.
#[must_use]
pub fn groups_behind_role(decision: &Decision) -> Vec<String> {
    winning_groups(decision.trace.steps.iter().filter(|step| step.rule == Rule::Role))
}

/// The groups that decided the seat tier, as people read them; empty when something else did.
#[must_use]
pub fn groups_behind_seat(decision: &Decision) -> Vec<String> {
    winning_groups(decision.trace.steps.iter().filter(|step| matches!(step.rule, Rule::Seat | Rule::SeatGate)))
}

fn winning_groups<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for group in steps.into_iter().filter(|step| step.verdict == Verdict::Won).flat_map(|step| &step.groups) {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    groups
}

/// What a change means for the person; `None` for what only the books need.
fn described(change: &Change) -> Option<String> {
    let seat = |tier: &Option<SeatTier>| tier.as_ref().map_or_else(|| "no seat".to_owned(), |tier| format!("a {tier} seat"));
    Some(match change {
        Change::CreatePerson { .. } | Change::ConsumeInvite { held: None, .. } => return None,
        Change::UpdatePerson { .. } => "address or name are taken over from the provider".to_owned(),
        Change::CreateLink => "the sign-in is linked to the person".to_owned(),
        Change::Relink { .. } => "the person's link gets the new subject".to_owned(),
        Change::CreateMember { role, seat: tier, primary_owner } => {
            let owner = if *primary_owner { " and Primary Owner" } else { "" };
            format!("becomes a member: {role}{owner}, {}", seat(tier))
        }
        Change::ReaddMember { role, seat: tier, .. } => format!("is a member again: {role}, {}", seat(tier)),
        Change::SetRole { from, to, .. } => format!("role: {from} becomes {to}"),
        Change::MoveSeat { from, to, .. } => format!("seat: {} becomes {}", seat(from), seat(to)),
        Change::QueueForTier { tier } => format!("waits for a {tier} seat"),
        Change::LeaveQueue { .. } => "waits for no other seat any more".to_owned(),
        Change::ConsumeInvite { held: Some(tier), .. } => format!("the invite is used up, with the {tier} seat that it held"),
        Change::MarkPrimaryOwner { .. } => "becomes the Primary Owner".to_owned(),
        Change::SetPin { pin } => format!("role and seat are pinned until {}", pin.ends_at.strftime("%-d %b %Y")),
        Change::DropPin { .. } => "the pin that has ended is taken off".to_owned(),
        Change::RemoveMember { .. } => "is removed; the seat is free".to_owned(),
        Change::RecordAttempt { .. } => "the attempt is kept for the administrators".to_owned(),
    })
}
