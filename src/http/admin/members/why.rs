//! Why somebody has what they have: what their provider said, which rules were tried, and what would give another role.

use jiff::Timestamp;

use crate::admin::{AdminError, Answer, MemberExplanation, Way};
use crate::core::provision::{Outcome, Rule, Step, Verdict};
use crate::core::{GroupClaim, groups_behind_role, groups_behind_seat};
use crate::http::admin::console::Console;
use crate::http::admin::parts::{Badge, Tone};
use crate::store::{DecisionRecord, MemberRow};

/// Groups that are named; of the others there is a number.
const NAMED: usize = 12;

/// The answer to "why is Jo a User?".
#[derive(Debug)]
pub(super) struct Why {
    /// `None`: never signed in here.
    pub(super) decided: Option<Decided>,
    /// The roles that the member does not have.
    pub(super) ways: Vec<Way>,
}

/// The newest decision about a member.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) at: Timestamp,
    /// The connection's name.
    pub(super) through: String,
    /// The first of the groups that came, and how many more there were.
    pub(super) groups: Vec<String>,
    pub(super) more: usize,
    /// What came instead of groups.
    pub(super) no_groups: &'static str,
    pub(super) sentence: String,
    pub(super) admitted: bool,
    /// The groups that gave the role, and those that gave the seat.
    pub(super) role_by: String,
    pub(super) seat_by: String,
    /// What was tried, under the word that it belongs to.
    pub(super) rules: Vec<(&'static str, Vec<Tried>)>,
    /// Role or seat are not what was decided then.
    pub(super) changed_since: bool,
    /// The same with today's rules and seats: what would come out, when that is something else.
    pub(super) today: Today,
    /// The reference that a refused person was shown.
    pub(super) incident: Option<String>,
}

/// What today's rules say to the same claims.
#[derive(Debug)]
pub(super) enum Today {
    Same,
    Other(String),
    /// The connection is gone.
    Unknown,
}

/// One rule that was tried.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) verdict: Option<Badge>,
    pub(super) detail: String,
}

/// Asks for the explanation that the API and the command line give, too.
pub(super) async fn why(console: &Console, row: &MemberRow) -> Result<Why, AdminError> {
    let MemberExplanation { decision, explanation, replay, ways, .. } =
        console.admin().explain_member(&console.actor, row.member.id).await?;
    let sentence = explanation.map(|explanation| explanation.sentence()).unwrap_or_default();
    Ok(Why {
        decided: decision.map(|record| decided(console, row, &record, sentence, replay)),
        ways: ways.into_iter().filter(|way| !way.current).collect(),
    })
}

fn decided(console: &Console, row: &MemberRow, record: &DecisionRecord, sentence: String, replay: Option<Answer>) -> Decided {
    let connection = console.settings.settings.find_connection(&record.connection);
    let all = if let GroupClaim::Present(groups) = &record.identity.groups { groups.iter().cloned().collect() } else { Vec::new() };
    Decided {
        at: record.at,
        through: connection.map_or_else(|| record.connection.to_string(), |connection| connection.name.clone()),
        more: all.len().saturating_sub(NAMED),
        groups: all.into_iter().take(NAMED).collect(),
        no_groups: match record.identity.groups {
            GroupClaim::Present(_) => "",
            GroupClaim::Empty => "no group",
            GroupClaim::Absent => "nothing about groups",
            GroupClaim::Malformed => "something about groups that cannot be read",
            GroupClaim::Overage => "that there are too many groups to list",
        },
        admitted: matches!(record.decision.outcome, Outcome::Admit(_)),
        role_by: groups_behind_role(&record.decision).join(", "),
        seat_by: groups_behind_seat(&record.decision).join(", "),
        rules: rules(&record.decision.trace.steps),
        changed_since: match &record.decision.outcome {
            Outcome::Admit(given) => row.member.role != given.role || row.member.seat != given.seat,
            Outcome::Refuse(_) => false,
        },
        today: match replay.map(|answer| answer.explanation.sentence()) {
            None => Today::Unknown,
            Some(today) if today == sentence => Today::Same,
            Some(today) => Today::Other(today),
        },
        incident: record.incident.map(|incident| incident.to_string()),
        sentence,
    }
}

/// In the order in which people ask: the role, the seat, then what may overrule both.
fn rules(steps: &[Step]) -> Vec<(&'static str, Vec<Tried>)> {
    let about = |wanted: &[Rule]| -> Vec<Tried> { steps.iter().filter(|step| wanted.contains(&step.rule)).map(tried).collect() };
    let all = [
        ("Role", about(&[Rule::Role])),
        ("Seat", about(&[Rule::Seat, Rule::SeatGate])),
        ("Pin", about(&[Rule::Pin])),
        ("Guard", about(&[Rule::Guard])),
        ("Almost", about(&[Rule::NearMiss])),
        ("Way in", about(&[Rule::Connection, Rule::Identity, Rule::Status, Rule::Mode, Rule::Invite, Rule::Approval, Rule::Groups])),
    ];
    all.into_iter().filter(|(_, tried)| !tried.is_empty()).collect()
}

fn tried(step: &Step) -> Tried {
    let verdict = match step.verdict {
        Verdict::Won => Some(Badge::new(Tone::Good, "counts")),
        Verdict::Lost => Some(Badge::new(Tone::Plain, "overruled")),
        Verdict::NoMatch => Some(Badge::new(Tone::Plain, "no")),
        Verdict::Refused => Some(Badge::new(Tone::Bad, "refused")),
        Verdict::Noted => None,
    };
    Tried { verdict, detail: step.detail.clone() }
}
