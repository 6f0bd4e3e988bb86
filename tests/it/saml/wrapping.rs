//! Signature wrapping ("On Breaking SAML", USENIX 2012, XSW1 to XSW8): a genuine signature is kept somewhere in the message, and the reader is
//! led to another assertion. Each message here holds a genuine signature over a genuine element.

use crate::support::saml_idp::{Draft, Signer, assertion};

const EVIL: &str = "admin-0000";

fn evil_assertion() -> String {
    assertion("_evil", EVIL)
}

fn cut(xml: &str, start: &str, end: &str) -> (String, String) {
    let at = xml.find(start).unwrap();
    let to = at + xml[at..].find(end).unwrap() + end.len();
    (xml[at..to].to_owned(), format!("{}{}", &xml[..at], &xml[to..]))
}

fn cut_signature(xml: &str) -> (String, String) {
    cut(xml, "<ds:Signature ", "</ds:Signature>")
}

fn cut_assertion(xml: &str) -> (String, String) {
    cut(xml, "<saml:Assertion ", "</saml:Assertion>")
}

fn signed_assertion() -> String {
    Draft::new().sign_assertion(&Signer::idp()).0
}

/// A signed response, split into its signature and the rest.
fn signed_response() -> (String, String) {
    cut_signature(&Draft::new().sign_response(&Signer::idp()).0)
}

/// The response with another id and another person: what the attacker wants to be read.
fn evil_response(signature: &str) -> String {
    let evil = Draft::new().edit("_response1", "_evil").edit("ada-0001", EVIL).edit("_assertion1", "_assertion2").0;
    evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}

#[track_caller]
fn assert_refused(xml: &str, code: &str) {
    assert_eq!(Draft(xml.to_owned()).refusal(), code);
}

#[test]
fn xsw1_the_signed_response_inside_the_signature_of_another() {
    let (signature, original) = signed_response();
    let holding = signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>"));
    assert_refused(&evil_response(&holding), "element_forbidden");
}

#[test]
fn xsw2_the_signed_response_beside_its_detached_signature() {
    let (signature, original) = signed_response();
    assert_refused(&evil_response(&format!("{original}{signature}")), "element_forbidden");
}

#[test]
fn xsw3_another_assertion_before_the_signed_one() {
    let both = signed_assertion().replacen("<saml:Assertion ", &format!("{}<saml:Assertion ", evil_assertion()), 1);
    assert_refused(&both, "assertion_not_one");
}

#[test]
fn xsw4_the_signed_assertion_inside_another() {
    let (original, shell) = cut_assertion(&signed_assertion());
    let evil = evil_assertion().replace("</saml:Assertion>", &format!("{original}</saml:Assertion>"));
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")), "element_forbidden");
}

#[test]
fn xsw5_the_signature_in_another_assertion_and_the_signed_one_at_the_end() {
    let (original, shell) = cut_assertion(&signed_assertion());
    let (signature, original) = cut_signature(&original);
    let evil = evil_assertion().replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}{original}</samlp:Response>")), "assertion_not_one");
}

#[test]
fn xsw6_the_signed_assertion_inside_the_signature_of_another() {
    let (original, shell) = cut_assertion(&signed_assertion());
    let (signature, original) = cut_signature(&original);
    let holding = signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>"));
    let evil = evil_assertion().replacen("</saml:Issuer>", &format!("</saml:Issuer>{holding}"), 1);
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")), "element_forbidden");
}

#[test]
fn xsw7_another_assertion_in_extensions() {
    let extensions = format!("<samlp:Extensions>{}</samlp:Extensions><saml:Assertion ", evil_assertion());
    assert_refused(&signed_assertion().replacen("<saml:Assertion ", &extensions, 1), "element_forbidden");
}

#[test]
fn xsw8_the_signed_assertion_in_an_object_of_the_signature() {
    let (original, shell) = cut_assertion(&signed_assertion());
    let (signature, original) = cut_signature(&original);
    let holding = signature.replace("</ds:Signature>", &format!("<ds:Object>{original}</ds:Object></ds:Signature>"));
    let evil = evil_assertion().replacen("</saml:Issuer>", &format!("</saml:Issuer>{holding}"), 1);
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")), "element_forbidden");
}

#[test]
fn a_genuine_signature_on_another_assertion_refers_to_something_else() {
    let (original, shell) = cut_assertion(&signed_assertion());
    let (signature, _) = cut_signature(&original);
    let evil = evil_assertion().replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")), "reference_wrong");
    // With the id it refers to, the content is another.
    let evil = evil.replace("_evil", "_assertion1");
    assert_refused(&shell.replace("</samlp:Response>", &format!("{evil}</samlp:Response>")), "digest_wrong");
}

#[test]
fn two_assertions_are_refused_in_every_order_even_when_all_are_signed() {
    let (first, shell) = cut_assertion(&signed_assertion());
    let second = Draft::new().edit("_assertion1", "_assertion2").0;
    let (second_signed, _) = cut_assertion(&Signer::idp().sign(&second, "_assertion2", &[]));
    for pair in [format!("{first}{}", evil_assertion()), format!("{}{first}", evil_assertion()), format!("{first}{second_signed}")] {
        let xml = shell.replace("</samlp:Response>", &format!("{pair}</samlp:Response>"));
        assert_refused(&xml, "assertion_not_one");
        assert_refused(&Signer::idp().sign(&xml, "_response1", &[]), "assertion_not_one");
    }
}

#[test]
fn an_assertion_of_another_namespace_is_not_hidden_by_its_name() {
    let foreign = r#"<x:Assertion xmlns:x="urn:x" ID="_x"/></samlp:Response>"#;
    assert_refused(&signed_assertion().replace("</samlp:Response>", foreign), "element_forbidden");
    let nested = r#"<saml:AttributeValue><x:Assertion xmlns:x="urn:x" ID="_x"/>"#;
    assert_refused(&signed_assertion().replacen("<saml:AttributeValue xsi:type=\"xs:string\">", nested, 1), "element_forbidden");
    let root = signed_assertion().replace("samlp:Response", "x:Response").replace("<x:Response ", r#"<x:Response xmlns:x="urn:x" "#);
    assert_refused(&root, "structure");
}

#[test]
fn advice_is_refused() {
    let draft = Draft::new().edit("</saml:Conditions>", &format!("</saml:Conditions><saml:Advice>{}</saml:Advice>", evil_assertion()));
    assert_refused(&draft.sign_assertion(&Signer::idp()).0, "element_forbidden");
}

#[test]
fn an_id_stands_once_in_whatever_spelling() {
    for twin in [r#"ID="_assertion1""#, r#"Id="_assertion1""#, r#"id="_assertion1""#, r#"xml:id="_assertion1""#] {
        let xml = signed_assertion().replacen("<samlp:Status>", &format!("<samlp:Status {twin}>"), 1);
        assert_refused(&xml, "duplicate_id");
    }
    let malformed = Draft::new().edit("_assertion1", "1&#x27;]").0;
    assert_refused(&malformed, "id_malformed");
}

#[test]
fn a_signature_stands_straight_after_the_issuer() {
    let (signature, rest) = cut_signature(&signed_assertion());
    let last = rest.replace("</saml:Assertion>", &format!("{signature}</saml:Assertion>"));
    assert_refused(&last, "signature_misplaced");
    let elsewhere = rest.replace("<saml:Conditions", &format!("<saml:Conditions>{signature}</saml:Conditions><saml:Conditions"));
    assert_refused(&elsewhere, "signature_misplaced");
    let on_the_status = rest.replace("<samlp:Status>", &format!("{signature}<samlp:Status>"));
    assert_refused(&on_the_status, "reference_wrong");
    let twice = rest.replace("<saml:Subject>", &format!("{signature}{signature}<saml:Subject>"));
    assert_refused(&twice, "signature_misplaced");
}
