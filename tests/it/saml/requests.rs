//! What we send when a login starts.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use percent_encoding::percent_decode_str;
use usher::core::{Asking, IdpSource, RequestBinding};
use usher::saml::message::{ReceivedRequest, decode_post, decode_redirect};
use usher::saml::{Go, SpKeys, Started};

use crate::support::saml_idp::{ACS, IDP, IDP_CERT, SP, SP_CERT, SP_KEY, SSO, Sp, der, now};

const RELAY_STATE: &str = "r3lay-state_~.";

fn start(binding: RequestBinding, sign_requests: bool) -> Started {
    let mut sp = Sp::default();
    sp.settings.request_binding = binding;
    sp.settings.sign_requests = sign_requests;
    sp.build().unwrap().start(RELAY_STATE, Asking::Usual, now()).unwrap()
}

fn query(started: &Started) -> &str {
    let Go::Redirect(url) = &started.go else { panic!("not a redirect") };
    url.split_once('?').unwrap().1
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.map(|value| percent_decode_str(value).decode_utf8().unwrap().into_owned())
}

#[track_caller]
fn assert_is_ours(xml: &str, started: &Started) {
    let request = ReceivedRequest::parse(xml).unwrap();
    assert_eq!(request.id, started.request_id);
    assert_eq!(request.issuer, SP);
    assert_eq!(request.acs_url.as_deref(), Some(ACS));
    assert_eq!(request.destination.as_deref(), Some(SSO));
    assert!(!request.force_authn);
    assert!(xml.contains(r#"IssueInstant="2026-11-24T10:00:00.000Z""#), "{xml}");
    assert!(xml.contains(r#"ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST""#), "{xml}");
}

#[test]
fn a_redirect_carries_the_request_and_the_relay_state() {
    let started = start(RequestBinding::Redirect, false);
    let query = query(&started);
    assert_is_ours(&decode_redirect(&parameter(query, "SAMLRequest").unwrap()).unwrap(), &started);
    assert_eq!(parameter(query, "RelayState").unwrap(), RELAY_STATE);
    assert_eq!(parameter(query, "Signature"), None);
    assert_eq!(parameter(query, "SigAlg"), None);
}

#[test]
fn a_signed_redirect_is_signed_over_the_octets_of_its_query() {
    let started = start(RequestBinding::Redirect, true);
    let query = query(&started);
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    assert!(signed.starts_with("SAMLRequest=") && signed.contains("&RelayState=") && signed.contains("&SigAlg="), "{signed}");
    assert_eq!(parameter(signed, "SigAlg").unwrap(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    let signature = percent_decode_str(signature).decode_utf8().unwrap();
    let signature = base64::engine::general_purpose::STANDARD.decode(&*signature).unwrap();
    let certificate = der(SP_CERT);
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &certificate.public_key().subject_public_key.data);
    key.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_form_carries_plain_values_and_the_signature_inside_the_request() {
    for signed in [false, true] {
        let started = start(RequestBinding::Post, signed);
        let Go::Post { action, fields } = &started.go else { panic!("not a form") };
        let [("SAMLRequest", saml_request), ("RelayState", relay_state)] = fields.as_slice() else { panic!("{fields:?}") };
        assert_eq!((action.as_str(), relay_state.as_str()), (SSO, RELAY_STATE));
        let xml = decode_post(saml_request).unwrap();
        assert_is_ours(&xml, &started);
        assert_eq!(xml.contains("</saml2:Issuer><ds:Signature "), signed, "{xml}");
    }
}

#[test]
fn an_address_with_a_query_keeps_it_and_is_escaped_in_the_request() {
    let mut sp = Sp::default();
    let sso_url = "https://idp.example/sso?tenant=a&b='%22<".to_owned();
    let source = |sso_url| IdpSource::Manual { entity_id: IDP.to_owned(), sso_url, slo_url: None, certificates: vec![IDP_CERT.to_owned()] };
    let started = sp.build_with(source(sso_url.clone())).unwrap().start(RELAY_STATE, Asking::Usual, now()).unwrap();
    let Go::Redirect(url) = &started.go else { panic!("not a redirect") };
    assert!(url.starts_with(&format!("{sso_url}&SAMLRequest=")), "{url}");
    let xml = decode_redirect(&parameter(query(&started), "SAMLRequest").unwrap()).unwrap();
    assert_eq!(ReceivedRequest::parse(&xml).unwrap().destination, Some(sso_url.clone()));
    sp.settings.request_binding = RequestBinding::Post;
    let started = sp.build_with(source(sso_url.clone())).unwrap().start(RELAY_STATE, Asking::Usual, now()).unwrap();
    let Go::Post { action, .. } = started.go else { panic!("not a form") };
    assert_eq!(action, sso_url);
}

#[test]
fn every_request_has_another_id_of_160_bits() {
    let (first, second) = (start(RequestBinding::Redirect, false), start(RequestBinding::Redirect, false));
    assert_ne!(first.request_id, second.request_id);
    assert_eq!(first.request_id.len(), 41);
    assert!(first.request_id.starts_with('_'));
}

#[test]
fn a_key_is_made_and_read_back() {
    let (key, certificate) = SpKeys::generate("auth.acme.example", now()).unwrap();
    SpKeys::from_pem(&key, &certificate).unwrap();
    assert_eq!(SpKeys::from_pem(SP_KEY, &certificate).unwrap_err().code(), "key_malformed");
    assert_eq!(SpKeys::from_pem("nonsense", &certificate).unwrap_err().code(), "key_malformed");
    assert_eq!(SpKeys::from_pem(&key, "nonsense").unwrap_err().code(), "certificate_malformed");
    assert!(!format!("{:?}", SpKeys::from_pem(SP_KEY, SP_CERT).unwrap()).contains("MII"));
    let der = der(&certificate);
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=auth.acme.example");
    assert_eq!(parsed.validity().not_before.timestamp(), now().as_second());
    assert_eq!(parsed.validity().not_after.timestamp(), now().as_second() + 3650 * 24 * 3600);
}

#[test]
fn keys_are_replaced_for_whoever_holds_them() {
    let keys = std::sync::Arc::new(SpKeys::from_pem(SP_KEY, SP_CERT).unwrap());
    let held = std::sync::Arc::clone(&keys);
    let (key, certificate) = SpKeys::generate("auth.acme.example", now()).unwrap();
    keys.replace(SpKeys::from_pem(&format!("{key}{SP_KEY}"), &format!("{certificate}{SP_CERT}")).unwrap());
    assert_eq!(held.certificates_der(), [der(&certificate), der(SP_CERT)]);
    let three = (format!("{key}{SP_KEY}{SP_KEY}"), format!("{certificate}{SP_CERT}{SP_CERT}"));
    assert_eq!(SpKeys::from_pem(&three.0, &three.1).unwrap_err().code(), "key_malformed");
    assert_eq!(SpKeys::from_pem(&three.0, SP_CERT).unwrap_err().code(), "key_malformed");
}

#[test]
fn a_longer_key_signs_and_a_short_one_does_not() {
    let pkcs8 = |bytes: &[u8]| usher::saml::sign::SigningKey::from_pkcs8(bytes).map(drop).map_err(|error| error.code());
    let long = RsaKeyPair::generate(KeySize::Rsa3072).unwrap();
    let long: Pkcs8V1Der<'_> = long.as_der().unwrap();
    assert_eq!(pkcs8(long.as_ref()), Ok(()));
    assert!(pkcs8(&der(include_str!("../../fixtures/saml/short.key.pem"))).is_err());
}

#[test]
fn something_else_is_not_taken_for_a_request() {
    let parse = |xml: &str| ReceivedRequest::parse(xml).unwrap_err().code();
    assert_eq!(parse("<AuthnRequest/>"), "structure");
    assert_eq!(parse("<!DOCTYPE x><AuthnRequest/>"), "doctype");
    let root = r#"<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" Version="1.1"/>"#;
    assert_eq!(parse(root), "version_wrong");
    assert_eq!(parse(&root.replace("1.1", "2.0")), "structure");
}
