//! OpenID Connect: the authorization code flow with PKCE, for the one client that is known here.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{Assertion, CODE_LIFE, Idp, IdpError, NO_STORE, TOKEN_LIFE, Waiting, login};
use crate::demo::people::Membership;
use crate::demo::views;

/// An authorization request that was found good.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: String,
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    authorization: Authorization,
    assertion: Assertion,
}

pub(super) async fn discovery(State(idp): State<Arc<Idp>>) -> Json<Value> {
    let issuer = &idp.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oidc/authorize"),
        "token_endpoint": format!("{issuer}/oidc/token"),
        "userinfo_endpoint": format!("{issuer}/oidc/userinfo"),
        "jwks_uri": format!("{issuer}/oidc/jwks"),
        "end_session_endpoint": format!("{issuer}/oidc/logout"),
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": ["sub", "email", "email_verified", "name", "groups"],
    }))
}

pub(super) async fn jwks(State(idp): State<Arc<Idp>>) -> Response {
    Json(idp.keys.jwks()).into_response()
}

/// An authorization request as it came. A parameter that comes twice is refused by the form reader (RFC 6749 3.1).
#[derive(Debug, Deserialize)]
pub(super) struct AuthorizeForm {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    response_mode: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
}

pub(super) async fn authorize(State(idp): State<Arc<Idp>>, Form(form): Form<AuthorizeForm>) -> Result<Response, IdpError> {
    // Until client and redirect URI are known to be right, nobody is redirected anywhere (RFC 6749 4.1.2.1).
    if form.client_id.as_deref() != Some(idp.party.client_id.as_str()) {
        return Err(IdpError::BadRequest("the client is unknown"));
    }
    if form.redirect_uri.as_deref() != Some(idp.party.redirect_uri.as_str()) {
        return Err(IdpError::BadRequest("the redirect URI is not the client's"));
    }
    if let Some(error) = authorize_error(&form) {
        return redirect(&idp, &[("error", Some(error)), ("state", form.state.as_deref())]);
    }
    let code_challenge = form.code_challenge.unwrap_or_default();
    login::ask(&idp, Waiting::Oidc(Authorization { state: form.state, nonce: form.nonce, code_challenge }))
}

fn authorize_error(form: &AuthorizeForm) -> Option<&'static str> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let challenge = text(&form.code_challenge);
    if text(&form.response_type) != "code" {
        Some("unsupported_response_type")
    } else if !text(&form.scope).split(' ').any(|scope| scope == "openid") {
        Some("invalid_scope")
    } else if form.response_mode.as_deref().is_some_and(|mode| mode != "query")
        || text(&form.code_challenge_method) != "S256"
        || URL_SAFE_NO_PAD.decode(&challenge).map(|hash| hash.len()) != Ok(32)
    {
        Some("invalid_request")
    } else if form.prompt.as_deref() == Some("none") {
        // There is no session here to answer from.
        Some("login_required")
    } else {
        None
    }
}

/// Sends the browser back to the client, with the issuer (RFC 9207).
fn redirect(idp: &Idp, parameters: &[(&str, Option<&str>)]) -> Result<Response, IdpError> {
    let mut url = Url::parse(&idp.party.redirect_uri).map_err(IdpError::internal)?;
    let given = parameters.iter().filter_map(|&(name, value)| value.map(|value| (name, value)));
    url.query_pairs_mut().extend_pairs(given).append_pair("iss", &idp.issuer);
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, String::from(url))], [NO_STORE]).into_response())
}

/// Someone was picked: a code for the client.
pub(super) fn grant(idp: &Idp, authorization: Authorization, assertion: Assertion) -> Result<Response, IdpError> {
    let state = authorization.state.clone();
    let code = idp.codes.put(Grant { authorization, assertion }, idp.now()).map_err(IdpError::internal)?;
    redirect(idp, &[("code", Some(&code)), ("state", state.as_deref())])
}

/// A token request as it came.
#[derive(Debug, Deserialize)]
pub(super) struct TokenForm {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// An answer of RFC 6749 5.2.
fn token_error(status: StatusCode, error: &'static str) -> Response {
    (status, [NO_STORE], Json(json!({ "error": error }))).into_response()
}

pub(super) async fn token(State(idp): State<Arc<Idp>>, headers: HeaderMap, Form(form): Form<TokenForm>) -> Result<Response, IdpError> {
    if !is_client(&idp, &headers, &form) {
        return Ok(token_error(StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    if form.grant_type.as_deref() != Some("authorization_code") {
        return Ok(token_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    // Taken before it is looked at: whoever has a code has one try.
    let Some(grant) = form.code.as_deref().and_then(|code| idp.codes.take(code, idp.now())) else {
        return Ok(token_error(StatusCode::BAD_REQUEST, "invalid_grant"));
    };
    let verifier = form.code_verifier.unwrap_or_default();
    let proven = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == grant.authorization.code_challenge;
    if !proven || form.redirect_uri.as_deref() != Some(idp.party.redirect_uri.as_str()) {
        return Ok(token_error(StatusCode::BAD_REQUEST, "invalid_grant"));
    }
    let access_token = idp.tokens.put(grant.assertion.clone(), idp.now()).map_err(IdpError::internal)?;
    let id_token = idp.keys.sign(&id_claims(&idp, &grant, &access_token)).map_err(IdpError::internal)?;
    let body = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_LIFE.as_secs(), "id_token": id_token });
    Ok(([NO_STORE], Json(body)).into_response())
}

/// Whether the request proves to be the client's: by HTTP Basic or in the form, not both (RFC 6749 2.3).
fn is_client(idp: &Idp, headers: &HeaderMap, form: &TokenForm) -> bool {
    let (id, secret) = match (basic(headers), form.client_secret.clone()) {
        (Some(pair), None) => pair,
        (None, Some(secret)) => (form.client_id.clone().unwrap_or_default(), secret),
        _ => return false,
    };
    id == idp.party.client_id && bool::from(secret.as_bytes().ct_eq(idp.party.client_secret.reveal().as_bytes()))
}

/// Id and secret of HTTP Basic, each form-encoded inside (RFC 6749 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| percent_encoding::percent_decode_str(&part.replace('+', " ")).decode_utf8().ok().map(Into::into);
    Some((decoded(id)?, decoded(secret)?))
}

fn id_claims(idp: &Idp, grant: &Grant, access_token: &str) -> Value {
    let now = idp.now().as_second();
    let hash = digest(&SHA256, access_token.as_bytes());
    let mut claims = person_claims(&grant.assertion);
    let own = json!({
        "iss": idp.issuer,
        "aud": idp.party.client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + TOKEN_LIFE.as_secs(),
        "at_hash": hash.as_ref().get(..16).map(|left| URL_SAFE_NO_PAD.encode(left)),
        "nonce": grant.authorization.nonce,
    });
    if let (Value::Object(claims), Value::Object(own)) = (&mut claims, own) {
        claims.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    }
    claims
}

/// Who it is, as both the ID token and the userinfo endpoint say it.
fn person_claims(assertion: &Assertion) -> Value {
    let mut claims = json!({
        "sub": assertion.person.subject,
        "email": assertion.email,
        "email_verified": true,
        "name": assertion.person.name,
    });
    if let Value::Object(claims) = &mut claims {
        match assertion.membership {
            Membership::Groups(_) | Membership::Many => {
                claims.insert("groups".to_owned(), json!(assertion.person.groups()));
            }
            Membership::ClaimLeftOut => {}
            // As Entra ID says "too many": the claim is named, and stands elsewhere (OpenID Connect Core 5.6.2).
            Membership::Overage => {
                claims.insert("_claim_names".to_owned(), json!({ "groups": "src1" }));
                claims.insert("_claim_sources".to_owned(), json!({ "src1": { "endpoint": "https://directory.acme.example/groups" } }));
            }
        }
    }
    claims
}

pub(super) async fn userinfo(State(idp): State<Arc<Idp>>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match bearer.and_then(|token| idp.tokens.find(token, idp.now())) {
        Some(assertion) => ([NO_STORE], Json(person_claims(&assertion))).into_response(),
        None => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")]).into_response(),
    }
}

/// A logout request as it came (OpenID Connect RP-Initiated Logout 1.0).
#[derive(Debug, Deserialize)]
pub(super) struct LogoutForm {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// There is no session here to end: people go back at once if the hint is ours and the address is the client's, and read a page otherwise.
pub(super) async fn logout(State(idp): State<Arc<Idp>>, Form(form): Form<LogoutForm>) -> Response {
    let hinted = form.id_token_hint.and_then(|token| idp.keys.read_hint(&token));
    let is_ours = hinted.is_some_and(|claims| claims.get("aud").and_then(Value::as_str) == Some(idp.party.client_id.as_str()));
    let target = form.post_logout_redirect_uri.and_then(|uri| Url::parse(&uri).ok());
    match target.filter(|url| is_ours && url.origin().ascii_serialization() == idp.party.origin) {
        Some(mut url) => {
            if let Some(state) = form.state {
                url.query_pairs_mut().append_pair("state", &state);
            }
            (StatusCode::SEE_OTHER, [(header::LOCATION, String::from(url))]).into_response()
        }
        None => views::page(
            StatusCode::OK,
            &views::IdpMessage { title: "Signed out", message: "You are signed out of the demo identity provider.".to_owned() },
            None,
        ),
    }
}

const _: () = assert!(CODE_LIFE.as_secs() <= 60, "RFC 9700 asks for codes that live for a minute at most");
