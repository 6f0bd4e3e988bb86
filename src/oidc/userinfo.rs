//! Claims from the userinfo endpoint (OpenID Connect Core 5.3): asked only after the ID token held, and only for what it lacks.

use http::{Method, StatusCode, header};
use openidconnect::AccessToken;
use serde_json::Value;
use url::Url;

use super::json::{Object, parse_object};
use super::{OidcError, RelyingParty};

const MAX_BYTES: usize = 1024 * 1024;

impl RelyingParty {
    /// The claims about `subject`. Whatever goes wrong refuses the login: without them the decision would rest on half of the facts.
    ///
    /// The library's own request is not used: it panics over an access token that does not fit into a header, and reads claims strictly.
    pub(super) async fn ask_userinfo(&self, url: &Url, access_token: &AccessToken, subject: &str) -> Result<Object, OidcError> {
        let request = http::Request::builder()
            .method(Method::GET)
            .uri(url.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", access_token.secret()))
            .body(Vec::new())
            .map_err(|_| OidcError::UserinfoInvalid("it could not be asked"))?;
        let fetched = self.outbound.send(request, self.reach, MAX_BYTES).await?;
        if fetched.status != StatusCode::OK {
            return Err(OidcError::UserinfoInvalid("the provider refused the access token"));
        }
        if fetched.media_type.as_deref() == Some("application/jwt") {
            return Err(OidcError::UserinfoInvalid("it is signed, and Usher reads plain JSON only"));
        }
        let claims = parse_object(&fetched.body).ok_or(OidcError::UserinfoInvalid("it is not a JSON object"))?;
        if claims.get("sub").and_then(Value::as_str) == Some(subject) { Ok(claims) } else { Err(OidcError::UserinfoSubjectMismatch) }
    }
}
