//! True signatures of the right provider, over words that are not for us, not for now, or not for this browser.

use super::{Sent, answering, cases};
use crate::support::saml_idp::{Draft, IDP, Scene, Signer, Sp};

/// A time of the message, changed, and the whole signed: the provider itself says so.
fn timed(scene: &Scene, attribute: &str, from: &str, to: &str) -> Draft {
    said(scene, &format!("{attribute}=\"2026-11-24T{from}Z\""), &format!("{attribute}=\"{to}\""))
}

fn said(scene: &Scene, from: &str, to: &str) -> Draft {
    answering(scene).edit(from, to).sign_response(&Signer::idp())
}

fn without(scene: &Scene, start: &str, end: &str) -> Draft {
    answering(scene).without(start, end).sign_response(&Signer::idp())
}

/// The assertion changed, the response around it left alone.
fn inside(scene: &Scene, from: &str, to: &str) -> Draft {
    let assertion = scene.assertion("_assertion1", "ada-0001");
    said(scene, &assertion, &assertion.replace(from, to))
}

/// The response changed, the assertion in it left alone.
fn outside(scene: &Scene, from: &str, to: &str) -> Draft {
    Draft(answering(scene).0.replacen(from, to, 1)).sign_response(&Signer::idp())
}

fn unasked(sp: &mut Sp) {
    sp.request_id = None;
    sp.allow_idp_initiated = true;
    sp.settings.take_unasked = true;
}

const CONFIRMATION: &str = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">";
const PAST: &str = "2026-11-24T09:59:00Z";

cases! {
    "D1" a_confirmation_that_has_expired "confirmation_expired":
    "Expired confirmation"; "SAML Profiles 4.1.4.2; GHSA-63v5-26vq-m4vm"; "The end of the subject confirmation has passed.";
    |scene| [timed(scene, "NotOnOrAfter", "10:05:00", PAST)]
    "D2" a_confirmation_without_an_end "confirmation_endless":
    "Endless confirmation"; "SAML Profiles 4.1.4.2"; "A subject confirmation without an end.";
    |scene| [said(scene, " NotOnOrAfter=\"2026-11-24T10:05:00Z\"", "")]
    "D3" conditions_that_have_expired "expired":
    "Expired conditions"; "SAML Core 2.5.1.2; CVE-2026-41577"; "The end of the conditions has passed.";
    |scene| [timed(scene, "NotOnOrAfter", "10:06:00", PAST)]
    "D4" a_session_that_has_ended "session_expired":
    "Ended session"; "SAML Core 2.7.2"; "The provider's own session is over.";
    |scene| [timed(scene, "SessionNotOnOrAfter", "18:00:00", PAST)]
    "D5" an_assertion_that_is_not_valid_yet "not_yet_valid":
    "Not yet valid"; "SAML Core 2.5.1.2"; "Conditions that begin after the skew.";
    |scene| [timed(scene, "NotBefore", "09:55:00", "2026-11-24T10:01:01Z")]
    "D6" a_message_of_the_future "issued_in_future":
    "Future"; "SAML Core 3.2.1"; "Response, assertion or authentication of the future.";
    |scene| [
        outside(scene, "IssueInstant=\"2026-11-24T10:00:00Z\"", "IssueInstant=\"2026-11-24T10:01:01Z\""),
        inside(scene, "IssueInstant=\"2026-11-24T10:00:00Z\"", "IssueInstant=\"2026-11-24T10:01:01Z\""),
        timed(scene, "AuthnInstant", "09:59:58", "2026-11-24T10:01:01Z"),
    ]
    "D7" a_message_of_the_past "issued_too_long_ago":
    "Hoarded message"; "SAML Profiles 4.1.4.5"; "Issued more than ten minutes ago, whatever its own end says.";
    |scene| [
        outside(scene, "IssueInstant=\"2026-11-24T10:00:00Z\"", "IssueInstant=\"2026-11-24T09:49:59Z\""),
        inside(scene, "IssueInstant=\"2026-11-24T10:00:00Z\"", "IssueInstant=\"2026-11-24T09:49:59Z\""),
    ]
    "D8" a_time_of_another_millennium "time_malformed":
    "Year 262142"; "arithmetic overflow in date libraries"; "Times of far away, without a zone, with another zone, and none.";
    |scene| ["262142-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-11-24T11:00:00", "2026-11-24T11:00:00+01:00", "", "soon"]
        .map(|time| timed(scene, "NotOnOrAfter", "10:05:00", time))
    "D9" another_audience "audience_wrong":
    "Another audience"; "SAML Core 2.5.1.4; CVE-2026-41577"; "Another service, ours with a slash more, and an empty restriction.";
    |scene| {
        let audience = format!("<saml:Audience>{}</saml:Audience>", scene.address("metadata"));
        let other = "<saml:Audience>https://other.example</saml:Audience>";
        let longer = audience.replace("</", "/</");
        [said(scene, &audience, other), said(scene, &audience, &longer), said(scene, &audience, "")]
    }
    "D10" no_audience "audience_missing":
    "No audience"; "SAML Profiles 4.1.4.2"; "Conditions without an audience restriction.";
    |scene| [without(scene, "<saml:AudienceRestriction>", "</saml:AudienceRestriction>")]
    "D11" two_restrictions_of_which_one_is_ours "audience_wrong":
    "Two restrictions"; "SAML Core 2.5.1.4"; "Two audience restrictions: both must hold, and one is for somebody else.";
    |scene| {
        let ours = format!("<saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction>", scene.address("metadata"));
        let theirs = ours.replace(&scene.address("metadata"), "https://other.example");
        [said(scene, &ours, &format!("{ours}{theirs}")), said(scene, &ours, &format!("{theirs}{ours}"))]
    }
    "D12" another_recipient "recipient_wrong":
    "Another recipient"; "SAML Profiles 4.1.4.2"; "Confirmed for another address, ours with a slash more, and none.";
    |scene| {
        let recipient = format!(" Recipient=\"{}\"", scene.address("acs"));
        let (other, longer) = (" Recipient=\"https://other.example/acs\"", recipient.replace("acs\"", "acs/\""));
        [said(scene, &recipient, other), said(scene, &recipient, &longer), said(scene, &recipient, "")]
    }
    "D13" another_destination "destination_wrong":
    "Another destination"; "SAML Bindings 3.5.5.2"; "Sent to another address, and to none in particular, signed and unsigned.";
    |scene| {
        let destination = format!(" Destination=\"{}\"", scene.address("acs"));
        let other = " Destination=\"https://other.example/acs\"";
        [
            said(scene, &destination, other),
            said(scene, &destination, " Destination=\"\""),
            answering(scene).edit(&destination, other).sign_assertion(&Signer::idp()),
        ]
    }
    "D14" a_signed_response_without_a_destination "destination_missing":
    "No destination"; "SAML Bindings 3.5.5.2"; "A signed response without a destination.";
    |scene| [said(scene, &format!(" Destination=\"{}\"", scene.address("acs")), "")]
    "D15" the_answer_to_another_request "in_response_to_wrong":
    "Another request"; "SAML Profiles 4.1.4.5"; "An assertion that answers somebody else's request, in a response that answers ours.";
    |scene| [inside(scene, &scene.in_response_to(), " InResponseTo=\"_another\"")]
    "D16" a_response_to_another_request "response_in_response_to_wrong":
    "Another request, outside"; "SAML Profiles 4.1.4.5"; "A response that answers somebody else's request.";
    |scene| [outside(scene, &scene.in_response_to(), " InResponseTo=\"_another\"")]
    "D17" the_answer_to_no_request "in_response_to_missing":
    "No request"; "SAML Profiles 4.1.5"; "Only the response says what it answers, or only the assertion, or neither.";
    |scene| [
        inside(scene, &scene.in_response_to(), ""),
        outside(scene, &scene.in_response_to(), ""),
        said(scene, &scene.in_response_to(), ""),
    ]
    "D18" an_answer_where_none_was_asked_for "unsolicited":
    "Unasked"; "SAML Profiles 4.1.5 (login CSRF)"; "A response that answers no request, where the connection does not take such.";
    |scene| [Sent::from(said(&Scene { request: None, ..scene.clone() }, "ada-0001", "ada-0002")).under(|sp: &mut Sp| sp.request_id = None)]
    "D19" an_unasked_message_that_claims_an_answer "response_in_response_to_wrong":
    "Unasked, but answering"; "SAML Profiles 4.1.5"; "A stolen answer to somebody's request, sent as if it began at the provider.";
    |scene| [Sent::from(answering(scene).sign_response(&Signer::idp())).under(unasked)]
    "D20" an_unasked_message_that_is_three_minutes_old "issued_too_long_ago":
    "Unasked and old"; "SAML Profiles 4.1.5"; "An unasked message has two minutes, not ten.";
    |scene| [Sent::from(said(&Scene { request: None, ..scene.clone() }, "IssueInstant=\"2026-11-24T10:00:00Z\"", "IssueInstant=\"2026-11-24T09:57:00Z\"")).under(unasked)]
    "D21" another_issuer_of_the_assertion "issuer_wrong":
    "Another issuer, inside"; "SAML Core 2.2.5; CVE-2026-24858"; "An assertion of another issuer in a response of ours.";
    |scene| [inside(scene, IDP, "https://evil.example")]
    "D22" another_issuer_of_the_response "message_issuer_wrong":
    "Another issuer, outside"; "SAML Core 3.2.2"; "A response of another issuer.";
    |scene| [outside(scene, IDP, "https://evil.example")]
    "D23" a_failure_around_a_good_assertion "status_not_success":
    "Failure with an assertion"; "SAML Core 3.2.2.2"; "The status says that the login failed, and a good assertion is there all the same.";
    |scene| [said(scene, "status:Success", "status:Responder"), said(scene, "urn:oasis:names:tc:SAML:2.0:status:Success", "Success")]
    "D24" no_conditions "conditions_missing":
    "No conditions"; "SAML Profiles 4.1.4.2; CVE-2026-41577"; "An assertion without conditions.";
    |scene| [without(scene, "<saml:Conditions ", "</saml:Conditions>")]
    "D25" an_unknown_condition "condition_unknown":
    "Unknown condition"; "SAML Core 2.5.1.1"; "A condition that nobody here knows, and known names in another namespace.";
    |scene| [r#"<saml:Condition xsi:type="x:y" xmlns:x="urn:x"/>"#, r#"<x:OneTimeUse xmlns:x="urn:x"/>"#, r#"<x:AudienceRestriction xmlns:x="urn:x"/>"#]
        .map(|condition| said(scene, "</saml:Conditions>", &format!("{condition}</saml:Conditions>")))
    "D26" no_subject_confirmation "confirmation_missing":
    "No or two confirmations"; "SAML Profiles 4.1.4.2"; "No subject confirmation, and two.";
    |scene| [
        without(scene, CONFIRMATION, "</saml:SubjectConfirmation>"),
        said(scene, CONFIRMATION, &format!("{CONFIRMATION}</saml:SubjectConfirmation>{CONFIRMATION}")),
    ]
    "D27" a_holder_of_key "confirmation_not_bearer":
    "Other confirmation methods"; "SAML Profiles 3.1, 3.2"; "Holder of key and sender vouches: nobody here could check them.";
    |scene| [said(scene, "cm:bearer", "cm:holder-of-key"), said(scene, "cm:bearer", "cm:sender-vouches"), said(scene, "cm:bearer", "cm:Bearer")]
    "D28" a_confirmation_with_a_start "confirmation_not_before":
    "Confirmation with a start"; "SAML Profiles 4.1.4.2"; "A bearer confirmation with a start time, which the profile forbids.";
    |scene| [said(scene, "<saml:SubjectConfirmationData", "<saml:SubjectConfirmationData NotBefore=\"2026-11-24T09:00:00Z\"")]
    "D29" no_authentication_statement "authn_statement_missing":
    "No or two authentication statements"; "SAML Profiles 4.1.4.2"; "An assertion that does not say that anyone signed in, and one that says it twice.";
    |scene| [
        without(scene, "<saml:AuthnStatement ", "</saml:AuthnStatement>"),
        said(scene, "<saml:AttributeStatement>", "<saml:AuthnStatement AuthnInstant=\"2026-11-24T09:59:58Z\"/><saml:AttributeStatement>"),
    ]
    "D30" no_name_id "name_id_missing":
    "No NameID"; "SAML Profiles 4.1.4.2"; "A subject without a name.";
    |scene| [without(scene, "<saml:NameID ", "</saml:NameID>")]
    "D31" two_name_ids "name_id_not_one":
    "Two NameIDs"; "CVE-2025-66568 (namespace confusion)"; "Two names, one of them in another namespace, and a single one of another namespace.";
    |scene| [
        said(scene, CONFIRMATION, &format!("<saml:NameID>admin-0000</saml:NameID>{CONFIRMATION}")),
        said(scene, CONFIRMATION, &format!("<x:NameID xmlns:x=\"urn:x\">admin-0000</x:NameID>{CONFIRMATION}")),
        answering(scene).edit("<saml:NameID ", "<x:NameID xmlns:x=\"urn:x\" ").edit("</saml:NameID>", "</x:NameID>").sign_response(&Signer::idp()),
    ]
    "D32" a_name_with_invisible_characters "subject_malformed":
    "Confusable name"; "Unicode TR 36"; "Blanks at the edges, no-break and zero-width spaces, direction marks, line ends, 256 characters.";
    |scene| [" ada-0001", "ada-0001 ", "ada\u{a0}0001", "ada-0001\u{200b}", "\u{202e}1000-ada", "ada-0001&#10;", &"a".repeat(256)]
        .map(|name| said(scene, "ada-0001", name))
    "D33" a_name_that_changes_every_time "subject_transient":
    "Transient name"; "SAML Core 8.3.8"; "A transient NameID: the next person could get it.";
    |scene| [said(scene, "nameid-format:persistent", "nameid-format:transient")]
    "D34" two_addresses "attribute_ambiguous":
    "Two addresses"; "parameter pollution"; "Two values for the address, in one attribute and in two of the same name.";
    |scene| {
        let value = "<saml:AttributeValue xsi:type=\"xs:string\">ada@acme.example</saml:AttributeValue>";
        let second = value.replace("ada@", "admin@");
        [said(scene, value, &format!("{value}{second}")), said(scene, value, &format!("{value}</saml:Attribute><saml:Attribute Name=\"email\">{second}"))]
    }
    "D35" an_address_with_two_ats "email_malformed":
    "Address with two @"; "CVE-2026-40574 (oauth2-proxy)"; "An address that is in our domain only for a careless reader.";
    |scene| ["admin@evil.example@acme.example", "\"admin@acme.example,\"@evil.example", "admin@acme.example,x@evil.example"]
        .map(|address| said(scene, "ada@acme.example", address))
    "D36" saml_of_another_version "version_wrong":
    "Version 1.1"; "SAML Core 4.1"; "Version 1.1 of the response or of the assertion.";
    |scene| [outside(scene, "Version=\"2.0\"", "Version=\"1.1\""), inside(scene, "Version=\"2.0\"", "Version=\"1.1\"")]
    "D37" an_encrypted_name "encrypted_id_refused":
    "Encrypted name"; "SAML Core 2.2.4"; "An encrypted NameID beside a plain one.";
    |scene| [said(scene, CONFIRMATION, &format!("<saml:EncryptedID/>{CONFIRMATION}"))]
}
