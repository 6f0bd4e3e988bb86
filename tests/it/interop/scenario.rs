//! What has to happen with every provider.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use usher::core::Reason;

use super::{House, Provider};
use crate::support::browser::{Browser, Page};
use crate::support::front::{Front, Tampering};
use crate::support::installation::told;

fn pair(role: &str, seat: &str) -> (String, String) {
    (role.to_owned(), seat.to_owned())
}

/// The tests of one provider that have nothing of its own.
macro_rules! usual {
    ($provider:ty) => {
        #[tokio::test]
        async fn the_first_login_makes_a_member_with_role_and_seat() {
            crate::interop::scenario::first_login::<$provider>().await;
        }

        #[tokio::test]
        async fn a_change_of_groups_changes_the_role_at_the_next_login() {
            crate::interop::scenario::change_of_groups::<$provider>().await;
        }

        #[tokio::test]
        async fn someone_in_no_mapped_group_is_refused_and_is_no_member() {
            crate::interop::scenario::no_mapped_group::<$provider>().await;
        }
    };
}
pub(super) use usual;

pub(super) async fn first_login<P: Provider>() {
    let house = House::<P>::open().await;
    let mut browser = Browser::new();
    let page = house.sign_in(&mut browser, "ada").await;
    assert_eq!(page.url.as_str(), house.usher.site.app("/welcome?to=acme"), "{}", page.text);
    assert_eq!(told(&page), pair("Admin", "Premium"));
    let member = house.usher.find_member("ada").await.unwrap();
    assert_eq!((member.role.as_str(), member.seat.as_ref().map(ToString::to_string).as_deref()), ("Admin", Some("Premium")));
    assert_eq!(house.usher.audit("login.admitted").await.len(), 1);
    assert!(house.usher.is_inside(&mut browser).await);
}

pub(super) async fn change_of_groups<P: Provider>() {
    let house = House::<P>::open().await;
    // The last administrator could not be demoted, so there are two.
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "ada").await), pair("Admin", "Premium"));
    house.provider.set_groups("jo", &["app-admins", "everyone"]).await;
    let mut first = Browser::new();
    assert_eq!(told(&house.sign_in(&mut first, "jo").await).0, "Admin");
    house.provider.set_groups("jo", &["everyone"]).await;
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "jo").await).0, "User");
    assert_eq!(house.usher.find_member("jo").await.unwrap().role.as_str(), "User");
    // The member is the truth, so the older session has the new role as well.
    assert_eq!(told(&first.open(&house.usher.site.app("/")).await).0, "User");
}

pub(super) async fn no_mapped_group<P: Provider>() {
    let house = House::<P>::open().await;
    let mut browser = Browser::new();
    let page = house.sign_in(&mut browser, "noah").await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.text.contains("no_role_group"), "{}", page.text);
    assert!(house.usher.find_member("noah").await.is_none());
    assert!(!house.usher.is_inside(&mut browser).await);
    assert_eq!(house.usher.requests_of_app(), 0);
    let reasons: Vec<_> = house.usher.audit("login.refused").await.into_iter().map(|line| line.reason).collect();
    assert_eq!(reasons, [Some(Reason::NoRoleGroup)]);
}

/// A message that was changed on its way: 400, no session, no member, one audit line with the code.
async fn assert_refused<P: Provider>(house: &House<P>, browser: &mut Browser, page: &Page, code: &str) {
    assert_eq!(page.status, 400, "{} {}", page.url, page.text);
    assert!(!page.text.contains(code), "the page tells the sender which check failed");
    assert_eq!(browser.cookie("auth.localhost", "__Host-usher"), None);
    assert!(!house.usher.is_inside(browser).await);
    assert!(house.usher.find_member("ada").await.is_none());
    assert_eq!(house.usher.requests_of_app(), 0);
    let last = house.usher.audit("login.refused").await.pop().unwrap();
    assert_eq!((last.reason, last.detail["code"].as_str()), (Some(Reason::AuthInvalid), Some(code)));
}

/// Our `AuthnRequest` with another signature: the provider signs nobody in.
pub(super) async fn tampered_request<P: Provider>() {
    let house = House::<P>::open().await;
    let mut browser = Browser::new();
    let page = browser.visit(&house.usher.site.app("/")).await;
    let request = browser.follow_until(page, |url| url.host_str() == Some("127.0.0.1")).await.location().unwrap();
    let (signed, signature) = request.as_str().split_once("&Signature=").unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let page = browser.open(&format!("{signed}&Signature={other}{}", &signature[1..])).await;
    // Some look at the signature only when they answer.
    let asks = page.forms().iter().any(|form| form.has("password"));
    let page = if asks { house.provider.sign_in(&mut browser, &page, "ada").await } else { page };
    assert!(page.forms().iter().all(|form| !form.has("SAMLResponse")), "{} {}", page.status, page.text);
}

/// A SAML response with one of its signatures broken, or with a better group than the provider gave.
pub(super) async fn tampered_response<P: Provider>() {
    let house = House::<P>::open().await;
    let mut refused = 0;
    let mut try_with = async |change: &dyn Fn(&str) -> String, code: &str| {
        let mut browser = Browser::new();
        let page = house.sign_in_there(&mut browser, "ada").await;
        let form = page.form("SAMLResponse");
        let xml = String::from_utf8(STANDARD.decode(form.value("SAMLResponse")).unwrap()).unwrap();
        let changed = change(&xml);
        assert_ne!(changed, xml);
        let answer = browser.submit(&page, form.with("SAMLResponse", &STANDARD.encode(changed))).await;
        assert_refused(&house, &mut browser, &answer, code).await;
        refused += 1;
        assert_eq!(house.usher.audit("login.refused").await.len(), refused);
        xml.matches("SignatureValue>").count() / 2
    };
    let signatures = try_with(&|xml| xml.replace("app-admins", "app-owners"), "digest_wrong").await;
    assert!(signatures > 0);
    for number in 0..signatures {
        // The outer signature covers the inner one.
        let code = if number == 0 { "signature_wrong" } else { "digest_wrong" };
        try_with(&|xml| with_broken_signature(xml, number), code).await;
    }
}

/// One character of one signature's value is another.
fn with_broken_signature(xml: &str, number: usize) -> String {
    let (tag, _) = xml.match_indices("SignatureValue>").nth(2 * number).unwrap();
    let start = tag + "SignatureValue>".len();
    let at = start + xml[start..].find(|c: char| !c.is_whitespace()).unwrap();
    let other = if xml[at..].starts_with('A') { "B" } else { "A" };
    format!("{}{other}{}", &xml[..at], &xml[at + 1..])
}

/// An ID token that was changed on its way from the provider: its claims, or its signature.
pub(super) async fn tampered_id_token<P: Provider>(front: impl Fn(&P) -> &Front) {
    let house = House::<P>::open().await;
    for (number, tampering) in [Tampering::Claims, Tampering::Signature].into_iter().enumerate() {
        front(&house.provider).tamper(tampering);
        let mut browser = Browser::new();
        let page = house.sign_in(&mut browser, "ada").await;
        assert_refused(&house, &mut browser, &page, "signature_invalid").await;
        assert_eq!(house.usher.audit("login.refused").await.len(), number + 1);
    }
}
