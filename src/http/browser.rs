//! The browser id: one small cookie that ties pending logins to the browser that started them, however many tabs it has.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::random::{self, RandomError};

const NAME: &str = "__Host-usher-tx";

/// The browser's secret, as its cookie holds it.
#[derive(Debug, Clone)]
pub(super) struct BrowserId {
    token: String,
}

impl BrowserId {
    /// The browser's id if it sent one.
    pub(super) fn find(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = cookies.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == NAME);
        let token = found.next()?.value().to_owned();
        is_token(&token).then_some(Self { token })
    }

    /// A new id.
    pub(super) fn make() -> Result<Self, RandomError> {
        Ok(Self { token: random::token()? })
    }

    /// The browser's id, or a new one.
    pub(super) fn find_or_make(headers: &HeaderMap) -> Result<Self, RandomError> {
        match Self::find(headers) {
            Some(browser) => Ok(browser),
            None => Self::make(),
        }
    }

    /// What the pending login keeps.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.token.as_bytes()).into()
    }

    /// Whether the pending login was started by this browser.
    pub(super) fn started(&self, hash: &[u8; 32]) -> bool {
        self.hash().ct_eq(hash).into()
    }

    /// A short name of this browser for counters and indexes: not the secret.
    pub(super) fn key(&self) -> String {
        short_hex(&self.hash())
    }

    /// The `Set-Cookie` value; set at every start, so that it outlives the login that was started last.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        let cookie = Cookie::build((NAME, self.token.as_str()))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(Duration::hours(1))
            .build();
        HeaderValue::from_str(&cookie.to_string()).ok()
    }
}

/// Whether a text has the form of our secrets, keys and hashes: base64url of 32 bytes. Anything else was not made here.
pub(super) fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The first 128 bits in lower-case hexadecimal: enough to tell hashes apart.
pub(super) fn short_hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_browser_is_known_again_by_its_cookie() {
        let first = BrowserId::find_or_make(&HeaderMap::new()).unwrap();
        let set = first.cookie().unwrap().to_str().unwrap().to_owned();
        let again = BrowserId::find_or_make(&sent(set.split(';').next().unwrap())).unwrap();
        assert!(again.started(&first.hash()));
    }

    #[test]
    fn the_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        let set = BrowserId::find_or_make(&HeaderMap::new()).unwrap().cookie().unwrap();
        for needed in ["__Host-usher-tx=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.to_str().unwrap().contains(needed), "{needed}");
        }
    }

    #[test]
    fn another_browser_did_not_start_it() {
        let mine = BrowserId::find_or_make(&HeaderMap::new()).unwrap();
        let theirs = BrowserId::find_or_make(&HeaderMap::new()).unwrap();
        assert!(!theirs.started(&mine.hash()));
        assert!(BrowserId::find(&sent("__Host-usher-tx=short")).is_none());
    }
/// By what a secret or state is found again in a store: never by itself, because names of keys are not sealed.
pub(super) fn hashed(secret: &str) -> String {
    short_hex(&Sha256::digest(secret.as_bytes()))
}

}
