//! All groups of a person, also through other groups, from Microsoft Graph (`getMemberObjects`), with an access token of the application's own.

use http::{Method, header};
use jiff::Timestamp;
use openidconnect::{OAuth2TokenResponse as _, Scope, TokenUrl};
use serde_json::Value;

use super::super::discovery::Provider;
use super::super::id_token::text;
use super::super::json::Object;
use super::super::{OidcError, RelyingParty};
use super::{LookupError, address};
use crate::core::GroupClaim;

/// Graph itself gives no more.
const MAX_GROUPS: usize = 12_000;

impl RelyingParty {
    pub(super) async fn ask_graph(
        &self,
        provider: &Provider,
        base: &str,
        id_token: &Object,
        now: Timestamp,
    ) -> Result<GroupClaim, LookupError> {
        // An id, and nothing that could lead elsewhere: it becomes part of a path.
        let person = text(id_token, "oid").and_then(|oid| uuid::Uuid::parse_str(oid).ok());
        let person = person.ok_or(LookupError::Unreadable("the ID token has no `oid`"))?;
        let endpoint = self.token_endpoint_of(provider, text(id_token, "tid"))?;
        let client = self.client(provider)?.set_token_uri(endpoint);
        let access_token = {
            let mut asked = client.exchange_client_credentials().add_scope(Scope::new(address(base, ".default")));
            for (name, value) in self.assertion(now)? {
                asked = asked.add_extra_param(name, value);
            }
            asked.request_async(self).await.map_err(super::super::exchange::refused)?.access_token().clone()
        };
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(address(base, &format!("v1.0/users/{}/getMemberObjects", person.hyphenated())))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(br#"{"securityEnabledOnly":false}"#.to_vec())
            .map_err(|_| LookupError::Unreadable("the address cannot be asked"))?;
        read(&self.ask_api(request, access_token.secret()).await?)
    }

    /// Where the application gets its own token: a tenant's own endpoint, because an application has no rights among all.
    fn token_endpoint_of(&self, provider: &Provider, tenant: Option<&str>) -> Result<TokenUrl, OidcError> {
        if !self.issuer.has_tenants() {
            return Ok(provider.token.clone());
        }
        let tenant = tenant.ok_or(OidcError::TenantNotAllowed)?;
        let url = provider.token.url().as_str().replacen("/organizations/", &format!("/{tenant}/"), 1);
        TokenUrl::new(url).map_err(|_| OidcError::DiscoveryInvalid("its token endpoint has no tenant".to_owned()))
    }
}

/// Whoever has too many groups for a token has some here; and half of a list is none.
fn read(answer: &Object) -> Result<GroupClaim, LookupError> {
    if answer.contains_key("@odata.nextLink") {
        return Err(LookupError::Unreadable("the answer is not whole"));
    }
    let ids = answer.get("value").and_then(Value::as_array).ok_or(LookupError::Unreadable("the answer has no list"))?;
    let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
    match ids {
        Some(ids) if (1..=MAX_GROUPS).contains(&ids.len()) => Ok(GroupClaim::from_values(ids)),
        Some(_) => Err(LookupError::Unreadable("the list is empty or too long")),
        None => Err(LookupError::Unreadable("the list has something else than ids")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_has_a_largest_length() {
        let fits = |count: usize| read(json!({ "value": vec!["a"; count] }).as_object().unwrap()).is_ok();
        assert_eq!([fits(12_000), fits(12_001)], [true, false]);
    }

    #[test]
    fn only_a_whole_list_of_ids_counts() {
        let groups = |answer: Value| read(answer.as_object().unwrap()).ok();
        assert_eq!(groups(json!({ "value": ["a", "b"] })), Some(GroupClaim::from_values(["a", "b"])));
        for answer in [
            json!({}),
            json!({ "value": [] }),
            json!({ "value": ["a", 7] }),
            json!({ "value": "a" }),
            json!({ "value": ["a"], "@odata.nextLink": "https://evil.example/next" }),
            json!({ "value": (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>() }),
        ] {
            assert_eq!(groups(answer.clone()), None, "{answer}");
        }
    }
}
