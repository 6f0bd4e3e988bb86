//! Metadata: the shapes that real identity providers publish, and ours.

use std::sync::Arc;

use usher::core::{Asking, Connection, DoorSession, IdpSource, RequestBinding, Settings};
use usher::doors::Doors;
use usher::outbound::Outbound;
use usher::saml::{Go, SamlError, ServiceProvider, SpKeys};

use crate::support::saml_idp::{
    ACS, Draft, EC_CERT, IDP, IDP_CERT, OTHER_CERT, SHORT_CERT, SLO, SP, SP_CERT, SP_KEY, SSO, Signer, Sp, der, now,
};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn key(key_use: &str, pem: &str) -> String {
    format!(
        r#"<md:KeyDescriptor{key_use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
        base64_of(pem)
    )
}

fn sso(binding: &str, location: &str) -> String {
    format!(r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{location}"/>"#)
}

fn entity(descriptor: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="{MD}" entityID="{IDP}"><md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{descriptor}</md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn usual() -> String {
    entity(&format!("{}{}", key(r#" use="signing""#, IDP_CERT), sso("HTTP-Redirect", SSO)))
}

fn load(xml: &str) -> Result<ServiceProvider, SamlError> {
    Sp::default().build_with(IdpSource::Metadata(xml.to_owned()))
}

#[track_caller]
fn assert_refused(xml: &str, code: &str) {
    assert_eq!(load(xml).expect_err("the metadata was accepted").code(), code);
}

#[track_caller]
fn assert_trusts(sp: &ServiceProvider, signer: &Signer, trusted: bool) {
    let message = usher::saml::message::encode_post(&Draft::new().sign_assertion(signer).0);
    let answer = sp.finish(&message, Sp::default().request_id, now());
    assert_eq!(answer.is_ok(), trusted, "{:?}", answer.err());
}

#[test]
fn the_sample_metadata_is_read() {
    let sp = load(include_str!("../../../certs-example/sample-idp-metadata.xml")).unwrap();
    assert_eq!(sp.idp_entity_id(), "https://idp.example/saml/metadata");
}

#[test]
fn every_signing_key_counts_and_no_encryption_key() {
    let keys = format!("{}{}{}", key(r#" use="signing""#, IDP_CERT), key("", EC_CERT), key(r#" use="encryption""#, OTHER_CERT));
    let sp = load(&entity(&format!("{keys}{}", sso("HTTP-POST", SSO)))).unwrap();
    assert_trusts(&sp, &Signer::idp(), true);
    assert_trusts(&sp, &Signer::ec(), true);
    assert_trusts(&sp, &Signer::other(), false);
}

#[test]
fn without_a_usable_signing_key_the_metadata_is_refused() {
    assert_refused(&entity(&sso("HTTP-Redirect", SSO)), "no_keys");
    assert_refused(&entity(&format!("{}{}", key(r#" use="encryption""#, IDP_CERT), sso("HTTP-Redirect", SSO))), "no_keys");
    assert_refused(&entity(&format!("{}{}", key(r#" use="signing""#, SHORT_CERT), sso("HTTP-Redirect", SSO))), "key_refused");
    let by_value = r#"<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>k</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>"#;
    assert_refused(&entity(&format!("{by_value}{}", sso("HTTP-Redirect", SSO))), "no_keys");
}

#[test]
fn the_shape_of_entra_and_adfs_is_read() {
    // A byte order mark, a signature that other readers trip over, WS-Federation role descriptors, claim types, attributes, durations.
    let xml = format!(
        r#"{bom}<?xml version="1.0" encoding="utf-8"?><EntityDescriptor ID="_4e" entityID="{IDP}" xmlns="{MD}" cacheDuration="PT1H"><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></SignedInfo><SignatureValue>AAAA</SignatureValue></Signature><RoleDescriptor xsi:type="fed:SecurityTokenServiceType" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{other}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><fed:ClaimTypesOffered><auth:ClaimType Uri="urn:x" xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706"/></fed:ClaimTypesOffered></RoleDescriptor><SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="{PROTOCOL}"/><IDPSSODescriptor cacheDuration="PT1H" protocolSupportEnumeration="{PROTOCOL}"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{idp}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/><NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="http://insecure.example"/><Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="E-Mail" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></IDPSSODescriptor></EntityDescriptor>"#,
        bom = '\u{feff}',
        other = base64_of(OTHER_CERT),
        idp = base64_of(IDP_CERT),
    );
    let sp = load(&xml).unwrap();
    assert_eq!(sp.idp_entity_id(), IDP);
    assert_trusts(&sp, &Signer::idp(), true);
    assert_trusts(&sp, &Signer::other(), false);
}

#[test]
fn comments_and_a_list_of_one_are_fine_in_metadata_and_a_document_type_is_not() {
    let listed = format!(r#"<!-- one --><md:EntitiesDescriptor xmlns:md="{MD}"><!-- <a> -->{}</md:EntitiesDescriptor>"#, usual());
    load(&listed).unwrap();
    assert_refused(&format!("<!DOCTYPE x>{}", usual()), "doctype");
    assert_refused(&format!("{}<?x?>", usual()), "processing_instruction");
}

#[test]
fn a_federation_or_a_service_provider_is_not_one_identity_provider() {
    let two = format!(
        r#"<md:EntitiesDescriptor xmlns:md="{MD}">{}{}</md:EntitiesDescriptor>"#,
        usual(),
        usual().replace(IDP, "https://b.example")
    );
    assert_refused(&two, "metadata_malformed");
    assert_refused(&Sp::default().build().unwrap().metadata().unwrap(), "metadata_malformed");
    assert_refused(&usual().replace(PROTOCOL, "urn:oasis:names:tc:SAML:1.1:protocol"), "metadata_malformed");
    assert_refused(&usual().replace(&format!(r#" entityID="{IDP}""#), ""), "metadata_malformed");
    assert_refused(&usual().replace(MD, "urn:x"), "metadata_malformed");
    assert_refused("<html/>", "metadata_malformed");
    assert_refused("", "not_xml");
}

#[test]
fn people_are_sent_to_https_or_loopback_only() {
    let at = |url: &str| usual().replace(SSO, url);
    for url in [
        "http://idp.example/sso",
        "javascript:alert(1)",
        "https://u:p@idp.example/",
        "https://u@idp.example/",
        "https://:p@idp.example/",
        "https://idp.example/#x",
        "/sso",
        "http://localhost.evil.example/",
    ] {
        assert_refused(&at(url), "url_refused");
    }
    for url in ["http://127.0.0.1:8080/sso", "http://[::1]:8080/sso", "http://idp.localhost:8080/sso", "http://localhost/sso"] {
        load(&at(url)).unwrap();
    }
    assert_refused(&entity(&key(r#" use="signing""#, IDP_CERT)), "metadata_malformed");
}

#[test]
fn the_other_binding_serves_when_the_wanted_one_is_not_offered() {
    let go = |wanted, offered| {
        let mut sp = Sp::default();
        sp.settings.request_binding = wanted;
        let xml = entity(&format!("{}{}", key("", IDP_CERT), sso(offered, SSO)));
        sp.build_with(IdpSource::Metadata(xml)).unwrap().start("r", Asking::Usual, now()).unwrap().go
    };
    assert!(matches!(go(RequestBinding::Redirect, "HTTP-Redirect"), Go::Redirect(_)));
    assert!(matches!(go(RequestBinding::Post, "HTTP-Redirect"), Go::Redirect(_)));
    assert!(matches!(go(RequestBinding::Redirect, "HTTP-POST"), Go::Post { .. }));
    assert!(matches!(go(RequestBinding::Post, "HTTP-POST"), Go::Post { .. }));
}

#[test]
fn fetched_metadata_must_be_there_and_fresh() {
    let sp = Sp::default();
    let by_address = || IdpSource::MetadataUrl("https://idp.example/metadata".to_owned());
    assert_eq!(sp.build_with(by_address()).unwrap_err().code(), "metadata_missing");
    let until = |time: &str| usual().replacen("entityID", &format!("validUntil=\"{time}\" entityID"), 1);
    let fetched = |xml: &str| sp.build_fetched(by_address(), Some(xml)).map(|_| ()).map_err(|error| error.code());
    assert_eq!(fetched(&usual()), Ok(()));
    assert_eq!(fetched(&until("2026-11-25T00:00:00Z")), Ok(()));
    assert_eq!(fetched(&until("2026-11-24T10:00:00Z")), Ok(()), "to the second");
    assert_eq!(fetched(&until("2026-11-24T09:00:00Z")), Err("metadata_malformed"));
    assert_eq!(fetched(&until("soon")), Err("metadata_malformed"));
    // A file is the operator's word.
    load(&until("2026-11-24T09:00:00Z")).unwrap();
}

#[test]
fn logout_goes_where_the_provider_wants_it() {
    let slo = |binding: &str, location: &str, more: &str| {
        format!(r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{location}"{more}/>"#)
    };
    let address = |services: &str| {
        let key = key(r#" use="signing""#, IDP_CERT);
        let provider = load(&entity(&format!("{key}{services}{}", sso("HTTP-Redirect", SSO)))).unwrap();
        let session = DoorSession { name_id: Some("ada-0001".to_owned()), ..DoorSession::default() };
        assert_eq!(provider.can_end(&session), provider.start_logout(&session, "state", now()).unwrap().is_some());
        let started = provider.start_logout(&session, "state", now()).unwrap()?;
        Some(match started.go {
            Go::Redirect(address) => address.split('?').next().unwrap().to_owned(),
            Go::Post { action, .. } => format!("form to {action}"),
        })
    };
    let (redirect, post) = ("https://idp.example/slo", "https://idp.example/slo-form");
    assert_eq!(address(""), None);
    assert_eq!(address(&slo("HTTP-Redirect", redirect, "")).as_deref(), Some(redirect));
    assert_eq!(address(&slo("HTTP-POST", post, "")), Some(format!("form to {post}")));
    assert_eq!(address(&format!("{}{}", slo("HTTP-POST", post, ""), slo("HTTP-Redirect", redirect, ""))).as_deref(), Some(redirect));
    assert_eq!(address(&slo("SOAP", redirect, "")), None);
    assert_eq!(address(&slo("HTTP-Redirect", "javascript:alert(1)", "")), None, "an address that is not accepted counts as none");
    let elsewhere = slo("HTTP-Redirect", redirect, " ResponseLocation=\"https://idp.example/done\"");
    assert_eq!(address(&elsewhere).as_deref(), Some(redirect), "which is for answers");
}

#[test]
fn the_providers_certificates_are_shown_by_end_and_fingerprint() {
    let provider = Sp::default().build().unwrap();
    let [idp, ec] = provider.idp_certificates() else { panic!("not two certificates") };
    for (shown, pem) in [(idp, IDP_CERT), (ec, EC_CERT)] {
        let der = der(pem);
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(shown.not_after.as_second(), parsed.validity().not_after.timestamp());
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        let hash = hash.as_ref().iter().fold(String::new(), |all, byte| all + &format!("{byte:02x}"));
        assert_eq!(shown.fingerprint, hash);
    }
}

#[test]
fn our_metadata_says_where_and_how() {
    let xml = Sp::default().build().unwrap().metadata().unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("entityID"), Some(SP));
    let find = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).collect::<Vec<_>>();
    let [descriptor] = find("SPSSODescriptor")[..] else { panic!("{xml}") };
    assert_eq!(descriptor.attribute("AuthnRequestsSigned"), Some("true"));
    assert_eq!(descriptor.attribute("protocolSupportEnumeration"), Some(PROTOCOL));
    let [acs] = find("AssertionConsumerService")[..] else { panic!("{xml}") };
    assert_eq!(acs.attribute("Location"), Some(ACS));
    assert_eq!(acs.attribute("Binding"), Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"));
    assert_eq!(find("KeyDescriptor").iter().map(|key| key.attribute("use").unwrap()).collect::<Vec<_>>(), ["signing", "encryption"]);
    assert!(find("X509Certificate").iter().all(|node| node.text() == Some(&base64_of(SP_CERT))));
    let methods: Vec<_> = find("EncryptionMethod").iter().map(|node| node.attribute("Algorithm").unwrap()).collect();
    assert!(methods.contains(&"http://www.w3.org/2009/xmlenc11#aes256-gcm"), "{methods:?}");
    assert!(!methods.iter().any(|method| method.contains("cbc") || method.contains("rsa-1_5")), "{methods:?}");
    let logout: Vec<_> =
        find("SingleLogoutService").iter().map(|node| (node.attribute("Binding").unwrap(), node.attribute("Location").unwrap())).collect();
    let binding = |name| format!("urn:oasis:names:tc:SAML:2.0:bindings:{name}");
    assert_eq!(logout, [(binding("HTTP-Redirect").as_str(), SLO), (binding("HTTP-POST").as_str(), SLO)]);
}

/// A provider's key was taken out while another provider's metadata was waited for. Then the rebuild that had waited put the old key in force again.
#[tokio::test]
async fn the_doors_of_replaced_settings_stay_closed_however_late_they_are_ready() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let manual = |certificate: &str| IdpSource::Manual {
        entity_id: IDP.to_owned(),
        sso_url: SSO.to_owned(),
        slo_url: None,
        certificates: vec![certificate.to_owned()],
    };
    let slow = IdpSource::MetadataUrl(format!("http://{}/metadata", listener.local_addr().unwrap()));
    let slow = Connection { internal: true, ..Sp::default().connection("slow", slow) };
    let [okta, renewed] = [IDP_CERT, OTHER_CERT].map(|certificate| Sp::default().connection("okta", manual(certificate)));
    let settings = |connections| Settings { parent_name: "Acme".to_owned(), domains: vec![], connections, organizations: vec![] };
    let (before, after) = (settings(vec![okta, slow.clone()]), settings(vec![renewed.clone()]));

    let keys = Arc::new(SpKeys::from_pem(SP_KEY, SP_CERT).unwrap());
    let doors = Doors::new("https://auth.acme.example".parse().unwrap(), keys, Arc::new(Outbound::new().unwrap()));
    let (first, second) = (doors.take_turn(), doors.take_turn());
    let late = doors.rebuild(first, &before, now());
    let in_time = async {
        let (asked, _) = listener.accept().await.unwrap();
        doors.rebuild(second, &after, now()).await;
        drop(asked);
    };
    tokio::join!(late, in_time);
    assert_eq!(doors.find(&renewed.id).unwrap().connection, renewed);
    assert!(doors.find_also_off(&slow.id).is_none());
}
