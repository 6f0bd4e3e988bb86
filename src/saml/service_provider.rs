//! One connection's service provider: starts logins and finishes them.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::conditions::{ConditionsChecked, Expected, MAX_AGE};
use super::logout::{self, LogoutMessage, LogoutRequest, Unverified};
use super::message::Kind;
use super::metadata::{IdentityProvider, IdpCertificate, sp_metadata};
use super::request::{self, Go, Started, To};
use super::response::{self, Opened};
use super::xml::signature::SignatureChecked;
use super::{SamlError, SpKeys, message};
use crate::clock::CLOCK_SKEW;
use crate::core::{
    Asking, Cbc, Connection, ConnectionId, DoorSession, FirstUse, Identity, ProviderLogout, RequestBinding, SamlSettings, VerifiedIdentity,
};

/// How long a message that was used is remembered: longer than any can count, whatever end it names, from a skew before it was issued to [`MAX_AGE`]
/// after. What is left of it by our clock must not shorten this, or a clock that was ahead and is put right would make it good again.
const REMEMBERED: Duration = MAX_AGE.unsigned_abs().saturating_add(CLOCK_SKEW.unsigned_abs()).saturating_add(CLOCK_SKEW.unsigned_abs());

/// Where the identity provider finds us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpAddresses {
    /// Our entity id, which is the address of our metadata.
    pub entity_id: String,
    /// Where responses are posted.
    pub acs_url: String,
    /// Where logout messages go.
    pub slo_url: String,
}

/// The service provider of one connection, with every key parsed.
#[derive(Debug)]
pub struct ServiceProvider {
    connection: ConnectionId,
    take_unasked: bool,
    settings: SamlSettings,
    addresses: SpAddresses,
    keys: Arc<SpKeys>,
    idp: IdentityProvider,
}

impl ServiceProvider {
    /// Builds it from the connection's settings. `idp_metadata` is the fetched document when the source is an address.
    ///
    /// # Errors
    /// What makes the connection unusable: no key ([`SamlError::NoKeys`]), metadata missing or malformed, an address that is not https.
    pub fn new(
        connection: &Connection,
        settings: &SamlSettings,
        addresses: SpAddresses,
        keys: Arc<SpKeys>,
        idp_metadata: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, SamlError> {
        let idp = IdentityProvider::load(&settings.idp, idp_metadata, now)?;
        Ok(Self {
            connection: connection.id.clone(),
            take_unasked: connection.allow_idp_initiated && settings.take_unasked,
            settings: settings.clone(),
            addresses,
            keys,
            idp,
        })
    }

    /// Our metadata for the identity provider.
    ///
    /// # Errors
    /// [`SamlError::WriteFailed`].
    pub fn metadata(&self) -> Result<String, SamlError> {
        sp_metadata(&self.addresses, &self.settings, &self.keys)
    }

    /// The identity provider's entity id.
    #[must_use]
    pub fn idp_entity_id(&self) -> &str {
        &self.idp.entity_id
    }

    /// The identity provider's signing certificates.
    #[must_use]
    pub fn idp_certificates(&self) -> &[IdpCertificate] {
        &self.idp.certificates
    }

    /// Starts a login. `relay_state` is an opaque key of at most 80 bytes (SAML Bindings 3.4.3), never an address.
    ///
    /// # Errors
    /// [`SamlError::Random`], [`SamlError::WriteFailed`].
    pub fn start(&self, relay_state: &str, asking: Asking, now: Timestamp) -> Result<Started, SamlError> {
        let keys = self.settings.sign_requests.then_some(&*self.keys);
        let to = match (self.settings.request_binding, &self.idp.sso_redirect, &self.idp.sso_post) {
            (RequestBinding::Post, _, Some(url)) | (RequestBinding::Redirect, None, Some(url)) => To::Post(url),
            (_, Some(url), _) => To::Redirect(url),
            (_, None, None) => return Err(SamlError::MetadataMalformed("no single sign-on address")),
        };
        let (request_id, xml) = request::write(&self.addresses, to.address(), asking, now)?;
        let go = request::send(to, Kind::Request, (&request_id, &xml), Some(relay_state), keys)?;
        Ok(Started { request_id, go })
    }

    /// Checks a response: everything but its first use. `request_id` is the one of the pending login that this browser started; `None` when it
    /// started none.
    ///
    /// # Errors
    /// A code for every check; see [`SamlError`].
    pub fn finish(&self, unverified_saml_response: &str, request_id: Option<&str>, now: Timestamp) -> Result<Checked, SamlError> {
        if request_id.is_none() && !self.take_unasked {
            return Err(SamlError::Unsolicited);
        }
        let expected = Expected {
            idp_entity_id: &self.idp.entity_id,
            sp_entity_id: &self.addresses.entity_id,
            acs_url: &self.addresses.acs_url,
            request_id,
            now,
        };
        let xml = message::decode_post(unverified_saml_response)?;
        let opened = response::open(&xml, &self.idp.keys, &self.keys.load(), &self.settings, &expected)?;
        let Opened { person, conditions, signature } = opened;
        let identity = Identity {
            connection: self.connection.clone(),
            subject: person.subject,
            email: person.email,
            name: person.name,
            groups: person.groups,
            idp_initiated: request_id.is_none(),
        };
        let door_session = DoorSession {
            index: conditions.session_index.clone(),
            name_id: Some(person.name_id),
            name_id_format: person.name_id_format,
            name_id_qualifiers: person.name_id_qualifiers,
            issued_at: Some(conditions.issued_at),
            authenticated_at: Some(conditions.authenticated_at),
            ends_at: conditions.session_not_on_or_after,
            ..DoorSession::default()
        };
        Ok(Checked { identity, door_session, conditions, _signature: signature })
    }
}

impl ServiceProvider {
    /// Under which key the ephemeral store counts how often this message is opened; `None` when that tells nobody anything.
    ///
    /// A message in CBC mode behind an unsigned response can be changed and sent again, and each answer could tell a little. Whoever guesses needs
    /// the same content key for every guess, so that is what is counted: from wherever they come, and nobody else's message is held up.
    #[must_use]
    pub fn openings_key(&self, unverified_saml_response: &str) -> Option<String> {
        if self.settings.cbc != Cbc::UnsignedResponse {
            return None;
        }
        let xml = message::decode_post(unverified_saml_response).ok()?;
        let content_key = response::wrapped_key(&xml)?;
        Some(replay_key("saml-openings", &self.connection, &content_key))
    }

    /// Whether messages that nobody asked for are taken.
    #[must_use]
    pub const fn takes_unasked(&self) -> bool {
        self.take_unasked
    }

    /// Whether the provider can be asked to end this session.
    #[must_use]
    pub fn can_end(&self, session: &DoorSession) -> bool {
        session.name_id.is_some() && self.idp.slo.to(Kind::Request).is_some()
    }

    /// Starts a logout at the provider; `None` when [`Self::can_end`] says no. Always signed: an unsigned one is worth nothing.
    ///
    /// # Errors
    /// [`SamlError::Random`], [`SamlError::WriteFailed`].
    pub fn start_logout(&self, session: &DoorSession, relay_state: &str, now: Timestamp) -> Result<Option<Started>, SamlError> {
        let Some(to) = self.idp.slo.to(Kind::Request) else { return Ok(None) };
        let Some((request_id, xml)) = logout::write_request(&self.addresses.entity_id, to.address(), session, now)? else {
            return Ok(None);
        };
        let go = request::send(to, Kind::Request, (&request_id, &xml), Some(relay_state), Some(&self.keys))?;
        Ok(Some(Started { request_id, go }))
    }

    /// Verifies a message of single logout, then reads it.
    ///
    /// # Errors
    /// A code for every check; see [`SamlError`].
    pub fn read_logout(&self, unverified: Unverified<'_>, now: Timestamp) -> Result<LogoutMessage, SamlError> {
        let (idp, slo_url) = (&self.idp, self.addresses.slo_url.as_str());
        logout::read(unverified, &logout::Expected { idp_entity_id: &idp.entity_id, slo_url, keys: &idp.keys, now })
    }

    /// What a request ends: sessions of this connection and no other.
    #[must_use]
    pub fn sessions_of(&self, request: &LogoutRequest) -> ProviderLogout {
        ProviderLogout {
            connection: self.connection.clone(),
            name_id: Some(request.name_id.clone()),
            indexes: request.indexes.clone(),
            issued_at: request.issued_at,
        }
    }

    /// The key to claim in the ephemeral store before a request is followed, and for how long.
    #[must_use]
    pub fn replay_key_of(&self, request: &LogoutRequest) -> (String, Duration) {
        (replay_key("saml-logout", &self.connection, &request.id), REMEMBERED)
    }

    /// The signed answer to a request; `None` when the provider does not say where it wants one.
    ///
    /// # Errors
    /// [`SamlError::Random`], [`SamlError::WriteFailed`].
    pub fn answer_logout(&self, request: &LogoutRequest, now: Timestamp) -> Result<Option<Go>, SamlError> {
        let Some(to) = self.idp.slo.to(Kind::Response) else { return Ok(None) };
        let (id, xml) = logout::write_response(&self.addresses.entity_id, to.address(), request, now)?;
        request::send(to, Kind::Response, (&id, &xml), request.relay_state.as_deref(), Some(&self.keys)).map(Some)
    }
}

/// A message is claimed by its id, which is the provider's text, at its connection.
fn replay_key(kind: &str, connection: &ConnectionId, id: impl AsRef<[u8]>) -> String {
    let hash = digest::digest(&digest::SHA256, id.as_ref());
    format!("{kind}:{connection}:{}", URL_SAFE_NO_PAD.encode(hash.as_ref()))
}

/// An assertion that passed every check but one: that it is used for the first time.
#[derive(Debug)]
pub struct Checked {
    identity: Identity,
    door_session: DoorSession,
    conditions: ConditionsChecked,
    _signature: SignatureChecked,
}

impl Checked {
    /// The key to claim in the ephemeral store before [`Self::accept`], and for how long; the same for the same assertion of the same connection.
    #[must_use]
    pub fn replay_key(&self) -> (String, Duration) {
        (replay_key("saml-assertion", &self.identity.connection, &self.conditions.assertion_id), REMEMBERED)
    }

    /// The verified identity. The signature and the conditions were checked when this value was made; the first use is what `first_use` proves.
    #[must_use]
    pub fn accept(self, first_use: &FirstUse) -> VerifiedIdentity {
        VerifiedIdentity::vouch(self.identity, self.door_session, first_use)
    }

    /// What was asserted, to look at (what-if, the log of a replay). It signs nobody in.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }
}
