//! Settings of a connection: one identity provider, over SAML or OpenID Connect. Data only; the doors build themselves from it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ConnectionId, DomainName, OidcSettings};

/// One configured identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its short name; part of its URLs.
    pub id: ConnectionId,
    /// What people read ("Continue with …"); defaults to the id.
    pub name: String,
    /// Off: no login starts or finishes.
    pub enabled: bool,
    /// Domains whose people sign in here. An identity with an email elsewhere is refused `domain_not_allowed`.
    pub domains: BTreeSet<DomainName>,
    /// The provider may be reached on private or loopback addresses.
    pub internal: bool,
    /// Logins may start at the provider (row 68): an answer that nobody asked for starts a login here.
    pub allow_idp_initiated: bool,
    /// The protocol and its settings.
    pub protocol: Protocol,
}

/// The two protocols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "protocol")]
#[expect(clippy::large_enum_variant, reason = "there are as many of them as connections: a handful")]
pub enum Protocol {
    /// SAML 2.0 web browser SSO.
    Saml(SamlSettings),
    /// OpenID Connect, code flow.
    Oidc(OidcSettings),
}

/// How Usher sends its `AuthnRequest`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestBinding {
    /// HTTP-Redirect; the default, because a 302 works everywhere.
    #[default]
    Redirect,
    /// HTTP-POST.
    Post,
}

/// Whether assertions encrypted in CBC mode are opened. CBC does not notice changes, so a server that answers can be asked, byte by byte, what a
/// captured message says; it is opened only where a signature stands in front of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cbc {
    /// Never.
    #[default]
    Never,
    /// In a response that is signed as a whole.
    SignedResponse,
    /// Also in an unsigned response, when the assertion inside is signed (AD FS): with one error for everything, and a limit on failures.
    UnsignedResponse,
}

/// Where the provider's entity id, SSO URL and keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdpSource {
    /// The metadata document itself (read from a file by configuration).
    Metadata(String),
    /// Where the metadata is fetched.
    MetadataUrl(String),
    /// Written out by hand.
    Manual {
        /// The provider's entity id.
        entity_id: String,
        /// Where `AuthnRequest`s go.
        sso_url: String,
        /// Where logout messages go, if anywhere.
        slo_url: Option<String>,
        /// Signing certificates in PEM or bare base64; several may be valid at once.
        certificates: Vec<String>,
    },
}

/// SAML settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlSettings {
    /// The provider.
    pub idp: IdpSource,
    /// Sign `AuthnRequest`s.
    pub sign_requests: bool,
    /// How requests travel.
    pub request_binding: RequestBinding,
    /// Attribute that names the person for ever; `None`: the `NameID`.
    pub subject_attribute: Option<String>,
    /// Attribute with the address; the `NameID` serves when it has the email format and no attribute came.
    pub email_attribute: String,
    /// Attribute with the display name.
    pub name_attribute: String,
    /// Attribute with the groups.
    pub groups_attribute: String,
    /// Whether assertions encrypted in CBC mode are opened.
    #[serde(default)]
    pub cbc: Cbc,
    /// Where logins that start at the provider are allowed: take the provider's message itself, rather than start a login of our own.
    #[serde(default)]
    pub take_unasked: bool,
}

/// A secret string: never shown, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}
