//! Real identity providers, started by the tests, and logins through the whole gateway: app, sign-in, the provider's own form, back, app.
//!
//! - `simplesamlphp`, `lemonldap_saml`, `lemonldap_oidc`, `oidc_provider`: one provider each, with what is special about it
//! - `scenario`: what has to happen with every one of them; `single_logout`: and with those that speak SAML
//! - `proxies`: other proxies that ask before they pass a request on

mod lemonldap_oidc;
mod lemonldap_saml;
mod oidc_provider;
mod proxies;
mod scenario;
mod simplesamlphp;
mod single_logout;

use crate::support::browser::{Browser, Form, Page};
use crate::support::installation::{CONNECTION, Installation, Site};

/// A provider that the tests start.
trait Provider: Sized {
    /// Chooses its address and its people.
    async fn new() -> Self;

    /// The keys of `[[connection]]` that are its own.
    fn connection(&self) -> String;

    /// Starts it with this installation as its client.
    async fn start(&mut self, usher: &Installation);

    /// Signs a person in on its login page, as far as what leads back to Usher.
    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page;

    async fn set_groups(&self, person: &str, groups: &[&str]);
}

/// A gateway and its provider.
struct House<P> {
    usher: Installation,
    provider: P,
}

impl<P: Provider> House<P> {
    /// The gateway first: it starts without its provider, and providers want to know their clients.
    async fn open() -> Self {
        Self::open_with("").await
    }

    /// With more keys in the connection.
    async fn open_with(more: &str) -> Self {
        Self::with(P::new().await, more).await
    }

    /// With this provider, which is not started yet.
    async fn with(mut provider: P, more: &str) -> Self {
        let connection = format!(
            "[[connection]]\nid = \"{CONNECTION}\"\nname = \"Acme\"\ndomains = [\"acme.example\"]\ninternal = true\n{}\n{more}",
            provider.connection()
        );
        let usher = Installation::start(Site::new(), &connection).await;
        provider.start(&usher).await;
        usher.refresh().await;
        Self { usher, provider }
    }

    /// Opens the app and signs in on the provider's page, as far as what leads back to Usher.
    async fn sign_in_there(&self, browser: &mut Browser, person: &str) -> Page {
        let page = self.usher.ask_to_sign_in(browser).await;
        self.provider.sign_in(browser, &page, person).await
    }

    /// Opens the app and signs in: where it ends.
    async fn sign_in(&self, browser: &mut Browser, person: &str) -> Page {
        let page = self.sign_in_there(browser, person).await;
        browser.come_back(page).await
    }
}

/// A user name and a password, which is the same.
fn credentials(form: Form, user: &str, password: &str, person: &str) -> Form {
    form.with(user, person).with(password, person)
}

/// Our metadata, as the gateway serves it.
async fn sp_metadata(usher: &Installation) -> String {
    let page = Browser::new().visit(&usher.site.auth(&format!("/saml/{CONNECTION}/metadata"))).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text
}
