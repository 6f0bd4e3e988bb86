//! The two addresses that a browser is sent to: sign-in at the provider, and sign-out.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{
    AuthenticationContextClass, ClientId, CsrfToken, LoginHint, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, Scope,
};
use url::Url;

use super::{OidcError, RelyingParty};
use crate::core::{Asking, PendingOidc, ResponseMode};
use crate::random;

/// The scope that stands for a refresh token (OpenID Connect Core 11).
const OFFLINE: &str = "offline_access";

/// A login on its way: where the browser goes, and what the finish has to compare.
#[derive(Clone)]
pub struct Started {
    /// The authorization request, or the name of a pushed one.
    pub url: String,
    /// For the finish.
    pub pending: PendingOidc,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

impl RelyingParty {
    /// Starts a login: code flow with PKCE S256 and a nonce, always. `state` is the key of the pending login, `login_hint` what the person
    /// typed.
    ///
    /// # Errors
    /// The provider cannot be reached, or its discovery document is refused.
    pub async fn start(&self, state: &str, login_hint: Option<&str>, asking: Asking, now: Timestamp) -> Result<Started, OidcError> {
        let provider = self.provider(now).await?;
        let (nonce, code_verifier) = (random::token()?, random::token()?);
        let max_age = match asking {
            Asking::Usual => self.settings.max_age_seconds,
            // Both: some providers know only the one, and only `max_age` makes them say when it was.
            Asking::Anew => Some(0),
        };
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(code_verifier.clone()));
        let client = self.client(&provider)?;
        let (own_state, own_nonce) = (CsrfToken::new(state.to_owned()), Nonce::new(nonce.clone()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || own_state, move || own_nonce)
            .add_scopes(self.scopes().map(Scope::new))
            .set_pkce_challenge(challenge);
        if let Some(hint) = login_hint {
            request = request.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        if asking == Asking::Anew {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        if let Some(seconds) = max_age {
            request = request.set_max_age(Duration::from_secs(seconds.into()));
        }
        for acr in &self.settings.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        for (name, value) in self.hints() {
            request = request.add_extra_param(name, value);
        }
        let (url, ..) = request.url();
        let url = self.push(&provider, url, now).await?;
        let since = max_age.map(|seconds| now.checked_sub(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MIN));
        Ok(Started { url: url.into(), pending: PendingOidc { nonce, code_verifier, authenticated_since: since } })
    }

    /// What is asked for, beside `openid`, which the library adds.
    fn scopes(&self) -> impl Iterator<Item = String> {
        let asked = self.settings.scopes.iter().filter(|scope| *scope != "openid" && *scope != OFFLINE).cloned();
        let offline = self.settings.refresh.is_some() || self.settings.scopes.iter().any(|scope| scope == OFFLINE);
        asked.chain(offline.then(|| OFFLINE.to_owned()))
    }

    /// Parameters that the library has no word for. What they ask for is checked at the finish, or does not matter.
    fn hints(&self) -> Vec<(&'static str, String)> {
        let mut hints = Vec::new();
        if self.settings.response_mode == ResponseMode::FormPost {
            hints.push(("response_mode", "form_post".to_owned()));
        }
        // Google: which accounts it offers. With several domains, any Workspace account.
        let mut domains = self.settings.hosted_domains.iter();
        match (domains.next(), domains.next()) {
            (Some(only), None) => hints.push(("hd", only.clone())),
            (Some(_), Some(_)) => hints.push(("hd", "*".to_owned())),
            (None, _) => {}
        }
        hints
    }

    /// Where the browser ends the session at the provider (OpenID Connect RP-Initiated Logout 2); `None` when the provider has no such
    /// place, or does not answer: the local logout never waits for it.
    ///
    /// `id_token_hint` is the ID token of the login; `return_to` has to be registered at the provider.
    pub async fn logout_url(&self, id_token_hint: Option<&str>, return_to: &Url, state: &str, now: Timestamp) -> Option<Url> {
        let endpoint = self.provider(now).await.ok()?.end_session.clone()?;
        let mut url = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(return_to.clone()))
            .set_state(CsrfToken::new(state.to_owned()))
            .http_get_url();
        // By hand: the library wants the token read into its own claim types, which fail on the shapes that `claims` forgives.
        if let Some(hint) = id_token_hint {
            url.query_pairs_mut().append_pair("id_token_hint", hint);
        }
        Some(url)
    }
}
