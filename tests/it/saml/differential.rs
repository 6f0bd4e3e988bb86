//! Two other readers: whatever we accept verifies in xmlsec1 and in bergshamra as well, and all three take the digest of the same bytes.

use bergshamra::keys::loader::load_x509_cert_der;
use bergshamra::{DsigContext, KeysManager};
use proptest::prelude::*;
use usher::saml::xml::algorithms::SignatureAlgorithm;
use usher::saml::xml::c14n;

use super::xmlsec::{ASSERTION, RESPONSE, digested};
use crate::support::saml_idp::{Draft, Signer, der};

/// The digest in the message is one of SHA-256 or more, so it says that the bytes are the same.
fn bergshamra_verifies(xml: &str, certificate: &str) -> Result<(), String> {
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_der(&der(certificate)).unwrap());
    let context = DsigContext::new(keys).with_trusted_keys_only(true).with_strict_verification(true).with_require_reference_digests(true);
    match bergshamra::verify(&context, xml) {
        Ok(answer) if answer.is_valid() => Ok(()),
        Ok(answer) => Err(format!("{answer:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// What we take the digest of.
fn canonical(xml: &str, id: &str, prefixes: &[&str]) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    let element = document.descendants().find(|node| node.attribute("ID") == Some(id)).unwrap();
    let signature = element.children().find(|child| child.has_tag_name(("http://www.w3.org/2000/09/xmldsig#", "Signature")));
    c14n::canonicalize(element, signature.map(|node| node.id()), prefixes).unwrap()
}

/// The same document in other spellings.
pub(super) fn spellings() -> Vec<Draft> {
    let draft = Draft::new;
    vec![
        draft(),
        draft().edit(" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "").edit(
            "<samlp:Response ",
            "<samlp:Response xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:default\" xmlns:unused=\"urn:unused\" ",
        ),
        draft().edit("Ada Lovelace", "&#x41;d&#97; &lt;&gt;&amp;&quot;&apos; \u{e9}\u{1F600}&#xD;&#xA;&#x9;]]&gt;"),
        draft().edit(
            "Name=\"displayName\"",
            "Name = 'displayName'  b='&#xD;&#xA;&#x9;&quot;&lt;' a=\"'&gt;\" xml:lang=\"en\" xsi:z='1' xs:a='2' ",
        ),
        draft().edit(
            "<saml:AttributeStatement>",
            "<saml:AttributeStatement>\r\n\t<saml:Attribute Name='x'><y xmlns='urn:y'><z xmlns=''><y:w xmlns:y='urn:w' y:a='1' a='2'/></z></y></saml:Attribute>\n",
        ),
        draft().edit("<saml:AuthnContext>", "<saml:AuthnContext\n xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" >"),
    ]
}

#[test]
fn what_we_accept_two_other_verifiers_accept_for_the_same_bytes() {
    let signers =
        [Signer::idp(), Signer::idp().with(SignatureAlgorithm::RsaSha384), Signer::idp().with(SignatureAlgorithm::RsaSha512), Signer::ec()];
    for draft in spellings() {
        for signer in &signers {
            let whole = draft.clone().sign_response(signer);
            let inner = draft.clone().sign_assertion(signer);
            let prefixes = ["#default", "xsi", "unused"];
            let listed = Draft(signer.sign(&draft.0, "_assertion1", &prefixes));
            let both = inner.clone().sign_response(signer);
            let none: &[&str] = &[];
            let messages = [
                (whole, RESPONSE, "_response1", none),
                (inner, ASSERTION, "_assertion1", none),
                (listed, ASSERTION, "_assertion1", &prefixes),
                (both, RESPONSE, "_response1", none),
            ];
            for (message, element, id, prefixes) in messages {
                message.deliver().unwrap_or_else(|error| panic!("{error}\n{}", message.0));
                bergshamra_verifies(&message.0, signer.certificate).unwrap_or_else(|error| panic!("{error}\n{}", message.0));
                let theirs = digested(&message.0, signer.certificate, element).unwrap();
                assert_eq!(theirs, canonical(&message.0, id, prefixes));
            }
        }
    }
}

/// Pieces of markup and text that canonical forms have been got wrong with.
fn piece() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ a-z\u{e9}\u{1F600}]{0,6}",
        Just("&#xD;".to_owned()),
        Just("\r\n".to_owned()),
        Just("&amp;&lt;&gt;&quot;&apos;".to_owned()),
        Just("&#x9;&#10;".to_owned()),
    ];
    let element = (
        "[abn]",
        "(x:|y:|)",
        "(| xmlns=''| xmlns='urn:d'| xmlns:x='urn:x2'| xmlns:y='urn:y' y:q='1')",
        "(| b='&#xA;' a=\"'\"| x:c='&lt;' c='&#x9;')",
    );
    let element = element.prop_map(|(name, prefix, namespaces, attributes)| {
        let scope = "<s xmlns:x='urn:x' xmlns:y='urn:y1'>";
        format!("{scope}<{prefix}{name}{namespaces}{attributes}>t<{prefix}{name}/></{prefix}{name} ></s>")
    });
    prop::collection::vec(prop_oneof![text, element], 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// What an attribute of no concern holds is anybody's: any piece of it has to be canonicalized as the signer did it.
    #[test]
    fn any_markup_is_canonicalized_as_another_verifier_does_it(piece in piece()) {
        let statement = format!("<saml:AttributeStatement><saml:Attribute Name=\"other\"><saml:AttributeValue>{piece}</saml:AttributeValue></saml:Attribute>");
        let message = Draft::new().edit("<saml:AttributeStatement>", &statement).sign_assertion(&Signer::ec());
        prop_assert!(message.deliver().is_ok(), "{:?} {}", message.deliver().err(), message.0);
        let theirs = bergshamra_verifies(&message.0, Signer::ec().certificate);
        prop_assert_eq!(theirs, Ok(()), "{}", message.0);
    }
}

#[test]
fn what_was_changed_is_accepted_by_none() {
    let signer = Signer::idp();
    let message = Draft::new().sign_assertion(&signer).edit("ada-0001", "admin-000");
    assert_eq!(message.refusal(), "digest_wrong");
    bergshamra_verifies(&message.0, signer.certificate).unwrap_err();
    digested(&message.0, signer.certificate, ASSERTION).unwrap_err();
}
