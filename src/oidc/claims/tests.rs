#![expect(clippy::redundant_closure_for_method_calls, reason = "the method as a value has one lifetime, where any is needed")]

use serde_json::json;

use super::*;

fn settings(groups: &str) -> OidcSettings {
    OidcSettings { groups_claim: groups.to_owned(), ..OidcSettings::new("https://op.example", "usher") }
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

fn read<R>(settings: &OidcSettings, id_token: Value, userinfo: Option<Value>, look: impl FnOnce(&Claims<'_>) -> R) -> R {
    let (id_token, userinfo) = (object(id_token), userinfo.map(object));
    look(&Claims { settings, id_token: &id_token, userinfo: userinfo.as_ref() })
}

fn groups(name: &str, id_token: Value) -> GroupClaim {
    read(&settings(name), id_token, None, |claims| claims.groups())
}

fn email(id_token: Value) -> Option<String> {
    read(&settings("groups"), id_token, None, |claims| claims.email().map(String::from))
}

fn name(id_token: Value) -> Option<String> {
    read(&settings("groups"), id_token, None, |claims| claims.name())
}

fn present(values: &[&str]) -> GroupClaim {
    GroupClaim::from_values(values)
}

#[test]
fn groups_come_as_text_list_or_object() {
    assert_eq!(groups("groups", json!({ "groups": "one, two" })), present(&["one, two"]));
    assert_eq!(groups("groups", json!({ "groups": ["a", " b ", "a"] })), present(&["a", "b"]));
    assert_eq!(groups("groups", json!({ "groups": { "a": { "org": "x" }, "b": {} } })), present(&["a", "b"]));
}

#[test]
fn groups_lie_under_a_name_or_a_pointer() {
    let token = json!({ "realm_access": { "roles": ["a"] }, "https://acme/groups": ["b"], "x/y": ["c"], "/z": ["d"] });
    assert_eq!(groups("/realm_access/roles", token.clone()), present(&["a"]));
    assert_eq!(groups("https://acme/groups", token.clone()), present(&["b"]));
    assert_eq!(groups("/x~1y", token.clone()), present(&["c"]));
    assert_eq!(groups("/realm_access/nothing", token.clone()), GroupClaim::Absent);
    assert_eq!(groups("/nothing/roles", token), GroupClaim::Absent);
}

#[test]
fn empty_absent_and_malformed_are_three_things() {
    for empty in [json!([]), json!({}), json!(""), json!([" "])] {
        assert_eq!(groups("groups", json!({ "groups": empty })), GroupClaim::Empty);
    }
    assert_eq!(groups("groups", json!({})), GroupClaim::Absent);
    for malformed in [
        json!(null),
        json!(7),
        json!(true),
        json!([1]),
        json!(["a", null]),
        json!([["a"]]),
        json!(["a\u{0}"]),
        json!("a\nb"),
        json!(["a", "b\u{9f}"]),
        json!("\u{85}a"),
    ] {
        assert_eq!(groups("groups", json!({ "groups": malformed })), GroupClaim::Malformed);
    }
    assert_eq!(groups("groups", json!({ "groups": ["a", "x".repeat(257)] })), GroupClaim::Malformed);
    assert_eq!(groups("groups", json!({ "groups": "ä".repeat(256) })), present(&["ä".repeat(256).as_str()]));
}

#[test]
fn names_of_groups_are_not_folded() {
    let token = json!({ "groups": ["Admins", "admins\u{202e}", "ADMINS"] });
    assert_eq!(groups("groups", token), present(&["Admins", "admins\u{202e}", "ADMINS"]));
}

#[test]
fn a_provider_that_lists_no_groups_because_there_are_too_many_is_believed() {
    for token in [
        json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/x" } } }),
        json!({ "_claim_names": { "groups": "src1" }, "groups": ["partial"] }),
        json!({ "hasgroups": true }),
        json!({ "hasgroups": "true" }),
    ] {
        assert_eq!(groups("groups", token), GroupClaim::Overage);
    }
    assert_eq!(groups("groups", json!({ "hasgroups": true, "groups": ["a"] })), present(&["a"]));
    assert_eq!(groups("groups", json!({ "_claim_names": { "address": "src1" } })), GroupClaim::Absent);
}

#[test]
fn more_than_two_thousand_groups_are_unknown_groups() {
    let many = |count: usize| json!({ "groups": (0..count).map(|n| format!("g{n}")).collect::<Vec<_>>() });
    assert!(matches!(groups("groups", many(2000)), GroupClaim::Present(list) if list.len() == 2000));
    assert_eq!(groups("groups", many(2001)), GroupClaim::Overage);
}

#[test]
fn an_address_is_text_or_a_list_of_one() {
    assert_eq!(email(json!({ "email": "ada@acme.example" })).as_deref(), Some("ada@acme.example"));
    assert_eq!(email(json!({ "email": ["ada@acme.example"] })).as_deref(), Some("ada@acme.example"));
    for other in [
        json!(["a@b.example", "c@d.example"]),
        json!([]),
        json!(7),
        json!(null),
        json!("ada"),
        json!("a@evil@corp.example"),
        json!("a@b.example\n"),
    ] {
        let expected = other.as_str().filter(|text| text.ends_with('\n')).map(|_| "a@b.example".to_owned());
        assert_eq!(email(json!({ "email": other })), expected);
    }
}

#[test]
fn an_address_that_is_not_verified_is_not_used() {
    for (verified, used) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(null), false),
        (json!(1), false),
    ] {
        assert_eq!(email(json!({ "email": "a@b.example", "email_verified": verified })).is_some(), used, "{verified}");
    }
}

#[test]
fn names_lose_what_would_change_the_text_around_them() {
    assert_eq!(name(json!({ "name": " Ada\u{202e}\r\n\u{0} Lovelace\u{200b} " })).as_deref(), Some("Ada Lovelace"));
    assert_eq!(name(json!({ "name": "ü".repeat(500) })).unwrap().chars().count(), 200);
    for none in [json!(""), json!(" \u{202e}"), json!(7), json!(["Ada"])] {
        assert_eq!(name(json!({ "name": none })), None);
    }
}

#[test]
fn userinfo_fills_gaps_and_overrides_nothing() {
    let id_token = json!({ "sub": "ada", "name": "Ada", "groups": [] });
    let userinfo = json!({ "sub": "eve", "name": "Eve", "groups": ["admins"], "email": "ada@acme.example" });
    read(&settings("groups"), id_token, Some(userinfo), |claims| {
        assert_eq!(claims.subject(false).unwrap(), "ada");
        assert_eq!(claims.name().as_deref(), Some("Ada"));
        assert_eq!(claims.groups(), GroupClaim::Empty);
        assert_eq!(claims.email().map(String::from).as_deref(), Some("ada@acme.example"));
    });
}

#[test]
fn either_side_can_say_that_an_address_is_not_verified() {
    for (id_token, userinfo) in [
        (json!({ "email_verified": false }), json!({ "email": "a@b.example", "email_verified": true })),
        (json!({ "email": "a@b.example" }), json!({ "email_verified": false })),
    ] {
        assert!(read(&settings("groups"), id_token, Some(userinfo), |claims| claims.email().is_none()));
    }
}

#[test]
fn overage_in_userinfo_counts_and_overage_in_the_id_token_stays() {
    let groups = |id_token, userinfo| read(&settings("groups"), id_token, Some(userinfo), |claims| claims.groups());
    assert_eq!(groups(json!({}), json!({ "_claim_names": { "groups": "src1" } })), GroupClaim::Overage);
    assert_eq!(groups(json!({ "hasgroups": true }), json!({ "groups": ["a"] })), GroupClaim::Overage);
    assert_eq!(groups(json!({}), json!({ "groups": ["a"] })), present(&["a"]));
}

#[test]
fn the_subject_can_be_another_claim_and_is_held_to_the_same_form() {
    let mut settings = settings("groups");
    settings.subject_claim = "oid".to_owned();
    let subject = |token| read(&settings, token, Some(json!({ "oid": "from-userinfo" })), |claims| claims.subject(false).ok());
    assert_eq!(subject(json!({ "sub": "pairwise", "oid": "o-1" })).as_deref(), Some("o-1"));
    for bad in [json!({}), json!({ "oid": 7 }), json!({ "oid": "" }), json!({ "oid": "a\u{0}" }), json!({ "oid": "x".repeat(256) })] {
        assert_eq!(subject(bad), None);
    }
}

#[test]
fn a_tenant_is_no_part_of_the_subject_where_there_is_one() {
    let subject = read(&settings("groups"), json!({ "sub": "s-1", "tid": "t-1" }), None, |claims| claims.subject(false).ok());
    assert_eq!(subject.as_deref(), Some("s-1"));
}

#[test]
fn a_logout_finds_the_session_by_the_providers_own_names() {
    let names = |token: Value| {
        read(&settings("groups"), token, Some(json!({ "sub": "u", "sid": "u", "iat": 1, "auth_time": 1 })), |claims| {
            let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
            (claims.sub(), claims.session(), seconds(claims.issued_at()), seconds(claims.authenticated_at()))
        })
    };
    let token = json!({ "sub": "s-1", "sid": "session", "iat": 1_800_000_000, "auth_time": 1_700_000_000 });
    assert_eq!(names(token), (Some("s-1".to_owned()), Some("session".to_owned()), Some(1_800_000_000), Some(1_700_000_000)));
    assert_eq!(names(json!({})), (None, None, None, None), "userinfo does not say it");
    assert_eq!(names(json!({ "sid": " blank" })).1, None);
}

#[test]
fn userinfo_is_asked_only_for_gaps() {
    let gaps = |token| read(&settings("/realm_access/roles"), token, None, |claims| claims.has_gaps());
    assert!(!gaps(json!({ "email": "a", "name": "b", "realm_access": { "roles": [] } })));
    assert!(gaps(json!({ "email": "a", "name": "b", "realm_access": {} })));
    assert!(gaps(json!({ "name": "b", "realm_access": { "roles": [] } })));
}

#[test]
fn among_many_tenants_the_tenant_is_part_of_the_subject() {
    let settings = OidcSettings { subject_claim: "oid".to_owned(), ..settings("groups") };
    let subject = |token| read(&settings, token, None, |claims| claims.subject(true).ok());
    assert_eq!(subject(json!({ "tid": "t-1", "oid": "o-1" })).as_deref(), Some("t-1/o-1"));
    for bad in [json!({ "oid": "o-1" }), json!({ "tid": "t-1" }), json!({ "tid": 1, "oid": "o-1" })] {
        assert_eq!(subject(bad), None);
    }
}
