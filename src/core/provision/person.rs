//! Step 3: which person is it.
//!
//! The key is (connection, subject). An address finds only someone whom no provider has vouched for yet, and only in a verified
//! domain (step 2 has seen to that). Everything else that looks alike is refused and left to an admin: whoever can set an address at
//! one provider must not become somebody else.

use super::Known;
use super::candidate::Login;
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use crate::core::{Link, LinkId, Reason};

/// The person, and how the asserted subject is tied to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    /// `None`: nobody we know.
    pub(super) known: Option<&'a Known>,
    pub(super) tie: Tie,
}

/// How the asserted (connection, subject) is tied to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// It is already.
    Linked,
    /// A link is made.
    New,
    /// This link gets the new subject.
    Replaces(LinkId),
}

pub(super) fn find<'a>(login: Login<'a>, trace: &mut Trace) -> Result<Found<'a>, Refusal> {
    if let Some(known) = &login.facts.linked {
        return linked(login, known, trace);
    }
    let with_address: Vec<&Known> = login.facts.same_email.iter().filter(|known| known.person.email == login.identity.email).collect();
    match with_address.as_slice() {
        [] => {
            trace.add(Rule::Identity, Verdict::Noted, "nobody known by this subject or address");
            Ok(Found { known: None, tie: Tie::New })
        }
        [known] => by_address(login, known, trace),
        several => {
            let ids: Vec<String> = several.iter().map(|known| known.person.id.to_string()).collect();
            Err(refuse(trace, Reason::IdentityAmbiguous, format!("several people have this address: {}", ids.join(", "))))
        }
    }
}

/// Rows 48, 49: the subject decides; a changed address is taken over unless somebody else has it.
fn linked<'a>(login: Login<'a>, known: &'a Known, trace: &mut Trace) -> Result<Found<'a>, Refusal> {
    let person = &known.person;
    if person.email != login.identity.email {
        let holder = login.facts.same_email.iter().find(|other| other.person.id != person.id && other.person.email == login.identity.email);
        if let Some(other) = holder {
            let detail = format!("{} now comes with the address of {}", person.id, other.person.id);
            return Err(refuse(trace, Reason::EmailTaken, detail));
        }
        trace.add(Rule::Identity, Verdict::Noted, format!("{} has a new address", person.id));
    }
    trace.add(Rule::Identity, Verdict::Won, format!("{} by subject", person.id));
    Ok(Found { known: Some(known), tie: Tie::Linked })
}

/// Rows 50, 51: an address alone is proof for an unlinked person, or while an admin holds a relink window open.
fn by_address<'a>(login: Login<'a>, known: &'a Known, trace: &mut Trace) -> Result<Found<'a>, Refusal> {
    let id = known.person.id;
    if known.links.is_empty() {
        trace.add(Rule::Identity, Verdict::Won, format!("{id} by verified address, never signed in before"));
        return Ok(Found { known: Some(known), tie: Tie::New });
    }
    if login.facts.connection.relink_open_until.is_none_or(|until| login.now >= until) {
        let detail = format!("{id} has this address and is linked to another subject; no relink window is open");
        return Err(refuse(trace, Reason::SubjectChanged, detail));
    }
    let here: Vec<&Link> = known.links.iter().filter(|link| link.connection == login.identity.connection).collect();
    let tie = match here.as_slice() {
        [] => Tie::New,
        [link] => Tie::Replaces(link.id),
        _ => return Err(refuse(trace, Reason::IdentityAmbiguous, format!("{id} has several links on this connection"))),
    };
    trace.add(Rule::Identity, Verdict::Won, format!("{id} by verified address, inside the relink window"));
    Ok(Found { known: Some(known), tie })
}

fn refuse(trace: &mut Trace, reason: Reason, detail: String) -> Refusal {
    trace.add(Rule::Identity, Verdict::Refused, detail);
    Refusal::plain(reason)
}
