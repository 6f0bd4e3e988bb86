//! Identifiers. Two kinds: opaque ids that Usher makes (`per_…`, `mem_…`), and short names that an operator writes (`acme`, `okta`).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is wrong with a text that should have been an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix is missing or belongs to another kind of id.
    #[error("expected an id that starts with {expected:?}")]
    Prefix {
        /// The prefix that this kind of id has.
        expected: &'static str,
    },
    /// What follows the prefix is not a UUID in 32 hexadecimal digits.
    #[error("expected 32 hexadecimal digits after the prefix")]
    Digits,
    /// A short name must be 1 to 63 of `a-z`, `0-9`, `-`, and start and end with a letter or digit.
    #[error("use 1 to 63 lower-case letters, digits and dashes, and start and end with a letter or digit")]
    Name,
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The text that every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes the id from a UUID; callers pass version 7, so that ids sort by the time they were made.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Reads the text form.
            ///
            /// # Errors
            /// [`IdError::Prefix`] or [`IdError::Digits`] when the text is not such an id.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).ok_or(IdError::Prefix { expected: $prefix })?;
                if digits.len() != 32 {
                    return Err(IdError::Digits);
                }
                Uuid::try_parse(digits).map(Self).map_err(|_| IdError::Digits)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

opaque_id!(
    /// A human we know.
    PersonId,
    "per_"
);
opaque_id!(
    /// A person in one organization.
    MemberId,
    "mem_"
);
opaque_id!(
    /// A person's tie to one connection and subject.
    LinkId,
    "lnk_"
);
opaque_id!(
    /// An invitation to one organization.
    InviteId,
    "inv_"
);
opaque_id!(
    /// A removal of one or many members at once, which can be undone.
    RemovalId,
    "rem_"
);
opaque_id!(
    /// The record of one decision, with its trace.
    DecisionId,
    "dec_"
);
opaque_id!(
    /// One line of the audit log.
    AuditId,
    "aud_"
);
opaque_id!(
    /// An API token; not the token itself, which starts with `ush_`.
    TokenId,
    "tok_"
);
opaque_id!(
    /// The reference that an error page shows and a log line carries.
    IncidentId,
    "inc_"
);

macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads a short name.
            ///
            /// # Errors
            /// [`IdError::Name`] when the text is empty, too long or has other characters.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_short_name(text) { Ok(Self(text.to_owned())) } else { Err(IdError::Name) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

short_name!(
    /// What people are members of.
    OrganizationId
);
short_name!(
    /// One configured identity provider.
    ConnectionId
);

fn is_short_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|&b| allowed(b) || b == b'-')
        && bytes.first().is_some_and(|&b| allowed(b))
        && bytes.last().is_some_and(|&b| allowed(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = PersonId::from_uuid(Uuid::from_u128(7));
        assert_eq!(PersonId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let member = MemberId::from_uuid(Uuid::from_u128(7)).to_string();
        assert_eq!(PersonId::parse(&member), Err(IdError::Prefix { expected: "per_" }));
        assert_eq!(PersonId::parse("per_{00000000000000000000000000000007}"), Err(IdError::Digits));
    }

    #[test]
    fn a_short_name_is_one_word_of_a_url() {
        for good in ["a", "okta", "acme-2"] {
            assert!(OrganizationId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Acme", "a/b", "a.b", "ä", &"a".repeat(64)] {
            assert_eq!(OrganizationId::parse(bad), Err(IdError::Name), "{bad}");
        }
    }
}
