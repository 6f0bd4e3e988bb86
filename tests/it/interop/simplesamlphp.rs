//! `SimpleSAMLphp`: checks our signed requests, and signs both the response and the assertion.

use super::scenario::{self, usual};
use super::single_logout::{self, SamlProvider, by_post, single_logout};
use super::{House, Provider, credentials, sp_metadata};
use crate::support::browser::{Browser, Page};
use crate::support::installation::Installation;
use crate::support::simplesaml::SimpleSaml;

usual!(SimpleSaml);
single_logout!(SimpleSaml);

impl Provider for SimpleSaml {
    async fn new() -> Self {
        Self::new()
    }

    fn connection(&self) -> String {
        format!("protocol = \"saml\"\nidp_metadata = \"{}\"", self.metadata_url())
    }

    async fn start(&mut self, usher: &Installation) {
        let metadata = sp_metadata(usher).await;
        self.start(&if self.posts { by_post(&metadata) } else { metadata }).await;
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert_eq!(page.status, 200, "{}\n{}", page.text, self.log());
        browser.submit(page, credentials(page.form("username"), "username", "password", person)).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.people.set_groups(person, groups);
    }
}

impl SamlProvider for SimpleSaml {
    async fn sign_out(&self, browser: &mut Browser) -> Page {
        let page = browser.open(&self.logout_url()).await;
        browser.go_on(page).await
    }

    fn portal_url(&self, sp_entity_id: &str) -> String {
        self.portal_url(sp_entity_id)
    }

    fn said(&self) -> String {
        self.log()
    }
}

#[tokio::test]
async fn logouts_here_may_be_posted_both_ways() {
    single_logout::here(House::with(SimpleSaml::new().that_posts(), "").await).await;
}

#[tokio::test]
async fn logouts_at_the_provider_may_be_posted_both_ways() {
    single_logout::there(House::with(SimpleSaml::new().that_posts(), "").await).await;
}

#[tokio::test]
async fn a_response_that_was_changed_on_its_way_is_refused() {
    scenario::tampered_response::<SimpleSaml>().await;
}

#[tokio::test]
async fn a_request_with_another_signature_is_not_answered() {
    scenario::tampered_request::<SimpleSaml>().await;
}
