//! Email addresses: kept as they came, compared without regard to case, their domain in IDNA ASCII form.
//!
//! An address is an attribute, never the identity of a person (OpenID Connect Core 5.7).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not an address that Usher accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Exactly one `@` is needed: `a@evil@corp.com` has passed domain checks elsewhere (CVE-2026-40574).
    #[error("an address has exactly one @")]
    AtSigns,
    /// The part before the `@` is empty, over 64 bytes, or has blanks, quotes or control characters.
    #[error("the part before the @ is empty, too long, or has characters that Usher does not accept")]
    Local,
    /// The part after the `@` is not a domain name.
    #[error("the part after the @ is not a domain name")]
    Domain,
}

/// A domain name in lower-case IDNA ASCII form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain name, with or without non-ASCII letters.
    ///
    /// # Errors
    /// [`EmailError::Domain`] when it is not one: empty labels, other characters, over 253 bytes.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| EmailError::Domain)?;
        if ascii.is_empty() || ascii.len() > 253 || ascii.split('.').any(str::is_empty) {
            return Err(EmailError::Domain);
        }
        Ok(Self(ascii))
    }

    /// The name in ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DomainName {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<DomainName> for String {
    fn from(domain: DomainName) -> Self {
        domain.0
    }
}

/// An email address.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    text: String,
    folded: String,
    domain: DomainName,
}

/// Lower case, without making an ASCII letter of another: `K` (the Kelvin sign) becomes `k` and `İ` an `i` with a dot, and whoever gets such an
/// address at a provider would be taken for the person with the plain one (GitHub, 2019, at password resets).
fn fold(local: &str) -> String {
    let fold =
        |c: char| if c.is_ascii() || !c.to_lowercase().any(|lower| lower.is_ascii()) { c.to_lowercase().collect() } else { c.to_string() };
    local.chars().map(fold).collect()
}

impl EmailAddress {
    /// Reads an address; outer white space is taken off.
    ///
    /// # Errors
    /// [`EmailError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(EmailError::AtSigns)?;
        if domain.contains('@') {
            return Err(EmailError::AtSigns);
        }
        let refused = |c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>[\\]".contains(c);
        if local.is_empty() || local.len() > 64 || local.contains(refused) {
            return Err(EmailError::Local);
        }
        let domain = DomainName::parse(domain)?;
        let folded = format!("{}@{domain}", fold(local));
        Ok(Self { text: text.to_owned(), folded, domain })
    }

    /// The address as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form that is compared and indexed: lower case, domain in ASCII.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The domain.
    #[must_use]
    pub const fn domain(&self) -> &DomainName {
        &self.domain
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_regard_to_case() {
        assert_eq!(EmailAddress::parse("Ada@ACME.example"), EmailAddress::parse("ada@acme.example"));
    }

    #[test]
    fn no_other_letter_counts_as_an_ascii_one() {
        for (plain, alike) in [("mike@acme.example", "mi\u{212a}e@acme.example"), ("ida@acme.example", "\u{130}da@acme.example")] {
            assert_ne!(EmailAddress::parse(plain), EmailAddress::parse(alike), "{alike}");
        }
        assert_eq!(EmailAddress::parse("ZO\u{cb}@acme.example"), EmailAddress::parse("zo\u{eb}@acme.example"));
    }

    #[test]
    fn a_second_at_sign_is_refused() {
        assert_eq!(EmailAddress::parse("a@evil@corp.example").unwrap_err(), EmailError::AtSigns);
    }

    #[test]
    fn the_domain_is_compared_in_ascii() {
        let email = EmailAddress::parse("u@Bücher.example").unwrap();
        assert_eq!(email.domain().as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn control_characters_and_blanks_are_refused() {
        for bad in ["a b@c.example", "a\n@c.example", "@c.example", "a@", "a@b..example", "<a>@b.example", "a@b_c.example"] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
