//! Single logout (SAML Core 3.7, Profiles 4.4): the provider's requests and answers, read with the verifier of logins, and ours, written.

use jiff::Timestamp;
use roxmltree::Node;

use super::SamlError;
use super::conditions::{self, MAX_AGE};
use super::message::{Kind, decode_post};
use super::query;
use super::request::new_id;
use super::response::{SUCCESS, check_places, check_status};
use super::xml::algorithms::VerifyingKey;
use super::xml::{self, DS, SAML, SAMLP, attribute, elements, escape, is, signature, value};
use crate::core::DoorSession;

/// More sessions than one person has at one provider.
const MAX_INDEXES: usize = 64;
const MAX_RELAY_STATE_BYTES: usize = 1024;

/// A message of single logout as it arrived.
#[derive(Debug, Clone, Copy)]
pub enum Unverified<'a> {
    /// The query of a redirect, octet by octet.
    Query(&'a str),
    /// The fields of a form.
    Form {
        /// Which field it was.
        kind: Kind,
        /// The field's value.
        message: &'a str,
        /// The field `RelayState`.
        relay_state: Option<&'a str>,
    },
}

/// A message of single logout that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutMessage {
    /// The provider ends sessions.
    Request(LogoutRequest),
    /// The provider answers our request.
    Response(LogoutResponse),
}

/// The provider ends sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// The message's id.
    pub(super) id: String,
    pub(super) name_id: String,
    pub(super) indexes: Vec<String>,
    pub(super) issued_at: Timestamp,
    pub(super) relay_state: Option<String>,
}

/// The provider answers our request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    in_response_to: Option<String>,
    /// The key that we gave it on its way.
    pub relay_state: Option<String>,
    /// Whether the provider says that everyone was reached.
    pub succeeded: bool,
}

impl LogoutResponse {
    /// Whether it answers this request of ours.
    ///
    /// # Errors
    /// [`SamlError::InResponseToMissing`], [`SamlError::ResponseInResponseToWrong`].
    pub fn check_answers(&self, request_id: &str) -> Result<(), SamlError> {
        match self.in_response_to.as_deref() {
            Some(claimed) if claimed == request_id => Ok(()),
            Some(_) => Err(SamlError::ResponseInResponseToWrong),
            None => Err(SamlError::InResponseToMissing),
        }
    }
}

/// What a message has to say to be for us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) idp_entity_id: &'a str,
    pub(super) slo_url: &'a str,
    pub(super) keys: &'a [VerifyingKey],
    pub(super) now: Timestamp,
}

/// Verifies a message and reads it, in that order.
pub(super) fn read(unverified: Unverified<'_>, expected: &Expected<'_>) -> Result<LogoutMessage, SamlError> {
    match unverified {
        Unverified::Query(raw) => {
            let signed = query::read(raw, expected.keys)?;
            let document = xml::parse(&signed.xml)?;
            let root = document.root_element();
            check_places(root)?;
            // The query's signature is the one that counts here; one inside has to be right as well.
            signature::verify(root, expected.keys)?;
            read_root(root, signed.kind, signed.relay_state, expected)
        }
        Unverified::Form { kind, message, relay_state } => {
            let xml = decode_post(message)?;
            let document = xml::parse(&xml)?;
            check_places(document.root_element())?;
            let signed = signature::verify(document.root_element(), expected.keys)?.ok_or(SamlError::SignatureMissing)?;
            let relay_state = relay_state.filter(|state| !state.is_empty()).map(str::to_owned);
            read_root(signed.parse()?.root_element(), kind, relay_state, expected)
        }
    }
}

fn read_root(root: Node<'_, '_>, kind: Kind, relay_state: Option<String>, expected: &Expected<'_>) -> Result<LogoutMessage, SamlError> {
    let name = match kind {
        Kind::Request => "LogoutRequest",
        Kind::Response => "LogoutResponse",
    };
    if !is(root, SAMLP, name) {
        return Err(SamlError::Structure(name));
    }
    if attribute(root, "Version") != Some("2.0") {
        return Err(SamlError::VersionWrong);
    }
    if relay_state.as_ref().is_some_and(|state| state.len() > MAX_RELAY_STATE_BYTES) {
        return Err(SamlError::TooLarge);
    }
    let mut children = elements(root, name)?.into_iter().peekable();
    let issuer = children.next().filter(|child| is(*child, SAML, "Issuer")).ok_or(SamlError::Structure("Issuer"))?;
    if value(issuer, "Issuer")? != expected.idp_entity_id {
        return Err(SamlError::MessageIssuerWrong);
    }
    children.next_if(|child| is(*child, DS, "Signature"));
    conditions::check_destination(root, expected.slo_url, true)?;
    let issued_at = conditions::check_issue_instant(root, MAX_AGE, expected.now)?;
    let rest: Vec<_> = children.collect();
    match kind {
        Kind::Request => read_request(root, &rest, issued_at, relay_state, expected.now).map(LogoutMessage::Request),
        Kind::Response => read_response(root, &rest, relay_state).map(LogoutMessage::Response),
    }
}

fn read_request(
    root: Node<'_, '_>,
    parts: &[Node<'_, '_>],
    issued_at: Timestamp,
    relay_state: Option<String>,
    now: Timestamp,
) -> Result<LogoutRequest, SamlError> {
    if conditions::time(root, "NotOnOrAfter")?.is_some_and(|end| conditions::is_over(end, now)) {
        return Err(SamlError::Expired);
    }
    let (name_id, indexes) = match parts {
        [name_id, indexes @ ..] if is(*name_id, SAML, "NameID") => (*name_id, indexes),
        _ => return Err(SamlError::NameIdMissing),
    };
    if indexes.iter().any(|part| part.tag_name().name() == "NameID") {
        return Err(SamlError::NameIdNotOne);
    }
    if indexes.len() > MAX_INDEXES || !indexes.iter().all(|part| is(*part, SAMLP, "SessionIndex")) {
        return Err(SamlError::Structure("SessionIndex"));
    }
    Ok(LogoutRequest {
        id: attribute(root, "ID").ok_or(SamlError::IdMalformed)?.to_owned(),
        name_id: value(name_id, "NameID")?.to_owned(),
        indexes: indexes.iter().map(|index| value(*index, "SessionIndex").map(str::to_owned)).collect::<Result<_, _>>()?,
        issued_at,
        relay_state,
    })
}

fn read_response(root: Node<'_, '_>, parts: &[Node<'_, '_>], relay_state: Option<String>) -> Result<LogoutResponse, SamlError> {
    let [status] = parts else { return Err(SamlError::Structure("LogoutResponse")) };
    if !is(*status, SAMLP, "Status") {
        return Err(SamlError::Structure("Status"));
    }
    let succeeded = match check_status(*status) {
        Ok(()) => true,
        Err(SamlError::StatusNotSuccess(_)) => false,
        Err(error) => return Err(error),
    };
    Ok(LogoutResponse { in_response_to: attribute(root, "InResponseTo").map(str::to_owned), relay_state, succeeded })
}

/// Our request to end a session at the provider; `None` when the session does not know by which name.
pub(super) fn write_request(
    issuer: &str,
    destination: &str,
    session: &DoorSession,
    now: Timestamp,
) -> Result<Option<(String, String)>, SamlError> {
    let Some(name_id) = &session.name_id else { return Ok(None) };
    let id = new_id()?;
    let attribute =
        |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(r#" {name}="{}""#, escape(value))).unwrap_or_default();
    let attributes = [
        attribute("NameQualifier", &session.name_id_qualifiers.0),
        attribute("SPNameQualifier", &session.name_id_qualifiers.1),
        attribute("Format", &session.name_id_format),
    ];
    let index = session.index.as_ref().map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)));
    let body = format!("<saml:NameID{}>{}</saml:NameID>{}", attributes.concat(), escape(name_id), index.unwrap_or_default());
    let xml = write("LogoutRequest", &id, "", issuer, destination, &body, now);
    Ok(Some((id, xml)))
}

/// Our answer: the sessions are over. Those that were over before count as well.
pub(super) fn write_response(
    issuer: &str,
    destination: &str,
    request: &LogoutRequest,
    now: Timestamp,
) -> Result<(String, String), SamlError> {
    let id = new_id()?;
    let answers = format!(r#" InResponseTo="{}""#, escape(&request.id));
    let body = format!(r#"<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>"#);
    let xml = write("LogoutResponse", &id, &answers, issuer, destination, &body, now);
    Ok((id, xml))
}

fn write(name: &str, id: &str, more: &str, issuer: &str, destination: &str, body: &str, now: Timestamp) -> String {
    let (issuer, destination) = (escape(issuer), escape(destination));
    format!(
        r#"<samlp:{name} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{id}" Version="2.0" IssueInstant="{now:.0}" Destination="{destination}"{more}><saml:Issuer>{issuer}</saml:Issuer>{body}</samlp:{name}>"#
    )
}
