//! The fifteen acceptance tests of a gateway, each named after faults that others had. Most stand where their subject is; [`PROOFS`] says where. Here
//! is what has no other place:
//!
//! - `return_targets`: where a login may lead to
//! - `overnight`: pages that were left open
//! - `providers`: another clock, parameters that come twice
//! - `weight`: what does not grow with a person's groups, and what is slow or large
//!
//! The one rule of this folder: a row without a test that is there is no row.

mod overnight;
mod providers;
mod return_targets;
mod weight;

/// What must hold, and the tests that show it, as file and name.
const PROOFS: [(&str, &[(&str, &str)]); 15] = [
    (
        "1: no return target leads elsewhere (mod_auth_mellon CVE-2019-3877, CVE-2019-13038; oauth2-proxy's open redirects)",
        &[("gateway/return_targets.rs", "no_return_target_leads_elsewhere")],
    ),
    (
        "2: the path judged is the path sent (oauth2-proxy GHSA-7rh7, GHSA-pxq7; Traefik GHSA-6jwx; Heimdall CVE-2026-42274)",
        &[
            ("proxy/path.rs", "the_path_judged_is_the_path_sent"),
            ("proxy/path.rs", "what_two_parsers_read_differently_is_refused_for_members_too"),
            ("smuggling/mod.rs", "every_request_has_one_reading_at_two_real_apps"),
        ],
    ),
    (
        "3: no client says what only the gateway says (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858, Caddy CVE-2026-30851, CVE-2025-48865)",
        &[
            ("proxy/headers.rs", "no_client_can_say_what_only_usher_says"),
            ("proxy/headers.rs", "a_client_cannot_take_our_headers_away"),
            ("proxy/headers.rs", "trailers_of_a_client_do_not_reach_the_app"),
            ("proxy/http2.rs", "a_request_over_http2_arrives_like_any_other"),
            ("proxy/forward_auth.rs", "nobody_on_a_public_path_passes_as_nobody_whatever_the_client_says"),
        ],
    ),
    (
        "4: a broken cookie is no yes (authentik CVE-2026-25748)",
        &[("proxy/forward_auth.rs", "no_cookie_but_a_live_one_is_a_yes"), ("proxy/answers.rs", "no_made_up_cookie_passes")],
    ),
    (
        "5: ten tabs, one login (oauth2-proxy #611, #817, #2163, #3258)",
        &[
            ("login/tabs.rs", "ten_tabs_that_all_sign_in_end_on_their_own_pages"),
            ("login/tabs.rs", "tabs_that_wait_at_the_sign_in_page_are_let_in_by_the_login_of_one"),
            ("login/tabs.rs", "an_answer_that_is_sent_twice_signs_in_once_and_arrives_twice"),
            ("login/tabs.rs", "the_back_button_to_any_step_of_a_login_leads_into_the_app"),
            ("proxy/enter.rs", "ten_tabs_land_on_their_own_deep_links"),
        ],
    ),
    (
        "6: a login page left open overnight is no dead end, and no circle (oauth2-proxy #1736, #1879)",
        &[
            ("gateway/overnight.rs", "a_page_left_open_for_twelve_hours_leads_on_or_says_what_to_do"),
            ("login/trouble.rs", "a_browser_that_signs_in_for_the_same_page_again_and_again_is_told_why"),
        ],
    ),
    (
        "7: a store that is down signs nobody out and lets nobody pass (oauth2-proxy #1784, #2503)",
        &[
            ("proxy/answers.rs", "a_store_that_is_down_is_503_and_nobody_is_signed_out"),
            ("proxy/forward_auth.rs", "a_store_that_is_down_is_no_yes_and_no_logout"),
            ("nodes/outages.rs", "without_redis_who_is_known_goes_on_for_the_time_of_grace"),
            ("nodes/outages.rs", "without_postgres_who_is_known_goes_on_for_the_time_of_grace"),
        ],
    ),
    (
        "8: a refresh is asked once (oauth2-proxy #1992, #1006, #3057)",
        &[
            ("oidc/refresh.rs", "two_hundred_requests_at_once_ask_the_provider_once"),
            ("oidc/refresh.rs", "two_hundred_requests_at_once_through_two_nodes_ask_the_provider_once"),
            ("oidc/refresh.rs", "a_grant_that_the_provider_takes_back_ends_the_session"),
            ("oidc/refresh.rs", "a_provider_that_does_not_answer_keeps_sessions_for_so_long"),
        ],
    ),
    (
        "9: what ends, ends at once, with its sockets, on every store and every node (authentik CVE-2025-29928, pomerium #1279)",
        &[
            ("nodes/mod.rs", "what_is_ended_on_one_node_is_over_on_all_within_a_second_with_its_streams"),
            ("nodes/ends.rs", "whatever_ends_a_session_on_one_node_ends_it_on_all_within_a_second_with_its_streams"),
            ("process/nodes.rs", "what_is_done_on_one_node_is_in_force_on_the_other_within_a_second"),
            ("proxy/streams.rs", "a_socket_works_and_closes_when_its_session_ends"),
            ("proxy/streams.rs", "events_arrive_as_they_happen_and_end_with_the_session"),
            ("proxy/streams.rs", "every_answer_that_lasts_ends_with_its_session"),
            ("proxy/streams.rs", "a_socket_whose_app_said_its_last_word_ends_with_its_session"),
            ("logout/provider.rs", "the_session_on_an_app_host_ends_with_it"),
        ],
    ),
    (
        "10: the last seat is given once, and a refusal leaves nothing behind (growthbook #4133, hexpm #1796)",
        &[
            ("storm/mod.rs", "row_35_of_100_people_who_come_at_once_for_one_seat_exactly_one_gets_in"),
            ("demo/links.rs", "in_seats_full_lena_takes_the_last_seat_and_jo_finds_none"),
        ],
    ),
    (
        "11: two groups give one answer, in any order, and it can be explained",
        &[
            ("rules/properties.rs", "the_order_of_groups_and_mappings_never_matters"),
            ("rules/roles.rs", "row_21_the_highest_ranked_role_wins"),
            ("rules/explain.rs", "groups_that_did_not_decide_are_not_named_as_the_cause"),
        ],
    ),
    (
        "12: a provider that is down, changes its keys, or has another clock (oauth2-proxy #3487, #2896, #1260)",
        &[
            ("login/trouble.rs", "a_provider_that_cannot_be_reached_is_named_and_nothing_else_stops"),
            ("oidc/keys.rs", "keys_that_change_just_before_signing_are_fetched_once_more"),
            ("nodes/outages.rs", "a_clock_that_jumps_opens_nothing"),
            ("gateway/providers.rs", "a_clock_that_is_five_minutes_off_is_taken_or_named_at_the_oidc_door"),
            ("gateway/providers.rs", "a_clock_that_is_five_minutes_off_is_taken_or_named_at_the_saml_door"),
            ("gateway/providers.rs", "a_parameter_that_comes_twice_redeems_nothing_and_uses_nothing_up"),
        ],
    ),
    (
        "13: what is large or slow is streamed, for as long as it flows (bitly/oauth2_proxy #266, oauth2-proxy #3389, #3277)",
        &[
            ("proxy/streams.rs", "events_go_on_for_more_than_a_minute"),
            ("proxy/streams.rs", "events_go_on_past_the_idle_limit_of_whoever_is_not_idle"),
            ("proxy/upload.rs", "a_gibibyte_is_uploaded_without_growing"),
            ("gateway/weight.rs", "a_slow_download_of_100_megabytes_is_not_kept_in_memory"),
            ("gateway/weight.rs", "http2_and_a_websocket_live_side_by_side"),
        ],
    ),
    (
        "14: a new secret signs nobody out (oauth2-proxy #963, #2659, #3042)",
        &[
            ("process/rotation.rs", "every_key_is_changed_twice_under_load_and_nobody_notices"),
            ("process/rotation.rs", "a_new_certificate_is_taken_at_a_reload_and_a_wrong_one_is_not"),
        ],
    ),
    (
        "15: 500 groups fit (pomerium #2730, oauth2-proxy #1902)",
        &[("gateway/weight.rs", "five_hundred_groups_sign_in_and_the_app_gets_small_headers")],
    ),
];

#[test]
fn every_proof_is_a_test_that_is_there() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (number, (what, proofs)) in PROOFS.iter().enumerate() {
        assert!(what.starts_with(&format!("{}: ", number + 1)), "{what}");
        assert!(!proofs.is_empty(), "{what}");
        for (file, name) in *proofs {
            let text = std::fs::read_to_string(tests.join(file)).unwrap_or_else(|error| panic!("{what}: {file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{what}: {file} has no test {name}");
        }
    }
}
