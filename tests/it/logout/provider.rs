//! Logouts that start at the provider: by query and by form.

use std::time::Duration;

use usher::saml::message::{Kind, decode_redirect, encode_post};

use crate::attacks::saml::logout::{logout_request, query};
use crate::support::browser::{Browser, Page};
use crate::support::saml_house::{SamlHouse, provider};
use crate::support::saml_idp::{Draft, Scene, Signer};

/// A logout request for a name and, perhaps, a session there.
fn request(scene: &Scene, id: &str, name_id: &str, index: Option<&str>) -> String {
    let index = index.map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>")).unwrap_or_default();
    let usual = "<samlp:SessionIndex>_session1</samlp:SessionIndex>";
    logout_request(scene).replace("_logout1", id).replace(usual, &index).replace("ada-0001", name_id)
}

/// Sends one by query; the redirect that answers it is not followed.
async fn send(house: &SamlHouse, connection: &str, signer: &Signer, xml: &str) -> Page {
    let xml = xml.replace("/saml/okta/", &format!("/saml/{connection}/"));
    let (_, query) = query(signer, Kind::Request, &xml, Some("their state"));
    Browser::new().visit(&format!("{}?{query}", house.usher.site.auth(&format!("/saml/{connection}/slo")))).await
}

fn person<'a>(name_id: &'a str, name: &'a str, index: &'a str) -> impl FnOnce(Draft) -> Draft + 'a {
    move |draft| draft.edit("ada-0001", name_id).edit("ada@acme", &format!("{name}@acme")).edit("_session1", index)
}

async fn ended(house: &SamlHouse) -> u64 {
    house.usher.audit("session.ended").await.pop().unwrap().detail["sessions"].as_u64().unwrap()
}

#[tokio::test]
async fn a_logout_ends_the_sessions_of_this_name_and_index_and_no_others() {
    let house = SamlHouse::open("").await;
    let (mut laptop, mut phone, mut jo) = (Browser::new(), Browser::new(), Browser::new());
    house.sign_in(&mut laptop, person("ada-0001", "ada", "_laptop")).await;
    house.sign_in(&mut phone, person("ada-0001", "ada", "_phone")).await;
    house.sign_in(&mut jo, person("jo-0002", "jo", "_jo")).await;
    assert!(house.usher.is_inside(&mut laptop).await == house.usher.is_inside(&mut phone).await);

    send(&house, "okta", &Signer::idp(), &request(&house.scene(), "_l1", "ada-0001", Some("_jo"))).await;
    assert_eq!(ended(&house).await, 0, "Ada's name with Jo's session ends nobody's");
    send(&house, "okta", &Signer::idp(), &request(&house.scene(), "_l2", "ada-0001", Some("_laptop"))).await;
    assert!(!house.is_signed_in(&mut laptop).await);
    assert!(house.is_signed_in(&mut phone).await && house.is_signed_in(&mut jo).await);
    send(&house, "okta", &Signer::idp(), &request(&house.scene(), "_l3", "ada-0001", None)).await;
    assert!(!house.is_signed_in(&mut phone).await, "without an index, all of Ada's");
    assert!(house.is_signed_in(&mut jo).await);
}

#[tokio::test]
async fn the_session_on_an_app_host_ends_with_it() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    browser.open(&house.usher.site.app("/")).await;
    assert!(house.usher.is_inside(&mut browser).await);
    send(&house, "okta", &Signer::idp(), &request(&house.scene(), "_l1", "ada-0001", Some("_session1"))).await;
    assert!(!house.usher.is_inside(&mut browser).await);
    assert_eq!(ended(&house).await, 2);
}

#[tokio::test]
async fn the_provider_gets_a_signed_answer_to_its_request() {
    let house = SamlHouse::open("").await;
    let xml = request(&house.scene(), "_l1", "ada-0001", None);
    let answer = send(&house, "okta", &Signer::idp(), &xml).await;
    let url = answer.location().unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    assert!(url.as_str().starts_with("https://idp.example/slo?SAMLResponse="), "{url}");
    let parameter = |name: &str| url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
    assert_eq!(parameter("RelayState").as_deref(), Some("their state"));
    let xml = decode_redirect(&parameter("SAMLResponse").unwrap()).unwrap();
    assert!(
        xml.contains("InResponseTo=\"_l1\"") && xml.contains("status:Success") && xml.contains("Destination=\"https://idp.example/slo\""),
        "{xml}"
    );
    assert!(parameter("Signature").is_some() && parameter("SigAlg").is_some());
}

#[tokio::test]
async fn a_request_may_come_in_a_form_and_in_the_spelling_of_ad_fs() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    let xml = Signer::idp().sign(&request(&house.scene(), "_l1", "ada-0001", Some("_session1")), "_l1", &[]);
    let slo = house.scene().address("slo");
    let stop = |url: &url::Url| url.host_str() == Some("idp.example");
    Browser::new().post_until(&provider(), &slo, &[("SAMLRequest", &encode_post(&xml)), ("RelayState", "x")], stop).await;
    assert!(!house.is_signed_in(&mut browser).await);

    house.sign_in(&mut browser, |draft| draft.edit("2026-11-24T10:00:00Z", "2026-11-24T10:00:30Z")).await;
    assert!(house.is_signed_in(&mut browser).await, "a login of after the logout is none of its business");
    // Lower-case escapes, signed as they are, and the signature before its algorithm.
    let signer = Signer::idp();
    let (octets, _) =
        query(&signer, Kind::Request, &request(&house.scene(), "_l2", "ada-0001", None).replace("T10:00:00Z", "T10:00:40Z"), None);
    let octets = octets.replace("%2F", "%2f").replace("%3A", "%3a").replace("%2B", "%2b").replace("%3D", "%3d");
    let signature = signer.key.sign(signer.algorithm, octets.as_bytes()).unwrap();
    let signature =
        url::form_urlencoded::byte_serialize(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature).as_bytes())
            .collect::<String>();
    let (message, algorithm) = octets.split_once("&SigAlg=").unwrap();
    let page = Browser::new().visit(&format!("{slo}?{message}&Signature={signature}&SigAlg={algorithm}")).await;
    assert!(page.location().is_some(), "{} {}", page.status, page.text);
    assert!(!house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_provider_signs_out_its_own_people_only() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    let xml = request(&house.scene(), "_l1", "ada-0001", None);
    let answer = send(&house, "other", &Signer::other(), &xml).await;
    assert!(answer.location().is_some(), "{} {}", answer.status, answer.text);
    assert_eq!(ended(&house).await, 0);
    let refused = send(&house, "okta", &Signer::other(), &xml).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_logout_request_counts_once() {
    let house = SamlHouse::open("").await;
    let xml = request(&house.scene(), "_l1", "ada-0001", None);
    assert!(send(&house, "okta", &Signer::idp(), &xml).await.location().is_some());
    let again = send(&house, "okta", &Signer::idp(), &xml).await;
    assert_eq!(again.status, 400, "{}", again.text);
    assert_eq!(house.usher.audit("logout.refused").await.pop().unwrap().detail["code"], "logout_replayed");
}

#[tokio::test]
async fn a_logout_that_overtakes_its_login_wins() {
    let house = SamlHouse::open("").await;
    for (number, index) in [Some("_session1"), None].into_iter().enumerate() {
        let mut browser = Browser::new();
        let started = house.start(&mut browser).await;
        let id = format!("_assertion{number}");
        let draft = Draft::in_scene(&started.scene).edit("_assertion1", &id).sign_response(&Signer::idp());
        let id = format!("_l{number}");
        send(&house, "okta", &Signer::idp(), &request(&house.scene(), &id, "ada-0001", index)).await;
        let page = house.respond(&mut browser, &encode_post(&draft.0), &started.relay_state).await;
        assert!(page.text.contains("login_expired"), "{} {}", page.status, page.text);
        assert!(!house.is_signed_in(&mut browser).await);
    }
    // Somebody else's login, and one of the same person that the provider issued later, are not meant.
    let mut jo = Browser::new();
    house.sign_in(&mut jo, |draft| person("jo-0002", "jo", "_session1")(draft)).await;
    assert!(house.is_signed_in(&mut jo).await);
    house.clock.pass(Duration::from_secs(5));
    let mut later = Browser::new();
    house.sign_in(&mut later, |draft| draft.edit("2026-11-24T10:00:00Z", "2026-11-24T10:00:05Z")).await;
    assert!(house.is_signed_in(&mut later).await);
}

/// The message of a login of before may be on its way for as long as it is not too old.
#[tokio::test]
async fn a_logout_wins_over_the_slowest_login_that_it_overtakes() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    let draft =
        Draft::in_scene(&started.scene).edit("T10:05:00Z", "T10:15:00Z").edit("T10:06:00Z", "T10:15:00Z").sign_response(&Signer::idp());
    send(&house, "okta", &Signer::idp(), &request(&house.scene(), "_l1", "ada-0001", None)).await;
    house.clock.pass(Duration::from_secs(595));
    let page = house.respond(&mut browser, &encode_post(&draft.0), &started.relay_state).await;
    assert!(page.text.contains("login_expired"), "{} {}", page.status, page.text);
    assert!(!house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_logout_response_has_to_answer_our_request() {
    let house = SamlHouse::open("").await;
    let response = |answers: &str| {
        let destination = house.scene().address("slo");
        let status = r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#;
        format!(
            r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="2026-11-24T10:00:00Z" Destination="{destination}"{answers}><saml:Issuer>{}</saml:Issuer>{status}</samlp:LogoutResponse>"#,
            crate::support::saml_idp::IDP
        )
    };
    let send = async |xml: &str, state: &str| {
        let (_, query) = query(&Signer::idp(), Kind::Response, xml, Some(state));
        let page = Browser::new().visit(&format!("{}?{query}", house.scene().address("slo"))).await;
        (page.status, house.usher.audit("logout.refused").await.pop().map(|line| line.detail["code"].as_str().unwrap().to_owned()))
    };
    assert_eq!(send(&response(" InResponseTo=\"_x\""), &"a".repeat(43)).await, (400, Some("logout_unasked".to_owned())));
    let mut browser = Browser::new();
    let (state, id) = super::ours::start_logout(&house, &mut browser).await;
    assert_eq!(send(&response(" InResponseTo=\"_x\""), &state).await, (400, Some("response_in_response_to_wrong".to_owned())));
    // Asked for once, answered once.
    assert_eq!(send(&response(&format!(" InResponseTo=\"{id}\"")), &state).await, (400, Some("logout_unasked".to_owned())));
    let (state, id) = super::ours::start_logout(&house, &mut browser).await;
    let (status, _) = send(&response(&format!(" InResponseTo=\"{id}\"")), &state).await;
    assert_eq!(status, 303);
}
