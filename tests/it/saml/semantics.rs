//! A true signature over the wrong words: every check of what the message says.

use crate::support::saml_idp::{ACS, Draft, IDP, REQUEST, SP, Signer, Sp, assertion};

const CONFIRMATION: &str = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">";

/// The edited message, signed as a whole: the edit is what the provider says.
fn said(from: &str, to: &str) -> &'static str {
    Draft::new().edit(from, to).sign_response(&Signer::idp()).refusal()
}

fn without(start: &str, end: &str) -> &'static str {
    Draft::new().without(start, end).sign_response(&Signer::idp()).refusal()
}

/// Edits one time of the message.
fn timed(attribute: &str, from: &str, to: &str) -> &'static str {
    said(&format!("{attribute}=\"2026-11-24T{from}Z\""), &format!("{attribute}=\"{to}\""))
}

#[test]
fn another_issuer_is_refused_in_either_place() {
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    let wrong = "<saml:Issuer>https://evil.example</saml:Issuer>";
    let first = Draft(Draft::new().0.replacen(&issuer, wrong, 1)).sign_response(&Signer::idp());
    assert_eq!(first.refusal(), "message_issuer_wrong");
    let inner = assertion("_assertion1", "ada-0001");
    assert_eq!(said(&inner, &inner.replace(&issuer, wrong)), "issuer_wrong");
    assert_eq!(said(&inner, &inner.replace(&issuer, "")), "structure");
}

#[test]
fn the_destination_is_us_and_must_be_there_when_the_response_is_signed() {
    let destination = format!(" Destination=\"{ACS}\"");
    assert_eq!(said(&destination, " Destination=\"https://other.example/acs\""), "destination_wrong");
    assert_eq!(said(&destination, " Destination=\"\""), "destination_wrong");
    assert_eq!(said(&destination, ""), "destination_missing");
    let unsigned = Draft::new().edit(&destination, " Destination=\"https://other.example/acs\"").sign_assertion(&Signer::idp());
    assert_eq!(unsigned.refusal(), "destination_wrong");
}

#[test]
fn the_recipient_is_us() {
    assert_eq!(said(&format!(" Recipient=\"{ACS}\""), " Recipient=\"https://other.example/acs\""), "recipient_wrong");
    assert_eq!(said(&format!(" Recipient=\"{ACS}\""), &format!(" Recipient=\"{ACS}/\"")), "recipient_wrong");
    assert_eq!(said(&format!(" Recipient=\"{ACS}\""), ""), "recipient_wrong");
}

#[test]
fn the_answer_is_to_our_request_in_both_places() {
    let answer = format!("InResponseTo=\"{REQUEST}\"");
    let inner = assertion("_assertion1", "ada-0001");
    for (other, in_the_assertion, in_the_response) in [
        ("InResponseTo=\"_another\"", "in_response_to_wrong", "response_in_response_to_wrong"),
        ("", "in_response_to_missing", "in_response_to_missing"),
    ] {
        assert_eq!(said(&inner, &inner.replace(&answer, other)), in_the_assertion);
        let outer = Draft(Draft::new().0.replacen(&answer, other, 1)).sign_response(&Signer::idp());
        assert_eq!(outer.refusal(), in_the_response);
    }
    let other_browser = Sp { request_id: Some("_another"), ..Sp::default() };
    let message = Draft::new().sign_response(&Signer::idp());
    assert_eq!(other_browser.finish(&message.0).unwrap_err().code(), "response_in_response_to_wrong");
    let nobody = Sp { request_id: None, ..Sp::default() };
    assert_eq!(nobody.finish(&message.0).unwrap_err().code(), "unsolicited");
}

#[test]
fn a_failure_is_a_failure_with_or_without_an_assertion() {
    let failed = r#"Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>"#;
    let draft = Draft::new().edit(r#"Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#, failed);
    assert_eq!(draft.clone().sign_response(&Signer::idp()).refusal(), "status_not_success");
    let bare = draft.without("<saml:Assertion ", "</saml:Assertion>");
    let error = bare.deliver().unwrap_err();
    assert_eq!(error.to_string(), "the identity provider answered that the login failed (AuthnFailed)");
    let unknown = bare.edit("status:AuthnFailed", "status:<b>".replace('<', "&lt;").as_str());
    assert_eq!(unknown.deliver().unwrap_err().to_string(), "the identity provider answered that the login failed (no known detail)");
    assert_eq!(without("<samlp:Status>", "</samlp:Status>"), "structure");
}

#[test]
fn a_time_is_allowed_one_minute_of_skew_and_no_more() {
    let at = |now: &str| {
        let sp = Sp { now: now.parse().unwrap(), ..Sp::default() };
        sp.finish(&Draft::new().sign_response(&Signer::idp()).0).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(at("2026-11-24T10:05:59Z"), Ok(()));
    assert_eq!(at("2026-11-24T10:06:00Z"), Err("confirmation_expired"));
    assert_eq!(at("2026-11-24T09:59:00Z"), Ok(()));
    assert_eq!(at("2026-11-24T09:58:59Z"), Err("issued_in_future"));
}

#[test]
fn an_expired_assertion_is_refused_in_each_of_three_places() {
    assert_eq!(timed("NotOnOrAfter", "10:05:00", "2026-11-24T09:59:00Z"), "confirmation_expired");
    assert_eq!(timed("NotOnOrAfter", "10:06:00", "2026-11-24T09:59:00Z"), "expired");
    assert_eq!(timed("SessionNotOnOrAfter", "18:00:00", "2026-11-24T09:59:00Z"), "session_expired");
}

#[test]
fn an_assertion_that_is_not_valid_yet_is_refused() {
    assert_eq!(timed("NotBefore", "09:55:00", "2026-11-24T10:01:01Z"), "not_yet_valid");
    assert_eq!(timed("AuthnInstant", "09:59:58", "2026-11-24T10:01:01Z"), "issued_in_future");
    for (attribute, from) in [("NotBefore", "09:55:00"), ("AuthnInstant", "09:59:58")] {
        let at = |time: &str| format!("{attribute}=\"2026-11-24T{time}Z\"");
        Draft::new().edit(&at(from), &at("10:01:00")).sign_response(&Signer::idp()).deliver().expect("one minute ahead");
    }
}

#[test]
fn an_element_of_another_kind_is_not_taken_for_an_assertion() {
    for other in ["samlp:Assertion", "saml:Other", "samlp:EncryptedAssertion"] {
        let draft = Draft::new().without("<saml:Assertion ", "</saml:Assertion>");
        let draft = draft.edit("</samlp:Status>", &format!("</samlp:Status><{other}/>")).sign_response(&Signer::idp());
        let code = if other == "saml:Other" { "assertion_not_one" } else { "assertion_misplaced" };
        assert_eq!(draft.refusal(), code, "{other}");
    }
}

#[test]
fn a_message_is_at_most_ten_minutes_old_whatever_it_says() {
    let inner = assertion("_assertion1", "ada-0001");
    let issued = |at: &str| inner.replace("IssueInstant=\"2026-11-24T10:00:00Z\"", &format!("IssueInstant=\"{at}\""));
    assert_eq!(said(&inner, &issued("2026-11-24T09:49:59Z")), "issued_too_long_ago");
    assert_eq!(said(&inner, &issued("2026-11-24T10:01:01Z")), "issued_in_future");
    Draft::new().edit(&inner, &issued("2026-11-24T09:50:00Z")).sign_response(&Signer::idp()).deliver().expect("ten minutes");
    let response =
        Draft::new().edit("IssueInstant=\"2026-11-24T10:00:00Z\" Destination", "IssueInstant=\"2026-11-24T09:49:59Z\" Destination");
    assert_eq!(response.sign_response(&Signer::idp()).refusal(), "issued_too_long_ago");
}

#[test]
fn times_are_in_utc_and_of_this_age() {
    for time in [
        "262142-01-01T00:00:00Z",
        "-262142-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-11-24T11:00:00",
        "2026-11-24T11:00:00+01:00",
        "2026-11-24 11:00:00Z",
        "2026-13-24T11:00:00Z",
        "2026-11-24T11:00:00Z[Europe/Berlin]",
        "20261124T110000",
        "",
        " 2026-11-24T11:00:00Z",
    ] {
        assert_eq!(timed("NotOnOrAfter", "10:06:00", time), "time_malformed", "{time:?}");
        assert_eq!(timed("NotOnOrAfter", "10:05:00", time), "time_malformed", "{time:?}");
        assert_eq!(timed("SessionNotOnOrAfter", "18:00:00", time), "time_malformed", "{time:?}");
    }
    assert_eq!(said(" IssueInstant=\"2026-11-24T10:00:00Z\" Destination", " Destination"), "time_malformed");
    assert_eq!(said(" AuthnInstant=\"2026-11-24T09:59:58Z\"", ""), "time_malformed");
}

#[test]
fn conditions_and_audience_are_required() {
    assert_eq!(without("<saml:Conditions ", "</saml:Conditions>"), "conditions_missing");
    assert_eq!(without("<saml:AudienceRestriction>", "</saml:AudienceRestriction>"), "audience_missing");
    assert_eq!(without("<saml:Audience>", "</saml:Audience>"), "audience_wrong");
}

#[test]
fn every_audience_restriction_names_us() {
    let audience = format!("<saml:Audience>{SP}</saml:Audience>");
    assert_eq!(said(&audience, "<saml:Audience>https://other.example</saml:Audience>"), "audience_wrong");
    assert_eq!(said(&audience, &format!("<saml:Audience>{SP}/</saml:Audience>")), "audience_wrong");
    assert_eq!(said(&audience, "<saml:Audience/>"), "value_not_text");
    let ours = format!("<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>");
    let theirs = ours.replace(SP, "https://other.example");
    assert_eq!(said(&ours, &format!("{ours}{theirs}")), "audience_wrong");
    let among_others = Draft::new().edit(&audience, &format!("<saml:Audience>https://other.example</saml:Audience>{audience}"));
    among_others.sign_response(&Signer::idp()).deliver().unwrap();
}

#[test]
fn an_unknown_condition_is_refused_and_known_ones_are_not() {
    let after =
        |condition: &str| Draft::new().edit("</saml:Conditions>", &format!("{condition}</saml:Conditions>")).sign_response(&Signer::idp());
    assert_eq!(after(r#"<saml:Condition xsi:type="x:y" xmlns:x="urn:x"/>"#).refusal(), "condition_unknown");
    assert_eq!(after(r#"<x:OneTimeUse xmlns:x="urn:x"/>"#).refusal(), "condition_unknown");
    assert_eq!(after(r#"<x:AudienceRestriction xmlns:x="urn:x"/>"#).refusal(), "condition_unknown");
    after("<saml:OneTimeUse/>").deliver().unwrap();
    after(r#"<saml:ProxyRestriction Count="0"/>"#).deliver().unwrap();
}

#[test]
fn the_confirmation_is_one_bearer_confirmation_with_an_end_and_no_start() {
    assert_eq!(without(CONFIRMATION, "</saml:SubjectConfirmation>"), "confirmation_missing");
    assert_eq!(said("cm:bearer", "cm:holder-of-key"), "confirmation_not_bearer");
    assert_eq!(said("cm:bearer", "cm:sender-vouches"), "confirmation_not_bearer");
    assert_eq!(said(CONFIRMATION, &format!("{CONFIRMATION}</saml:SubjectConfirmation>{CONFIRMATION}")), "confirmation_missing");
    assert_eq!(said(" NotOnOrAfter=\"2026-11-24T10:05:00Z\"", ""), "confirmation_endless");
    assert_eq!(
        said("<saml:SubjectConfirmationData ", "<saml:SubjectConfirmationData NotBefore=\"2026-11-24T09:00:00Z\" "),
        "confirmation_not_before"
    );
    assert_eq!(without("<saml:SubjectConfirmationData ", "/>"), "structure");
}

#[test]
fn one_authentication_statement_is_required() {
    assert_eq!(without("<saml:AuthnStatement ", "</saml:AuthnStatement>"), "authn_statement_missing");
    let second = "<saml:AuthnStatement AuthnInstant=\"2026-11-24T09:59:58Z\"/><saml:AttributeStatement>";
    assert_eq!(said("<saml:AttributeStatement>", second), "authn_statement_missing");
    assert_eq!(said("<saml:AttributeStatement>", "<saml:AuthzDecisionStatement/><saml:AttributeStatement>"), "structure");
}

#[test]
fn exactly_one_name_id_stands_in_the_subject() {
    assert_eq!(without("<saml:NameID ", "</saml:NameID>"), "name_id_missing");
    assert_eq!(said(CONFIRMATION, &format!("<saml:NameID>admin-0000</saml:NameID>{CONFIRMATION}")), "name_id_not_one");
    assert_eq!(said(CONFIRMATION, &format!("<x:NameID xmlns:x=\"urn:x\">admin-0000</x:NameID>{CONFIRMATION}")), "name_id_not_one");
    let foreign = Draft::new().edit("<saml:NameID ", "<x:NameID xmlns:x=\"urn:x\" ").edit("</saml:NameID>", "</x:NameID>");
    assert_eq!(foreign.sign_response(&Signer::idp()).refusal(), "name_id_not_one");
    assert_eq!(said("ada-0001", "<saml:x/>ada-0001"), "value_not_text");
    assert_eq!(without("<saml:Subject>", "</saml:Subject>"), "structure");
}

#[test]
fn a_subject_has_nothing_invisible() {
    for subject in [" ada", "ada ", "ad\u{a0}a", "ada&#10;", "ada&#9;x", "ada\u{200b}", "\u{202e}ada", "\u{feff}ada", " ", &"a".repeat(256)]
    {
        assert_eq!(said("ada-0001", subject), "subject_malformed", "{subject:?}");
    }
    assert_eq!(said("ada-0001", ""), "value_not_text");
    for subject in ["a".repeat(255), "CN=Ada Lovelace,OU=Eng".to_owned(), "\u{e9}mile".to_owned()] {
        Draft::new().edit("ada-0001", &subject).sign_response(&Signer::idp()).deliver().unwrap();
    }
}

#[test]
fn one_person_has_one_address() {
    let value = "<saml:AttributeValue xsi:type=\"xs:string\">ada@acme.example</saml:AttributeValue>";
    assert_eq!(said(value, &format!("{value}{}", value.replace("ada@", "admin@"))), "attribute_ambiguous");
    assert_eq!(said("ada@acme.example", "a@evil@acme.example"), "email_malformed");
    assert_eq!(said("ada@acme.example", "ada@acme.example<saml:x/>"), "value_not_text");
    Draft::new().edit(value, &value.repeat(2)).sign_response(&Signer::idp()).deliver().unwrap();
    let none = Draft::new().edit(value, "").sign_response(&Signer::idp()).deliver().unwrap();
    assert_eq!(none.identity().email, None);
}

#[test]
fn another_version_is_refused_in_either_place() {
    let inner = assertion("_assertion1", "ada-0001");
    assert_eq!(said(&inner, &inner.replace("Version=\"2.0\"", "Version=\"1.1\"")), "version_wrong");
    let outer = Draft(Draft::new().0.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1));
    assert_eq!(outer.sign_response(&Signer::idp()).refusal(), "version_wrong");
}

#[test]
fn a_value_is_text_and_nothing_around_it() {
    for (from, to) in [
        ("<saml:Audience>", "</saml:Audience>"),
        ("<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">", "</saml:NameID>"),
    ] {
        let draft = Draft::new().edit(from, &format!("{from}<saml:x>")).edit(to, &format!("</saml:x>{to}"));
        assert_eq!(draft.sign_response(&Signer::idp()).refusal(), "value_not_text", "{from}");
    }
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    assert_eq!(said(&issuer, &format!("<saml:Issuer><saml:x>{IDP}</saml:x></saml:Issuer>")), "value_not_text");
}

#[test]
fn between_elements_there_is_white_space_or_nothing() {
    for place in ["<saml:Subject>", "<saml:Conditions ", "<samlp:Status>", "<saml:Audience>", "<saml:SubjectConfirmationData "] {
        let with = |text: &str| Draft::new().edit(place, &format!("{text}{place}")).sign_response(&Signer::idp());
        with("\n\t  ").deliver().unwrap();
        assert_eq!(with("text").refusal(), "structure", "{place}");
    }
}

#[test]
fn a_signature_stands_behind_the_issuer_of_what_it_signs() {
    let empty = r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>"#;
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    let misplaced = |from: &str, to: &str| Draft::new().edit(from, to).sign_response(&Signer::idp()).refusal();
    // Behind an issuer, but of nothing that can be signed.
    let value = format!("<saml:Attribute Name=\"x\"><saml:AttributeValue>{issuer}{empty}</saml:AttributeValue></saml:Attribute>");
    assert_eq!(misplaced("<saml:Attribute ", &format!("{value}<saml:Attribute ")), "signature_misplaced");
    // In the right place, but another element.
    let other = empty.replace("http://www.w3.org/2000/09/xmldsig#", "urn:other");
    assert_eq!(misplaced("<saml:Subject>", &format!("{other}<saml:Subject>")), "signature_misplaced");
    // Of the assertion, but not behind its issuer.
    assert_eq!(misplaced("<saml:Conditions ", &format!("{empty}<saml:Conditions ")), "signature_misplaced");
}

/// Beside the ways of [`crate::attacks`]: each of these looks like a place where a name belongs, or like a subject without a name.
#[test]
fn nobody_is_named_where_a_name_only_seems_to_belong() {
    let name = "<saml:NameID>eve</saml:NameID>";
    let confirmation = format!("{CONFIRMATION}<saml:SubjectConfirmationData/></saml:SubjectConfirmation>");
    let value = format!(
        "<x:AttributeStatement xmlns:x=\"urn:x\"><x:Attribute><x:AttributeValue>{name}</x:AttributeValue></x:Attribute></x:AttributeStatement>"
    );
    for (place, hidden) in [
        ("</saml:Conditions>", "<saml:Subject/>"),
        ("</saml:Conditions>", confirmation.as_str()),
        // In an attribute, but not in its value; and in a value of something that is only called so.
        ("</saml:Attribute>", name),
        ("<saml:AttributeStatement>", value.as_str()),
    ] {
        let draft = Draft(Draft::new().0.replacen(place, &format!("{hidden}{place}"), 1));
        assert_eq!(draft.sign_response(&Signer::idp()).refusal(), "name_misplaced", "{hidden}");
    }
}
