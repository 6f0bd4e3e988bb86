//! The way of a response: shape, signatures, and only then its content, read from the signed bytes.

use roxmltree::Node;

use super::SamlError;
use super::conditions::{self, ConditionsChecked, Expected};
use super::encryption::Sealed;
use super::identity::{self, Person};
use super::keys::Pairs;
use super::xml::algorithms::{self, VerifyingKey};
use super::xml::signature::{self, SignatureChecked, SignedBytes};
use super::xml::{self, DS, SAML, SAMLP, attribute, elements, is};
use crate::core::{Cbc, SamlSettings};

pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What a response said, after every check but first use.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) person: Person,
    pub(super) conditions: ConditionsChecked,
    pub(super) signature: SignatureChecked,
}

/// Opens a response.
pub(super) fn open(
    unverified_xml: &str,
    keys: &[VerifyingKey],
    decryption: &Pairs,
    settings: &SamlSettings,
    expected: &Expected<'_>,
) -> Result<Opened, SamlError> {
    if keys.is_empty() {
        return Err(SamlError::NoKeys);
    }
    let document = xml::parse(unverified_xml)?;
    let unverified = Response::read(document.root_element())?;
    let read = |assertion: Node<'_, '_>, signature: SignatureChecked| {
        let conditions = conditions::check_assertion(assertion, expected)?;
        let person = identity::read(assertion, settings)?;
        Ok(Opened { person, conditions, signature })
    };

    // All signatures that are there must verify, before anything is believed or decrypted.
    let outer = signature::verify(unverified.root, keys)?;
    let inner = match unverified.content {
        Content::Assertion(assertion) => signature::verify(assertion, keys)?,
        Content::Encrypted(_) => None,
    };
    let outer_document = outer.as_ref().map(SignedBytes::parse).transpose()?;
    let response = match &outer_document {
        Some(document) => Response::read(document.root_element())?,
        None => unverified,
    };
    conditions::check_response(response.root, outer.is_some(), expected)?;

    match (response.content, &outer) {
        (Content::Assertion(assertion), Some(outer)) => read(assertion, outer.proof()),
        (Content::Assertion(_), None) => {
            let signed = inner.ok_or(SamlError::SignatureMissing)?;
            read(signed.parse()?.root_element(), signed.proof())
        }
        (Content::Encrypted(encrypted), outer) => {
            let (plain, inner) = decrypt(encrypted, decryption, keys, settings.cbc, outer.is_some())?;
            match (inner, outer) {
                (Some(signed), _) => read(signed.parse()?.root_element(), signed.proof()),
                (None, Some(outer)) => read(xml::parse(&plain)?.root_element(), outer.proof()),
                (None, None) => Err(SamlError::SignatureMissing),
            }
        }
    }
}

/// Opens an encrypted assertion: its text, and its own signed bytes when it has a signature, which then was verified.
///
/// In CBC mode, what comes out says how a guess of the sender's went. So it is opened only behind a verified signature of the whole response; or,
/// where the connection makes the exception, with one error for everything and the work of one signature whatever happens.
fn decrypt(
    encrypted: Node<'_, '_>,
    decryption: &Pairs,
    keys: &[VerifyingKey],
    cbc: Cbc,
    outer_verified: bool,
) -> Result<(String, Option<SignedBytes>), SamlError> {
    let sealed = Sealed::read(encrypted)?;
    let open = || {
        let plain = sealed.open(decryption)?;
        let document = xml::parse(&plain)?;
        check_decrypted(document.root_element())?;
        let inner = signature::verify(document.root_element(), keys)?;
        drop(document);
        Ok((plain, inner))
    };
    match cbc {
        _ if !sealed.is_cbc() => open(),
        Cbc::Never => Err(SamlError::EncryptionRefused),
        _ if outer_verified => open(),
        Cbc::SignedResponse => Err(SamlError::CbcUnsigned),
        Cbc::UnsignedResponse => {
            if let Ok((plain, Some(inner))) = open() {
                return Ok((plain, Some(inner)));
            }
            algorithms::spend(keys);
            Err(SamlError::DecryptionFailed)
        }
    }
}

/// The encrypted content key of a message in CBC mode.
pub(super) fn wrapped_key(unverified_xml: &str) -> Option<Vec<u8>> {
    let document = xml::parse(unverified_xml).ok()?;
    let Content::Encrypted(encrypted) = Response::read(document.root_element()).ok()?.content else { return None };
    Sealed::read(encrypted).ok().filter(Sealed::is_cbc).map(Sealed::into_wrapped_key)
}

#[derive(Clone, Copy)]
enum Content<'a, 'i> {
    Assertion(Node<'a, 'i>),
    Encrypted(Node<'a, 'i>),
}

#[derive(Clone, Copy)]
struct Response<'a, 'i> {
    root: Node<'a, 'i>,
    content: Content<'a, 'i>,
}

impl<'a, 'i> Response<'a, 'i> {
    /// The one shape of a response: `Issuer`, `Signature`, `Status`, then one assertion, plain or encrypted.
    fn read(root: Node<'a, 'i>) -> Result<Self, SamlError> {
        if !is(root, SAMLP, "Response") {
            return Err(SamlError::Structure("Response"));
        }
        if attribute(root, "Version") != Some("2.0") {
            return Err(SamlError::VersionWrong);
        }
        check_places(root)?;
        let mut children = elements(root, "Response")?.into_iter().peekable();
        children.next_if(|child| is(*child, SAML, "Issuer"));
        children.next_if(|child| is(*child, DS, "Signature"));
        let status = children.next().filter(|child| is(*child, SAMLP, "Status")).ok_or(SamlError::Structure("Status"))?;
        check_status(status)?;
        let content = match (children.next(), children.next()) {
            (Some(child), None) if is(child, SAML, "Assertion") => Content::Assertion(child),
            (Some(child), None) if is(child, SAML, "EncryptedAssertion") => Content::Encrypted(child),
            _ => return Err(SamlError::AssertionNotOne),
        };
        Ok(Self { root, content })
    }
}

/// The assertion of a message that is only looked at, or the assertion that the message is; `None`: it is encrypted.
pub(super) fn find_unverified_assertion<'a, 'i>(root: Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, SamlError> {
    if is(root, SAML, "Assertion") {
        check_places(root)?;
        return Ok(Some(root));
    }
    Ok(match Response::read(root)?.content {
        Content::Assertion(assertion) => Some(assertion),
        Content::Encrypted(_) => None,
    })
}

/// Elements that readers have been tricked with stand where they belong or nowhere, by local name, whatever their namespace.
pub(super) fn check_places(root: Node<'_, '_>) -> Result<(), SamlError> {
    let in_response = is(root, SAMLP, "Response");
    for node in root.descendants().filter(|node| node.is_element() && *node != root) {
        let parent = node.parent();
        match node.tag_name().name() {
            "Assertion" | "EncryptedAssertion" if in_response && parent == Some(root) && node.tag_name().namespace() == Some(SAML) => {}
            "Signature" => {
                let signs = parent.is_some_and(|parent| parent == root || is(parent, SAML, "Assertion"));
                let after_issuer = node.prev_sibling_element().is_some_and(|before| is(before, SAML, "Issuer"));
                if !signs || !after_issuer || !is(node, DS, "Signature") {
                    return Err(SamlError::SignatureMisplaced);
                }
            }
            "Response" => return Err(SamlError::ResponseNested),
            "Assertion" | "EncryptedAssertion" => return Err(SamlError::AssertionMisplaced),
            "Extensions" => return Err(SamlError::ExtensionsRefused),
            "Advice" => return Err(SamlError::AdviceRefused),
            "Object" | "Manifest" => return Err(SamlError::ObjectRefused),
            "EncryptedID" | "NewEncryptedID" => return Err(SamlError::EncryptedIdRefused),
            name @ ("Issuer" | "Subject" | "SubjectConfirmationData" | "NameID") if is_hidden(node, name, root) => {
                return Err(SamlError::NameMisplaced);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an element that says who stands where only a careless reader looks: within a statement or a condition, say. Values of attributes may be anything
/// (eduPersonTargetedID is a `NameID`), and a name in the subject is counted where it is read.
fn is_hidden(node: Node<'_, '_>, name: &str, root: Node<'_, '_>) -> bool {
    let belongs = match name {
        "Issuer" | "Subject" => node.parent() == Some(root) || is_below(node, &["Assertion"]),
        "SubjectConfirmationData" => is_below(node, &["SubjectConfirmation", "Subject", "Assertion"]),
        _ => node.parent() == Some(root) || node.ancestors().any(|within| is_below(within, &["Subject", "Assertion"])),
    };
    let in_value = |within| is_below(within, &["AttributeValue", "Attribute", "AttributeStatement", "Assertion"]);
    !belongs && !node.ancestors().any(in_value)
}

/// Whether these are the elements around a node, from the inside.
fn is_below(node: Node<'_, '_>, path: &[&str]) -> bool {
    let mut above = node.ancestors().skip(1);
    path.iter().all(|name| above.next().is_some_and(|element| is(element, SAML, name)))
}

/// A decrypted text is an assertion and nothing else, and hides nothing.
fn check_decrypted(assertion: Node<'_, '_>) -> Result<(), SamlError> {
    if is(assertion, SAML, "Assertion") { check_places(assertion) } else { Err(SamlError::AssertionNotOne) }
}

pub(super) fn check_status(status: Node<'_, '_>) -> Result<(), SamlError> {
    let mut codes = status.children().filter(|child| is(*child, SAMLP, "StatusCode"));
    let (Some(code), None) = (codes.next(), codes.next()) else { return Err(SamlError::Structure("StatusCode")) };
    if attribute(code, "Value") == Some(SUCCESS) {
        return Ok(());
    }
    let detail = code.children().find(|child| is(*child, SAMLP, "StatusCode")).and_then(|detail| attribute(detail, "Value"));
    Err(SamlError::StatusNotSuccess(detail.or(attribute(code, "Value")).and_then(known_status)))
}

/// The last part of a status that SAML Core 3.2.2.2 names; other texts are the sender's and stay out of the log.
fn known_status(uri: &str) -> Option<&'static str> {
    let name = uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:")?;
    [
        "Requester",
        "Responder",
        "VersionMismatch",
        "AuthnFailed",
        "InvalidAttrNameOrValue",
        "InvalidNameIDPolicy",
        "NoAuthnContext",
        "NoAvailableIDP",
        "NoPassive",
        "NoSupportedIDP",
        "PartialLogout",
        "ProxyCountExceeded",
        "RequestDenied",
        "RequestUnsupported",
        "UnknownAttrProfile",
        "UnknownPrincipal",
        "UnsupportedBinding",
    ]
    .into_iter()
    .find(|known| *known == name)
}
