//! How a message travels: base64 in a form field (HTTP-POST), deflated base64 in a query (HTTP-Redirect). SAML Bindings 3.4 and 3.5.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::SamlError;
use super::xml::{self, MAX_BASE64_BYTES, MAX_XML_BYTES, SAML, SAMLP, attribute, is};

/// What a message is, and with that in which field or parameter it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Kind {
    /// The name of the field or parameter.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The XML of a form field. Blanks and line ends in the base64 are allowed, nothing else is.
///
/// # Errors
/// [`SamlError::TooLarge`], [`SamlError::NotBase64`], [`SamlError::NotUtf8`].
pub fn decode_post(unverified_field: &str) -> Result<String, SamlError> {
    let bytes = decode_base64(unverified_field)?;
    if bytes.len() > MAX_XML_BYTES {
        return Err(SamlError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| SamlError::NotUtf8)
}

/// The XML of a query parameter (percent-decoded already), inflated no further than a message may be large.
///
/// # Errors
/// As [`decode_post`], and [`SamlError::NotDeflate`].
pub fn decode_redirect(unverified_parameter: &str) -> Result<String, SamlError> {
    let deflated = decode_base64(unverified_parameter)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_XML_BYTES).unwrap_or(u64::MAX);
    DeflateDecoder::new(deflated.as_slice()).take(limit + 1).read_to_end(&mut bytes).map_err(|_| SamlError::NotDeflate)?;
    if bytes.len() > MAX_XML_BYTES {
        return Err(SamlError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| SamlError::NotUtf8)
}

/// The value of a form field.
#[must_use]
pub fn encode_post(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// The value of a query parameter, before percent-encoding.
///
/// # Errors
/// [`SamlError::WriteFailed`] when it cannot be deflated.
pub fn encode_redirect(xml: &str) -> Result<String, SamlError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).map_err(|_| SamlError::WriteFailed)?;
    Ok(STANDARD.encode(encoder.finish().map_err(|_| SamlError::WriteFailed)?))
}

pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, SamlError> {
    if text.len() > MAX_BASE64_BYTES {
        return Err(SamlError::TooLarge);
    }
    // Most senders write one line: then there is nothing to take out.
    let decoded =
        STANDARD.decode(text).or_else(|_| STANDARD.decode(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>()));
    decoded.map_err(|_| SamlError::NotBase64)
}

/// What an identity provider needs of an `AuthnRequest`. Nothing in it is verified: the demo's identity provider compares issuer and address with
/// what it knows, and real ones do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// Its `ID`, for `InResponseTo`.
    pub id: String,
    /// The service provider's entity id.
    pub issuer: String,
    /// Where it wants the answer.
    pub acs_url: Option<String>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// The person must prove themselves again.
    pub force_authn: bool,
}

impl ReceivedRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// What the gate refuses, [`SamlError::Structure`] and [`SamlError::VersionWrong`].
    pub fn parse(unverified_xml: &str) -> Result<Self, SamlError> {
        let document = xml::parse(unverified_xml)?;
        let root = document.root_element();
        if !is(root, SAMLP, "AuthnRequest") {
            return Err(SamlError::Structure("AuthnRequest"));
        }
        if attribute(root, "Version") != Some("2.0") {
            return Err(SamlError::VersionWrong);
        }
        let issuer = root.children().find(|child| is(*child, SAML, "Issuer")).ok_or(SamlError::Structure("Issuer"))?;
        let owned = |name| attribute(root, name).map(str::to_owned);
        Ok(Self {
            id: owned("ID").ok_or(SamlError::Structure("ID"))?,
            issuer: xml::value(issuer, "Issuer")?.to_owned(),
            acs_url: owned("AssertionConsumerServiceURL"),
            destination: owned("Destination"),
            force_authn: matches!(attribute(root, "ForceAuthn"), Some("true" | "1")),
        })
    }
}
