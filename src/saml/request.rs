//! Our `AuthnRequest`, and how our messages leave: in a query with a signature over its octets, or in a form with a signature inside (SAML Bindings
//! 3.4.4.1, 3.5).

use jiff::Timestamp;
use samael::metadata::HTTP_POST_BINDING;
use samael::schema::{AuthnRequest, Issuer, NameIdPolicy};
use samael::traits::ToXml as _;

use super::SamlError;
use super::keys::SpKeys;
use super::message::{Kind, encode_post};
use super::query;
use super::service_provider::SpAddresses;
use super::xml::sign::sign_element;
use crate::core::Asking;
use crate::random;

/// A login or logout that was started.
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
        /// Names and values, in order.
        fields: Vec<(&'static str, String)>,
    },
}

/// A new id for a message of ours: 160 random bits.
pub(super) fn new_id() -> Result<String, SamlError> {
    Ok(format!("_{}", random::bytes::<20>()?.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"))))
}

/// Writes an `AuthnRequest`: its id, and its XML without a declaration.
pub(super) fn write(addresses: &SpAddresses, destination: &str, asking: Asking, now: Timestamp) -> Result<(String, String), SamlError> {
    let id = new_id()?;
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

/// An address of the provider, by the binding in which it takes messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    Redirect(&'a str),
    Post(&'a str),
}

impl To<'_> {
    pub(super) const fn address(&self) -> &str {
        match self {
            Self::Redirect(address) | Self::Post(address) => address,
        }
    }
}

/// Sends a message, signed when `keys` are given.
pub(super) fn send(
    to: To<'_>,
    kind: Kind,
    (id, xml): (&str, &str),
    relay_state: Option<&str>,
    keys: Option<&SpKeys>,
) -> Result<Go, SamlError> {
    let address = match to {
        To::Redirect(address) => return query::write(address, kind, xml, relay_state, keys).map(Go::Redirect),
        To::Post(address) => address.to_owned(),
    };
    let message = match keys {
        Some(keys) => {
            let key = &keys.load().in_use;
            encode_post(&sign_element(xml, id, &key.signing, &key.certificate_der, key.signing.default_algorithm())?)
        }
        None => encode_post(xml),
    };
    let relay_state = relay_state.map(|state| ("RelayState", state.to_owned()));
    Ok(Go::Post { action: address, fields: [(kind.field(), message)].into_iter().chain(relay_state).collect() })
}
