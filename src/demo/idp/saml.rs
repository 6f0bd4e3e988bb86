//! SAML 2.0: metadata, and single sign-on for the one service provider that is known here.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Assertion, Idp, IdpError, Waiting, login};
use crate::demo::people::Membership;
use crate::demo::views::{self, Continue};
use crate::random;
use crate::saml::message::{ReceivedRequest, decode_post, decode_redirect, encode_post};
use crate::saml::sign::sign_element;
use crate::saml::xml::escape;

/// How long an assertion can be used.
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// A request that was found good.
#[derive(Debug, Clone)]
pub(super) struct SignOn {
    request_id: String,
    relay_state: Option<String>,
}

impl Idp {
    /// The address of the metadata, and so the entity id.
    fn entity_id(&self) -> String {
        format!("{}/saml/metadata", self.issuer)
    }

    fn sso_url(&self) -> String {
        format!("{}/saml/sso", self.issuer)
    }

    /// The metadata document (SAML Metadata 2.4.3).
    pub(in crate::demo) fn saml_metadata(&self) -> String {
        let (entity_id, sso_url) = (self.entity_id(), self.sso_url());
        let certificate: String = self.keys.certificate_pem().lines().filter(|line| !line.starts_with("-----")).collect();
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:NameIDFormat>{PERSISTENT}</md:NameIDFormat><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso_url}"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sso_url}"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
        )
    }
}

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

pub(super) async fn metadata(State(idp): State<Arc<Idp>>) -> Response {
    ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], idp.saml_metadata()).into_response()
}

/// A request as it came, in the query or in a form.
#[derive(Debug, Deserialize)]
pub(super) struct SignOnForm {
    #[serde(rename = "SAMLRequest")]
    unverified_request: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
}

/// Asks who it is, if the request is from the known service provider and wants its answer at the known address.
pub(super) async fn sign_on(State(idp): State<Arc<Idp>>, method: Method, Form(form): Form<SignOnForm>) -> Result<Response, IdpError> {
    let decoded = match method {
        Method::POST => decode_post(&form.unverified_request),
        _ => decode_redirect(&form.unverified_request),
    };
    let request =
        decoded.and_then(|xml| ReceivedRequest::parse(&xml)).map_err(|_| IdpError::BadRequest("the SAML request cannot be read"))?;
    if request.issuer != idp.party.entity_id {
        return Err(IdpError::BadRequest("the service provider is unknown"));
    }
    if request.acs_url.is_some_and(|acs_url| acs_url != idp.party.acs_url) {
        return Err(IdpError::BadRequest("the answer is wanted at an address that is not the service provider's"));
    }
    if request.destination.is_some_and(|destination| destination != idp.sso_url()) {
        return Err(IdpError::BadRequest("the request was meant for another provider"));
    }
    login::ask(&idp, Waiting::Saml(SignOn { request_id: request.id, relay_state: form.relay_state }))
}

/// Someone was picked: a signed response, in a form that the browser posts.
pub(super) fn answer(idp: &Idp, sign_on: &SignOn, assertion: &Assertion) -> Result<Response, IdpError> {
    let response = signed_response(idp, sign_on, assertion)?;
    let nonce = random::token().map_err(IdpError::internal)?;
    let page = Continue {
        name: assertion.person.name,
        acs_url: &idp.party.acs_url,
        response: encode_post(&response),
        relay_state: sign_on.relay_state.as_deref(),
        nonce: &nonce,
    };
    Ok(views::page(StatusCode::OK, &page, Some(&nonce)))
}

/// The response, signed twice as Okta does: the assertion, and everything around it.
fn signed_response(idp: &Idp, sign_on: &SignOn, assertion: &Assertion) -> Result<String, IdpError> {
    let id = || random::token().map(|token| format!("_{token}")).map_err(IdpError::internal);
    let (response_id, assertion_id, session_index) = (id()?, id()?, id()?);
    let now = idp.now();
    let (issued, expires) = (instant(now), instant(now + ASSERTION_LIFE));
    let (entity_id, acs, audience) = (idp.entity_id(), &idp.party.acs_url, &idp.party.entity_id);
    let (subject, in_response_to) = (escape(assertion.person.subject), escape(&sign_on.request_id));
    let attributes = attributes(assertion);
    let xml = format!(
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{response_id}" Version="2.0" IssueInstant="{issued}" Destination="{acs}" InResponseTo="{in_response_to}"><saml:Issuer>{entity_id}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{issued}"><saml:Issuer>{entity_id}</saml:Issuer><saml:Subject><saml:NameID Format="{PERSISTENT}">{subject}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{in_response_to}" NotOnOrAfter="{expires}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{issued}" NotOnOrAfter="{expires}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="{session_index}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"#
    );
    let signed = |xml: &str, id: &str| {
        let key = idp.keys.saml();
        sign_element(xml, id, key, idp.keys.certificate_der(), key.default_algorithm()).map_err(IdpError::internal)
    };
    signed(&signed(&xml, &assertion_id)?, &response_id)
}

fn attributes(assertion: &Assertion) -> String {
    let mut xml = attribute("email", &[assertion.email]) + &attribute("displayName", &[assertion.person.name]);
    match assertion.membership {
        Membership::Groups(_) | Membership::Many => {
            let groups = assertion.person.groups().unwrap_or_default();
            xml += &attribute("groups", &groups);
        }
        Membership::ClaimLeftOut => {}
        // As Entra ID says "too many": a link in place of the list.
        Membership::Overage => {
            xml += &attribute("http://schemas.microsoft.com/claims/groups.link", &["https://directory.acme.example/groups"]);
        }
    }
    xml
}

fn attribute<S: AsRef<str>>(name: &str, values: &[S]) -> String {
    let values =
        values.iter().fold(String::new(), |xml, value| xml + "<saml:AttributeValue>" + &escape(value.as_ref()) + "</saml:AttributeValue>");
    format!(r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#)
}

fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
