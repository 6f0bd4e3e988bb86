//! `LemonLDAP::NG` as an OpenID provider: a single group comes as a text, several as a list.

use super::scenario::{self, usual};
use super::{House, Provider, credentials};
use crate::support::browser::{Browser, Page};
use crate::support::front::Front;
use crate::support::installation::{CONNECTION, Installation, told};
use crate::support::lemonldap::{CLIENT_ID, CLIENT_SECRET, Clients, LemonLdap};
use crate::support::port::free_port;

usual!(LemonOidc);

struct LemonOidc {
    portal: LemonLdap,
    front: Front,
}

impl Provider for LemonOidc {
    async fn new() -> Self {
        let port = free_port();
        let front = Front::start(port).await;
        Self { portal: LemonLdap::behind(front.port, port), front }
    }

    fn connection(&self) -> String {
        let issuer = self.portal.url();
        format!("protocol = \"oidc\"\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"")
    }

    async fn start(&mut self, usher: &Installation) {
        let callback = usher.site.auth(&format!("/oidc/{CONNECTION}/callback"));
        self.portal.start(&Clients { redirect_uri: Some(&callback), ..Clients::default() }).await;
    }

    async fn sign_in(&self, browser: &mut Browser, page: &Page, person: &str) -> Page {
        assert_eq!(page.status, 200, "{}\n{}", page.text, self.portal.log());
        let answer = browser.send(page, credentials(page.form("user"), "user", "password", person)).await;
        browser.follow_until(answer, |url| url.host_str() == Some("auth.localhost")).await
    }

    async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.portal.people.set_groups(person, groups);
    }
}

#[tokio::test]
async fn a_single_group_that_comes_as_a_text_gives_its_role() {
    let house = House::<LemonOidc>::open().await;
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "jo").await).0, "User");
    assert_eq!(house.provider.front.claims()["groups"], "everyone");
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "ada").await).0, "Admin");
    let mut groups: Vec<String> = serde_json::from_value(house.provider.front.claims()["groups"].clone()).unwrap();
    groups.sort();
    assert_eq!(groups, ["app-admins", "design"]);
}

#[tokio::test]
async fn no_group_at_all_comes_without_the_claim_and_lets_nobody_in() {
    let house = House::<LemonOidc>::open().await;
    house.provider.set_groups("noah", &[]).await;
    let page = house.sign_in(&mut Browser::new(), "noah").await;
    assert_eq!(house.provider.front.claims().get("groups"), None);
    assert_eq!(page.status, 403);
    assert!(page.text.contains("groups_claim_missing"), "{}", page.text);
}

#[tokio::test]
async fn an_id_token_that_was_changed_on_its_way_is_refused() {
    scenario::tampered_id_token::<LemonOidc>(|provider| &provider.front).await;
}
