//! What a session is.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::core::{ConnectionId, DoorSession, MemberId, OrganizationId, PersonId};

/// The characters of a session id as the cookie holds it: 128 random bits in base64url, as tower-sessions makes them (ASVS 7.2.3 asks for 128).
const TOKEN_LENGTH: usize = 22;

/// What a session is stored under: the SHA-256 of its id. Who reads the store cannot become anyone.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key of a session id, as the cookie holds it; `None` when the text cannot be an id.
    #[must_use]
    pub fn of(token: &[u8]) -> Option<Self> {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        (token.len() == TOKEN_LENGTH && token.iter().all(fits)).then(|| Self(Sha256::digest(token).into()))
    }

    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }

    pub(super) fn entry(self) -> String {
        format!("session:{self}")
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SessionKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

/// On which host a session counts. A cookie of one host says nothing on another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Sign-in, account, console.
    AuthHost,
    /// One app.
    App {
        /// Its host, lower case, without port.
        host: String,
        /// The session on the auth host that it came from.
        parent: SessionKey,
    },
}

impl Place {
    /// The app host, if it is one.
    #[must_use]
    pub fn app_host(&self) -> Option<&str> {
        match self {
            Self::AuthHost => None,
            Self::App { host, .. } => Some(host),
        }
    }

    /// The session on the auth host that this one hangs on.
    #[must_use]
    pub const fn parent(&self) -> Option<SessionKey> {
        match self {
            Self::AuthHost => None,
            Self::App { parent, .. } => Some(*parent),
        }
    }
}

/// What a finished login knows about the session to start.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who.
    pub person: PersonId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// As whom, there.
    pub subject: String,
    /// The memberships that this login was decided for.
    pub organizations: BTreeMap<OrganizationId, MemberId>,
    /// What the door keeps.
    pub door_session: DoorSession,
}

/// A session as it is stored. Role, seat and status are not in it: they are the member's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// What it is stored under; not part of the stored text.
    #[serde(skip)]
    pub key: SessionKey,
    /// Where it counts.
    pub place: Place,
    /// Who.
    pub person: PersonId,
    /// Through which connection.
    pub connection: ConnectionId,
    /// As whom, there.
    pub subject: String,
    /// The memberships that this login was decided for.
    pub organizations: BTreeMap<OrganizationId, MemberId>,
    /// What the door keeps.
    pub door_session: DoorSession,
    /// When the login was.
    pub started_at: Timestamp,
    /// When it ends whatever happens: the configured lifetime, or earlier when the provider said so.
    pub ends_at: Timestamp,
    /// The last request, as far as it is written down.
    pub last_seen_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let key = SessionKey::of(b"AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        assert_eq!(SessionKey::parse(&key.to_string()), Some(key));
        assert_eq!(SessionKey::parse("abc"), None);
        assert_eq!(SessionKey::parse(&"+1".repeat(32)), None);
    }

    #[test]
    fn what_cannot_be_an_id_is_not_looked_up() {
        for bad in [
            &b""[..],
            b"AAAAAAAAAAAAAAAAAAAAA",
            b"AAAAAAAAAAAAAAAAAAAAAAA",
            b"AAAAAAAAAAA AAAAAAAAAA",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(SessionKey::of(bad), None);
        }
    }
}
