//! All cases through a running gateway, in a browser that started a login; and what needs two providers, two browsers or a whole organization.

use serde_json::json;
use url::Url;

use super::every_case;
use crate::attacks::Attack;
use crate::attacks::bait::Bait;
use crate::support::browser::{Browser, Page};
use crate::support::installation::{CONNECTION, told};
use crate::support::oidc_house::{OTHER, OidcHouse};
use crate::support::op::REMOVED;

const fn elsewhere(id: &'static str, test: &'static str, file: &'static str, answer: &'static str) -> Attack {
    Attack { id, title: "", source: "", sent: "", answer, file, test }
}

/// What needs more than one answer, or more than the door.
pub(crate) const ELSEWHERE: &[Attack] = &[
    Attack {
        title: "Every provider of this page",
        source: "the oracle of the OpenID conformance suite, and more",
        sent: "Each case above through the running gateway, in a browser that started a login: no session, no person, one audit line, one and the same page.",
        ..elsewhere("OG1", "no_hostile_provider_leaves_a_trace", file!(), "auth_invalid")
    },
    Attack {
        title: "Another browser",
        source: "login CSRF; RFC 9700 4.7",
        sent: "The answer to one browser's login, opened in another: its code is not redeemed.",
        ..elsewhere("OG2", "an_answer_for_another_browser_redeems_nothing", file!(), "another_browser")
    },
    Attack {
        title: "Provider B's answer in provider A's login",
        source: "mix-up; RFC 9700 4.4",
        sent: "The state of a login at A, with B's code: at B's address, at A's, with either's `iss` and with none.",
        ..elsewhere("OG3", "a_code_of_one_provider_is_worth_nothing_in_a_login_at_another", file!(), "another_connection")
    },
    Attack {
        title: "State that was never given, used, or too old",
        source: "FAPI `with-invalid-state-fails`, `invalid-missing-state-fails`",
        sent: "A good code under an invented state, none, one that was used, one of eleven minutes ago: it is not redeemed.",
        ..elsewhere("OG4", "an_answer_to_no_login_redeems_nothing", file!(), "login_expired")
    },
    Attack {
        title: "Form of another site",
        source: "OpenID Connect Form Post Response Mode; login CSRF",
        sent: "Answers by form_post: a good one signs in, and one of another browser, an error, and one for another connection do not.",
        ..elsewhere("OG5", "an_answer_in_a_form_waits_for_its_browser", file!(), "another_browser")
    },
    Attack {
        title: "Code twice",
        source: "RFC 6749 4.1.2; code replay",
        sent: "The same answer a second time, also with another login's nonce or verifier.",
        ..elsewhere("OG6", "a_code_is_good_for_one_login_of_one_browser", "tests/it/oidc/hostile.rs", "code_refused")
    },
    Attack {
        title: "Groups that only look right",
        source: "Unicode Technical Report 36; homoglyphs",
        sent: "`app-admins` in capitals, with a NUL, a mark that turns the direction, wide letters, a letter of another alphabet, a blank inside.",
        ..elsewhere("OG7", "groups_that_only_look_like_a_mapped_one_give_nothing", file!(), "no_role_group")
    },
    Attack {
        title: "Twenty thousand groups",
        source: "Entra ID overage; header and memory exhaustion",
        sent: "Twenty thousand groups from userinfo, the mapped one among them: unknown, which gives nothing and takes nothing.",
        ..elsewhere("OG8", "twenty_thousand_groups_are_unknown", file!(), "groups_overage")
    },
    Attack {
        title: "Claims that lie elsewhere",
        source: "OpenID conformance `distributed-claims`, `aggregated-claims`; server-side request forgery",
        sent: "Groups and address as links and as nested tokens: nobody follows them, and the groups are unknown.",
        ..elsewhere("OG9", "claims_that_lie_elsewhere_are_not_fetched", file!(), "groups_overage")
    },
    Attack {
        title: "Another person under the same address",
        source: "nOAuth (2023); Google's re-registered domains (2025)",
        sent: "The address of a member, genuinely signed, with another subject; and with the subject in capitals.",
        ..elsewhere("OG10", "an_address_does_not_make_a_person", file!(), "subject_changed")
    },
    Attack {
        title: "Storm of key ids",
        source: "amplification",
        sent: "A new unknown key id every second: one fetch of the keys a minute.",
        ..elsewhere("OG11", "a_storm_of_random_key_ids_costs_one_fetch_a_minute", "tests/it/oidc/keys.rs", "key_not_found")
    },
    Attack {
        title: "Storm of logout tokens before a change of keys",
        source: "denial of service",
        sent: "Logout tokens of a stranger with unknown key ids; then the provider changes its keys, and the next login finds them.",
        ..elsewhere(
            "OG17",
            "bad_logout_tokens_do_not_keep_logins_from_following_a_change_of_keys",
            "tests/it/oidc/keys.rs",
            "key_not_found",
        )
    },
    Attack {
        title: "Refreshed token of an unknown key",
        source: "Usher's own review; the RP tests of OpenID only have wrong claims",
        sent: "With a refresh, an ID token under a key id that nobody publishes, also while the keys cannot be had: the session is not confirmed, and ends where `refresh_grace` does.",
        ..elsewhere(
            "OG19",
            "a_refreshed_token_of_a_key_that_is_not_published_confirms_nothing_and_keeps_the_session_to_its_limit",
            "tests/it/oidc/refresh.rs",
            "unconfirmed_too_long",
        )
    },
    Attack {
        title: "False logout",
        source: "OpenID conformance `backchannel-rpinitlogout-*`",
        sent: "Logout tokens with a wrong issuer, audience, event or time, with a nonce, without an id, a subject or a session: 400, and everyone stays.",
        ..elsewhere("OG12", "a_logout_token_with_anything_wrong_ends_nothing", "tests/it/oidc/logout.rs", "logout_token_invalid")
    },
    Attack {
        title: "Unsigned logout",
        source: "OpenID conformance `backchannel-rpinitlogout-alg-none`, `-wrong-alg`",
        sent: "Logout tokens without a signature, with the client secret's, and with a stranger's.",
        ..elsewhere("OG13", "a_logout_token_without_a_true_signature_ends_nothing", "tests/it/oidc/logout.rs", "algorithm_not_allowed")
    },
    Attack {
        title: "ID token as logout token, and the other way round",
        source: "cross-JWT confusion; RFC 8725 3.11",
        sent: "Each where the other belongs.",
        ..elsewhere("OG14", "one_kind_of_token_never_passes_for_the_other", "tests/it/oidc/logout.rs", "logout_token_invalid")
    },
    Attack {
        title: "Used logout token",
        source: "OpenID Connect Back-Channel Logout 1.0, 2.6",
        sent: "A logout token again.",
        ..elsewhere("OG15", "the_providers_logout_signs_out_here_and_counts_once", "tests/it/oidc/logout.rs", "logout_replayed")
    },
    Attack {
        title: "Used logout token in its last second",
        source: "replay window shorter than validity",
        sent: "A logout token of a clock that is a minute ahead, again just before it is too old.",
        ..elsewhere("OG18", "a_logout_token_is_remembered_for_as_long_as_it_counts", "tests/it/oidc/logout.rs", "logout_replayed")
    },
    Attack {
        title: "Login that a stranger starts",
        source: "OpenID Connect Core 4; open redirect",
        sent: "An initiation with another issuer, and with a target that is not ours.",
        ..elsewhere("OG16", "a_login_that_starts_at_the_provider_is_a_login_of_ours", "tests/it/oidc/logout.rs", "400")
    },
];

/// Without an audit line: the provider could not be used at all, or sent the person away itself.
const NO_MESSAGE: [&str; 2] = ["provider_unreachable", "provider_refused"];

/// The reference is the only thing on a page that differs.
fn without_incident(page: &Page) -> String {
    let mut text = page.text.clone();
    while let Some(at) = text.find("inc_") {
        let end = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(text.len(), |end| at + end);
        text.replace_range(at..end, "");
    }
    text.lines().filter(|line| !line.contains("<time")).collect()
}

#[tokio::test]
async fn no_hostile_provider_leaves_a_trace() {
    let house = OidcHouse::open("").await;
    let bait = Bait::lay();
    let mut browser = Browser::new();
    let mut usual: Option<String> = None;
    let (mut tried, mut lines) = (0, 0);
    for case in every_case() {
        let Attack { id, answer, .. } = case.attack;
        for (number, sent) in (case.build)(&bait.url()).into_iter().enumerate() {
            if sent.settings.is_some() || sent.slow {
                continue;
            }
            house.next_day(|knobs| sent.turn(knobs));
            let asked = house.op.calls("userinfo");
            let started = house.start(&mut browser, CONNECTION).await;
            let (page, left) = match started.location() {
                Some(url) => {
                    let query = house.op.authorize(url.as_str());
                    (browser.open(&house.callback(CONNECTION, &query)).await, true)
                }
                None => (started, false),
            };
            tried += 1;
            let about_discovery = answer.starts_with("discovery") || answer == "pkce_unsupported";
            assert!(!(about_discovery && left), "{id}, variant {number}: the browser left");
            assert_eq!(house.op.calls("userinfo") - asked, usize::from(sent.in_userinfo), "{id}, variant {number}");
            assert_eq!(browser.cookie("auth.localhost", "__Host-usher"), None, "{id}, variant {number}");
            for told in ["<script>", "acme.example", "app-owners", "169.254"] {
                assert!(!page.text.contains(told), "{id}, variant {number}: the page says {told}");
            }
            assert!(
                NO_MESSAGE.contains(&answer) || !page.text.contains(answer),
                "{id}, variant {number}: the page tells which check failed"
            );
            let refused = house.usher.audit("login.refused").await;
            if !left || NO_MESSAGE.contains(&answer) {
                assert!([403, 502].contains(&page.status), "{id}, variant {number}: {} {}", page.status, page.text);
                assert_eq!(refused.len(), lines, "{id}, variant {number}");
                continue;
            }
            lines += 1;
            assert_eq!(page.status, 400, "{id}, variant {number}: {}", page.text);
            assert_eq!(refused.len(), lines, "{id}, variant {number}: one line");
            assert_eq!(refused.last().unwrap().detail["code"].as_str(), Some(answer), "{id}, variant {number}");
            let text = without_incident(&page);
            assert_eq!(&text, usual.get_or_insert_with(|| text.clone()), "{id}, variant {number}: the page is another one");
        }
    }
    assert!(tried > 150 && lines > 100, "{tried} {lines}");
    assert_eq!(house.usher.count_members().await, 0);
    assert_eq!(house.usher.audit("login.admitted").await.len(), 0);
    assert_eq!(house.usher.requests_of_app(), 0);
    bait.assert_untouched();
    // And the door still opens for whoever belongs here.
    house.next_day(|_| {});
    assert_eq!(told(&house.login(&mut browser).await).0, "Admin");
}

/// The code of the last refused message.
async fn last_code(house: &OidcHouse) -> String {
    let lines = house.usher.audit("login.refused").await;
    lines.last().and_then(|line| line.detail["code"].as_str()).unwrap_or_default().to_owned()
}

async fn nobody_came_in(house: &OidcHouse, browser: &mut Browser) {
    assert!(!house.is_signed_in(browser).await);
    assert_eq!(house.usher.count_members().await, 0);
    assert_eq!(house.op.calls("token"), 0, "no code was redeemed");
}

/// Starts a login at this connection; the address at the provider.
async fn begin(house: &OidcHouse, browser: &mut Browser, connection: &str) -> Url {
    house.start(browser, connection).await.location().unwrap()
}

#[tokio::test]
async fn an_answer_for_another_browser_redeems_nothing() {
    let house = OidcHouse::open("").await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let query = house.op.authorize(begin(&house, &mut attacker, CONNECTION).await.as_str());
    begin(&house, &mut victim, CONNECTION).await;
    let page = victim.open(&house.callback(CONNECTION, &query)).await;
    assert_eq!((page.status, last_code(&house).await.as_str()), (400, "another_browser"));
    nobody_came_in(&house, &mut victim).await;
    // The login is over for the attacker as well.
    assert_eq!(attacker.open(&house.callback(CONNECTION, &query)).await.status, 400);
    nobody_came_in(&house, &mut attacker).await;
}

#[tokio::test]
async fn a_code_of_one_provider_is_worth_nothing_in_a_login_at_another() {
    for (address, issuer, code) in [
        (OTHER, "theirs", "another_connection"),
        (OTHER, "ours", "another_connection"),
        (CONNECTION, "theirs", "callback_issuer_mismatch"),
        (CONNECTION, "none", "callback_issuer_missing"),
    ] {
        let house = OidcHouse::open("").await;
        let mut browser = Browser::new();
        let ours = begin(&house, &mut browser, CONNECTION).await;
        let state = ours.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let theirs = begin(&house, &mut browser, OTHER).await;
        house.other.set(|op| {
            op.callback.insert("state", state);
            op.callback.insert(
                "iss",
                match issuer {
                    "theirs" => house.other.issuer().to_owned(),
                    "ours" => house.op.issuer().to_owned(),
                    _ => String::new(),
                },
            );
        });
        let query = house.other.authorize(theirs.as_str());
        let page = browser.open(&house.callback(address, &query)).await;
        assert_eq!((page.status, last_code(&house).await.as_str()), (400, code), "{address} {issuer}");
        assert_eq!(house.other.calls("token"), 0);
        nobody_came_in(&house, &mut browser).await;
    }
    // Where no issuer is promised, the provider itself refuses a code that it did not give.
    let house = OidcHouse::open("").await;
    let mut browser = Browser::new();
    house.op.set(|op| op.discovery = json!({ "authorization_response_iss_parameter_supported": REMOVED }));
    let ours = begin(&house, &mut browser, CONNECTION).await;
    let state = ours.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let page = browser.open(&house.callback(CONNECTION, &format!("state={state}&code=theirs"))).await;
    assert_eq!((page.status, last_code(&house).await.as_str()), (400, "code_refused"));
    assert!(!house.is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn an_answer_to_no_login_redeems_nothing() {
    let house = OidcHouse::open("").await;
    let mut browser = Browser::new();
    let good = house.op.authorize(begin(&house, &mut browser, CONNECTION).await.as_str());
    let state = url::form_urlencoded::parse(good.as_bytes()).find(|(name, _)| name == "state").unwrap().1.into_owned();
    let stranger = usher::random::token().unwrap();
    for query in [
        good.replace(&state, &stranger),
        good.replace(&state, ""),
        good.replace(&format!("state={state}"), "x=y"),
        format!("{good}&state={state}"),
        good.replace(&state, &state.to_lowercase()),
        "response=eyJhbGciOiJub25lIn0.e30.".to_owned(),
        String::new(),
    ] {
        let page = browser.open(&house.callback(CONNECTION, &query)).await;
        assert_eq!(page.status, 400, "{query}: {}", page.text);
        nobody_came_in(&house, &mut browser).await;
    }
    house.clock.pass(std::time::Duration::from_mins(11));
    // It begins anew, once.
    let page = browser.open(&house.callback(CONNECTION, &good)).await;
    assert_eq!((page.status, page.url.path()), (200, "/login"), "{}", page.text);
    nobody_came_in(&house, &mut browser).await;
    let page = browser.open(&house.callback(CONNECTION, &good)).await;
    assert!(page.status == 400 && page.text.contains("login_expired"), "{} {}", page.status, page.text);
    nobody_came_in(&house, &mut browser).await;
}

#[tokio::test]
async fn an_answer_in_a_form_waits_for_its_browser() {
    let house = OidcHouse::open("response_mode = \"form_post\"").await;
    let provider = Url::parse(house.op.issuer()).unwrap();
    let form = |query: &str| url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
    let post = async |browser: &mut Browser, connection: &str, query: &str| {
        let fields = form(query);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let action = house.usher.site.auth(&format!("/oidc/{connection}/callback"));
        browser.post_from(&provider, &action, &fields).await
    };
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let url = begin(&house, &mut attacker, CONNECTION).await;
    assert!(url.query_pairs().any(|(name, value)| (name.as_ref(), value.as_ref()) == ("response_mode", "form_post")), "{url}");
    let query = house.op.authorize(url.as_str());
    begin(&house, &mut victim, CONNECTION).await;
    let page = post(&mut victim, CONNECTION, &query).await;
    assert_eq!((page.status, last_code(&house).await.as_str()), (400, "another_browser"));
    nobody_came_in(&house, &mut victim).await;

    let query = house.op.authorize(begin(&house, &mut victim, CONNECTION).await.as_str());
    let page = post(&mut victim, OTHER, &query).await;
    assert_eq!((page.status, last_code(&house).await.as_str()), (400, "another_connection"));
    nobody_came_in(&house, &mut victim).await;

    let url = begin(&house, &mut victim, CONNECTION).await;
    house.op.set(|op| op.callback.extend([("code", String::new()), ("error", "login_required".to_owned())]));
    let page = post(&mut victim, CONNECTION, &house.op.authorize(url.as_str())).await;
    assert_eq!(page.status, 403, "{}", page.text);
    nobody_came_in(&house, &mut victim).await;

    house.op.set(|op| op.callback.clear());
    let query = house.op.authorize(begin(&house, &mut victim, CONNECTION).await.as_str());
    assert_eq!(told(&post(&mut victim, CONNECTION, &query).await).0, "Admin");
}

#[tokio::test]
async fn groups_that_only_look_like_a_mapped_one_give_nothing() {
    let house = OidcHouse::open("").await;
    for group in [
        "App-Admins",
        "app-admins\u{0}",
        "app-admins\u{202e}",
        "\u{ff41}pp-admins",
        "\u{430}pp-admins",
        "app-admins\u{200b}",
        "app -admins",
        "app-admins,design",
        "/app-admins",
    ] {
        house.next_day(|op| op.claims = json!({ "groups": [group, "app-visitors"] }));
        let page = house.login(&mut Browser::new()).await;
        assert_eq!(page.status, 403, "{group:?}: {}", page.text);
    }
    assert_eq!(house.usher.count_members().await, 0);
}

#[tokio::test]
async fn twenty_thousand_groups_are_unknown() {
    let house = OidcHouse::open("").await;
    let many: Vec<_> = (0..20_000).map(|number| format!("group-{number}")).chain(["app-owners".to_owned()]).collect();
    let turn = |groups: Vec<String>| {
        move |op: &mut crate::support::op::Knobs| {
            op.claims = json!({ "groups": REMOVED });
            op.userinfo = json!({ "groups": groups });
        }
    };
    house.next_day(turn(many.clone()));
    let page = house.login(&mut Browser::new()).await;
    assert!(page.status == 403 && page.text.contains("groups_overage"), "{} {}", page.status, page.text);
    // Nothing is given, and nothing taken from who has something.
    house.next_day(turn(vec!["everyone".to_owned()]));
    assert_eq!(told(&house.login(&mut Browser::new()).await).0, "User");
    house.next_day(turn(many));
    assert_eq!(told(&house.login(&mut Browser::new()).await).0, "User");
}

#[tokio::test]
async fn claims_that_lie_elsewhere_are_not_fetched() {
    let house = OidcHouse::open("").await;
    let bait = Bait::lay();
    let endpoint = bait.url();
    house.next_day(|op| {
        op.claims = json!({
            "groups": REMOVED,
            "_claim_names": { "groups": "src1", "email": "src2" },
            "_claim_sources": {
                "src1": { "endpoint": endpoint, "access_token": "stolen" },
                "src2": { "JWT": "eyJhbGciOiJub25lIn0.eyJncm91cHMiOlsiYXBwLW93bmVycyJdfQ." },
            },
        });
    });
    let page = house.login(&mut Browser::new()).await;
    assert!(page.status == 403 && page.text.contains("groups_overage"), "{} {}", page.status, page.text);
    assert_eq!(house.usher.count_members().await, 0);
    bait.assert_untouched();
}

#[tokio::test]
async fn an_address_does_not_make_a_person() {
    let house = OidcHouse::open("").await;
    assert_eq!(told(&house.login(&mut Browser::new()).await).0, "Admin");
    for sub in ["eve", "ADA", "Ada"] {
        house.next_day(|op| op.claims = json!({ "sub": sub, "groups": ["app-owners"] }));
        let page = house.login(&mut Browser::new()).await;
        assert!(page.status == 403 && page.text.contains("subject_changed"), "{sub}: {} {}", page.status, page.text);
    }
    assert_eq!(house.usher.count_members().await, 1);
}
