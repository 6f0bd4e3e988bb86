//! `SimpleSAMLphp`: checks our signed requests, and signs both the response and the assertion.

use super::scenario::{self, usual};
use super::{Provider, credentials, sp_metadata};
use crate::support::browser::{Browser, Page};
use crate::support::installation::Installation;
use crate::support::simplesaml::SimpleSaml;

usual!(SimpleSaml);

impl Provider for SimpleSaml {
    async fn new() -> Self {
        Self::new()
    }

    fn connection(&self) -> String {
        format!("protocol = \"saml\"\nidp_metadata = \"{}\"", self.metadata_url())
    }

    async fn start(&mut self, usher: &Installation) {
        self.start(&sp_metadata(usher).await).await;
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert_eq!(page.status, 200, "{}\n{}", page.text, self.log());
        browser.submit(page, credentials(page.form("username"), "username", "password", person)).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.people.set_groups(person, groups);
    }
}

#[tokio::test]
async fn a_response_that_was_changed_on_its_way_is_refused() {
    scenario::tampered_response::<SimpleSaml>().await;
}

#[tokio::test]
async fn a_request_with_another_signature_is_not_answered() {
    scenario::tampered_request::<SimpleSaml>().await;
}
