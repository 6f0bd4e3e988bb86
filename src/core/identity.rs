//! What an identity provider asserted at one login.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectionId, EmailAddress, GroupClaim, Secret};

/// One identity, as data. Anyone may write one down (what-if, tests); only [`VerifiedIdentity`] can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The connection that it came through.
    pub connection: ConnectionId,
    /// The provider's stable name for the person: `sub`, a persistent `NameID`, or the configured attribute. Never an email by itself.
    pub subject: String,
    /// The address, if one came. An attribute, not a key.
    pub email: Option<EmailAddress>,
    /// The display name, if one came.
    pub name: Option<String>,
    /// The group claim.
    pub groups: GroupClaim,
    /// Whether the login was not asked for by Usher (rules.md row 68).
    pub idp_initiated: bool,
}

/// Proof that an assertion or code was used here for the first time. Made only by whoever claimed it in the ephemeral store.
#[derive(Debug)]
pub struct FirstUse(());

impl FirstUse {
    /// Says that the claim was won. Call it only with the answer of an atomic claim.
    #[must_use]
    pub(crate) const fn claimed() -> Self {
        Self(())
    }
}

/// What has a session confirmed by its provider while it lives. Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshGrant {
    /// The refresh token.
    pub token: Secret,
    /// The issuer of the login's ID token: a refreshed one has the same.
    pub issuer: String,
    /// Its subject.
    pub subject: String,
    /// Its nonce, which a refreshed one may leave out.
    pub nonce: String,
    /// How often it is used.
    pub every_seconds: u32,
    /// How much longer the session goes on while the provider does not answer.
    pub grace_seconds: u32,
}

/// What the door learned beside the identity and the session needs later (logout, limits).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorSession {
    /// SAML `SessionIndex` or OIDC `sid`.
    pub index: Option<String>,
    /// The provider's own name for the person, by which its logout messages call them: the `NameID`, or `sub`.
    pub name_id: Option<String>,
    /// SAML: the `NameID` format.
    pub name_id_format: Option<String>,
    /// SAML: the `NameQualifier` and `SPNameQualifier` of the `NameID`, which a logout request has to repeat.
    #[serde(default)]
    pub name_id_qualifiers: (Option<String>, Option<String>),
    /// When the provider issued what this session was started with, by its own clock: a logout of later ends it.
    #[serde(default)]
    pub issued_at: Option<Timestamp>,
    /// When the person last authenticated at the provider, as far as it said (`AuthnInstant`, `auth_time`): longer ago than the login where the
    /// provider answered from a session of its own.
    #[serde(default)]
    pub authenticated_at: Option<Timestamp>,
    /// OIDC: the provider has to confirm the session this often.
    #[serde(default)]
    pub refresh_every_seconds: Option<u32>,
    /// OIDC: with what; taken out when the session starts, and kept apart from it.
    #[serde(default, skip_serializing)]
    pub refresh: Option<RefreshGrant>,
    /// OIDC: the ID token, the hint of RP-initiated logout. Secret: it never leaves the server except to the provider.
    pub id_token: Option<Secret>,
    /// The provider wants the session to end then (`SessionNotOnOrAfter`).
    pub ends_at: Option<Timestamp>,
}

/// What a provider's logout message ends: sessions of this person there, and of these sessions there. Made from a verified message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderLogout {
    /// The connection whose provider says so. It speaks for no other.
    pub connection: ConnectionId,
    /// The person, as [`DoorSession::name_id`]; `None`: whoever has one of the sessions.
    pub name_id: Option<String>,
    /// The provider's sessions, as [`DoorSession::index`]; empty: all of the person's. Without a person and without a session nothing is meant.
    pub indexes: Vec<String>,
    /// When the message was issued, by the provider's clock.
    pub issued_at: Timestamp,
}

impl ProviderLogout {
    /// Whether a session that was started through the same connection is meant.
    #[must_use]
    pub fn means(&self, session: &DoorSession) -> bool {
        let person = self.name_id.is_none() || self.name_id == session.name_id;
        let index = session.index.as_ref().is_some_and(|index| self.indexes.contains(index));
        person && (index || (self.indexes.is_empty() && self.name_id.is_some()))
    }
}

/// An identity whose signature, audience, times and first use were all checked by a door.
#[derive(Debug)]
pub struct VerifiedIdentity {
    identity: Identity,
    door_session: DoorSession,
}

impl VerifiedIdentity {
    /// For `saml` and `oidc` only, as the last step of their checks; a test of the architecture reads who calls it.
    #[must_use]
    pub(crate) const fn vouch(identity: Identity, door_session: DoorSession, _first_use: &FirstUse) -> Self {
        Self { identity, door_session }
    }

    /// What was asserted.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the session keeps for the door.
    #[must_use]
    pub const fn door_session(&self) -> &DoorSession {
        &self.door_session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_token_of_a_session_is_not_in_its_debug_form_and_survives_the_store() {
        let session = DoorSession { id_token: Some(Secret::new("geheim")), ..DoorSession::default() };
        assert!(!format!("{session:?}").contains("geheim"));
        let stored = serde_json::to_string(&session).unwrap();
        assert!(stored.contains(r#""id_token":"geheim""#), "as sessions of before have it: {stored}");
        assert_eq!(serde_json::from_str::<DoorSession>(&stored).unwrap(), session);
    }
}
