//! OpenID Connect settings of a connection.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Secret;

/// How the relying party proves at the provider's endpoints who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// The secret, in HTTP Basic.
    Basic,
    /// The secret, in the form body.
    Post,
    /// A JWT signed with [`OidcSettings::client_key`] (RFC 7523).
    PrivateKeyJwt,
    /// The certificate of the TLS connection (RFC 8705).
    Tls,
}

/// How the provider's answer comes back through the browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the address.
    #[default]
    Query,
    /// In a form that the browser posts.
    FormPost,
}

/// How sessions are confirmed by the provider while they live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// How often, in seconds.
    pub every_seconds: u32,
    /// How much longer a session goes on while the provider does not answer, in seconds.
    pub grace_seconds: u32,
}

/// Where groups are looked up that a login does not bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum GroupLookup {
    /// Microsoft Graph, for people with more groups than Entra ID writes into a token; asked as the application itself.
    MicrosoftGraph {
        /// Where Graph is.
        url: String,
    },
    /// The Directory API of Google Workspace, for everyone: Google sends no groups.
    GoogleDirectory {
        /// Where the API is.
        url: String,
        /// The key file of the service account that asks.
        service_account: Secret,
        /// The administrator in whose name it asks.
        impersonate: String,
    },
}

/// OpenID Connect settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSettings {
    /// The issuer, compared exactly; with `{tenantid}` in it for a provider of many tenants (Entra ID).
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client secret; `None` for a public client (PKCE is used in any case), or one that has a key.
    pub client_secret: Option<Secret>,
    /// How the client proves itself; `None`: the secret, by Basic unless the provider offers only post.
    pub client_auth: Option<ClientAuth>,
    /// The client's private key in PEM, for [`ClientAuth::PrivateKeyJwt`] and [`ClientAuth::Tls`].
    #[serde(default)]
    pub client_key: Option<Secret>,
    /// What the provider calls that key.
    #[serde(default)]
    pub client_key_id: Option<String>,
    /// What the key signs with; `None`: RS256 or ES256, as the key is.
    #[serde(default)]
    pub client_algorithm: Option<String>,
    /// For whom the key's assertions are; `None`: the issuer. Written by the operator, never taken from discovery: an audience that a provider may choose
    /// could be another provider's.
    #[serde(default)]
    pub client_audience: Option<String>,
    /// The certificate of that key, in PEM.
    #[serde(default)]
    pub client_certificate: Option<String>,
    /// Certificates of authorities, in PEM, that the provider's own TLS certificate may come from, beside those of the machine.
    #[serde(default)]
    pub provider_ca: Option<String>,
    /// Whether the request goes to the provider directly, and the browser carries only its name (RFC 9126); `None`: when the provider insists.
    #[serde(default)]
    pub pushed_requests: Option<bool>,
    /// How the answer comes back.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// Scopes asked for; `openid` is always among them.
    pub scopes: Vec<String>,
    /// Signature algorithms accepted on ID tokens (`RS256`, …), never taken from discovery.
    pub algorithms: Vec<String>,
    /// Extra audiences that an ID token may name beside the client id.
    pub trusted_audiences: BTreeSet<String>,
    /// The person has to have authenticated at most this long before the login.
    #[serde(default)]
    pub max_age_seconds: Option<u32>,
    /// How the person has to have authenticated: one of these `acr`. Empty: in any way.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Tenants (`tid`) whose people may come in. Empty: the issuer says enough.
    #[serde(default)]
    pub tenants: BTreeSet<String>,
    /// Google Workspace domains (`hd`) whose people may come in. Empty: not looked at.
    #[serde(default)]
    pub hosted_domains: BTreeSet<String>,
    /// Claim name or JSON pointer of the subject.
    pub subject_claim: String,
    /// Claim name or JSON pointer of the address.
    pub email_claim: String,
    /// Claim name or JSON pointer of the display name.
    pub name_claim: String,
    /// Claim name or JSON pointer of the groups.
    pub groups_claim: String,
    /// Ask the userinfo endpoint for claims that the ID token lacks.
    pub userinfo: bool,
    /// Where groups are looked up that the login does not bring.
    #[serde(default)]
    pub group_lookup: Option<GroupLookup>,
    /// Whether, and how often, sessions are confirmed by the provider.
    #[serde(default)]
    pub refresh: Option<Refresh>,
}

impl OidcSettings {
    /// A public client of an issuer, with everything else as it is when nobody says otherwise.
    #[must_use]
    pub fn new(issuer: &str, client_id: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: None,
            client_auth: None,
            client_key: None,
            client_key_id: None,
            client_algorithm: None,
            client_audience: None,
            client_certificate: None,
            provider_ca: None,
            pushed_requests: None,
            response_mode: ResponseMode::Query,
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            algorithms: vec!["RS256".to_owned()],
            trusted_audiences: BTreeSet::new(),
            max_age_seconds: None,
            acr_values: Vec::new(),
            tenants: BTreeSet::new(),
            hosted_domains: BTreeSet::new(),
            subject_claim: "sub".to_owned(),
            email_claim: "email".to_owned(),
            name_claim: "name".to_owned(),
            groups_claim: "groups".to_owned(),
            userinfo: true,
            group_lookup: None,
            refresh: None,
        }
    }
}
