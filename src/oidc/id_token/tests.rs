use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn check(changes: Value) -> &'static str {
    check_for(changes, |_| {}, None)
}

/// With other settings, and the person asked to have authenticated so many seconds ago at most.
fn check_for(changes: Value, set: impl FnOnce(&mut OidcSettings), max_age: Option<i64>) -> &'static str {
    let Value::Object(mut claims) = json!({
        "iss": "https://op.example", "aud": "usher", "sub": "ada", "nonce": "n", "iat": NOW, "exp": NOW + 300,
    }) else {
        panic!("an object")
    };
    let Value::Object(changes) = changes else { panic!("an object") };
    claims.extend(changes);
    claims.retain(|_, value| *value != json!("[removed]"));
    let (algorithm, key) = (CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJsonWebKey::new_rsa(vec![1], vec![1], None));
    let signed = Signed { claims, algorithm, key, key_issuer: None };
    let mut settings = OidcSettings::new("https://op.example", "usher");
    settings.trusted_audiences = BTreeSet::from(["project".to_owned()]);
    set(&mut settings);
    let expected = Expected {
        settings: &settings,
        issuer: &Issuer::of(&settings).unwrap(),
        nonce: "n",
        authenticated_since: max_age.map(|seconds| Timestamp::from_second(NOW - seconds).unwrap()),
        access_token: &AccessToken::new("access".to_owned()),
        now: Timestamp::from_second(NOW).unwrap(),
    };
    expected.check(signed).map_or_else(|error| error.code(), |_| "ok")
}

/// What came with a refresh of Ada's session at `https://op.example`.
fn check_refreshed(changes: Value) -> &'static str {
    let Value::Object(mut claims) = json!({ "iss": "https://op.example", "aud": "usher", "sub": "ada", "iat": NOW, "exp": NOW + 300 })
    else {
        panic!("an object")
    };
    let Value::Object(changes) = changes else { panic!("an object") };
    claims.extend(changes);
    let (algorithm, key) = (CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJsonWebKey::new_rsa(vec![1], vec![1], None));
    let signed = Signed { claims, algorithm, key, key_issuer: None };
    let mut settings = OidcSettings::new("https://op.example", "usher");
    settings.hosted_domains = ["acme.example".to_owned()].into();
    let expected = Expected {
        settings: &settings,
        issuer: &Issuer::of(&settings).unwrap(),
        nonce: "n",
        authenticated_since: None,
        access_token: &AccessToken::new("access".to_owned()),
        now: Timestamp::from_second(NOW).unwrap(),
    };
    expected.check_refreshed(&signed, "https://op.example", "ada").map_or_else(|error| error.code(), |()| "ok")
}

fn removed(name: &str) -> &'static str {
    check(json!({ name: "[removed]" }))
}

#[test]
fn a_good_token_passes() {
    assert_eq!(check(json!({})), "ok");
}

#[test]
fn each_required_claim_is_missed() {
    assert_eq!(
        ["iss", "aud", "exp", "iat", "nonce", "sub"].map(removed),
        ["issuer_mismatch", "audience_mismatch", "expiry_missing", "issue_time_missing", "nonce_mismatch", "subject_invalid"]
    );
}

#[test]
fn the_issuer_is_compared_exactly() {
    for iss in [json!("https://op.example/"), json!("https://OP.example"), json!(["https://op.example"]), json!(null)] {
        assert_eq!(check(json!({ "iss": iss })), "issuer_mismatch");
    }
}

#[test]
fn the_audience_is_us_and_those_whom_the_connection_trusts() {
    assert_eq!(check(json!({ "aud": ["usher"] })), "ok");
    assert_eq!(check(json!({ "aud": ["usher", "project"], "azp": "usher" })), "ok");
    assert_eq!(check(json!({ "aud": ["usher", "stranger"], "azp": "usher" })), "audience_untrusted");
    for aud in [json!("usher1"), json!(["project"]), json!([]), json!(7), json!(["usher", 7]), json!({ "usher": 1 })] {
        assert_eq!(check(json!({ "aud": aud })), "audience_mismatch");
    }
}

#[test]
fn the_authorized_party_is_us_and_is_named_where_there_are_others() {
    assert_eq!(check(json!({ "azp": "usher" })), "ok");
    assert_eq!(check(json!({ "aud": ["usher", "project"] })), "authorized_party_mismatch");
    for azp in [json!("project"), json!(""), json!(null), json!(["usher"])] {
        assert_eq!(check(json!({ "azp": azp })), "authorized_party_mismatch");
    }
}

#[test]
fn times_have_a_minute_of_grace_and_no_more() {
    for (changes, code) in [
        (json!({ "exp": NOW - 59 }), "ok"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "exp": "tomorrow" }), "expiry_missing"),
        (json!({ "exp": -1e300 }), "expired"),
        (json!({ "iat": NOW - 600 }), "ok"),
        (json!({ "iat": NOW - 601 }), "issued_too_long_ago"),
        (json!({ "iat": NOW - 7 * 86400 }), "issued_too_long_ago"),
        (json!({ "iat": NOW + 60 }), "ok"),
        (json!({ "iat": NOW + 61 }), "issued_in_future"),
        (json!({ "iat": u64::MAX }), "issued_in_future"),
        (json!({ "iat": 1.5 + 1_800_000_000.0 }), "ok"),
        (json!({ "iat": NOW.to_string() }), "issue_time_missing"),
        (json!({ "nbf": NOW + 60 }), "ok"),
        (json!({ "nbf": NOW + 61 }), "not_yet_valid"),
        (json!({ "nbf": null }), "not_yet_valid"),
    ] {
        assert_eq!(check(changes.clone()), code, "{changes}");
    }
}

#[test]
fn the_nonce_is_the_one_of_this_login() {
    for nonce in [json!("N"), json!("n1"), json!(""), json!(7), json!(null)] {
        assert_eq!(check(json!({ "nonce": nonce })), "nonce_mismatch");
    }
}

#[test]
fn the_access_token_hash_fits_or_is_not_there() {
    // SHA-256 of "access", left half.
    assert_eq!(check(json!({ "at_hash": "oFYf1knNtrqnhAVfBRuteQ" })), "ok");
    for at_hash in [json!("oFYf1knNtrqnhAVfBRutew"), json!(""), json!(null), json!(7)] {
        assert_eq!(check(json!({ "at_hash": at_hash })), "access_token_mismatch");
    }
}

#[test]
fn the_subject_is_printable_ascii_of_bounded_length() {
    for sub in ["auth0|64f", "cn=Ada Lovelace,dc=acme", &"x".repeat(255)] {
        assert_eq!(check(json!({ "sub": sub })), "ok", "{sub}");
    }
    for sub in [
        json!(""),
        json!(" ada"),
        json!("ada "),
        json!("a\u{0}"),
        json!("a\n"),
        json!("ädä"),
        json!("x".repeat(256)),
        json!(7),
        json!(null),
    ] {
        assert_eq!(check(json!({ "sub": sub })), "subject_invalid", "{sub}");
    }
}

#[test]
fn who_was_asked_to_authenticate_has_done_so_since() {
    let at = |auth_time: Value, max_age| check_for(json!({ "auth_time": auth_time }), |_| {}, Some(max_age));
    assert_eq!(at(json!(NOW), 0), "ok");
    assert_eq!(at(json!(NOW - 60), 0), "ok", "give or take the clocks");
    assert_eq!(at(json!(NOW - 61), 0), "authenticated_too_long_ago");
    assert_eq!(at(json!(NOW - 3660), 3600), "ok");
    assert_eq!(at(json!(NOW - 3661), 3600), "authenticated_too_long_ago");
    // Glewlwyd.
    assert_eq!(at(json!(0), 3600), "authenticated_too_long_ago");
    assert_eq!(at(json!(i64::MIN), 3600), "authenticated_too_long_ago");
    assert_eq!(at(json!(NOW + 60), 3600), "ok", "give or take the clocks");
    assert_eq!(at(json!(NOW + 61), 3600), "authenticated_in_future");
    for odd in [json!("[removed]"), json!(null), json!(NOW.to_string()), json!([NOW])] {
        assert_eq!(at(odd.clone(), 3600), "auth_time_missing", "{odd}");
    }
    assert_eq!(check(json!({ "auth_time": 0 })), "ok", "nobody asked");
}

#[test]
fn the_way_of_authentication_is_one_that_the_connection_wants() {
    let with =
        |acr: Value| check_for(json!({ "acr": acr }), |settings| settings.acr_values = vec!["mfa".to_owned(), "phr".to_owned()], None);
    assert_eq!([with(json!("mfa")), with(json!("phr"))], ["ok", "ok"]);
    for acr in [json!("[removed]"), json!("0"), json!("MFA"), json!("mfa phr"), json!(["mfa"]), json!("")] {
        assert_eq!(with(acr.clone()), "authentication_too_weak", "{acr}");
    }
}

#[test]
fn a_google_account_is_of_a_domain_that_the_connection_names() {
    let with = |hd: Value| check_for(json!({ "hd": hd }), |settings| settings.hosted_domains = ["acme.example".to_owned()].into(), None);
    assert_eq!(with(json!("acme.example")), "ok");
    for hd in [
        json!("[removed]"),
        json!("evil.example"),
        json!("acme.example.evil.example"),
        json!("ACME.example"),
        json!(["acme.example"]),
        json!(""),
    ] {
        assert_eq!(with(hd.clone()), "hosted_domain_not_allowed", "{hd}");
    }
}

#[test]
fn a_refresh_is_of_the_same_person_and_for_us() {
    let with = |changes: Value| {
        let Value::Object(mut changes) = changes else { panic!("an object") };
        changes.entry("hd").or_insert(json!("acme.example"));
        check_refreshed(Value::Object(changes))
    };
    assert_eq!(with(json!({})), "ok");
    assert_eq!(with(json!({ "nonce": "n" })), "ok");
    for (changes, code) in [
        (json!({ "iss": "https://other.example" }), "issuer_mismatch"),
        (json!({ "sub": "eve" }), "refreshed_subject_mismatch"),
        (json!({ "sub": null }), "refreshed_subject_mismatch"),
        (json!({ "nonce": "other" }), "nonce_mismatch"),
        (json!({ "nonce": 7 }), "nonce_mismatch"),
        (json!({ "aud": "other" }), "audience_mismatch"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "at_hash": "other" }), "access_token_mismatch"),
        (json!({ "hd": "evil.example" }), "hosted_domain_not_allowed"),
    ] {
        assert_eq!(with(changes.clone()), code, "{changes}");
    }
}
