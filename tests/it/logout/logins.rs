//! Good messages, used twice, elsewhere, or for somebody else's domain; and one that is allowed only now and then.

use usher::saml::encryption::Encryption;
use usher::saml::message::encode_post;

use crate::support::browser::Browser;
use crate::support::saml_house::SamlHouse;
use crate::support::saml_idp::{Draft, Scene, Signer};

async fn last_code(house: &SamlHouse) -> String {
    let line = house.usher.audit("login.refused").await.pop().unwrap();
    line.detail["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_assertion_is_good_for_one_login() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    let field = encode_post(&Draft::in_scene(&started.scene).sign_response(&Signer::idp()).0);
    house.respond(&mut browser, &field, &started.relay_state).await;
    assert!(house.is_signed_in(&mut browser).await);
    // Sent again, it finds its login finished.
    let mut thief = Browser::new();
    let again = house.respond(&mut thief, &field, &started.relay_state).await;
    assert_ne!(again.status, 200, "{}", again.text);
    assert!(!house.is_signed_in(&mut thief).await);
}

#[tokio::test]
async fn an_answer_for_another_browser_signs_nobody_in() {
    let house = SamlHouse::open("").await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    house.start(&mut victim).await;
    let started = house.start(&mut attacker).await;
    let field = encode_post(&Draft::in_scene(&started.scene).sign_response(&Signer::idp()).0);
    let page = house.respond(&mut victim, &field, &started.relay_state).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert_eq!(last_code(&house).await, "another_browser");
    assert!(!house.is_signed_in(&mut victim).await);
}

#[tokio::test]
async fn an_address_of_another_domain_is_refused() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let page = house.sign_in(&mut browser, |draft| draft.edit("ada@acme.example", "ada@evil.example")).await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.text.contains("domain_not_allowed"), "{}", page.text);
    assert!(!house.is_signed_in(&mut browser).await);
}

/// The answer of a login in CBC mode behind an unsigned response, with the n-th character of the content changed.
fn sealed(scene: &Scene, changed: bool) -> String {
    let Draft(mut xml) = Draft::in_scene(scene).sign_assertion(&Signer::idp()).encrypt(Encryption::Aes256CbcOaepSha1);
    if changed {
        let at = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len() + 40;
        let other = if &xml[at..=at] == "A" { "B" } else { "A" };
        xml.replace_range(at..=at, other);
    }
    encode_post(&xml)
}

#[tokio::test]
async fn a_connection_that_opens_cbc_rests_after_twenty_failures() {
    let house = SamlHouse::open("decrypt_cbc = \"unsigned_response\"").await;
    let mut browser = Browser::new();
    let mut pages = Vec::new();
    for changed in [true; 20].into_iter().chain([false]) {
        let started = house.start(&mut browser).await;
        pages.push(house.respond(&mut browser, &sealed(&started.scene, changed), &started.relay_state).await);
    }
    assert!(pages.iter().all(|page| page.status == 400));
    assert_eq!(last_code(&house).await, "decryption_paused");
    assert!(!house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_message_in_cbc_mode_signs_in_where_the_connection_allows_it() {
    let house = SamlHouse::open("decrypt_cbc = \"unsigned_response\"").await;
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    house.respond(&mut browser, &sealed(&started.scene, false), &started.relay_state).await;
    assert!(house.is_signed_in(&mut browser).await);
}
