//! Steps 1 and 2: may anyone come through this connection with this message and this address.

use super::candidate::Login;
use super::decide::Refusal;
use super::decision::{Rule, Trace, Verdict};
use super::guest;
use crate::core::Reason;

pub(super) fn check(login: Login<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    let state = &login.facts.connection;
    let identity = login.identity;
    let mut refuse = |reason, why: &str| {
        trace.add(Rule::Connection, Verdict::Refused, format!("connection {}: {why}", identity.connection));
        Err(Refusal::plain(reason))
    };

    if identity.connection != state.id {
        return refuse(Reason::AuthInvalid, "the facts are about another connection");
    }
    // An empty subject would tie everyone without one to the same person.
    if identity.subject.trim().is_empty() {
        return refuse(Reason::AuthInvalid, "the provider named no subject");
    }
    if identity.idp_initiated && !state.allow_idp_initiated {
        return refuse(Reason::AuthInvalid, "the login started at the provider, and the connection does not allow that");
    }
    if !state.enabled {
        return refuse(Reason::DomainNotAllowed, "switched off");
    }
    if identity.email.is_none() {
        return refuse(Reason::DomainNotAllowed, "the provider sent no address");
    }
    if state.domain_verified {
        trace.add(Rule::Connection, Verdict::Noted, format!("connection {}: on, domain verified", identity.connection));
        return Ok(());
    }
    if guest::may_come(login, trace) {
        return Ok(());
    }
    let why = "the domain of the address is not one of the connection's, or not verified";
    trace.add(Rule::Connection, Verdict::Refused, format!("connection {}: {why}", identity.connection));
    Err(Refusal::plain(Reason::DomainNotAllowed))
}
