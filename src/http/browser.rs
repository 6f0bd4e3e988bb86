//! The browser id: one small cookie that ties pending logins to the browser that started them, however many tabs it has; and the page that the last of
//! them was for, so that a login which was left open overnight can begin anew.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite, time::Duration};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::core::PendingLogin;
use crate::random::{self, RandomError};

const NAME: &str = "__Host-usher-tx";
/// How long it is kept: a page may be left open overnight.
const LIFE: Duration = Duration::days(1);
/// The cookie stays small: a longer address is not kept in it.
const MAX_PAGE_BYTES: usize = 512;

/// The browser's secret, as its cookie holds it.
#[derive(Debug, Clone)]
pub(super) struct BrowserId {
    token: String,
    last: Option<LastLogin>,
}

/// The login that this browser started last. The browser says so itself: it is a wish, like any address that leads to the sign-in page.
#[derive(Debug, Clone)]
struct LastLogin {
    started_at: Timestamp,
    page: String,
}

impl LastLogin {
    fn parse(text: &str) -> Option<Self> {
        let (seconds, page) = text.split_once('.')?;
        let page = String::from_utf8(URL_SAFE_NO_PAD.decode(page).ok()?).ok()?;
        Some(Self { started_at: Timestamp::from_second(seconds.parse().ok()?).ok()?, page })
    }
}

impl BrowserId {
    /// The browser's id if it sent one.
    pub(super) fn find(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = cookies.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == NAME);
        let value = found.next()?.value().to_owned();
        let (token, last) = value.split_once('.').map_or((value.as_str(), None), |(token, last)| (token, LastLogin::parse(last)));
        is_token(token).then(|| Self { token: token.to_owned(), last })
    }

    /// A new id.
    pub(super) fn make() -> Result<Self, RandomError> {
        Ok(Self { token: random::token()?, last: None })
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

    /// The same browser, when it starts a login for this page.
    pub(super) fn starting(self, page: &str, now: Timestamp) -> Self {
        let last = (page.len() <= MAX_PAGE_BYTES).then(|| LastLogin { started_at: now, page: page.to_owned() });
        Self { last, ..self }
    }

    /// The page of the last login, if that was left open for too long.
    pub(super) fn left_open(&self, now: Timestamp) -> Option<&str> {
        let LastLogin { started_at, page } = self.last.as_ref()?;
        let ttl = SignedDuration::try_from(PendingLogin::TTL).ok()?;
        (now.duration_since(*started_at) >= ttl).then_some(page)
    }

    /// The `Set-Cookie` value; set at every start, so that it outlives the login that was started last.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        let last = self.last.as_ref().map(|last| format!(".{}.{}", last.started_at.as_second(), URL_SAFE_NO_PAD.encode(&last.page)));
        let cookie = Cookie::build((NAME, format!("{}{}", self.token, last.unwrap_or_default())))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(LIFE)
            .build();
        HeaderValue::from_str(&cookie.to_string()).ok()
    }
}

/// Whether a text has the form of our secrets, keys and hashes: base64url of 32 bytes. Anything else was not made here.
pub(super) fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// By what a secret or state is found again in a store: never by itself, because names of keys are not sealed.
pub(super) fn hashed(secret: &str) -> String {
    short_hex(&Sha256::digest(secret.as_bytes()))
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
    fn a_login_that_was_left_open_is_known_and_one_of_a_moment_ago_is_not() {
        let at = |minutes: i64| Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap();
        let page = "https://app.acme.example/deep?a=b&c=ü";
        let again = |browser: BrowserId| {
            let set = browser.cookie().unwrap().to_str().unwrap().to_owned();
            BrowserId::find(&sent(set.split(';').next().unwrap())).unwrap()
        };
        let browser = again(BrowserId::make().unwrap().starting(page, at(0)));
        assert_eq!((browser.left_open(at(9)), browser.left_open(at(10))), (None, Some(page)));
        let token = browser.token.clone();
        let longest = again(browser.starting(&"x".repeat(MAX_PAGE_BYTES), at(0)));
        assert!(longest.left_open(at(10)).is_some() && longest.cookie().unwrap().len() < 1024);
        assert_eq!(again(longest.starting(&"x".repeat(MAX_PAGE_BYTES + 1), at(0))).left_open(at(10)), None);
        // Whatever else stands behind the secret: it is the browser's own.
        for rest in ["", ".", "..", ".x.y", ".1.%", ".99999999999999999999.eA", ".1800000000.!", ".1800000000.gA"] {
            let browser = BrowserId::find(&sent(&format!("{NAME}={token}{rest}"))).unwrap();
            assert_eq!((browser.token.as_str(), browser.left_open(at(60))), (token.as_str(), None), "{rest}");
        }
    }

    #[test]
    fn another_browser_did_not_start_it() {
        let mine = BrowserId::find_or_make(&HeaderMap::new()).unwrap();
        let theirs = BrowserId::find_or_make(&HeaderMap::new()).unwrap();
        assert!(!theirs.started(&mine.hash()));
        assert!(BrowserId::find(&sent("__Host-usher-tx=short")).is_none());
    }
}
