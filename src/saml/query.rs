//! The query of the HTTP-Redirect binding, read and written. What is signed are its octets (SAML Bindings 3.4.4.1), so they are kept as they came:
//! AD FS escapes in lower case, and a query that is written again is another query.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::SamlError;
use super::keys::SpKeys;
use super::message::{Kind, decode_base64, decode_redirect, encode_redirect};
use super::xml::algorithms::{self, SignatureAlgorithm, VerifyingKey};

/// What RFC 3986 leaves unreserved stays; everything else is escaped, once, and exactly these octets are signed.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const NAMES: [&str; 5] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"];

/// A message from a query whose signature was verified.
#[derive(Debug)]
pub(super) struct SignedQuery {
    pub(super) kind: Kind,
    pub(super) xml: String,
    pub(super) relay_state: Option<String>,
}

/// Verifies and reads a query. Nothing is inflated before its signature is verified.
///
/// # Errors
/// [`SamlError::ParameterTwice`], [`SamlError::QueryMalformed`], [`SamlError::SignatureMissing`], [`SamlError::AlgorithmMissing`]; those of
/// [`algorithms::verify`]; those of [`decode_redirect`].
pub(super) fn read(raw: &str, keys: &[VerifyingKey]) -> Result<SignedQuery, SamlError> {
    let [request, response, relay_state, algorithm, signature] = split(raw)?;
    let (kind, message) = match (request, response) {
        (Some(request), None) => (Kind::Request, request),
        (None, Some(response)) => (Kind::Response, response),
        (Some(_), Some(_)) => return Err(SamlError::ParameterTwice),
        (None, None) => return Err(SamlError::QueryMalformed),
    };
    let signature = signature.ok_or(SamlError::SignatureMissing)?;
    let algorithm = algorithm.ok_or(SamlError::AlgorithmMissing)?;
    let mut signed = format!("{}={message}", kind.field());
    for (name, value) in [("RelayState", relay_state), ("SigAlg", Some(algorithm))] {
        if let Some(value) = value {
            signed = format!("{signed}&{name}={value}");
        }
    }
    let algorithm = SignatureAlgorithm::from_uri(&unescape(algorithm)?)?;
    algorithms::verify(keys, algorithm, signed.as_bytes(), &decode_base64(&unescape(signature)?)?)?;
    let relay_state = relay_state.map(|state| unescape(&state.replace('+', " "))).transpose()?;
    Ok(SignedQuery { kind, xml: decode_redirect(&unescape(message)?)?, relay_state })
}

/// The five parameters, each once, the message first and `RelayState` straight after it. Others are not read, as long as no reader could take them
/// for one of these.
fn split(raw: &str) -> Result<[Option<&str>; 5], SamlError> {
    let mut found = [None; 5];
    let mut order = Vec::new();
    for pair in raw.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(place) = NAMES.iter().position(|known| *known == name) else {
            let spelled = unescape(name)?;
            if NAMES.iter().any(|known| known.eq_ignore_ascii_case(spelled.trim())) {
                return Err(SamlError::QueryMalformed);
            }
            continue;
        };
        if found.get_mut(place).and_then(|slot: &mut Option<&str>| slot.replace(value)).is_some() {
            return Err(SamlError::ParameterTwice);
        }
        order.push(name);
    }
    let in_order = order.first().is_none_or(|first| first.starts_with("SAMLRe")) && order.iter().skip(2).all(|name| *name != "RelayState");
    if in_order { Ok(found) } else { Err(SamlError::QueryMalformed) }
}

fn unescape(text: &str) -> Result<String, SamlError> {
    percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| SamlError::NotUtf8)
}

/// The address with a message in its query, signed when `keys` are given.
///
/// # Errors
/// [`SamlError::WriteFailed`], [`SamlError::Random`].
pub(super) fn write(address: &str, kind: Kind, xml: &str, relay_state: Option<&str>, keys: Option<&SpKeys>) -> Result<String, SamlError> {
    let escape = |value: &str| utf8_percent_encode(value, QUERY_VALUE).to_string();
    let mut query = format!("{}={}", kind.field(), escape(&encode_redirect(xml)?));
    if let Some(relay_state) = relay_state {
        query = format!("{query}&RelayState={}", escape(relay_state));
    }
    if let Some(keys) = keys {
        let signing = &keys.load().in_use.signing;
        let algorithm = signing.default_algorithm();
        query = format!("{query}&SigAlg={}", escape(algorithm.uri()));
        let signature = signing.sign(algorithm, query.as_bytes())?;
        query = format!("{query}&Signature={}", escape(&STANDARD.encode(signature)));
    }
    let separator = if address.contains('?') { '&' } else { '?' };
    Ok(format!("{address}{separator}{query}"))
}
