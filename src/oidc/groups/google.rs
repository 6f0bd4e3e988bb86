//! The groups of a person in Google Workspace, from the Directory API: a service account asks in the name of an administrator (domain-wide delegation).

use http::{Method, StatusCode, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;

use super::super::id_token::text;
use super::super::json::{Object, parse_object};
use super::super::{OidcError, RelyingParty};
use super::{LookupError, MAX_BYTES, address};
use crate::core::{GroupClaim, Secret};

const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
/// Google counts an assertion for an hour at most; this one is used at once.
const LIFE_SECONDS: i64 = 60;
/// Of 200 groups each.
const MAX_PAGES: usize = 20;

/// The key file of a service account, as Google gives it.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key_id: Option<String>,
    private_key: Secret,
    token_uri: String,
}

/// Who asks, and in whose name.
pub(in crate::oidc) struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: EncodingKey,
    token_uri: String,
    impersonate: String,
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    scope: &'a str,
    iat: i64,
    exp: i64,
}

impl ServiceAccount {
    pub(super) fn parse(file: &Secret, impersonate: &str) -> Result<Self, OidcError> {
        let invalid = || OidcError::SettingsInvalid("`service_account` is not the key file of a service account");
        let file: KeyFile = serde_json::from_str(file.reveal()).map_err(|_| invalid())?;
        let key = EncodingKey::from_rsa_pem(file.private_key.reveal().as_bytes()).map_err(|_| invalid())?;
        Ok(Self {
            email: file.client_email,
            key_id: file.private_key_id,
            key,
            token_uri: file.token_uri,
            impersonate: impersonate.to_owned(),
        })
    }

    fn assertion(&self, now: Timestamp) -> Result<String, LookupError> {
        let issued = now.as_second();
        let (aud, exp) = (self.token_uri.as_str(), issued.saturating_add(LIFE_SECONDS));
        let claims = Assertion { iss: &self.email, sub: &self.impersonate, aud, scope: SCOPE, iat: issued, exp };
        let header = Header { kid: self.key_id.clone(), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| LookupError::Unreadable("the service account's key cannot sign"))
    }

    fn token_request(&self, now: Timestamp) -> Result<http::Request<Vec<u8>>, LookupError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &self.assertion(now)?)
            .finish();
        http::Request::builder()
            .method(Method::POST)
            .uri(&self.token_uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .map_err(|_| LookupError::Unreadable("the service account's token address cannot be asked"))
    }
}

impl RelyingParty {
    pub(super) async fn ask_google(&self, base: &str, id_token: &Object, now: Timestamp) -> Result<GroupClaim, LookupError> {
        let account = self.service_account.as_ref().ok_or(LookupError::Unreadable("the connection has no service account"))?;
        // The account's id, which never changes and never passes on; an address does.
        let person = text(id_token, "sub").ok_or(LookupError::Unreadable("the ID token has no subject"))?;
        let fetched = self.outbound.send(account.token_request(now)?, self.reach, MAX_BYTES).await?;
        if fetched.status != StatusCode::OK {
            return Err(LookupError::Refused(fetched.status));
        }
        let answer = parse_object(&fetched.body).ok_or(LookupError::Unreadable("the token answer is not a JSON object"))?;
        let access_token = text(&answer, "access_token").ok_or(LookupError::Unreadable("the token answer has no access token"))?;

        let (mut groups, mut page) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let answer = self.ask_api(page_request(base, person, &page)?, access_token).await?;
            groups.extend(read(&answer)?);
            match answer.get("nextPageToken") {
                None => return Ok(GroupClaim::from_values(groups)),
                Some(Value::String(next)) => page.clone_from(next),
                Some(_) => return Err(LookupError::Unreadable("the answer is not whole")),
            }
        }
        Err(LookupError::Unreadable("there are too many groups"))
    }
}

fn page_request(base: &str, person: &str, page: &str) -> Result<http::Request<Vec<u8>>, LookupError> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("userKey", person).append_pair("maxResults", "200");
    if !page.is_empty() {
        query.append_pair("pageToken", page);
    }
    http::Request::builder()
        .uri(address(base, &format!("admin/directory/v1/groups?{}", query.finish())))
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| LookupError::Unreadable("the address cannot be asked"))
}

/// The addresses of the groups on one page; no list at all is what Google sends for nobody's groups.
fn read(answer: &Object) -> Result<Vec<String>, LookupError> {
    let Some(groups) = answer.get("groups") else { return Ok(Vec::new()) };
    let emails =
        groups.as_array().map(|groups| groups.iter().map(|group| Some(group.get("email")?.as_str()?.to_owned())).collect::<Option<_>>());
    emails.flatten().ok_or(LookupError::Unreadable("the list has a group without an address"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let read = |answer: Value| super::read(answer.as_object().unwrap()).ok();
        assert_eq!(read(json!({ "groups": [{ "email": "a@acme.example", "id": "1" }] })), Some(vec!["a@acme.example".to_owned()]));
        assert_eq!(read(json!({ "kind": "admin#directory#groups" })), Some(Vec::new()));
        for answer in [
            json!({ "groups": "a" }),
            json!({ "groups": [{ "id": "1" }] }),
            json!({ "groups": [{ "email": 7 }] }),
            json!({ "groups": null }),
        ] {
            assert_eq!(read(answer.clone()), None, "{answer}");
        }
    }

    #[test]
    fn a_key_file_that_is_none_is_refused_and_never_shown() {
        for file in ["", "{}", r#"{"client_email":"x","private_key":"geheim","token_uri":"https://x"}"#] {
            let refused = ServiceAccount::parse(&Secret::new(file), "admin@acme.example").unwrap_err();
            assert_eq!(refused.code(), "settings_invalid");
            assert!(!refused.to_string().contains("geheim"));
        }
    }
}
