//! What a session is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

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
        let (halves, _) = self.0.as_chunks();
        halves.iter().try_for_each(|half| write!(f, "{:032x}", u128::from_be_bytes(*half)))
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

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every session is of the larger kind")]
pub enum WayIn {
    /// Through an identity provider.
    Connection {
        /// Which connection.
        connection: ConnectionId,
        /// As whom, there.
        subject: String,
        /// What the door keeps.
        door_session: DoorSession,
    },
    /// By a recovery link (row 60): no provider vouched for this, so it never counts as a fresh sign-in.
    Recovery,
}

impl WayIn {
    /// The connection, if it was one.
    #[must_use]
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Connection { connection, .. } => Some(connection),
            Self::Recovery => None,
        }
    }

    /// What the door keeps, if there was a door.
    #[must_use]
    pub const fn door_session(&self) -> Option<&DoorSession> {
        match self {
            Self::Connection { door_session, .. } => Some(door_session),
            Self::Recovery => None,
        }
    }

    /// When the person proved to the provider who they are, if it said so.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.door_session().and_then(|door_session| door_session.authenticated_at)
    }

    /// Whether it was a recovery link.
    #[must_use]
    pub const fn is_recovery(&self) -> bool {
        matches!(self, Self::Recovery)
    }
}

/// The program in front of the person, as the login's request showed it: for people who look after sessions, never for a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The address that it came from.
    pub address: Option<String>,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

/// Characters of a user agent that are kept: enough to tell browsers apart, and nobody fills the store with it.
const MAX_USER_AGENT: usize = 256;

impl Client {
    /// Keeps what is fit to be shown: a user agent is the client's own text.
    #[must_use]
    pub fn new(address: Option<String>, user_agent: Option<&str>) -> Self {
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect::<String>();
        Self { address, user_agent: user_agent.map(shown).filter(|text| !text.trim().is_empty()) }
    }
}

/// What a finished login knows about the session to start.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who.
    pub person: PersonId,
    /// How they came in.
    pub way: WayIn,
    /// The memberships that this login was decided for.
    pub organizations: BTreeMap<OrganizationId, MemberId>,
    /// What they came with.
    pub client: Client,
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
    /// How they came in.
    pub way: WayIn,
    /// The memberships that this login was decided for.
    pub organizations: BTreeMap<OrganizationId, MemberId>,
    /// What they came with.
    pub client: Client,
    /// When the login was.
    pub started_at: Timestamp,
    /// When it ends whatever happens: the configured lifetime, or earlier when the provider said so.
    pub ends_at: Timestamp,
    /// The last request, as far as it is written down.
    pub last_seen_at: Timestamp,
}

impl SessionRecord {
    /// How long it is until it ends whatever happens.
    pub(super) fn time_left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.ends_at.duration_since(now)).unwrap_or_default()
    }
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
    fn a_user_agent_is_kept_short_and_without_control_characters() {
        let client = Client::new(None, Some(&format!("Firefox\u{1b}[31m{}", "x".repeat(5000))));
        let kept = client.user_agent.unwrap();
        assert!(kept.starts_with("Firefox[31mxx") && kept.chars().count() == MAX_USER_AGENT, "{kept}");
        assert_eq!(Client::new(None, Some(" \n ")).user_agent, None);
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
