//! The SAML door.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use usher::core::{Asking, Cbc, ConnectionId, GroupClaim, IdpSource, RequestBinding};
use usher::saml::logout::{LogoutMessage, Unverified};
use usher::saml::message::{Kind, encode_post, encode_redirect};
use usher::saml::{Checked, Go, ServiceProvider, read_unverified, xml};

use crate::support::saml_idp::{ACS, IDP, REQUEST, SP, Signer, Sp, der, now};

/// The names over which the provider's key was ever used: `signed` and the attacks of tests/it make no others.
const GENUINE: [&str; 3] = ["ada-0001", "ada-0002", "admin-0000"];

static USUAL: LazyLock<ServiceProvider> = LazyLock::new(|| Sp::default().build().unwrap());
static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::ec);

static USUAL_ID: LazyLock<ConnectionId> = LazyLock::new(|| ConnectionId::parse("okta").unwrap());

/// Every exception at once: CBC behind an unsigned response, and messages that nobody asked for.
static LENIENT: LazyLock<ServiceProvider> = LazyLock::new(|| {
    let mut sp = Sp { allow_idp_initiated: true, request_id: None, ..Sp::default() };
    (sp.settings.cbc, sp.settings.take_unasked) = (Cbc::UnsignedResponse, true);
    sp.build().unwrap()
});

/// A response as a stranger sends it. Nobody but the provider has its key, so whoever gets in is somebody for whom it was used.
pub(crate) fn response(data: &[u8]) {
    let field = STANDARD.encode(data);
    // What an administrator pastes is read whoever signed it, and never as somebody else than a login would.
    let pasted = read_unverified(&USUAL_ID, &Sp::default().settings, &field);
    for (provider, request) in [(&USUAL, Some(REQUEST)), (&LENIENT, None), (&LENIENT, Some(REQUEST))] {
        if let Ok(checked) = provider.finish(&field, request, now()) {
            let identity = checked.identity();
            assert!(GENUINE.contains(&identity.subject.as_str()), "{identity:?}");
            assert_eq!(identity.email.as_ref().map(ToString::to_string).as_deref(), Some("ada@acme.example"));
            assert_eq!(identity.groups, GroupClaim::from_values(["app-admins", "design"]));
            assert!(pasted.as_ref().unwrap().as_ref().is_none_or(|pasted| pasted.subject == identity.subject), "{pasted:?}");
        }
    }
}

/// A response that the provider signs after it was changed: what is checked once the signature holds.
pub(crate) fn signed(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for id in ids(text) {
        let (key, certificate) = (&SIGNER.key, der(SIGNER.certificate));
        let Ok(message) = xml::sign::sign_element(text, &id, key, &certificate, SIGNER.algorithm) else { continue };
        if let Ok(checked) = USUAL.finish(&encode_post(&message), Some(REQUEST), now()) {
            assert_is_for_us(&message, &checked);
        }
    }
}

/// The ids of what can be signed. Behind the gate, because what is hostile to the parser is not what is looked for here.
fn ids(text: &str) -> Vec<String> {
    let Ok(document) = xml::parse(text) else { return Vec::new() };
    let signable = |node: &Node<'_, '_>| ["Response", "Assertion"].contains(&node.tag_name().name());
    document.descendants().filter(signable).filter_map(|node| node.attribute("ID").map(str::to_owned)).take(2).collect()
}

/// What an accepted message must say, looked up by local name alone, as the most careless reader would, who only knows that the value of an attribute
/// may be a name (eduPersonTargetedID).
fn assert_is_for_us(message: &str, checked: &Checked) {
    let document = Document::parse(message).unwrap();
    let in_value = |node: &Node<'_, '_>| node.ancestors().skip(1).any(|above| above.tag_name().name() == "AttributeValue");
    let all = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name && !in_value(node)).collect::<Vec<_>>();
    // What is encrypted cannot be looked up from here; and the provider signed it.
    if !all("EncryptedAssertion").is_empty() {
        return;
    }
    let [assertion] = all("Assertion")[..] else { panic!("not one assertion: {message}") };
    let [name_id] = all("NameID")[..] else { panic!("not one name: {message}") };
    let identity = checked.identity();
    assert_eq!(name_id.text(), Some(identity.subject.as_str()));
    assert!(assertion.descendants().any(|node| node.tag_name().name() == "Audience" && node.text() == Some(SP)), "{message}");
    let [data] = all("SubjectConfirmationData")[..] else { panic!("not one confirmation: {message}") };
    assert_eq!((data.attribute("Recipient"), data.attribute("InResponseTo")), (Some(ACS), Some(REQUEST)));
    assert!(all("Issuer").iter().all(|issuer| issuer.text() == Some(IDP)), "{message}");
    assert!(all("StatusCode").iter().any(|code| code.attribute("Value").is_some_and(|value| value.ends_with(":Success"))), "{message}");
    for forbidden in ["Response", "Extensions", "Advice", "Object", "EncryptedID"] {
        assert!(all(forbidden).iter().all(|node| *node == document.root_element()), "{forbidden}: {message}");
    }
}

/// A logout message: XML, which the provider signs both ways; anything else is a query.
pub(crate) fn logout(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if !text.starts_with('<') {
        if let Ok(LogoutMessage::Request(request)) = USUAL.read_logout(Unverified::Query(text), now()) {
            let named = USUAL.sessions_of(&request).name_id;
            assert!(named.is_some_and(|name| name.starts_with("ada-0001") || name == "jo-0002"), "{text}");
        }
        return;
    }
    for kind in [Kind::Request, Kind::Response] {
        let query = signed_query(kind, text);
        check_logout(text, USUAL.read_logout(Unverified::Query(&query), now()).ok());
        let id = Document::parse(text).ok().and_then(|document| document.root_element().attribute("ID").map(str::to_owned));
        let certificate = der(SIGNER.certificate);
        if xml::parse(text).is_ok()
            && let Ok(form) = xml::sign::sign_element(text, &id.unwrap_or_default(), &SIGNER.key, &certificate, SIGNER.algorithm)
        {
            let message = encode_post(&form);
            check_logout(text, USUAL.read_logout(Unverified::Form { kind, message: &message, relay_state: None }, now()).ok());
        }
    }
}

fn signed_query(kind: Kind, xml: &str) -> String {
    let escape = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let octets = format!("{}={}&SigAlg={}", kind.field(), escape(&encode_redirect(xml).unwrap()), escape(SIGNER.algorithm.uri()));
    let signature = STANDARD.encode(SIGNER.key.sign(SIGNER.algorithm, octets.as_bytes()).unwrap());
    format!("{octets}&Signature={}", escape(&signature))
}

/// A request names one person, and it is the one whom the message names.
fn check_logout(message: &str, accepted: Option<LogoutMessage>) {
    let Some(LogoutMessage::Request(request)) = accepted else { return };
    let document = Document::parse(message).unwrap();
    let names: Vec<_> = document.descendants().filter(|node| node.tag_name().name() == "NameID").filter_map(|node| node.text()).collect();
    assert_eq!(names, [USUAL.sessions_of(&request).name_id.unwrap()]);
    assert!(document.descendants().all(|node| node.tag_name().name() != "Assertion"), "{message}");
}

/// A provider's metadata, as it is fetched. Where it leads, people's browsers are sent.
pub(crate) fn metadata(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut sp = Sp::default();
    for binding in [RequestBinding::Redirect, RequestBinding::Post] {
        sp.settings.request_binding = binding;
        let Ok(provider) = sp.build_fetched(IdpSource::MetadataUrl(String::new()), Some(text)) else { return };
        let started = provider.start("state", Asking::Usual, now()).unwrap();
        let address = match started.go {
            Go::Redirect(address) => address,
            Go::Post { action, .. } => action,
        };
        let url = url::Url::parse(&address).unwrap();
        let loopback = url
            .host_str()
            .is_some_and(|host| host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]");
        assert!(url.scheme() == "https" || (url.scheme() == "http" && loopback), "{address}");
        assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{address}");
        assert!(!provider.idp_entity_id().is_empty());
    }
}
