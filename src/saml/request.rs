//! Our `AuthnRequest` and how it leaves: in a query with a signature over its exact octets (SAML Bindings 3.4.4.1), or in a form with a signature
//! inside (3.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use samael::metadata::HTTP_POST_BINDING;
use samael::schema::{AuthnRequest, Issuer, NameIdPolicy};
use samael::traits::ToXml as _;

use super::SamlError;
use super::keys::SpKeys;
use super::message::{encode_post, encode_redirect};
use super::service_provider::SpAddresses;
use super::xml::sign::sign_element;
use crate::core::Asking;
use crate::random;

/// What RFC 3986 leaves unreserved stays; everything else is escaped, once, and exactly these octets are signed.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A login that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The request's `ID`: the response must answer exactly this one.
    pub request_id: String,
    /// Where the browser goes.
    pub go: Go,
}

/// Where the browser goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Go {
    /// A redirect to this address.
    Redirect(String),
    /// A form that posts these fields. They are plain values: whoever writes the page escapes them.
    Post {
        /// The form's action.
        action: String,
        /// The field `SAMLRequest`.
        saml_request: String,
        /// The field `RelayState`.
        relay_state: String,
    },
}

/// Writes an `AuthnRequest`: its id, and its XML without a declaration.
pub(super) fn write(addresses: &SpAddresses, destination: &str, asking: Asking, now: Timestamp) -> Result<(String, String), SamlError> {
    let id = format!("_{}", random::bytes::<20>()?.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}")));
    let request = AuthnRequest {
        id: id.clone(),
        version: "2.0".to_owned(),
        issue_instant: now.to_string().parse().map_err(|_| SamlError::WriteFailed)?,
        destination: Some(destination.to_owned()),
        assertion_consumer_service_url: Some(addresses.acs_url.clone()),
        protocol_binding: Some(HTTP_POST_BINDING.to_owned()),
        issuer: Some(Issuer { value: Some(addresses.entity_id.clone()), ..Issuer::default() }),
        name_id_policy: Some(NameIdPolicy { allow_create: Some(true), ..NameIdPolicy::default() }),
        // Field by field: samael's default reads the clock.
        consent: None,
        signature: None,
        subject: None,
        conditions: None,
        requested_authn_context: None,
        force_authn: (asking == Asking::Anew).then_some(true),
        is_passive: None,
        assertion_consumer_service_index: None,
        attribute_consuming_service_index: None,
        provider_name: None,
    };
    let xml = request.to_string().map_err(|_| SamlError::WriteFailed)?;
    let xml = xml.split_once("?>").map_or(xml.as_str(), |(_, request)| request).to_owned();
    Ok((id, xml))
}

/// The address with the request in its query, signed when `keys` are given.
pub(super) fn redirect(sso_url: &str, xml: &str, relay_state: &str, keys: Option<&SpKeys>) -> Result<Go, SamlError> {
    let escape = |value: &str| utf8_percent_encode(value, QUERY_VALUE).to_string();
    let mut query = format!("SAMLRequest={}&RelayState={}", escape(&encode_redirect(xml)?), escape(relay_state));
    if let Some(keys) = keys {
        let algorithm = keys.signing.default_algorithm();
        query = format!("{query}&SigAlg={}", escape(algorithm.uri()));
        let signature = keys.signing.sign(algorithm, query.as_bytes())?;
        query = format!("{query}&Signature={}", escape(&STANDARD.encode(signature)));
    }
    let separator = if sso_url.contains('?') { '&' } else { '?' };
    Ok(Go::Redirect(format!("{sso_url}{separator}{query}")))
}

/// The form with the request in it, signed when `keys` are given.
pub(super) fn post(sso_url: &str, id: &str, xml: &str, relay_state: &str, keys: Option<&SpKeys>) -> Result<Go, SamlError> {
    let saml_request = match keys {
        Some(keys) => encode_post(&sign_element(xml, id, &keys.signing, &keys.certificate_der, keys.signing.default_algorithm())?),
        None => encode_post(xml),
    };
    Ok(Go::Post { action: sso_url.to_owned(), saml_request, relay_state: relay_state.to_owned() })
}
