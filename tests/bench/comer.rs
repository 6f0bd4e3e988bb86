//! Somebody who comes to Acme, and what is decided about them.

use usher::core::provision::{Admission, Change, Decision, Outcome, Trace};
use usher::core::{ConnectionId, EmailAddress, GroupClaim, Identity, Reason, Role, SeatTier};

use crate::acme::Error;

/// The decision about a first login.
pub(crate) fn newcomer(identity: &Identity) -> Decision {
    let member = Change::CreateMember { role: Role::new("User"), seat: Some(SeatTier::new("Standard")), primary_owner: false };
    let person = Change::CreatePerson { email: identity.email.clone(), name: identity.name.clone() };
    admit(Reason::OkNew, vec![person, Change::CreateLink, member])
}

/// The decision to let someone in.
pub(crate) fn admit(reason: Reason, changes: Vec<Change>) -> Decision {
    let admission = Admission { reason, role: Role::new("User"), seat: Some(SeatTier::new("Standard")), notes: Vec::new() };
    Decision { outcome: Outcome::Admit(admission), changes, trace: Trace::default() }
}

pub(crate) fn identity(number: usize) -> Result<Identity, Error> {
    Ok(Identity {
        connection: ConnectionId::parse("okta")?,
        subject: format!("subject-{number}"),
        email: Some(EmailAddress::parse(&format!("person{number}@acme.example"))?),
        name: Some(format!("Person {number}")),
        groups: GroupClaim::from_values(["everyone", "engineering", "berlin", "design"]),
        idp_initiated: false,
    })
}
