//! Where a person goes after the login: always one of our own hosts, kept on the server, never read back from a query (gateway.md row 16).

use serde::{Deserialize, Serialize};
use url::Url;

/// Why a return target was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReturnToError {
    /// Not an absolute URL or a path that starts with one slash; or a control character, blank or backslash in it.
    #[error("not a path and not an address")]
    Shape,
    /// Another host, scheme or port than ours.
    #[error("not an address of this gateway")]
    Foreign,
}

/// An address on one of our own origins: scheme, host and port, and a path with its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTo {
    origin: String,
    path: String,
}

impl ReturnTo {
    /// Reads a return target. A path means the first of `origins`; anything else must be an address on one of them.
    ///
    /// `origins` are ASCII serialisations (`https://app.acme.example`), as [`url::Origin::ascii_serialization`] gives them. At most 4 KiB are read.
    ///
    /// # Errors
    /// [`ReturnToError`]; callers then use [`ReturnTo::home`].
    pub fn parse(text: &str, origins: &[String]) -> Result<Self, ReturnToError> {
        let refused = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.is_empty() || text.len() > 4096 || text.contains(refused) {
            return Err(ReturnToError::Shape);
        }
        let home = origins.first().ok_or(ReturnToError::Foreign)?;
        let url = if text.starts_with('/') && !text.starts_with("//") {
            Url::parse(home).and_then(|base| base.join(text)).map_err(|_| ReturnToError::Shape)?
        } else {
            Url::parse(text).map_err(|_| ReturnToError::Shape)?
        };
        let origin = url.origin().ascii_serialization();
        if !origins.contains(&origin) || !url.username().is_empty() || url.password().is_some() {
            return Err(ReturnToError::Foreign);
        }
        // A path that starts with two slashes would be read as a host by whoever gets only the path.
        let path = url.path();
        if path.starts_with("//") {
            return Err(ReturnToError::Shape);
        }
        let path = url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        Ok(Self { origin, path })
    }

    /// The start page of an origin.
    #[must_use]
    pub fn home(origin: &str) -> Self {
        Self { origin: origin.to_owned(), path: "/".to_owned() }
    }

    /// The origin, as it was configured.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Path and query; starts with exactly one slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins() -> Vec<String> {
        vec!["https://auth.acme.example".to_owned(), "https://app.acme.example".to_owned()]
    }

    #[test]
    fn a_deep_link_of_an_app_is_kept() {
        let target = ReturnTo::parse("https://app.acme.example/a/b?c=d&e", &origins()).unwrap();
        assert_eq!(target.url(), "https://app.acme.example/a/b?c=d&e");
    }

    #[test]
    fn a_path_means_the_auth_host() {
        assert_eq!(ReturnTo::parse("/x?y", &origins()).unwrap().url(), "https://auth.acme.example/x?y");
    }

    #[test]
    fn other_places_are_refused() {
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "http://app.acme.example/",
            "https://app.acme.example:444/",
            "https://app.acme.example@evil.example/",
            "https://u:p@app.acme.example/",
            "javascript:alert(1)",
            "https:app.acme.example//x",
            "/\tx",
            " /x",
            "https://app.acme.example//evil.example",
            "data:text/html,x",
            "https://app.acme.example.evil.example/",
            "///evil.example",
        ] {
            assert!(ReturnTo::parse(bad, &origins()).is_err(), "{bad:?}");
        }
    }
}
