//! Is it for us, now, in answer to this request? SAML Core 2.5 and SAML Profiles 4.1.4.

use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

use super::SamlError;
use super::xml::{DS, SAML, attribute, elements, is, value};
use crate::clock::CLOCK_SKEW;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// How old a message may be, whatever its own end says.
pub(super) const MAX_AGE: SignedDuration = SignedDuration::from_mins(10);
/// The same when nobody asked: such a message can be forced on any browser, so it gets little time.
const MAX_AGE_UNASKED: SignedDuration = SignedDuration::from_mins(2);

/// What a message has to say to be for us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) idp_entity_id: &'a str,
    pub(super) sp_entity_id: &'a str,
    pub(super) acs_url: &'a str,
    /// `None`: nobody asked, and the connection accepts that; then the message must not claim to answer anything.
    pub(super) request_id: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// Proof that an assertion is for us, now, and answers the request; with what the session and the replay guard need of it.
#[derive(Debug)]
pub(super) struct ConditionsChecked {
    pub(super) assertion_id: String,
    pub(super) issued_at: Timestamp,
    /// When the person authenticated at the provider (`AuthnInstant`).
    pub(super) authenticated_at: Timestamp,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<Timestamp>,
    _only_made_here: (),
}

/// The response around the assertion. Unsigned, its attributes prove nothing, but a wrong one still refuses.
pub(super) fn check_response(response: Node<'_, '_>, signed: bool, expected: &Expected<'_>) -> Result<(), SamlError> {
    match response.children().find(|child| is(*child, SAML, "Issuer")) {
        Some(issuer) if value(issuer, "Issuer")? != expected.idp_entity_id => return Err(SamlError::MessageIssuerWrong),
        None if signed => return Err(SamlError::MessageIssuerWrong),
        Some(_) | None => {}
    }
    check_destination(response, expected.acs_url, signed)?;
    check_in_response_to(response, expected, SamlError::ResponseInResponseToWrong)?;
    check_issue_instant(response, expected.max_age(), expected.now)?;
    Ok(())
}

/// The destination is the address at which the message came; a signed message has to name it (SAML Bindings 3.4.5.2, 3.5.5.2).
pub(super) fn check_destination(message: Node<'_, '_>, address: &str, signed: bool) -> Result<(), SamlError> {
    match attribute(message, "Destination") {
        Some(destination) if destination == address => Ok(()),
        Some(_) => Err(SamlError::DestinationWrong),
        None if signed => Err(SamlError::DestinationMissing),
        None => Ok(()),
    }
}

/// The assertion itself, read from signed bytes.
pub(super) fn check_assertion(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<ConditionsChecked, SamlError> {
    if attribute(assertion, "Version") != Some("2.0") {
        return Err(SamlError::VersionWrong);
    }
    let mut children = elements(assertion, "Assertion")?.into_iter().peekable();
    let issuer = children.next().filter(|child| is(*child, SAML, "Issuer")).ok_or(SamlError::Structure("Issuer"))?;
    children.next_if(|child| is(*child, DS, "Signature"));
    let subject = children.next().filter(|child| is(*child, SAML, "Subject")).ok_or(SamlError::Structure("Subject"))?;
    let conditions = children.next().filter(|child| is(*child, SAML, "Conditions")).ok_or(SamlError::ConditionsMissing)?;
    let statements: Vec<_> = children.collect();

    if value(issuer, "Issuer")? != expected.idp_entity_id {
        return Err(SamlError::IssuerWrong);
    }
    let issued_at = check_issue_instant(assertion, expected.max_age(), expected.now)?;
    check_confirmation(subject, expected)?;
    check_conditions(conditions, expected)?;
    let Authentication { authenticated_at, session_index, session_not_on_or_after } = check_statements(&statements, expected.now)?;
    Ok(ConditionsChecked {
        assertion_id: attribute(assertion, "ID").ok_or(SamlError::IdMalformed)?.to_owned(),
        issued_at,
        session_index,
        authenticated_at,
        session_not_on_or_after,
        _only_made_here: (),
    })
}

impl Expected<'_> {
    const fn max_age(&self) -> SignedDuration {
        if self.request_id.is_some() { MAX_AGE } else { MAX_AGE_UNASKED }
    }
}

fn check_in_response_to(node: Node<'_, '_>, expected: &Expected<'_>, otherwise: SamlError) -> Result<(), SamlError> {
    match (attribute(node, "InResponseTo"), expected.request_id) {
        (claimed, wanted) if claimed == wanted => Ok(()),
        (None, _) => Err(SamlError::InResponseToMissing),
        (Some(_), _) => Err(otherwise),
    }
}

/// When the message was issued: not long ago, and not in the future.
pub(super) fn check_issue_instant(node: Node<'_, '_>, max_age: SignedDuration, now: Timestamp) -> Result<Timestamp, SamlError> {
    let issued = time(node, "IssueInstant")?.ok_or(SamlError::TimeMalformed)?;
    let age = now.duration_since(issued);
    if age > max_age {
        return Err(SamlError::IssuedTooLongAgo);
    }
    if age < -CLOCK_SKEW { Err(SamlError::IssuedInFuture) } else { Ok(issued) }
}

/// One bearer confirmation, for our address, not over yet.
fn check_confirmation(subject: Node<'_, '_>, expected: &Expected<'_>) -> Result<(), SamlError> {
    let parts = elements(subject, "Subject")?;
    let mut confirmations = parts.iter().filter(|part| is(**part, SAML, "SubjectConfirmation"));
    let (Some(confirmation), None) = (confirmations.next(), confirmations.next()) else { return Err(SamlError::ConfirmationMissing) };
    if attribute(*confirmation, "Method") != Some(BEARER) {
        return Err(SamlError::ConfirmationNotBearer);
    }
    let parts = elements(*confirmation, "SubjectConfirmation")?;
    let [data] = parts.as_slice() else { return Err(SamlError::Structure("SubjectConfirmation")) };
    if !is(*data, SAML, "SubjectConfirmationData") {
        return Err(SamlError::Structure("SubjectConfirmation"));
    }
    if attribute(*data, "Recipient") != Some(expected.acs_url) {
        return Err(SamlError::RecipientWrong);
    }
    if attribute(*data, "NotBefore").is_some() {
        return Err(SamlError::ConfirmationNotBefore);
    }
    check_in_response_to(*data, expected, SamlError::InResponseToWrong)?;
    let end = time(*data, "NotOnOrAfter")?.ok_or(SamlError::ConfirmationEndless)?;
    if is_over(end, expected.now) { Err(SamlError::ConfirmationExpired) } else { Ok(()) }
}

fn check_conditions(conditions: Node<'_, '_>, expected: &Expected<'_>) -> Result<(), SamlError> {
    if time(conditions, "NotBefore")?.is_some_and(|start| start.duration_since(expected.now) > CLOCK_SKEW) {
        return Err(SamlError::NotYetValid);
    }
    if time(conditions, "NotOnOrAfter")?.is_some_and(|end| is_over(end, expected.now)) {
        return Err(SamlError::Expired);
    }
    let mut restrictions = 0;
    for condition in elements(conditions, "Conditions")? {
        match condition.tag_name().name() {
            "AudienceRestriction" if is(condition, SAML, "AudienceRestriction") => {
                check_audience(condition, expected.sp_entity_id)?;
                restrictions += 1;
            }
            // Every assertion is used once here, and none is passed on: both ask for what is done anyway.
            "OneTimeUse" | "ProxyRestriction" if condition.tag_name().namespace() == Some(SAML) => {}
            _ => return Err(SamlError::ConditionUnknown),
        }
    }
    if restrictions == 0 { Err(SamlError::AudienceMissing) } else { Ok(()) }
}

/// One of the audiences is us; several restrictions must all hold (SAML Core 2.5.1.4).
fn check_audience(restriction: Node<'_, '_>, sp_entity_id: &str) -> Result<(), SamlError> {
    let mut ours = false;
    for audience in elements(restriction, "AudienceRestriction")? {
        if !is(audience, SAML, "Audience") {
            return Err(SamlError::Structure("AudienceRestriction"));
        }
        ours |= value(audience, "Audience")? == sp_entity_id;
    }
    if ours { Ok(()) } else { Err(SamlError::AudienceWrong) }
}

/// What the authentication statement says.
struct Authentication {
    authenticated_at: Timestamp,
    session_index: Option<String>,
    session_not_on_or_after: Option<Timestamp>,
}

/// One authentication statement, and otherwise only attributes.
fn check_statements(statements: &[Node<'_, '_>], now: Timestamp) -> Result<Authentication, SamlError> {
    let known = |node: &Node<'_, '_>| is(*node, SAML, "AuthnStatement") || is(*node, SAML, "AttributeStatement");
    if !statements.iter().all(known) {
        return Err(SamlError::Structure("Assertion"));
    }
    let mut found = statements.iter().filter(|node| is(**node, SAML, "AuthnStatement"));
    let (Some(statement), None) = (found.next(), found.next()) else { return Err(SamlError::AuthnStatementMissing) };
    let authenticated_at = time(*statement, "AuthnInstant")?.ok_or(SamlError::TimeMalformed)?;
    if authenticated_at.duration_since(now) > CLOCK_SKEW {
        return Err(SamlError::IssuedInFuture);
    }
    let end = time(*statement, "SessionNotOnOrAfter")?;
    if end.is_some_and(|end| is_over(end, now)) {
        return Err(SamlError::SessionExpired);
    }
    let session_index = attribute(*statement, "SessionIndex").map(str::to_owned);
    Ok(Authentication { authenticated_at, session_index, session_not_on_or_after: end })
}

pub(super) fn is_over(end: Timestamp, now: Timestamp) -> bool {
    now.duration_since(end) >= CLOCK_SKEW
}

/// A time in UTC (SAML Core 1.3.3), of the years 2000 to 2199 so that no sum can overflow.
pub(super) fn time(node: Node<'_, '_>, name: &str) -> Result<Option<Timestamp>, SamlError> {
    let Some(text) = attribute(node, name) else { return Ok(None) };
    let plain = text.len() <= 40 && text.ends_with('Z') && text.bytes().all(|b| b.is_ascii_digit() || b"-:.TZ".contains(&b));
    let in_range = (text.starts_with("20") || text.starts_with("21")) && text.as_bytes().get(4) == Some(&b'-');
    if !plain || !in_range {
        return Err(SamlError::TimeMalformed);
    }
    text.parse().map(Some).map_err(|_| SamlError::TimeMalformed)
}
