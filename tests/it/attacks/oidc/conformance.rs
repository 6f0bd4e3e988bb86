//! The relying-party tests of the OpenID Foundation's conformance suite, and the client tests of FAPI that fit: where each is tried here.
//!
//! The suite itself is a server on the Internet and a browser between; what its tests send is played by our own provider, or by a certified one.

use crate::attacks::Attack;

pub(crate) const ABOUT: &str = "Each test of the suite by its name (`oidcc-client-test-…`, and the client tests of FAPI), what the provider does in it, and what happens here. \
Not here, because Usher does not do it: hybrid flow, dynamic registration, request objects, WebFinger, session management by frame. \
Where the suite lets a relying party choose, Usher refuses.";

const TOKEN: &str = "tests/it/attacks/oidc/token.rs";
const SIGNATURE: &str = "tests/it/attacks/oidc/signature.rs";
const ANSWER: &str = "tests/it/attacks/oidc/answer.rs";
const NETWORK: &str = "tests/it/attacks/oidc/network.rs";
const GATEWAY: &str = "tests/it/attacks/oidc/gateway.rs";
const LOGIN: &str = "tests/it/oidc/login.rs";
const KEYS: &str = "tests/it/oidc/keys.rs";
const LOGOUT: &str = "tests/it/oidc/logout.rs";
const REFRESH: &str = "tests/it/oidc/refresh.rs";
const PROVIDER: &str = "tests/it/oidc/provider.rs";

const OIDC: &str = "OpenID Connect RP certification";
const FAPI: &str = "FAPI client tests";

/// Id, suite, name, what the provider does, answer, file, test.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("OR1", OIDC, "(happy)", "Everything right; a certified provider.", "signed in", PROVIDER, "a_certified_provider_signs_people_in"),
    (
        "OR2",
        OIDC,
        "scope-userinfo-claims, userinfo-bearer-header",
        "Claims in userinfo only.",
        "signed in",
        LOGIN,
        "userinfo_is_asked_for_what_is_missing",
    ),
    (
        "OR3",
        OIDC,
        "client-secret-basic",
        "Only Basic, or only post.",
        "signed in",
        LOGIN,
        "the_secret_is_sent_the_way_that_was_set_or_that_the_provider_offers",
    ),
    ("OR4", OIDC, "idtoken-sig-rs256", "Each algorithm that is listed.", "signed in", LOGIN, "each_listed_algorithm_signs_in"),
    ("OR5", OIDC, "idtoken-sig-none", "Unsigned ID token.", "algorithm_not_allowed", SIGNATURE, "a_token_without_a_signature"),
    ("OR6", OIDC, "invalid-sig-rs256, -es256", "Broken signature.", "signature_invalid", SIGNATURE, "a_signature_that_was_changed"),
    (
        "OR7",
        OIDC,
        "invalid-sig-hs256",
        "A symmetric signature.",
        "algorithm_not_allowed",
        SIGNATURE,
        "a_token_signed_with_the_client_secret",
    ),
    ("OR8", OIDC, "invalid-iss", "Another issuer.", "issuer_mismatch", TOKEN, "a_token_of_another_issuer"),
    ("OR9", OIDC, "invalid-aud, missing-aud", "Another audience, or none.", "audience_mismatch", TOKEN, "a_token_for_another_client"),
    ("OR10", OIDC, "missing-sub", "No subject.", "subject_invalid", TOKEN, "a_token_of_nobody"),
    ("OR11", OIDC, "missing-iat", "No time of issue.", "issue_time_missing", TOKEN, "a_token_without_its_time"),
    ("OR12", OIDC, "nonce-invalid", "Another nonce.", "nonce_mismatch", TOKEN, "a_token_of_another_login"),
    (
        "OR13",
        OIDC,
        "kid-absent-single-jwks",
        "No key id, one key.",
        "signed in",
        KEYS,
        "a_token_without_key_id_needs_exactly_one_fitting_key",
    ),
    (
        "OR14",
        OIDC,
        "kid-absent-multiple-jwks",
        "No key id, several keys.",
        "key_ambiguous",
        SIGNATURE,
        "a_token_that_does_not_say_which_key",
    ),
    (
        "OR15",
        OIDC,
        "userinfo-invalid-sub",
        "Userinfo about somebody else.",
        "userinfo_subject_mismatch",
        ANSWER,
        "userinfo_about_somebody_else",
    ),
    ("OR16", OIDC, "invalid-athash", "Another access token.", "access_token_mismatch", TOKEN, "an_access_token_of_somebody_else"),
    (
        "OR17",
        OIDC,
        "discovery-openid-config, discovery-jwks-uri-keys",
        "Endpoints anywhere.",
        "signed in",
        PROVIDER,
        "a_certified_provider_signs_people_in",
    ),
    (
        "OR18",
        OIDC,
        "discovery-issuer-mismatch",
        "A document of another issuer.",
        "discovery_issuer_mismatch",
        NETWORK,
        "a_discovery_document_of_somebody_else",
    ),
    (
        "OR19",
        OIDC,
        "signing-key-rotation",
        "New keys between two logins; a certified provider.",
        "signed in",
        PROVIDER,
        "keys_that_rotate_between_two_logins_are_found",
    ),
    (
        "OR20",
        OIDC,
        "signing-key-rotation-just-before-signing",
        "New keys after discovery.",
        "signed in",
        KEYS,
        "keys_that_change_just_before_signing_are_fetched_once_more",
    ),
    ("OR21", OIDC, "userinfo-signed", "Userinfo as a signed token.", "signed in", LOGIN, "signed_userinfo_is_verified_and_taken"),
    (
        "OR22",
        OIDC,
        "aggregated-claims, distributed-claims",
        "Claims that lie elsewhere.",
        "groups_overage",
        GATEWAY,
        "claims_that_lie_elsewhere_are_not_fetched",
    ),
    (
        "OR23",
        OIDC,
        "form-post-error",
        "An answer, and an error, in a form.",
        "403 page",
        GATEWAY,
        "an_answer_in_a_form_waits_for_its_browser",
    ),
    (
        "OR24",
        OIDC,
        "mtls-endpoint-aliases",
        "Other addresses for clients with a certificate.",
        "used",
        "src/oidc/discovery.rs",
        "a_client_with_a_certificate_goes_where_such_clients_go",
    ),
    (
        "OR25",
        OIDC,
        "3rd-party-init-login",
        "The provider starts the login.",
        "a login of ours",
        LOGOUT,
        "a_login_that_starts_at_the_provider_is_a_login_of_ours",
    ),
    (
        "OR26",
        OIDC,
        "rp-init-logout",
        "Sign-out through the provider and back; a certified provider.",
        "signed out",
        PROVIDER,
        "signing_out_at_the_provider_comes_back_and_ends_its_session",
    ),
    (
        "OR60",
        OIDC,
        "rp-init-logout-no-state, rp-init-logout-other-state",
        "Back from its logout without a state, with another one, with two, with an address to go to.",
        "signed out",
        LOGOUT,
        "whatever_comes_back_from_a_logout_leads_nowhere_else",
    ),
    (
        "OR27",
        OIDC,
        "rp-backchannel-rpinitlogout",
        "A logout token.",
        "signed out",
        LOGOUT,
        "the_providers_logout_signs_out_here_and_counts_once",
    ),
    (
        "OR28",
        OIDC,
        "rp-backchannel-rpinitlogout-wrong-iss, -wrong-aud, -no-event, -wrong-event, -with-nonce",
        "A bad logout token.",
        "400",
        LOGOUT,
        "a_logout_token_with_anything_wrong_ends_nothing",
    ),
    (
        "OR29",
        OIDC,
        "rp-backchannel-rpinitlogout-alg-none, -wrong-alg",
        "An unsigned logout token.",
        "400",
        LOGOUT,
        "a_logout_token_without_a_true_signature_ends_nothing",
    ),
    (
        "OR30",
        OIDC,
        "rp-frontchannel-rpinitlogout, -opinitlogout",
        "A frame with `iss` and `sid`.",
        "signed out",
        LOGOUT,
        "a_frame_of_the_provider_signs_out_the_session_that_it_names",
    ),
    (
        "OR45",
        OIDC,
        "refresh-token",
        "A refresh token, which changes each time.",
        "stays",
        REFRESH,
        "two_hundred_requests_at_once_ask_the_provider_once",
    ),
    (
        "OR46",
        OIDC,
        "refresh-token-invalid-issuer, refresh-token-invalid-sub",
        "A refreshed ID token of somebody else.",
        "signed out",
        REFRESH,
        "a_refreshed_token_of_somebody_else_ends_the_session",
    ),
    (
        "OR31",
        FAPI,
        "invalid-authorization-response-iss",
        "Another issuer in the answer.",
        "callback_issuer_mismatch",
        ANSWER,
        "an_answer_of_another_issuer",
    ),
    (
        "OR32",
        FAPI,
        "remove-authorization-response-iss",
        "No issuer in the answer.",
        "callback_issuer_missing",
        ANSWER,
        "an_answer_without_the_issuer_that_was_promised",
    ),
    (
        "OR33",
        FAPI,
        "with-invalid-state-fails, invalid-missing-state-fails",
        "Another state, or none.",
        "login_expired",
        GATEWAY,
        "an_answer_to_no_login_redeems_nothing",
    ),
    ("OR34", FAPI, "invalid-secondary-aud", "A stranger beside us.", "audience_untrusted", TOKEN, "a_token_for_others_as_well"),
    (
        "OR35",
        FAPI,
        "valid-aud-as-array",
        "Us, in a list.",
        "signed in",
        LOGIN,
        "what_a_provider_may_leave_out_or_write_otherwise_is_no_fault",
    ),
    ("OR36", FAPI, "invalid-expired-exp", "Expired five minutes ago.", "expired", TOKEN, "a_token_that_has_expired"),
    ("OR37", FAPI, "invalid-missing-exp", "No end.", "expiry_missing", TOKEN, "a_token_without_an_end"),
    (
        "OR38",
        FAPI,
        "invalid-alternate-alg, invalid-null-alg",
        "Another algorithm, or none.",
        "algorithm_not_allowed",
        SIGNATURE,
        "a_token_without_a_signature",
    ),
    (
        "OR39",
        FAPI,
        "token-type-case-insensitivity",
        "`bEARER`.",
        "signed in",
        LOGIN,
        "what_a_provider_may_leave_out_or_write_otherwise_is_no_fault",
    ),
    (
        "OR40",
        FAPI,
        "token-endpoint-response-without-expires_in",
        "No `expires_in`.",
        "signed in",
        LOGIN,
        "what_a_provider_may_leave_out_or_write_otherwise_is_no_fault",
    ),
    (
        "OR41",
        FAPI,
        "no-scope-in-token-endpoint-response",
        "No `scope`.",
        "signed in",
        LOGIN,
        "what_a_provider_may_leave_out_or_write_otherwise_is_no_fault",
    ),
    ("OR42", FAPI, "iat-is-week-in-past", "Issued a week ago.", "issued_too_long_ago", TOKEN, "a_token_of_last_week"),
    ("OR43", FAPI, "encrypted ID token", "Five parts.", "id_token_malformed", ANSWER, "an_id_token_that_is_none"),
    (
        "OR44",
        FAPI,
        "JARM (exp, iss, aud, sig, none)",
        "An answer inside a token, which nobody asked for.",
        "400",
        GATEWAY,
        "an_answer_to_no_login_redeems_nothing",
    ),
];

pub(crate) fn rows() -> Vec<Attack> {
    let row = |&(id, source, title, sent, answer, file, test): &Row| Attack { id, title, source, sent, answer, file, test };
    ROWS.iter().map(row).collect()
}
