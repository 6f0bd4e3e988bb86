//! The two addresses that a browser is sent to: sign-in at the provider, and sign-out.

use jiff::Timestamp;
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{
    ClientId, CsrfToken, LoginHint, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, Scope,
};
use url::Url;

use super::{OidcError, RelyingParty};
use crate::core::Asking;
use crate::random;

/// A login on its way: where the browser goes, and what the finish has to compare.
#[derive(Clone)]
pub struct Started {
    /// The authorization request.
    pub url: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves at the token endpoint that we are who asked. Secret.
    pub code_verifier: String,
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
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(code_verifier.clone()));
        let client = self.client(&provider)?;
        let (own_state, own_nonce) = (CsrfToken::new(state.to_owned()), Nonce::new(nonce.clone()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || own_state, move || own_nonce)
            .add_scopes(self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        if let Some(hint) = login_hint {
            request = request.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        if asking == Asking::Anew {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        let (url, ..) = request.url();
        Ok(Started { url: url.into(), nonce, code_verifier })
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
