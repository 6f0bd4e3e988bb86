//! npm `oidc-provider`: a certified OpenID provider, with logout.

use super::scenario::{self, usual};
use super::{House, Provider};
use crate::support::browser::{Browser, Page};
use crate::support::front::Front;
use crate::support::installation::{CONNECTION, Installation};
use crate::support::oidc_provider::{CLIENT_ID, CLIENT_SECRET, OidcProvider, Options};
use crate::support::port::free_port;

usual!(Op);

struct Op {
    port: u16,
    front: Front,
    server: Option<OidcProvider>,
}

impl Op {
    fn issuer(&self) -> String {
        format!("http://op.localhost:{}", self.front.port)
    }
}

impl Provider for Op {
    async fn new() -> Self {
        let port = free_port();
        Self { port, front: Front::start(port).await, server: None }
    }

    fn connection(&self) -> String {
        let issuer = self.issuer();
        format!(
            "protocol = \"oidc\"\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n\
             scopes = [\"openid\", \"profile\", \"email\", \"groups\"]"
        )
    }

    async fn start(&mut self, usher: &Installation) {
        let options = Options {
            redirect_uris: &[&usher.site.auth(&format!("/oidc/{CONNECTION}/callback"))],
            logout_uris: &[&usher.site.auth("/signed-out")],
            algorithm: "RS256",
            claims_in_userinfo: false,
            more: &[],
        };
        self.server = Some(OidcProvider::behind(self.front.port, self.port, &options).await);
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        let answer = browser.send(page, page.form("user").with("user", person)).await;
        browser.follow_until(answer, |url| url.host_str() == Some("auth.localhost")).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.server.as_ref().unwrap().set_groups(person, groups).await;
    }
}

#[tokio::test]
async fn an_id_token_that_was_changed_on_its_way_is_refused() {
    scenario::tampered_id_token::<Op>(|provider| &provider.front).await;
}

#[tokio::test]
async fn signing_out_leads_through_the_provider_and_back() {
    let house = House::<Op>::open().await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "ada").await;

    let account = browser.open(&house.usher.site.auth("/")).await;
    let signed_out = browser.submit(&account, account.form_to("/logout")).await;
    assert_eq!(signed_out.status, 200, "{}", signed_out.text);
    assert!(!house.usher.is_inside(&mut browser).await);
    assert_eq!(house.usher.audit("session.ended").await.len(), 1);

    let link = signed_out.find_link(&house.provider.issuer()).expect("the page offers the provider's logout");
    let question = browser.click(&signed_out, link).await;
    let back = browser.submit(&question, question.form("logout").with("logout", "yes")).await;
    assert_eq!((back.status, back.url.path()), (200, "/signed-out"), "{}", back.text);
    assert!(back.url.as_str().starts_with(&house.usher.site.auth("/signed-out")));

    // The provider has forgotten her as well: it asks again.
    house.usher.ask_to_sign_in(&mut browser).await.form("user");
}

#[tokio::test]
async fn someone_who_lost_every_mapped_group_is_out_of_all_browsers_after_the_next_login() {
    let house = House::<Op>::open().await;
    let mut first = Browser::new();
    house.sign_in(&mut first, "jo").await;
    assert!(house.usher.is_inside(&mut first).await);
    house.provider.set_groups("jo", &["visitors"]).await;
    assert_eq!(house.sign_in(&mut Browser::new(), "jo").await.status, 403);
    assert!(house.usher.find_member("jo").await.is_none());
    assert!(!house.usher.is_inside(&mut first).await);
}
