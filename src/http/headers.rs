//! Security headers of what Usher itself answers. Never put on an app's answer: an app has its own policy.
//!
//! `form-action` is why the pages look as they do: Chromium applies it to the redirects that follow a form too, so no form may end at an identity
//! provider. Sign-in starts with links, and the email form is answered by a page that moves on by itself.

use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};
use tower::util::MapResponseLayer;

use crate::random::{self, RandomError};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);
const DATA: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// A value that lets one script of one response run.
#[derive(Debug)]
pub struct Nonce(String);

impl Nonce {
    /// A new one; never used for two responses.
    ///
    /// # Errors
    /// [`RandomError`] when the system has no randomness.
    pub fn new() -> Result<Self, RandomError> {
        random::token().map(Self)
    }

    /// The value for a `nonce` attribute: base64url, so it needs no escaping.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a response may load, and where its forms may go.
#[derive(Debug, Clone, Copy)]
pub enum ContentPolicy<'a> {
    /// A page without any script; its forms go to its own origin.
    Page,
    /// The page that carries a SAML message to an identity provider: one script, and a form that may go anywhere.
    PostForm(&'a Nonce),
    /// A page of the console: its own scripts, which may ask its own origin, and no markup from text that they did not write (Trusted Types).
    Console(&'a Nonce),
    /// Not a page.
    Data,
}

impl ContentPolicy<'_> {
    /// The `Content-Security-Policy` header.
    #[must_use]
    pub fn header(self) -> HeaderValue {
        match self {
            Self::Page => PAGE,
            Self::Data => DATA,
            Self::Console(nonce) => HeaderValue::try_from(format!(
                "default-src 'none'; script-src 'nonce-{}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types htmx",
                nonce.as_str()
            ))
            .unwrap_or(DATA),
            Self::PostForm(nonce) => HeaderValue::try_from(format!(
                "default-src 'none'; script-src 'nonce-{}'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
                 require-trusted-types-for 'script'; trusted-types 'none'",
                nonce.as_str()
            ))
            .unwrap_or(DATA),
        }
    }
}

/// Adds what is missing of: `Content-Security-Policy` (the strictest), `X-Content-Type-Options`, `Referrer-Policy: same-origin`,
/// `Cross-Origin-Opener-Policy`, and over https `Strict-Transport-Security`. What a response has already is kept.
pub fn secure(headers: &mut HeaderMap, https: bool) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| ContentPolicy::Data.header());
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(CROSS_ORIGIN_OPENER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    if https {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
}

/// [`secure`] as a layer for a whole router. `https`: whether `public_url` is.
#[must_use]
pub fn layer(https: bool) -> MapResponseLayer<impl Fn(Response) -> Response + Clone> {
    MapResponseLayer::new(move |mut response: Response| {
        secure(response.headers_mut(), https);
        response
    })
}

/// For everything that does not say itself how long it may be kept: not at all. A redirect may hold a ticket.
pub async fn unkept(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// For what is answered at a callback: its address holds a code or a state, which no other site may learn from a `Referer`.
#[must_use]
pub fn no_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_response_gets_every_header_and_the_strictest_policy() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, true);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REFERRER_POLICY], "same-origin");
        assert_eq!(headers[CROSS_ORIGIN_OPENER_POLICY], "same-origin");
        assert_eq!(headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }

    #[test]
    fn plain_http_is_never_pinned_to_https() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, false);
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn a_callback_keeps_its_own_referrer_policy() {
        let mut response = no_referrer(Response::default());
        secure(response.headers_mut(), true);
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
    }

    #[test]
    fn no_policy_allows_an_inline_script_or_style() {
        let nonce = Nonce::new().unwrap();
        for policy in [ContentPolicy::Page, ContentPolicy::PostForm(&nonce), ContentPolicy::Console(&nonce), ContentPolicy::Data] {
            let text = policy.header();
            let text = text.to_str().unwrap();
            assert!(text.starts_with("default-src 'none'; "), "{text}");
            assert!(!text.contains("unsafe") && !text.contains('*') && !text.contains("http"), "{text}");
            assert!(text.contains("frame-ancestors 'none'"), "{text}");
        }
    }

    #[test]
    fn only_the_post_form_may_leave_the_origin_and_its_nonce_is_new_each_time() {
        let (one, other) = (Nonce::new().unwrap(), Nonce::new().unwrap());
        assert_ne!(one.as_str(), other.as_str());
        let policy = ContentPolicy::PostForm(&one).header();
        let policy = policy.to_str().unwrap();
        assert!(!policy.contains("form-action"));
        assert!(policy.contains(&format!("script-src 'nonce-{}';", one.as_str())));
        assert!(ContentPolicy::Page.header().to_str().unwrap().contains("form-action 'self'"));
    }
}
