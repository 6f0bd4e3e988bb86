//! Which bytes are signed: one enveloped signature over its own parent, and nothing else that XML Signature can express.

use roxmltree::{Document, Node};

use super::algorithms::{self, DigestAlgorithm, SignatureAlgorithm, VerifyingKey};
use super::sign::{ENVELOPED, EXCLUSIVE_C14N};
use super::{DS, SAML, attribute, c14n, elements, is, value};
use crate::saml::SamlError;
use crate::saml::message::decode_base64;

const MAX_PREFIXES: usize = 16;

/// The canonical bytes of an element whose signature was verified: the only text that values may be read from. Nothing else makes one.
#[derive(Debug)]
pub struct SignedBytes(String);

/// Proof that the values beside it were read from bytes that a pinned key of the connection signed.
#[derive(Debug)]
pub(in crate::saml) struct SignatureChecked(());

impl SignedBytes {
    /// The proof, for whoever reads from these bytes.
    #[expect(clippy::unused_self, reason = "holding the bytes is what entitles to the proof")]
    pub(in crate::saml) const fn proof(&self) -> SignatureChecked {
        SignatureChecked(())
    }

    /// Parses the bytes again: what was hashed is what is read.
    ///
    /// # Errors
    /// As [`super::parse`].
    pub(in crate::saml) fn parse(&self) -> Result<Document<'_>, SamlError> {
        super::parse(&self.0)
    }
}

/// Verifies the signature of `owner`, a child straight after its `Issuer`; `None` when it has none. `KeyInfo` is not looked at.
///
/// # Errors
/// Every signature that is there and is not exactly what the profile says, or does not verify with `keys`.
pub fn verify(owner: Node<'_, '_>, keys: &[VerifyingKey]) -> Result<Option<SignedBytes>, SamlError> {
    let mut found = owner.children().filter(|child| is(*child, DS, "Signature"));
    let Some(signature) = found.next() else { return Ok(None) };
    if found.next().is_some() || !signature.prev_sibling_element().is_some_and(|before| is(before, SAML, "Issuer")) {
        return Err(SamlError::SignatureMisplaced);
    }
    let parts = elements(signature, "Signature")?;
    only_one(&parts, "SignedInfo", SamlError::SignedInfoNotOne)?;
    let (signed_info, signature_value) = match parts.as_slice() {
        [info, value] if is(*info, DS, "SignedInfo") && is(*value, DS, "SignatureValue") => (*info, *value),
        [info, value, key] if is(*info, DS, "SignedInfo") && is(*value, DS, "SignatureValue") && is(*key, DS, "KeyInfo") => (*info, *value),
        _ => return Err(SamlError::SignatureShape("Signature")),
    };
    let reference = Reference::read(signed_info, owner)?;

    // The key comes first: whoever does not hold it never makes us hash the message.
    let message = c14n::canonicalize(signed_info, None, &reference.signed_info_prefixes)?;
    let value = decode_base64(value(signature_value, "SignatureValue")?)?;
    algorithms::verify(keys, reference.algorithm, message.as_bytes(), &value)?;

    let canonical = c14n::canonicalize(owner, Some(signature.id()), &reference.prefixes)?;
    if reference.digest_algorithm.hash(canonical.as_bytes()) != reference.digest {
        return Err(SamlError::DigestWrong);
    }
    Ok(Some(SignedBytes(canonical)))
}

/// What `SignedInfo` says, with every fixed part already compared.
struct Reference<'a> {
    algorithm: SignatureAlgorithm,
    signed_info_prefixes: Vec<&'a str>,
    prefixes: Vec<&'a str>,
    digest_algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

impl<'a> Reference<'a> {
    fn read(signed_info: Node<'a, '_>, owner: Node<'_, '_>) -> Result<Self, SamlError> {
        only_one(&elements(signed_info, "SignedInfo")?, "Reference", SamlError::ReferenceNotOne)?;
        let [canonicalization, method, reference] =
            exactly(signed_info, "SignedInfo", ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        if attribute(canonicalization, "Algorithm") != Some(EXCLUSIVE_C14N) {
            return Err(SamlError::CanonicalizationRefused);
        }
        check_reference(attribute(reference, "URI").unwrap_or_default(), owner)?;
        let [transforms, digest_method, digest_value] = exactly(reference, "Reference", ["Transforms", "DigestMethod", "DigestValue"])?;
        Ok(Self {
            algorithm: SignatureAlgorithm::from_uri(childless(method, SamlError::AlgorithmRefused)?)?,
            signed_info_prefixes: prefix_list(canonicalization)?,
            prefixes: transform_prefixes(transforms)?,
            digest_algorithm: DigestAlgorithm::from_uri(childless(digest_method, SamlError::DigestRefused)?)?,
            digest: decode_base64(value(digest_value, "DigestValue")?)?,
        })
    }
}

/// The children of an element of XML Signature, when they are exactly these.
fn exactly<'a, 'i, const N: usize>(node: Node<'a, 'i>, what: &'static str, names: [&str; N]) -> Result<[Node<'a, 'i>; N], SamlError> {
    let found: [Node<'a, 'i>; N] = elements(node, what)?.try_into().map_err(|_| SamlError::SignatureShape(what))?;
    if found.iter().zip(names).all(|(child, name)| is(*child, DS, name)) { Ok(found) } else { Err(SamlError::SignatureShape(what)) }
}

/// The reference is `#` and the ID of the element that the signature stands in. Nothing else is followed; the rest only names the attempt.
fn check_reference(uri: &str, owner: Node<'_, '_>) -> Result<(), SamlError> {
    match uri.strip_prefix('#') {
        Some(id) if attribute(owner, "ID") == Some(id) => Ok(()),
        Some(expression) if expression.starts_with("xpointer") => Err(SamlError::ReferenceXpointer),
        Some(_) => Err(SamlError::ReferenceWrong),
        None if uri.is_empty() => Err(SamlError::ReferenceEmpty),
        None => Err(SamlError::ReferenceExternal),
    }
}

/// Two of what must be one is an attack of its own kind (CVE-2025-29774, CVE-2026-33487), and gets a code of its own.
fn only_one(nodes: &[Node<'_, '_>], name: &str, otherwise: SamlError) -> Result<(), SamlError> {
    if nodes.iter().filter(|node| is(**node, DS, name)).count() == 1 { Ok(()) } else { Err(otherwise) }
}

/// The `Algorithm` of an element without parameters (`HMACOutputLength` and its like are attacks).
fn childless<'a>(node: Node<'a, '_>, otherwise: SamlError) -> Result<&'a str, SamlError> {
    attribute(node, "Algorithm").filter(|_| !node.has_children()).ok_or(otherwise)
}

/// The `PrefixList` of the second transform; the two transforms are enveloped-signature and exclusive canonicalization, in this order.
fn transform_prefixes<'a>(transforms: Node<'a, '_>) -> Result<Vec<&'a str>, SamlError> {
    match elements(transforms, "Transforms")?.as_slice() {
        [enveloped, canonical]
            if is(*enveloped, DS, "Transform")
                && is(*canonical, DS, "Transform")
                && attribute(*enveloped, "Algorithm") == Some(ENVELOPED)
                && attribute(*canonical, "Algorithm") == Some(EXCLUSIVE_C14N)
                && !enveloped.has_children() =>
        {
            prefix_list(*canonical)
        }
        _ => Err(SamlError::TransformRefused),
    }
}

/// The `PrefixList` of `InclusiveNamespaces`, the only parameter that exclusive canonicalization has; empty without it.
fn prefix_list<'a>(method: Node<'a, '_>) -> Result<Vec<&'a str>, SamlError> {
    match elements(method, "InclusiveNamespaces")?.as_slice() {
        [] => Ok(Vec::new()),
        [inclusive] if is(*inclusive, EXCLUSIVE_C14N, "InclusiveNamespaces") && !inclusive.has_children() => {
            let prefixes: Vec<_> = attribute(*inclusive, "PrefixList").unwrap_or_default().split_ascii_whitespace().collect();
            if prefixes.len() > MAX_PREFIXES { Err(SamlError::CanonicalizationRefused) } else { Ok(prefixes) }
        }
        _ => Err(SamlError::CanonicalizationRefused),
    }
}
