//! Single logout: what we write to a provider, and what its own messages may say. Who is believed is in the attacks.

use usher::core::DoorSession;
use usher::saml::logout::{LogoutMessage, LogoutRequest, Unverified};
use usher::saml::message::{Kind, decode_redirect, encode_post};
use usher::saml::{Go, SamlError};

use crate::support::saml_idp::{IDP, IDP_SLO, SLO, SP, Signer, Sp, now};

/// A message of the provider with this inside.
fn message(name: &str, inside: &str) -> String {
    format!(
        r#"<samlp:{name} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_logout1" Version="2.0" IssueInstant="2026-11-24T10:00:00Z" Destination="{SLO}"><saml:Issuer>{IDP}</saml:Issuer>{inside}</samlp:{name}>"#
    )
}

/// What becomes of it, signed, in a form.
fn deliver(kind: Kind, xml: &str, relay_state: Option<&str>) -> Result<LogoutMessage, SamlError> {
    let message = encode_post(&Signer::idp().sign(xml, "_logout1", &[]));
    Sp::default().build().unwrap().read_logout(Unverified::Form { kind, message: &message, relay_state }, now())
}

fn read(kind: Kind, inside: &str, relay_state: Option<&str>) -> Result<LogoutMessage, SamlError> {
    let name = if kind == Kind::Request { "LogoutRequest" } else { "LogoutResponse" };
    deliver(kind, &message(name, inside), relay_state)
}

fn request(inside: &str, relay_state: Option<&str>) -> LogoutRequest {
    let LogoutMessage::Request(request) = read(Kind::Request, inside, relay_state).unwrap() else { panic!("not a request") };
    request
}

fn refusal(kind: Kind, inside: &str) -> &'static str {
    read(kind, inside, None).unwrap_err().code()
}

/// A parameter of the address to which a browser is sent.
fn parameter(go: &Go, name: &str) -> Option<String> {
    let Go::Redirect(address) = go else { panic!("not a redirect") };
    assert!(address.starts_with(IDP_SLO), "{address}");
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

#[test]
fn our_request_names_the_person_as_the_provider_does() {
    let session = DoorSession {
        index: Some("_session<1>".to_owned()),
        name_id: Some("ada & co".to_owned()),
        name_id_format: Some("urn:format".to_owned()),
        name_id_qualifiers: (Some("\"one\"".to_owned()), None),
        ..DoorSession::default()
    };
    let provider = Sp::default().build().unwrap();
    let started = provider.start_logout(&session, "state", now()).unwrap().unwrap();
    assert_eq!(parameter(&started.go, "RelayState").as_deref(), Some("state"));
    let xml = decode_redirect(&parameter(&started.go, "SAMLRequest").unwrap()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!(
        ["ID", "Destination", "Version"].map(|name| root.attribute(name)),
        [Some(started.request_id.as_str()), Some(IDP_SLO), Some("2.0")]
    );
    let children: Vec<_> = root.children().map(|node| (node.tag_name().name(), node.text())).collect();
    assert_eq!(children, [("Issuer", Some(SP)), ("NameID", Some("ada & co")), ("SessionIndex", Some("_session<1>"))]);
    let name_id = root.children().nth(1).unwrap();
    let attributes: Vec<_> = name_id.attributes().map(|attribute| (attribute.name(), attribute.value())).collect();
    assert_eq!(attributes, [("NameQualifier", "\"one\""), ("Format", "urn:format")]);
    let nameless = DoorSession { name_id: None, ..session };
    assert!(provider.start_logout(&nameless, "state", now()).unwrap().is_none());
    assert!(!provider.can_end(&nameless));
}

#[test]
fn our_answer_is_to_the_request_and_brings_its_relay_state_back() {
    let provider = Sp::default().build().unwrap();
    let answered =
        |relay_state| provider.answer_logout(&request("<saml:NameID>ada-0001</saml:NameID>", relay_state), now()).unwrap().unwrap();
    let go = answered(Some("their state"));
    assert_eq!(parameter(&go, "RelayState").as_deref(), Some("their state"));
    assert_eq!(parameter(&answered(Some("")), "RelayState"), None);
    let xml = decode_redirect(&parameter(&go, "SAMLResponse").unwrap()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    assert_eq!(document.root_element().attribute("InResponseTo"), Some("_logout1"));
    let code = document.descendants().find(|node| node.tag_name().name() == "StatusCode").unwrap();
    assert_eq!(code.attribute("Value"), Some("urn:oasis:names:tc:SAML:2.0:status:Success"));
}

#[test]
fn a_request_names_one_person_and_otherwise_sessions() {
    let provider = Sp::default().build().unwrap();
    let (ada, index) = ("<saml:NameID>ada-0001</saml:NameID>", "<samlp:SessionIndex>_session1</samlp:SessionIndex>");
    let ends = provider.sessions_of(&request(&format!("{ada}{}", index.repeat(2)), None));
    assert_eq!((ends.name_id.as_deref(), ends.indexes.len(), ends.issued_at), (Some("ada-0001"), 2, now()));
    assert_eq!(refusal(Kind::Request, index), "name_id_missing");
    assert_eq!(refusal(Kind::Request, &ada.repeat(2)), "name_id_not_one");
    assert_eq!(refusal(Kind::Request, &format!("{ada}<saml:SessionIndex>_session1</saml:SessionIndex>")), "structure");
    request(&format!("{ada}{}", index.repeat(64)), None);
    assert_eq!(refusal(Kind::Request, &format!("{ada}{}", index.repeat(65))), "structure");
}

#[test]
fn a_relay_state_has_a_largest_size() {
    let ada = "<saml:NameID>ada-0001</saml:NameID>";
    let sized = |bytes: usize| read(Kind::Request, ada, Some(&"x".repeat(bytes))).map(drop).map_err(|error| error.code());
    assert_eq!(sized(1024), Ok(()));
    assert_eq!(sized(1025), Err("too_large"));
}

#[test]
fn a_response_has_a_status_and_nothing_else() {
    let status =
        |value: &str| format!("<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{value}\"/></samlp:Status>");
    for (value, succeeded) in [("Success", true), ("PartialLogout", false)] {
        let LogoutMessage::Response(response) = read(Kind::Response, &status(value), None).unwrap() else { panic!("not a response") };
        assert_eq!(response.succeeded, succeeded);
        assert_eq!(response.check_answers("_request").unwrap_err().code(), "in_response_to_missing");
    }
    let answering = message("LogoutResponse", &status("Success")).replace("LogoutResponse ", "LogoutResponse InResponseTo=\"_request\" ");
    let LogoutMessage::Response(response) = deliver(Kind::Response, &answering, None).unwrap() else { panic!("not a response") };
    assert_eq!(response.check_answers("_request"), Ok(()));
    assert_eq!(response.check_answers("_other").unwrap_err().code(), "response_in_response_to_wrong");
    assert_eq!(refusal(Kind::Response, "<samlp:Other/>"), "structure");
    assert_eq!(refusal(Kind::Response, &status("Success").repeat(2)), "structure");
    assert_eq!(refusal(Kind::Response, "<samlp:Status/>"), "structure");
    assert_eq!(refusal(Kind::Response, ""), "structure");
}
