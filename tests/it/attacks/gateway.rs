//! All cases through a running gateway, as an attacker sends them: in a browser that has started a login, at the logout address, and by themselves.

use crate::attacks::Attack;
use crate::attacks::bait::Bait;
use crate::support::browser::{Browser, Page};
use crate::support::saml_house::{SamlHouse, provider};
use crate::support::saml_idp::Scene;

use super::saml::{Case, Message, every_case};

const fn elsewhere(id: &'static str, test: &'static str, file: &'static str, answer: &'static str) -> Attack {
    Attack { id, title: "", source: "", sent: "", answer, file, test }
}

/// What needs more than one message, or more than the door.
pub(crate) const ELSEWHERE: &[Attack] = &[
    Attack {
        title: "Every message of this page",
        source: "the whole chain, not its links: CVE-2019-3465, CVE-2025-59718",
        sent: "Each message above through the running gateway, in a browser that started a login.",
        ..elsewhere("F1", "no_hostile_message_leaves_a_trace", file!(), "auth_invalid")
    },
    Attack {
        title: "Used response",
        source: "SAML Profiles 4.1.4.5",
        sent: "A good response again, after its login: as it was, where no login waits for it any more, and in a login of the thief's own, where this is the answer.",
        ..elsewhere("F2", "an_assertion_is_good_for_one_login", "tests/it/logout/logins.rs", "response_in_response_to_wrong")
    },
    Attack {
        title: "Another browser",
        source: "login CSRF; RFC 9700 4.7",
        sent: "A good response to a login that another browser started.",
        ..elsewhere("F3", "an_answer_for_another_browser_signs_nobody_in", "tests/it/logout/logins.rs", "another_browser")
    },
    Attack {
        title: "Address of somebody else's domain",
        source: "nOAuth (2023)",
        sent: "A true message with an address outside of the connection's domains.",
        ..elsewhere("F4", "an_address_of_another_domain_is_refused", "tests/it/logout/logins.rs", "domain_not_allowed")
    },
    Attack {
        title: "Groups by link",
        source: "Entra ID, more than 150 groups",
        sent: "A link instead of groups: unknown, and never empty.",
        ..elsewhere("F5", "a_link_instead_of_groups_is_overage_and_never_empty", "tests/it/saml/accepted.rs", "groups unknown")
    },
    Attack {
        title: "A connection without keys",
        source: "CVE-2026-28323",
        sent: "Metadata without a key, with a short RSA key, with a damaged one: the connection is closed.",
        ..elsewhere("F6", "without_a_usable_key_there_is_no_connection", "tests/it/saml/signatures.rs", "no_keys")
    },
    Attack {
        title: "Session of somebody else",
        source: "SAML Core 3.7.3",
        sent: "A logout request with Ada's name and Jo's session: nobody's session ends.",
        ..elsewhere("F7", "a_logout_ends_the_sessions_of_this_name_and_index_and_no_others", "tests/it/logout/provider.rs", "0 sessions")
    },
    Attack {
        title: "Provider B, at its own address, with provider A's names",
        source: "CVE-2026-24858 (cross tenant)",
        sent: "A logout request of another connection's provider for a name of this one: nobody's session ends.",
        ..elsewhere("F8", "a_provider_signs_out_its_own_people_only", "tests/it/logout/provider.rs", "0 sessions")
    },
    Attack {
        title: "Used logout request",
        source: "SAML Bindings 3.4.5.1",
        sent: "A logout request again.",
        ..elsewhere("F9", "a_logout_request_counts_once", "tests/it/logout/provider.rs", "logout_replayed")
    },
    Attack {
        title: "A logout that overtakes its login",
        source: "race",
        sent: "The provider ends a session whose login is still in the browser.",
        ..elsewhere("F10", "a_logout_that_overtakes_its_login_wins", "tests/it/logout/provider.rs", "login_expired")
    },
    Attack {
        title: "Logout response that nobody asked for",
        source: "SAML Core 3.7.2",
        sent: "A genuine logout response, without a logout of ours, and to another one.",
        ..elsewhere("F11", "a_logout_response_has_to_answer_our_request", "tests/it/logout/provider.rs", "logout_unasked")
    },
    Attack {
        title: "Asking the decryption",
        source: "How to Break XML Encryption (CCS 2011)",
        sent: "One message seven times, changed each time, where CBC is opened behind an unsigned response: from the sixth on it is not opened. Messages of others are.",
        ..elsewhere(
            "F12",
            "a_message_in_cbc_mode_is_opened_five_times_however_it_is_changed",
            "tests/it/logout/logins.rs",
            "decryption_paused",
        )
    },
    Attack {
        title: "RelayState to elsewhere",
        source: "open redirect",
        sent: "An unasked message whose RelayState is another site's address, in both forms of logins that start at the provider.",
        ..elsewhere("F13", "a_relay_state_leads_to_our_own_hosts_only", "tests/it/logout/unasked.rs", "relay_state_refused")
    },
    Attack {
        title: "Used assertion that nobody asked for",
        source: "SAML Profiles 4.1.5",
        sent: "An unasked assertion again, in another browser and in another response around it, where the connection takes such messages.",
        ..elsewhere(
            "F14",
            "where_the_connection_insists_the_message_itself_signs_in_once",
            "tests/it/logout/unasked.rs",
            "assertion_replayed",
        )
    },
    Attack {
        title: "Files, programs and connections",
        source: "XXE, SSRF, XSLT: pysaml2 #510, CVE-2022-21497",
        sent: "Each message above to the verifier on a thread that the kernel kills at the first file, socket or program.",
        ..elsewhere("F15", "no_message_makes_the_verifier_open_a_file_or_a_socket", "tests/it/attacks/saml/locked.rs", "nothing is opened")
    },
    Attack {
        title: "Used assertion after a clock was put right",
        source: "replay window that hangs on the clock",
        sent: "An unasked assertion whose end was near by a clock that was ahead, again when that clock is right and the assertion counts for a while yet.",
        ..elsewhere(
            "F16",
            "a_message_that_was_used_while_the_clock_was_ahead_stays_used_when_it_is_put_right",
            "tests/it/logout/unasked.rs",
            "assertion_replayed",
        )
    },
];

/// The reference is the only thing on a page that differs.
fn without_incident(page: &Page) -> String {
    let mut text = page.text.clone();
    while let Some(at) = text.find("inc_") {
        let end = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(text.len(), |end| at + end);
        text.replace_range(at..end, "");
    }
    text.lines().filter(|line| !line.contains("<time")).collect()
}

async fn send(house: &SamlHouse, browser: &mut Browser, case: &Case, bait: &Bait) -> Vec<Page> {
    let mut pages = Vec::new();
    let number_of_messages = (case.build)(&Scene::default()).len();
    for number in 0..number_of_messages {
        // Each message belongs to a login of its own.
        let started = house.start(browser).await;
        let scene = Scene { bait_url: bait.url(), bait_file: bait.file(), ..started.scene };
        let sent = (case.build)(&scene).swap_remove(number);
        if sent.settings.is_some() {
            continue;
        }
        let slo = scene.address("slo");
        pages.push(match &sent.message {
            Message::Response(field) => house.respond(browser, field, &started.relay_state).await,
            Message::LogoutForm(kind, field) => browser.post_from(&provider(), &slo, &[(kind.field(), field)]).await,
            Message::LogoutQuery(query) => browser.visit(&format!("{slo}?{query}")).await,
        });
    }
    pages
}

#[tokio::test]
async fn no_hostile_message_leaves_a_trace() {
    let house = SamlHouse::open("").await;
    let bait = Bait::lay();
    let mut browser = Browser::new();
    let mut usual: Option<String> = None;
    let mut tried = 0;
    for case in every_case() {
        for page in send(&house, &mut browser, case, &bait).await {
            let Attack { id, answer, .. } = case.attack;
            // Logout messages of strangers are written down up to a limit for each minute; logins of a browser always.
            let lines = [house.usher.audit("login.refused").await, house.usher.audit("logout.refused").await].concat();
            let last = lines.iter().max_by_key(|line| line.sequence).unwrap_or_else(|| panic!("{id}: {} {}", page.status, page.text));
            // What is longer than a door reads does not even wait for its browser.
            let too_long = answer == "too_large" && page.text.contains("bad_request");
            if !too_long {
                assert_eq!(page.status, 400, "{id}: {}", page.text);
                assert!(id.starts_with('E') || last.detail["code"].as_str() == Some(answer), "{id}: {}", last.detail);
                let text = without_incident(&page);
                assert!(usual.is_some() || !text.contains(answer), "{id}: the page tells the sender which check failed");
                assert_eq!(&text, usual.get_or_insert_with(|| text.clone()), "{id}: the page is another one");
            }
            tried += 1;
        }
        assert_eq!(browser.cookie("auth.localhost", "__Host-usher"), None, "{}", case.attack.id);
    }
    assert!(tried > 250, "{tried}");
    assert!(!house.is_signed_in(&mut browser).await);
    assert_eq!(house.usher.audit("login.admitted").await.len(), 0);
    assert_eq!(house.usher.count_members().await, 0);
    assert_eq!(house.usher.requests_of_app(), 0);
    bait.assert_untouched();
    // And the door still opens for whoever belongs here.
    house.sign_in(&mut browser, |draft| draft.edit("app-admins", "everyone")).await;
    assert!(house.is_signed_in(&mut browser).await);
}
