//! What has to happen with every SAML provider when somebody leaves, here or there, and when somebody comes from its portal.

use super::{House, Provider};
use crate::support::browser::{Browser, Page};
use crate::support::installation::CONNECTION;

/// A provider with single logout and a portal.
pub(super) trait SamlProvider: Provider {
    /// Signs out at the provider, and lets it tell everyone.
    async fn sign_out(&self, browser: &mut Browser) -> Page;

    /// Where a tile of its portal leads.
    fn portal_url(&self, sp_entity_id: &str) -> String;

    /// What it has said so far.
    fn said(&self) -> String;
}

/// Signing out here goes on to the provider, which forgets them too, and comes back.
pub(super) async fn here<P: SamlProvider>(house: House<P>) {
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "ada").await;
    let account = browser.visit(&house.usher.site.auth("/")).await;
    let page = browser.submit(&account, account.form_to("/logout")).await;
    assert!(!house.usher.is_inside(&mut browser).await);
    let link = page.find_link(&house.usher.site.auth("/logout/provider?at=")).unwrap_or_else(|| panic!("{}", page.text));
    let page = browser.click(&page, link).await;
    let page = browser.go_on(page).await;
    assert_eq!(page.url.as_str(), house.usher.site.auth("/signed-out"), "{} {:?}\n{}", page.text, page.trail, house.provider.said());
    assert_eq!(house.usher.audit("logout.refused").await.len(), 0, "{:?}", house.usher.audit("logout.refused").await);
    let asked = house.usher.ask_to_sign_in(&mut browser).await;
    assert!(asked.forms().iter().any(|form| form.has("password")), "it remembers them: {} {}", asked.url, asked.text);
}

/// Signing out at the provider ends the session here, and nobody else's.
pub(super) async fn there<P: SamlProvider>(house: House<P>) {
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    house.sign_in(&mut browser, "ada").await;
    house.sign_in(&mut other, "jo").await;
    let page = house.provider.sign_out(&mut browser).await;
    let refused = house.usher.audit("logout.refused").await;
    assert_eq!(refused.len(), 0, "{refused:?}\n{} {}\n{}", page.url, page.text, house.provider.said());
    assert!(!house.usher.is_inside(&mut browser).await, "{} {}\n{}", page.url, page.text, house.provider.said());
    assert!(house.usher.is_inside(&mut other).await);
}

/// A tile of the portal: its unasked response leads to a login of ours, which the provider answers at once.
pub(super) async fn portal_as_a_hint<P: SamlProvider>() {
    let house = House::<P>::open_with("allow_idp_initiated = true").await;
    let mut browser = Browser::new();
    from_portal(&house, &mut browser).await;
    assert_eq!(browser.visit(&house.usher.site.auth("/")).await.status, 200, "{}", house.provider.said());
    assert_eq!(house.usher.audit("login.admitted").await.len(), 1);
}

/// The same where the connection insists: the response itself signs in.
pub(super) async fn portal_that_insists<P: SamlProvider>() {
    let house = House::<P>::open_with("allow_idp_initiated = \"strict\"").await;
    let mut browser = Browser::new();
    let page = from_portal(&house, &mut browser).await;
    let refused = house.usher.audit("login.refused").await;
    assert!(refused.is_empty(), "{refused:?}\n{} {}", page.url, page.text);
    assert_eq!(browser.visit(&house.usher.site.auth("/")).await.status, 200, "{}", house.provider.said());
    assert!(page.trail.iter().all(|url| !url.path().starts_with("/login")), "{:?}", page.trail);
}

/// And where it does not take such messages at all.
pub(super) async fn portal_that_is_not_welcome<P: SamlProvider>() {
    let house = House::<P>::open().await;
    let mut browser = Browser::new();
    from_portal(&house, &mut browser).await;
    assert_ne!(browser.visit(&house.usher.site.auth("/")).await.status, 200);
    assert_eq!(house.usher.audit("login.admitted").await.len(), 0);
}

async fn from_portal<P: SamlProvider>(house: &House<P>, browser: &mut Browser) -> Page {
    let sp = house.usher.site.auth(&format!("/saml/{CONNECTION}/metadata"));
    let page = browser.open(&house.provider.portal_url(&sp)).await;
    let page = house.provider.sign_in(browser, &page, "ada").await;
    browser.go_on(page).await
}

/// The tests of one provider.
macro_rules! single_logout {
    ($provider:ty) => {
        #[tokio::test]
        async fn a_logout_here_goes_on_to_the_provider_and_comes_back() {
            crate::interop::single_logout::here(crate::interop::House::<$provider>::open().await).await;
        }

        #[tokio::test]
        async fn a_logout_at_the_provider_ends_the_session_here() {
            crate::interop::single_logout::there(crate::interop::House::<$provider>::open().await).await;
        }

        #[tokio::test]
        async fn a_login_from_the_providers_portal_starts_one_of_ours() {
            crate::interop::single_logout::portal_as_a_hint::<$provider>().await;
        }

        #[tokio::test]
        async fn a_login_from_the_providers_portal_is_one_where_the_connection_insists() {
            crate::interop::single_logout::portal_that_insists::<$provider>().await;
        }

        #[tokio::test]
        async fn a_login_from_the_providers_portal_is_none_by_default() {
            crate::interop::single_logout::portal_that_is_not_welcome::<$provider>().await;
        }
    };
}
pub(super) use single_logout;

/// Our metadata for a provider that has to post its logout messages.
pub(super) fn by_post(sp_metadata: &str) -> String {
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let post = |tag: &str| {
        if tag.contains("SingleLogoutService") { tag.replace(redirect, &redirect.replace("Redirect", "POST")) } else { tag.to_owned() }
    };
    sp_metadata.split_inclusive('>').map(post).collect()
}
