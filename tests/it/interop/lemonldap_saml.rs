//! `LemonLDAP::NG` as a SAML provider.

use super::scenario::{self, usual};
use super::{House, Provider, credentials, sp_metadata};
use crate::support::browser::{Browser, Page};
use crate::support::installation::{Installation, told};
use crate::support::lemonldap::{Clients, LemonLdap};

usual!(LemonSaml);

struct LemonSaml(LemonLdap);

impl Provider for LemonSaml {
    async fn new() -> Self {
        Self(LemonLdap::new())
    }

    fn connection(&self) -> String {
        format!("protocol = \"saml\"\nidp_metadata = \"{}\"", self.0.metadata_url())
    }

    async fn start(&mut self, usher: &Installation) {
        let metadata = sp_metadata(usher).await;
        self.0.start(&Clients { sp_metadata: Some(&metadata), ..Clients::default() }).await;
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert_eq!(page.status, 200, "{}\n{}", page.text, self.0.log());
        browser.submit(page, credentials(page.form("user"), "user", "password", person)).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.0.people.set_groups(person, groups);
    }
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
