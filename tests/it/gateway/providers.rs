//! Providers that are not as they should be: with another clock, or between people who change what they say.

use jiff::SignedDuration;
use usher::clock::Clock as _;

use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, Installation};
use crate::support::oidc_house::OidcHouse;
use crate::support::saml_house::{SamlHouse, provider};
use crate::support::saml_idp::Signer;

/// The code of the last refused message; `None`: there was none.
async fn last_code(usher: &Installation) -> Option<String> {
    usher.audit("login.refused").await.last().and_then(|line| line.detail["code"].as_str().map(str::to_owned))
}

/// How far a provider's clock is ahead, and what becomes of its logins. A clock that is behind makes messages old, which they may be for minutes; one
/// that is ahead would make them live longer than they say.
const CLOCKS: [(i64, Option<&str>); 5] =
    [(-300, None), (-59, None), (59, None), (61, Some("issued_in_future")), (300, Some("issued_in_future"))];

#[tokio::test]
async fn a_clock_that_is_five_minutes_off_is_taken_or_named_at_the_oidc_door() {
    for (ahead, code) in CLOCKS {
        let house = OidcHouse::open("").await;
        let theirs = house.clock.now() + SignedDuration::from_secs(ahead);
        house.op.set(|op| op.now = theirs);
        let mut browser = Browser::new();
        let page = house.login(&mut browser).await;
        assert_eq!(page.status, if code.is_none() { 200 } else { 400 }, "{ahead} s: {}", page.text);
        assert_eq!(last_code(&house.usher).await.as_deref(), code, "{ahead} s");
        assert_eq!(house.is_signed_in(&mut browser).await, code.is_none(), "{ahead} s");
    }
}

#[tokio::test]
async fn a_clock_that_is_five_minutes_off_is_taken_or_named_at_the_saml_door() {
    for (ahead, code) in CLOCKS {
        let house = SamlHouse::open("").await;
        let theirs = house.clock.now() + SignedDuration::from_secs(ahead);
        let mut browser = Browser::new();
        let page = house.sign_in(&mut browser, |draft| draft.at(theirs)).await;
        assert_eq!(page.status, if code.is_none() { 200 } else { 400 }, "{ahead} s: {}", page.text);
        assert_eq!(last_code(&house.usher).await.as_deref(), code, "{ahead} s");
        assert_eq!(house.is_signed_in(&mut browser).await, code.is_none(), "{ahead} s");
    }
}

/// Two parsers could take one each (HTTP parameter pollution). Nothing is redeemed, and the login is still open for the answer that is meant.
#[tokio::test]
async fn a_parameter_that_comes_twice_redeems_nothing_and_uses_nothing_up() {
    for form in [false, true] {
        let house = OidcHouse::open(if form { "response_mode = \"form_post\"" } else { "" }).await;
        let mut browser = Browser::new();
        let url = house.start(&mut browser, CONNECTION).await.location().unwrap();
        let good = house.op.authorize(url.as_str());
        let send = async |browser: &mut Browser, query: &str| {
            if !form {
                return browser.open(&house.callback(CONNECTION, query)).await;
            }
            let fields: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            browser
                .post_from(&house.op.issuer().parse().unwrap(), &house.usher.site.auth(&format!("/oidc/{CONNECTION}/callback")), &fields)
                .await
        };
        for (name, value) in url::form_urlencoded::parse(good.as_bytes()).into_owned() {
            for again in [value.as_str(), "", "another"] {
                let more = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, again).finish();
                for query in [format!("{good}&{more}"), format!("{more}&{good}")] {
                    let page = send(&mut browser, &query).await;
                    assert!(page.status == 400 && page.text.contains("bad_request"), "{query}: {} {}", page.status, page.text);
                }
            }
        }
        assert_eq!((house.op.calls("token"), house.usher.count_members().await), (0, 0));
        let page = send(&mut browser, &good).await;
        assert_eq!(page.status, 200, "{}", page.text);
    }
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let started = house.start(&mut browser).await;
    let draft = crate::support::saml_idp::Draft::in_scene(&started.scene).sign_response(&Signer::idp());
    let response = usher::saml::message::encode_post(&draft.0);
    let (message, state) = (("SAMLResponse", response.as_str()), ("RelayState", started.relay_state.as_str()));
    for fields in [&[message, message, state][..], &[message, state, state], &[("SAMLResponse", ""), message, state]] {
        let page = browser.post_from(&provider(), &started.scene.address("acs"), fields).await;
        assert!(page.status == 400 && page.text.contains("bad_request"), "{} {}", page.status, page.text);
    }
    assert_eq!(house.usher.count_members().await, 0);
    assert_eq!(house.respond(&mut browser, &response, &started.relay_state).await.status, 200);
}
