//! Who can sign others out, and with what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use usher::saml::message::{Kind, encode_post, encode_redirect};
use usher::saml::xml::algorithms::SignatureAlgorithm;

use super::old::OldKey;
use super::{Message, answering, cases, cut_assertion, signed};
use crate::support::saml_idp::{IDP, Scene, Signer};

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn escape(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// A true logout request for Ada's session, unsigned.
pub(crate) fn logout_request(scene: &Scene) -> String {
    format!(
        r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_logout1" Version="2.0" IssueInstant="2026-11-24T10:00:00Z" Destination="{}"><saml:Issuer>{IDP}</saml:Issuer><saml:NameID>ada-0001</saml:NameID><samlp:SessionIndex>_session1</samlp:SessionIndex></samlp:LogoutRequest>"#,
        scene.address("slo")
    )
}

/// The signed octets of a query, and the whole of it.
pub(crate) fn query(signer: &Signer, kind: Kind, xml: &str, relay_state: Option<&str>) -> (String, String) {
    let state = relay_state.map(|state| format!("&RelayState={}", escape(state))).unwrap_or_default();
    let message = escape(&encode_redirect(xml).unwrap());
    let octets = format!("{}={message}{state}&SigAlg={}", kind.field(), escape(signer.algorithm.uri()));
    let signature = STANDARD.encode(signer.key.sign(signer.algorithm, octets.as_bytes()).unwrap());
    let whole = format!("{octets}&Signature={}", escape(&signature));
    (octets, whole)
}

fn usual(scene: &Scene) -> (String, String) {
    query(&Signer::idp(), Kind::Request, &logout_request(scene), Some("state"))
}

fn form(xml: &str) -> Message {
    Message::LogoutForm(Kind::Request, encode_post(xml))
}

/// The request with an edit that the provider signed itself, by both bindings.
fn said(scene: &Scene, from: &str, to: &str) -> [Message; 2] {
    let xml = logout_request(scene);
    assert!(xml.contains(from));
    let xml = xml.replacen(from, to, 1);
    let id = if xml.contains("_logout1") { "_logout1" } else { "_logout2" };
    [form(&Signer::idp().sign(&xml, id, &[])), Message::LogoutQuery(query(&Signer::idp(), Kind::Request, &xml, None).1)]
}

cases! {
    "E1" a_logout_query_without_a_signature "signature_missing":
    "No signature"; "SAML Bindings 3.4.4.1; CVE-2025-47949"; "A logout request without a signature, by query and by form.";
    |scene| [Message::LogoutQuery(usual(scene).0), Message::LogoutQuery(usual(scene).0.split("&SigAlg").next().unwrap().to_owned()), form(&logout_request(scene))]
    "E2" a_logout_query_without_an_algorithm "algorithm_missing":
    "No SigAlg"; "SAML Bindings 3.4.4.1"; "A signature without the algorithm that it claims.";
    |scene| {
        let (_, whole) = usual(scene);
        let (before, after) = whole.split_once("&SigAlg=").unwrap();
        [Message::LogoutQuery(format!("{before}{}", &after[after.find('&').unwrap()..]))]
    }
    "E3" a_logout_query_signed_with_sha1 "algorithm_refused":
    "SHA-1"; "SHAttered (2017)"; "A genuine RSA-SHA1 signature by the provider's key; HMAC, and an algorithm that is none.";
    |scene| {
        let renamed = |uri: &str| usual(scene).0.replace(&escape(SignatureAlgorithm::RsaSha256.uri()), &escape(uri));
        let octets = renamed("http://www.w3.org/2000/09/xmldsig#rsa-sha1");
        let signature = STANDARD.encode(OldKey::idp(MessageDigest::sha1()).sign(octets.as_bytes()));
        let sha1 = Message::LogoutQuery(format!("{octets}&Signature={}", escape(&signature)));
        let named = ["http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "none", ""].map(|uri| Message::LogoutQuery(format!("{}&Signature=AAAA", renamed(uri))));
        [sha1].into_iter().chain(named).collect::<Vec<_>>()
    }
    "E4" a_parameter_that_stands_twice "parameter_twice":
    "Parameter twice"; "HTTP parameter pollution"; "Each parameter twice, before and after, and a request with a response.";
    |scene| {
        let (_, whole) = usual(scene);
        let evil = escape(&encode_redirect(&logout_request(scene).replace("ada", "jo")).unwrap());
        [
            format!("SAMLRequest={evil}&{whole}"), format!("{whole}&SAMLRequest={evil}"), format!("{whole}&RelayState=x"),
            format!("{whole}&SigAlg=x"), format!("{whole}&Signature=x"), format!("{whole}&SAMLResponse={evil}"),
        ].map(Message::LogoutQuery)
    }
    "E5" a_relay_state_that_was_moved_or_disguised "query_malformed":
    "RelayState moved"; "SAML Bindings 3.4.4.1"; "RelayState in another place, a parameter before the message, and names spelled so that only some readers see them.";
    |scene| {
        let (signed, whole) = usual(scene);
        let signature = &whole[signed.len()..];
        let without = signed.replace("&RelayState=state", "");
        [
            format!("{without}&RelayState=state{signature}"), format!("{without}{signature}&RelayState=state"), format!("RelayState=state&{without}{signature}"),
            format!("{whole}&Relay%53tate=x"), format!("{whole}&samlrequest=x"), format!("{whole}&%53AMLRequest=x"), "nothing=at-all".to_owned(), String::new(),
        ].map(Message::LogoutQuery)
    }
    "E6" a_relay_state_that_was_added_or_changed "signature_wrong":
    "RelayState changed"; "SAML Bindings 3.4.4.1"; "RelayState added to a query that was signed without it, taken out, and changed.";
    |scene| {
        let (_, bare) = query(&Signer::idp(), Kind::Request, &logout_request(scene), None);
        let (_, whole) = usual(scene);
        [bare.replacen("&SigAlg", "&RelayState=x&SigAlg", 1), whole.replace("&RelayState=state", ""), whole.replace("state&", "other&")].map(Message::LogoutQuery)
    }
    "E7" a_query_that_was_written_again "signature_wrong":
    "Re-encoded query"; "SAML Bindings 3.4.4.1 (AD FS escapes in lower case)"; "The same parameters, escaped in another way after they were signed.";
    |scene| {
        let (signed, whole) = usual(scene);
        let signature = &whole[signed.len()..];
        [Message::LogoutQuery(format!("{}{signature}", signed.replace("%2F", "%2f").replace("%3A", "%3a"))), Message::LogoutQuery(whole.replacen("state", "stat%65", 1))]
    }
    "E8" a_logout_request_around_a_captured_assertion "assertion_misplaced":
    "Captured assertion"; "samlify #634; CVE-2025-47949"; "An unsigned logout request that holds a genuinely signed assertion, by form and by query.";
    |scene| {
        let (assertion, _) = cut_assertion(&signed(scene).0);
        let xml = logout_request(scene).replace("</samlp:LogoutRequest>", &format!("{assertion}</samlp:LogoutRequest>"));
        [form(&xml), Message::LogoutQuery(query(&Signer::idp(), Kind::Request, &xml, None).1)]
    }
    "E9" a_logout_request_with_a_borrowed_signature "reference_wrong":
    "Borrowed signature"; "samlify #634; CVE-2025-47949"; "The genuine signature of a login, standing in a logout request.";
    |scene| {
        let (signature, _) = super::cut_signature(&answering(scene).sign_response(&Signer::idp()).0);
        [form(&logout_request(scene).replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}")))]
    }
    "E10" a_logout_of_another_provider "signature_wrong":
    "Provider B signs out provider A's people"; "CVE-2026-24858 (cross tenant)"; "A logout request of another provider, genuinely signed with its key.";
    |scene| {
        let signer = Signer::other();
        [form(&signer.sign(&logout_request(scene), "_logout1", &[])), Message::LogoutQuery(query(&signer, Kind::Request, &logout_request(scene), None).1)]
    }
    "E11" a_logout_of_another_issuer "message_issuer_wrong":
    "Another issuer"; "SAML Core 3.7.1"; "Another issuer's name under the right provider's key.";
    |scene| said(scene, IDP, "https://evil.example")
    "E12" a_logout_for_another_address "destination_wrong":
    "Another destination"; "SAML Bindings 3.4.5.2"; "A logout request that was meant for another service, or for our login address.";
    |scene| {
        let ours = scene.address("slo");
        [said(scene, &ours, "https://other.example/slo"), said(scene, &ours, &scene.address("acs"))].into_iter().flatten().collect::<Vec<_>>()
    }
    "E13" a_logout_without_a_destination "destination_missing":
    "No destination"; "SAML Bindings 3.4.5.2"; "A signed logout request without a destination.";
    |scene| said(scene, &format!(" Destination=\"{}\"", scene.address("slo")), "")
    "E14" an_old_logout "issued_too_long_ago":
    "Old request"; "SAML Core 3.7.1"; "A logout request of eleven minutes ago.";
    |scene| said(scene, "T10:00:00Z", "T09:49:00Z")
    "E15" a_logout_of_the_future "issued_in_future":
    "Future request"; "SAML Core 3.7.1"; "A logout request of in two minutes.";
    |scene| said(scene, "T10:00:00Z", "T10:02:00Z")
    "E16" a_logout_that_has_expired "expired":
    "Expired request"; "SAML Core 3.7.1"; "A logout request whose own end has passed.";
    |scene| said(scene, "Version=", "NotOnOrAfter=\"2026-11-24T09:59:00Z\" Version=")
    "E17" a_logout_of_nobody "name_id_missing":
    "Nobody in particular"; "SAML Core 3.7.1"; "A logout request that names nobody: not everybody is meant.";
    |scene| said(scene, "<saml:NameID>ada-0001</saml:NameID>", "")
    "E18" a_logout_of_two "name_id_not_one":
    "Two names"; "SAML Core 3.7.1"; "A logout request that names two people.";
    |scene| said(scene, "<samlp:SessionIndex>", "<saml:NameID>jo-0002</saml:NameID><samlp:SessionIndex>")
    "E19" a_logout_with_extensions "extensions_refused":
    "Extensions"; "SAML Core 3.2.1"; "A logout request with extensions before the name.";
    |scene| said(scene, "<saml:NameID>", "<samlp:Extensions><saml:NameID>jo-0002</saml:NameID></samlp:Extensions><saml:NameID>")
    "E20" a_logout_with_a_document_type "doctype":
    "Document type"; "OWASP XXE"; "A document type in a logout request, by form.";
    |scene| [form(&format!("<!DOCTYPE x SYSTEM \"{}\">{}", scene.bait_url, logout_request(scene)))]
    "E21" a_deflate_bomb "too_large":
    "Deflate bomb"; "CVE-2025-25293, CVE-2025-54572"; "Sixteen mebibytes in sixteen kibibytes of query, under the provider's own signature. Without it, nothing is inflated.";
    |scene| [Message::LogoutQuery(query(&Signer::idp(), Kind::Request, &logout_request(scene).replace("ada-0001", &"a".repeat(16 * 1024 * 1024)), None).1)]
    "E22" a_deflate_bomb_of_a_stranger "signature_wrong":
    "Deflate bomb of a stranger"; "CVE-2025-25293"; "The same with another key: refused before it is inflated.";
    |scene| [Message::LogoutQuery(query(&Signer::other(), Kind::Request, &logout_request(scene).replace("ada-0001", &"a".repeat(16 * 1024 * 1024)), None).1)]
    "E23" what_is_no_deflate "not_deflate":
    "Not deflated"; "RFC 1951"; "A signed query whose message is not deflated.";
    |scene| {
        let signed = format!("SAMLRequest={}&SigAlg={}", escape(&encode_post("<x/>\u{ff}")), escape(SignatureAlgorithm::RsaSha256.uri()));
        let signature = Signer::idp().key.sign(SignatureAlgorithm::RsaSha256, signed.as_bytes()).unwrap();
        let _ = scene;
        [Message::LogoutQuery(format!("{signed}&Signature={}", escape(&STANDARD.encode(signature))))]
    }
    "E24" a_response_where_a_request_is_said_to_be "structure":
    "Request as response"; "SAML Core 3.7"; "A genuine logout request in the parameter of responses.";
    |scene| [
        Message::LogoutQuery(query(&Signer::idp(), Kind::Response, &logout_request(scene), None).1),
        Message::LogoutForm(Kind::Response, encode_post(&Signer::idp().sign(&logout_request(scene), "_logout1", &[]))),
    ]
}
