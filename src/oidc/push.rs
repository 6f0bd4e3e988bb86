//! Pushed authorization requests (RFC 9126): the provider gets the request from Usher itself, and the browser carries only its name.

use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::client_auth::Proof;
use super::discovery::Provider;
use super::error::cleaned_code;
use super::json::parse_object;
use super::{OidcError, RelyingParty};

const MAX_BYTES: usize = 64 * 1024;
/// Longer than any provider's; it becomes part of an address.
const MAX_NAME_BYTES: usize = 1024;

impl RelyingParty {
    /// Where to push requests; `None` where the browser carries them. The provider's word is enough to push, and not enough to leave it out.
    fn push_endpoint<'a>(&self, provider: &'a Provider) -> Result<Option<&'a Url>, OidcError> {
        if !self.settings.pushed_requests.unwrap_or(provider.wants_pushed_requests) {
            return Ok(None);
        }
        let missing = OidcError::DiscoveryInvalid("it has no endpoint for pushed requests".to_owned());
        provider.pushed_requests.as_ref().map(Some).ok_or(missing)
    }

    /// Replaces a whole authorization request by its name, where the connection says so.
    pub(super) async fn push(&self, provider: &Provider, request: Url, now: Timestamp) -> Result<Url, OidcError> {
        let Some(endpoint) = self.push_endpoint(provider)? else { return Ok(request) };
        let pushed = self.pushed(provider, endpoint, &request, now)?;
        let fetched = self.outbound.send(pushed, self.reach, MAX_BYTES).await?;
        let name = read(fetched.status, &fetched.body)?;

        let mut url = provider.authorization.url().clone();
        url.query_pairs_mut().append_pair("client_id", &self.settings.client_id).append_pair("request_uri", &name);
        Ok(url)
    }

    /// The same request as a form for the provider, with the client's proof.
    fn pushed(&self, provider: &Provider, endpoint: &Url, request: &Url, now: Timestamp) -> Result<http::Request<Vec<u8>>, OidcError> {
        // The endpoint's own query comes first, and is not ours.
        let own = provider.authorization.url().query_pairs().count();
        let fields: Vec<_> = request.query_pairs().skip(own).collect();
        self.form(provider, endpoint, &fields, now)
    }

    /// A form for one of the provider's addresses, with the client's proof.
    pub(super) fn form(
        &self,
        provider: &Provider,
        endpoint: &Url,
        fields: &[(impl AsRef<str>, impl AsRef<str>)],
        now: Timestamp,
    ) -> Result<http::Request<Vec<u8>>, OidcError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut builder = http::Request::builder()
            .method(Method::POST)
            .uri(endpoint.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match self.proof(provider, now)? {
            Proof::Authorization(value) => builder = builder.header(header::AUTHORIZATION, value),
            Proof::Fields(fields) => drop(form.extend_pairs(fields)),
        }
        builder.body(form.finish().into_bytes()).map_err(|_| OidcError::SettingsInvalid("a header cannot be sent"))
    }
}

/// The name of the request (RFC 9126 2.2), or why there is none.
fn read(status: StatusCode, body: &[u8]) -> Result<String, OidcError> {
    let refused = |why: &str| OidcError::PushRefused(cleaned_code(why));
    let object = parse_object(body).ok_or_else(|| refused("no_json"))?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    if status != StatusCode::CREATED {
        return Err(refused(text("error").unwrap_or("no_error_code")));
    }
    let name = text("request_uri").filter(|name| (1..=MAX_NAME_BYTES).contains(&name.len()) && super::callback::is_token(name));
    name.map(str::to_owned).ok_or_else(|| refused("no_request_uri"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: u16, body: &str) -> Result<String, String> {
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_name_under_201_counts() {
        assert_eq!(code(201, r#"{"request_uri":"urn:x","expires_in":60}"#), Ok("urn:x".to_owned()));
        for (status, body) in [
            (200, r#"{"request_uri":"urn:x"}"#),
            (201, "{}"),
            (201, r#"{"request_uri":""}"#),
            (201, r#"{"request_uri":7}"#),
            (201, r#"{"request_uri":"a\nb"}"#),
            (201, r#"{"request_uri":"a","request_uri":"b"}"#),
            (201, "<html>"),
            (400, r#"{"error":"invalid_client"}"#),
        ] {
            assert!(code(status, body).is_err(), "{status} {body}");
        }
        let named = |bytes: usize| code(201, &format!(r#"{{"request_uri":"{}"}}"#, "x".repeat(bytes))).is_ok();
        assert_eq!([named(1024), named(1025)], [true, false]);
        assert!(code(401, r#"{"error":"invalid_client"}"#).unwrap_err().contains("invalid_client"));
    }
}
