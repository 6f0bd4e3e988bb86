//! Logouts that start here: over here at once, and at the provider for whoever wants it.

use usher::saml::message::decode_redirect;

use crate::support::browser::Browser;
use crate::support::saml_house::SamlHouse;

/// Signs in, signs out, and asks for the provider's logout as well: the relay state and the id of the request that leaves.
pub(super) async fn start_logout(house: &SamlHouse, browser: &mut Browser) -> (String, String) {
    house.sign_in(browser, |draft| draft).await;
    let account = browser.visit(&house.usher.site.auth("/")).await;
    let page = browser.submit(&account, account.form_to("/logout")).await;
    assert!(!house.is_signed_in(browser).await, "over here, whatever comes next");
    let link = page.find_link(&house.usher.site.auth("/logout/provider?at=")).unwrap_or_else(|| panic!("{}", page.text));
    let leaving = browser.visit(link.as_str()).await;
    let url = leaving.location().unwrap_or_else(|| panic!("{} {}", leaving.status, leaving.text));
    assert!(url.as_str().starts_with("https://idp.example/slo?SAMLRequest="), "{url}");
    let parameter = |name: &str| url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    assert!(!parameter("Signature").is_empty());
    let xml = decode_redirect(&parameter("SAMLRequest")).unwrap();
    assert!(xml.contains(">ada-0001</saml:NameID><samlp:SessionIndex>_session1<"), "{xml}");
    assert!(xml.contains("Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\""), "{xml}");
    let document = roxmltree::Document::parse(&xml).unwrap();
    (parameter("RelayState"), document.root_element().attribute("ID").unwrap().to_owned())
}

#[tokio::test]
async fn a_logout_here_offers_the_providers_logout_once() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    let account = browser.visit(&house.usher.site.auth("/")).await;
    let page = browser.submit(&account, account.form_to("/logout")).await;
    let link = page.find_link(&house.usher.site.auth("/logout/provider?at=")).unwrap();
    assert!(browser.visit(link.as_str()).await.location().unwrap().as_str().starts_with("https://idp.example/slo?"));
    let again = browser.visit(link.as_str()).await;
    assert_eq!(again.location().unwrap().path(), "/signed-out");
    for junk in ["", "x", &"a".repeat(43)] {
        let page = browser.visit(&house.usher.site.auth(&format!("/logout/provider?at={junk}"))).await;
        assert_eq!(page.location().unwrap().path(), "/signed-out");
    }
}
