//! Genuine signatures over claims that are not for us, not for now, or not for this login.

use serde_json::{Value, json};

use super::{Sent, cases, claims, claims_at};
use crate::support::op::REMOVED;

/// One claim with each of these values.
fn each<const N: usize>(name: &'static str, values: [Value; N]) -> [Sent; N] {
    values.map(|value| claims(json!({ name: value })))
}

cases! {
    "OT1" a_token_of_another_issuer "issuer_mismatch":
    "Another issuer"; "OpenID conformance `invalid-iss`; FAPI `missing-iss`"; "Another `iss`: with a character more, in capitals, with a slash at the end, in a list, none.";
    |_| each("iss", [json!("http://op.localhost:1"), json!("http://OP.localhost"), json!("http://op.localhost/"), json!(["http://op.localhost"]), json!(REMOVED)])
    "OT2" a_token_for_another_client "audience_mismatch":
    "Another client's token"; "OpenID conformance `invalid-aud`, `missing-aud`; token substitution"; "Another `aud`: with a character more, an empty list, a number, none.";
    |_| each("aud", [json!("usher1"), json!(["stranger"]), json!([]), json!(7), json!(["usher", 7]), json!({ "usher": true }), json!(REMOVED)])
    "OT3" a_token_for_others_as_well "audience_untrusted":
    "A second audience"; "FAPI `invalid-secondary-aud`; OpenID Connect Core 3.1.3.7"; "`aud` with a stranger beside us, with and without `azp`: the stranger could have brought it.";
    |_| [claims(json!({ "aud": ["usher", "stranger"] })), claims(json!({ "aud": ["usher", "stranger"], "azp": "usher" }))]
    "OT4" a_token_issued_to_another_client "authorized_party_mismatch":
    "Another authorized party"; "OpenID Connect Core 3.1.3.7"; "`azp` of a stranger, and one that is no text.";
    |_| each("azp", [json!("stranger"), json!(["usher"]), json!(null)])
    "OT5" a_token_of_another_login "nonce_mismatch":
    "Injected token"; "OpenID conformance `nonce-invalid`; RFC 9700 4.5"; "Another `nonce`, an empty one, none.";
    |_| each("nonce", [json!("another"), json!(""), json!(7), json!(REMOVED)])
    "OT6" a_token_of_nobody "subject_invalid":
    "No subject"; "OpenID conformance `missing-sub`"; "No `sub`, an empty one, a number.";
    |_| each("sub", [json!(REMOVED), json!(""), json!(7), json!(["ada"])])
    "OT7" a_subject_that_only_looks_like_another "subject_invalid":
    "Subject in disguise"; "Unicode Technical Report 36"; "`ada` with a NUL, a line break, a blank at the end, a mark that turns the direction of text, a letter of another alphabet; and a subject of 4 KiB.";
    |_| each("sub", [
        json!("ada\u{0}"), json!("ada\n"), json!("ada "), json!(" ada"), json!("\u{202e}ada"), json!("ad\u{430}"), json!("ada\u{200b}"), json!("a".repeat(4096)),
    ])
    "OT8" a_token_without_an_end "expiry_missing":
    "Token for ever"; "FAPI `invalid-missing-exp`"; "No `exp`, and one that is no number.";
    |_| each("exp", [json!(REMOVED), json!("never"), json!(null)])
    "OT9" a_token_that_has_expired "expired":
    "Expired token"; "FAPI `invalid-expired-exp`; a provider's clock that is five minutes slow"; "`exp` five minutes ago, a minute ago, in 1970.";
    |_| [claims_at(|now| json!({ "exp": now - 300 })), claims_at(|now| json!({ "exp": now - 60 })), claims(json!({ "exp": 0 })), claims(json!({ "exp": i64::MIN }))]
    "OT10" a_token_that_does_not_count_yet "not_yet_valid":
    "Early token"; "RFC 7519 4.1.5"; "`nbf` in five minutes, and one that is no number.";
    |_| [claims_at(|now| json!({ "nbf": now + 300 })), claims(json!({ "nbf": "soon" }))]
    "OT11" a_token_without_its_time "issue_time_missing":
    "No time of issue"; "OpenID conformance `missing-iat`"; "No `iat`, and one that is no number.";
    |_| each("iat", [json!(REMOVED), json!("now")])
    "OT12" a_token_of_the_future "issued_in_future":
    "Token of the future"; "a provider's clock that is five minutes fast"; "`iat` in five minutes, and in a year.";
    |_| [claims_at(|now| json!({ "iat": now + 300 })), claims_at(|now| json!({ "iat": now + 31_536_000, "exp": now + 31_536_300 })), claims(json!({ "iat": i64::MAX }))]
    "OT13" a_token_of_last_week "issued_too_long_ago":
    "Old token"; "FAPI 1 `iat-is-week-in-past`"; "`iat` a week ago, and eleven minutes ago, with an `exp` that is yet to come.";
    |_| [604_800, 660].map(|age| super::does(move |op| op.claims = json!({ "iat": op.now.as_second() - age, "exp": op.now.as_second() + 300 })))
    "OT14" an_access_token_of_somebody_else "access_token_mismatch":
    "Injected access token"; "OpenID conformance `invalid-athash`; OpenID Connect Core 3.1.3.8"; "An `at_hash` of another access token, an empty one, one that is no text.";
    |_| each("at_hash", [json!("AAAAAAAAAAAAAAAAAAAAAA"), json!(""), json!(7)])
    "OT15" a_person_who_was_not_asked_anew "authenticated_too_long_ago":
    "Silent sign-on where a fresh one was asked for"; "OpenID Connect Core 3.1.2.1; ASVS 6.8.4; Glewlwyd's `auth_time: 0`"; "`auth_time` before what `max_age` allows, and zero.";
    |_| [claims_at(|now| json!({ "auth_time": now - 3661 })), claims(json!({ "auth_time": 0 }))].map(|sent| sent.under(|settings| settings.max_age_seconds = Some(3600)))
    "OT16" a_token_that_does_not_say_when "auth_time_missing":
    "No time of authentication"; "OpenID Connect Core 2"; "No `auth_time` where `max_age` was asked for, and one that is no number.";
    |_| each("auth_time", [json!(REMOVED), json!("now")]).map(|sent| sent.under(|settings| settings.max_age_seconds = Some(3600)))
    "OT17" a_person_without_the_second_factor "authentication_too_weak":
    "Missing second factor"; "OpenID Connect Core 2; ASVS 6.8.4"; "Another `acr` than those asked for, two in one text, a list, none.";
    |_| each("acr", [json!("0"), json!("mfa phr"), json!(["mfa"]), json!(REMOVED)]).map(|sent| sent.under(|settings| settings.acr_values = vec!["mfa".to_owned()]))
    "OT18" an_account_of_another_google_domain "hosted_domain_not_allowed":
    "Another company's Google account"; "one issuer for all of Google; Truffle Security (2025)"; "Another `hd`, one that ends like ours, none: a private account.";
    |_| each("hd", [json!("evil.example"), json!("notacme.example"), json!(REMOVED)])
        .map(|sent| sent.under(|settings| settings.hosted_domains = ["acme.example".to_owned()].into()))
    "OT19" a_person_of_another_tenant "tenant_not_allowed":
    "Another company's tenant"; "nOAuth (Descope, 2023)"; "Another `tid`, none, a list with ours in it.";
    |_| each("tid", [json!("22222222-2222-2222-2222-222222222222"), json!(REMOVED), json!(["11111111-1111-1111-1111-111111111111"])])
        .map(|sent| sent.under(|settings| settings.tenants = ["11111111-1111-1111-1111-111111111111".to_owned()].into()))
}
