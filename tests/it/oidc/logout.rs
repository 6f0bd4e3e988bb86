//! A provider ends sessions: back-channel and front-channel, believed only when it is the provider of this connection.

use std::time::Duration;

use serde_json::{Value, json};
use usher::clock::Clock as _;

use super::{now, relying_party};
use crate::support::ask::{Ask, Reply};
use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, told};
use crate::support::oidc_house::OidcHouse;
use crate::support::op::{CLIENT_ID, CLIENT_SECRET, Key, Op, REMOVED, Signing};

/// What becomes of a logout token with these changes: the code of the refusal, or `ok`.
async fn outcome(changes: Value) -> &'static str {
    let op = Op::start(now()).await;
    outcome_at(&op, &op.logout_token(&changes)).await
}

async fn outcome_at(op: &Op, token: &str) -> &'static str {
    let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    relying_party(op).read_logout(&body, now()).await.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn a_logout_token_names_a_session_a_person_or_both() {
    for changes in
        [json!({}), json!({ "sid": REMOVED }), json!({ "sub": REMOVED }), json!({ "exp": REMOVED }), json!({ "aud": [CLIENT_ID] })]
    {
        assert_eq!(outcome(changes.clone()).await, "ok", "{changes}");
    }
    let op = Op::start(now()).await;
    for typ in [json!({ "typ": "JWT" }), json!({ "typ": REMOVED })] {
        op.set(|op| op.header = typ.clone());
        assert_eq!(outcome_at(&op, &op.logout_token(&json!({}))).await, "ok", "{typ}: providers that are older than the type");
    }
}

/// The conformance suite's `rp-backchannel` cases, and more of the kind.
#[tokio::test]
async fn a_logout_token_with_anything_wrong_ends_nothing() {
    let at = now().as_second();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (changes, code) in [
        (json!({ "iss": "https://evil.example" }), "issuer_mismatch"),
        (json!({ "iss": REMOVED }), "issuer_mismatch"),
        (json!({ "aud": "another" }), "audience_mismatch"),
        (json!({ "aud": REMOVED }), "audience_mismatch"),
        (json!({ "aud": [CLIENT_ID, "stranger"] }), "audience_untrusted"),
        (json!({ "events": REMOVED }), "logout_token_invalid"),
        (json!({ "events": {} }), "logout_token_invalid"),
        (json!({ "events": { "http://schemas.openid.net/event/other": {} } }), "logout_token_invalid"),
        (json!({ "events": { event: "x" } }), "logout_token_invalid"),
        (json!({ "events": event }), "logout_token_invalid"),
        (json!({ "nonce": "n" }), "logout_token_invalid"),
        (json!({ "nonce": "" }), "logout_token_invalid"),
        (json!({ "jti": REMOVED }), "logout_token_invalid"),
        (json!({ "jti": "" }), "logout_token_invalid"),
        (json!({ "jti": "x".repeat(255) }), "ok"),
        (json!({ "jti": "x".repeat(256) }), "logout_token_invalid"),
        (json!({ "sub": REMOVED, "sid": REMOVED }), "logout_token_invalid"),
        (json!({ "sub": 7 }), "logout_token_invalid"),
        (json!({ "sid": "" }), "logout_token_invalid"),
        (json!({ "iat": REMOVED }), "issue_time_missing"),
        (json!({ "iat": at - 600 }), "issued_too_long_ago"),
        (json!({ "iat": at + 600 }), "issued_in_future"),
        (json!({ "exp": at - 600 }), "expired"),
        (json!({ "exp": "soon" }), "expired"),
    ] {
        assert_eq!(outcome(changes.clone()).await, code, "{changes}");
    }
}

#[tokio::test]
async fn a_logout_token_is_of_the_last_two_minutes_give_or_take_the_clocks() {
    let at = now().as_second();
    for (changes, code) in [
        (json!({ "iat": at - 180 }), "ok"),
        (json!({ "iat": at - 181 }), "issued_too_long_ago"),
        (json!({ "iat": at + 60 }), "ok"),
        (json!({ "iat": at + 61 }), "issued_in_future"),
        (json!({ "exp": at - 59 }), "ok"),
        (json!({ "exp": at - 60 }), "expired"),
    ] {
        assert_eq!(outcome(changes.clone()).await, code, "{changes}");
    }
}

#[tokio::test]
async fn a_logout_token_is_remembered_by_its_id_for_as_long_as_it_counts() {
    let op = Op::start(now()).await;
    for (bytes, code) in [(255, Ok(())), (256, Err("logout_token_invalid"))] {
        let id = "x".repeat(bytes);
        let token = op.logout_token(&json!({ "jti": id }));
        let said = relying_party(&op).read_logout(&format!("logout_token={token}"), now()).await;
        assert_eq!(said.as_ref().map(drop).map_err(usher::oidc::OidcError::code), code);
        if let Ok(said) = said {
            assert_eq!(said.replay_key(), (format!("logout-token:op:{id}"), Duration::from_secs(241)));
        }
    }
}

#[tokio::test]
async fn a_logout_token_without_a_true_signature_ends_nothing() {
    let op = Op::start(now()).await;
    for (signing, code) in [
        (Signing::None, "algorithm_not_allowed"),
        (Signing::Hmac(CLIENT_SECRET.into()), "algorithm_not_allowed"),
        (Signing::Broken, "signature_invalid"),
    ] {
        let name = match &signing {
            Signing::None => "none",
            Signing::Hmac(_) => "HS256",
            Signing::WithKey | Signing::Broken => "ES256",
        };
        op.set(|op| {
            op.signing = signing;
            op.header = json!({ "alg": name });
        });
        assert_eq!(outcome_at(&op, &op.logout_token(&json!({}))).await, code, "{name}");
    }
    let stranger = Op::start_with(now(), Key::es256()).await;
    let forged = stranger.logout_token(&json!({ "iss": op.issuer() }));
    assert_eq!(outcome_at(&op, &forged).await, "signature_invalid");
}

#[tokio::test]
async fn one_kind_of_token_never_passes_for_the_other() {
    let op = Op::start(now()).await;
    op.set(|op| op.header = json!({ "typ": "at+jwt" }));
    assert_eq!(outcome_at(&op, &op.logout_token(&json!({}))).await, "id_token_wrong_type");
    // A logout token at the token endpoint: its type alone is enough.
    op.set(|op| op.header = json!({ "typ": "logout+jwt" }));
    assert_eq!(super::outcome(&op).await, "id_token_wrong_type");
    // An ID token at the logout endpoint, with a type that both may have.
    op.set(|op| op.header = json!({ "typ": "JWT" }));
    let id_token = op.logout_token(&json!({ "events": REMOVED, "nonce": "n" }));
    assert_eq!(outcome_at(&op, &id_token).await, "logout_token_invalid");
}

#[tokio::test]
async fn a_form_has_its_token_exactly_once() {
    let op = Op::start(now()).await;
    let token = op.logout_token(&json!({}));
    for body in
        [String::new(), "logout_token=".to_owned(), format!("logout_token={token}&logout_token={token}"), format!("id_token={token}")]
    {
        assert!(relying_party(&op).read_logout(&body, now()).await.is_err(), "{body}");
    }
}

/// A provider that talks to a gateway.
trait Channels {
    async fn back_channel(&self, token: &str) -> Reply;
    async fn front_channel(&self, query: &str) -> Reply;
}

impl Channels for OidcHouse {
    async fn back_channel(&self, token: &str) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
        let ask = Ask::to("auth.localhost", "POST", &format!("/oidc/{CONNECTION}/backchannel-logout"));
        self.usher.public(ask.header("Content-Type", "application/x-www-form-urlencoded").body(&body)).await
    }

    async fn front_channel(&self, query: &str) -> Reply {
        self.usher.public(Ask::to("auth.localhost", "GET", &format!("/oidc/{CONNECTION}/frontchannel-logout?{query}"))).await
    }
}

/// Signs Ada in; her browser is inside.
async fn sign_in(house: &OidcHouse) -> Browser {
    let mut browser = Browser::new();
    let page = house.login(&mut browser).await;
    assert_eq!(told(&page).0, "Admin");
    browser
}

#[tokio::test]
async fn the_providers_logout_signs_out_here_and_counts_once() {
    let house = OidcHouse::open("").await;
    let mut browser = sign_in(&house).await;
    assert!(house.usher.is_inside(&mut browser).await);
    let other = house.op.logout_token(&json!({ "sid": "another", "sub": REMOVED }));
    assert_eq!(house.back_channel(&other).await.status, 200);
    assert!(house.usher.is_inside(&mut browser).await, "another session of the provider");

    let token = house.op.logout_token(&json!({}));
    let reply = house.back_channel(&token).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    assert!(!house.usher.is_inside(&mut browser).await);
    let again = house.back_channel(&token).await;
    assert_eq!((again.status, again.header("cache-control"), again.body.as_str()), (400, Some("no-store"), ""));
    let refused = house.usher.audit("logout.refused").await;
    assert_eq!(refused.last().unwrap().detail["code"], "logout_replayed");
}

/// Its times are whole seconds, so it counts to the end of one; what keeps it from being played again has to last as long.
#[tokio::test]
async fn a_logout_token_is_remembered_for_as_long_as_it_counts() {
    let house = OidcHouse::open("").await;
    let ahead = house.clock.now().as_second() + 60;
    let token = house.op.logout_token(&json!({ "iat": ahead, "exp": REMOVED }));
    assert_eq!(house.back_channel(&token).await.status, 200, "a clock that is a minute ahead");
    let code = async || house.usher.audit("logout.refused").await.last().map(|line| line.detail["code"].clone());
    house.clock.pass(Duration::from_millis(240_500));
    assert_eq!(house.back_channel(&token).await.status, 400);
    assert_eq!(code().await, Some(json!("logout_replayed")), "in its last second");
    house.clock.pass(Duration::from_millis(500));
    assert_eq!(house.back_channel(&token).await.status, 400);
    assert_eq!(code().await, Some(json!("issued_too_long_ago")));
}

#[tokio::test]
async fn a_logout_that_is_not_the_providers_changes_nothing() {
    let house = OidcHouse::open("").await;
    let mut browser = sign_in(&house).await;
    let reply = house.back_channel(&house.op.logout_token(&json!({ "nonce": "n" }))).await;
    assert_eq!((reply.status, reply.body.as_str()), (400, ""), "and says nothing about why");
    for query in ["", "sid=session-1", "iss=https%3A%2F%2Fevil.example&sid=session-1", "iss=&sid=session-1", "iss=x&sid="] {
        let reply = house.front_channel(query).await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
    }
    assert!(house.usher.is_inside(&mut browser).await);
}

#[tokio::test]
async fn a_frame_of_the_provider_signs_out_the_session_that_it_names() {
    let house = OidcHouse::open("").await;
    let mut browser = sign_in(&house).await;
    let query = |sid: &str| {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", house.op.issuer()).append_pair("sid", sid).finish()
    };
    assert_eq!(house.front_channel(&query("another")).await.status, 200);
    assert!(house.usher.is_inside(&mut browser).await);
    assert_eq!(house.front_channel(&query("session-1")).await.status, 200);
    assert!(!house.usher.is_inside(&mut browser).await);
}

/// OpenID conformance `rp-init-logout-no-state` and `-other-state`: the sessions here ended before the browser left, so nothing hangs on how it comes back.
#[tokio::test]
async fn whatever_comes_back_from_a_logout_leads_nowhere_else() {
    let house = OidcHouse::open("").await;
    let mut browser = sign_in(&house).await;
    let account = browser.open(&house.usher.site.auth("/")).await;
    let out = browser.submit(&account, account.form_to("/logout")).await;
    let leave = out.find_link(house.op.issuer()).unwrap_or_else(|| panic!("{}", out.text));
    let given = |name: &str| leave.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
    assert_eq!(given("post_logout_redirect_uri"), Some(house.usher.site.auth("/signed-out")));
    let state = given("state").unwrap();
    let usual = house.usher.public(Ask::to("auth.localhost", "GET", &format!("/signed-out?state={state}")).navigate()).await;
    assert_eq!(usual.status, 200);
    for query in [
        "",
        "?",
        "?state=",
        "?state=another",
        "?state=a&state=b",
        "?state=%3Cscript%3E",
        "?error=server_error&error_description=%3Cscript%3E",
        "?return_to=https%3A%2F%2Fevil.example",
        "?post_logout_redirect_uri=https%3A%2F%2Fevil.example&state=x",
    ] {
        let reply = house.usher.public(Ask::to("auth.localhost", "GET", &format!("/signed-out{query}")).navigate()).await;
        assert_eq!((reply.status, reply.header("location"), reply.header("refresh")), (200, None, None), "{query}");
        assert_eq!(reply.body, usual.body, "{query}");
    }
    assert!(!house.usher.is_inside(&mut browser).await && !house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn strangers_cannot_fill_the_audit_with_logouts() {
    let house = OidcHouse::open("").await;
    let query = |issuer: &str, sid: &str| {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", issuer).append_pair("sid", sid).finish()
    };
    for number in 0..50 {
        assert_eq!(house.front_channel(&query(house.op.issuer(), &format!("invented-{number}"))).await.status, 200);
        assert_eq!(house.front_channel(&query("https://evil.example", "session-1")).await.status, 400);
        assert_eq!(house.back_channel("a.b.c").await.status, 400);
    }
    assert_eq!(house.usher.audit("session.ended").await.len(), 0, "nothing has ended");
    let refused = house.usher.audit("logout.refused").await.len();
    assert!((30..=60).contains(&refused), "30 a minute: {refused}");
}

/// The first day of a breach: a provider ends thousands of sessions, and none of its messages comes twice.
#[tokio::test]
async fn a_provider_that_signs_everybody_out_at_once_is_heard_and_strangers_are_not() {
    let house = OidcHouse::open_limited(20).await;
    for number in 0..60 {
        let token = house.op.logout_token(&json!({ "sid": format!("session-{number}"), "sub": REMOVED }));
        assert_eq!(house.back_channel(&token).await.status, 200, "logout {number}");
    }
    let mut answers = Vec::new();
    for _ in 0..25 {
        answers.push(house.back_channel("a.b.c").await);
    }
    assert!(answers[..20].iter().all(|answer| answer.status == 400));
    assert!(answers[20..].iter().all(|answer| (answer.status, answer.header("retry-after")) == (429, Some("60"))), "{answers:?}");
    let page = house.usher.public(Ask::to("auth.localhost", "GET", "/login").navigate()).await;
    assert_eq!(page.status, 200, "and nobody's sign-in waits for them: {}", page.body);
}

/// OpenID Connect Core 4: a hint, for the connections that allow it, and only for pages of ours.
#[tokio::test]
async fn a_login_that_starts_at_the_provider_is_a_login_of_ours() {
    for (more, start) in [("", "/login?"), ("allow_idp_initiated = true", &*format!("/login/{CONNECTION}?"))] {
        let house = OidcHouse::open(more).await;
        let initiate = async |target: &str, issuer: &str| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("iss", issuer)
                .append_pair("target_link_uri", target)
                .finish();
            house.usher.public(Ask::to("auth.localhost", "GET", &format!("/oidc/{CONNECTION}/initiate?{query}"))).await
        };
        let ours = house.usher.site.app("/deep?a=b");
        let reply = initiate(&ours, house.op.issuer()).await;
        assert_eq!(reply.status, 303, "{reply:?}");
        let to = reply.header("location").unwrap();
        assert!(to.starts_with(start), "{to}");
        assert!(to.contains(&url::form_urlencoded::byte_serialize(ours.as_bytes()).collect::<String>()), "{to}");
        let elsewhere = initiate("https://evil.example/", house.op.issuer()).await;
        assert!(!elsewhere.header("location").unwrap().contains("evil"), "{elsewhere:?}");
        assert_eq!(initiate(&ours, "https://evil.example").await.status, 400);
    }
}
