//! `LemonLDAP::NG` as a SAML provider.

use super::scenario::{self, usual};
use super::single_logout::{self, SamlProvider, by_post, single_logout};
use super::{House, Provider, credentials, sp_metadata};
use crate::support::browser::{Browser, Page};
use crate::support::installation::{Installation, told};
use crate::support::lemonldap::{Clients, LemonLdap};

usual!(LemonSaml);
single_logout!(LemonSaml);

struct LemonSaml {
    lemon: LemonLdap,
    /// It posts its logout messages.
    posts: bool,
}

impl Provider for LemonSaml {
    async fn new() -> Self {
        Self { lemon: LemonLdap::new(), posts: false }
    }

    fn connection(&self) -> String {
        format!("protocol = \"saml\"\nidp_metadata = \"{}\"", self.lemon.metadata_url())
    }

    async fn start(&mut self, usher: &Installation) {
        let metadata = sp_metadata(usher).await;
        let metadata = if self.posts { by_post(&metadata) } else { metadata };
        self.lemon.start(&Clients { sp_metadata: Some(&metadata), ..Clients::default() }).await;
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert_eq!(page.status, 200, "{}\n{}", page.text, self.lemon.log());
        browser.submit(page, credentials(page.form("user"), "user", "password", person)).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.lemon.people.set_groups(person, groups);
    }
}

impl SamlProvider for LemonSaml {
    async fn sign_out(&self, browser: &mut Browser) -> Page {
        let page = browser.open(&format!("{}/?logout=1", self.lemon.url())).await;
        let frames = page.frames();
        assert!(!frames.is_empty(), "it tells nobody: {}\n{}", page.text, self.lemon.log());
        for frame in frames {
            let inside = browser.open(frame.as_str()).await;
            browser.go_on(inside).await;
        }
        page
    }

    fn portal_url(&self, sp_entity_id: &str) -> String {
        format!("{}/saml/singleSignOn?IDPInitiated=1&sp={sp_entity_id}", self.lemon.url())
    }

    fn said(&self) -> String {
        self.lemon.log()
    }
}

#[tokio::test]
async fn a_logout_at_the_provider_may_be_posted() {
    single_logout::there(House::with(LemonSaml { lemon: LemonLdap::new(), posts: true }, "").await).await;
}

#[tokio::test]
async fn a_response_that_was_changed_on_its_way_is_refused() {
    scenario::tampered_response::<LemonSaml>().await;
}

#[tokio::test]
async fn a_request_with_another_signature_is_not_answered() {
    scenario::tampered_request::<LemonSaml>().await;
}

#[tokio::test]
async fn a_request_that_is_signed_inside_and_posted_is_understood() {
    let house = House::<LemonSaml>::open_with("request_binding = \"post\"").await;
    let mut browser = Browser::new();
    let taking = house.usher.ask_to_sign_in(&mut browser).await;
    let page = browser.submit(&taking, taking.form("SAMLRequest")).await;
    let answer = house.provider.sign_in(&mut browser, &page, "ada").await;
    assert_eq!(told(&browser.come_back(answer).await).0, "Admin");
}
