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
    // Sent again, it finds its login finished: nothing is read, so nothing is refused.
    let mut thief = Browser::new();
    let again = house.respond(&mut thief, &field, &started.relay_state).await;
    assert!(again.text.contains("login_expired"), "{} {}", again.status, again.text);
    assert_eq!(house.usher.audit("login.refused").await.len(), 0);
    assert!(!house.is_signed_in(&mut thief).await);
    // In a login of the thief's own, it answers another request.
    let own = house.start(&mut thief).await;
    let page = house.respond(&mut thief, &field, &own.relay_state).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert_eq!(last_code(&house).await, "response_in_response_to_wrong");
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

/// The answer of a login in CBC mode behind an unsigned response.
fn sealed(scene: &Scene) -> String {
    Draft::in_scene(scene).sign_assertion(&Signer::idp()).encrypt(Encryption::Aes256CbcOaepSha1).0
}

/// The same with another character of its content.
fn changed(xml: &str, offset: usize) -> String {
    let at = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len() + offset;
    let other = if &xml[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &xml[..at], &xml[at + 1..])
}

#[tokio::test]
async fn a_message_in_cbc_mode_is_opened_five_times_however_it_is_changed() {
    let house = SamlHouse::open("decrypt_cbc = \"unsigned_response\"").await;
    let victim = house.start(&mut Browser::new()).await;
    let captured = sealed(&victim.scene);
    // Each guess in a login and a browser of its own, with an unsigned response around it that fits.
    let mut codes = Vec::new();
    for guess in 0..7 {
        let mut browser = Browser::new();
        let own = house.start(&mut browser).await;
        let guess = changed(&captured, 40 + guess).replace(&victim.scene.in_response_to(), &own.scene.in_response_to());
        let page = house.respond(&mut browser, &encode_post(&guess), &own.relay_state).await;
        assert_eq!(page.status, 400, "{}", page.text);
        codes.push(last_code(&house).await);
    }
    assert_eq!(codes[..5], ["decryption_failed"; 5]);
    assert_eq!(codes[5..], ["decryption_paused"; 2]);
    // As it was, it is not opened any more either; and nobody else is held up.
    let mut thief = Browser::new();
    let own = house.start(&mut thief).await;
    house.respond(&mut thief, &encode_post(&captured), &own.relay_state).await;
    assert_eq!(last_code(&house).await, "decryption_paused");
    let mut other = Browser::new();
    let started = house.start(&mut other).await;
    house.respond(&mut other, &encode_post(&sealed(&started.scene)), &started.relay_state).await;
    assert!(house.is_signed_in(&mut other).await);
}

#[tokio::test]
async fn messages_that_cannot_be_opened_hold_up_nobody() {
    let house = SamlHouse::open("decrypt_cbc = \"unsigned_response\"").await;
    let mut stranger = Browser::new();
    for _ in 0..30 {
        let started = house.start(&mut stranger).await;
        house.respond(&mut stranger, &encode_post(&changed(&sealed(&started.scene), 40)), &started.relay_state).await;
        assert_eq!(last_code(&house).await, "decryption_failed");
    }
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    house.respond(&mut browser, &encode_post(&sealed(&started.scene)), &started.relay_state).await;
    assert!(house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_message_in_cbc_mode_signs_in_where_the_connection_allows_it() {
    let house = SamlHouse::open("decrypt_cbc = \"unsigned_response\"").await;
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    house.respond(&mut browser, &encode_post(&sealed(&started.scene)), &started.relay_state).await;
    assert!(house.is_signed_in(&mut browser).await);
}
