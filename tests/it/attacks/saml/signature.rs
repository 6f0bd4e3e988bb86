//! What is signed, how, and by whom. Where it can be made, the signature is genuine: the provider's key over hostile instructions.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::{MessageDigest, hash};
use usher::saml::xml::algorithms::SignatureAlgorithm;
use usher::saml::xml::c14n;

use super::old::{self, OldKey};
use super::{Sent, all, answering, cases, cut, signed};
use crate::support::saml_idp::{Draft, EC_CERT, IDP_CERT, SHORT_CERT, Scene, Signer, Sp, der};

const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>"#;
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const MD5: &str = "http://www.w3.org/2001/04/xmldsig-more#md5";

fn exclusive() -> String {
    format!(r#"<ds:Transform Algorithm="{C14N}"></ds:Transform>"#)
}

/// The signed message with other instructions in its signature, signed again: the provider's key over exactly these instructions.
fn instructed(scene: &Scene, edit: impl FnOnce(&str) -> String) -> Draft {
    let Draft(xml) = signed(scene);
    let (info, _) = cut(&xml, "<ds:SignedInfo ", "</ds:SignedInfo>");
    let edited = edit(&info);
    assert_ne!(edited, info);
    let value = STANDARD.encode(Signer::idp().key.sign(SignatureAlgorithm::RsaSha256, edited.as_bytes()).unwrap());
    let (old, _) = cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
    Draft(xml.replace(&info, &edited).replace(&old, &format!("<ds:SignatureValue>{value}</ds:SignatureValue>")))
}

fn replaced(scene: &Scene, from: &str, to: &str) -> Draft {
    instructed(scene, |info| info.replacen(from, to, 1))
}

fn reference(info: &str) -> String {
    cut(info, "<ds:Reference ", "</ds:Reference>").0
}

/// What the assertion's digest is taken of.
fn canonical(scene: &Scene) -> String {
    let Draft(xml) = answering(scene);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let assertion = document.descendants().find(|node| node.attribute("ID") == Some("_assertion1")).unwrap();
    c14n::canonicalize(assertion, None, &[]).unwrap()
}

/// The assertion's digest by another algorithm.
fn digest_of(scene: &Scene, algorithm: MessageDigest) -> String {
    STANDARD.encode(hash(algorithm, canonical(scene).as_bytes()).unwrap())
}

/// The signed message with another signature method, and signed by it; the digest is of another method as well where `digest` names one.
fn signed_by(scene: &Scene, key: &OldKey, method: &str, digest: Option<(&str, MessageDigest)>) -> Draft {
    let Draft(xml) = signed(scene);
    let (info, _) = cut(&xml, "<ds:SignedInfo ", "</ds:SignedInfo>");
    let mut edited = info.replacen(SignatureAlgorithm::RsaSha256.uri(), method, 1);
    if let Some((uri, algorithm)) = digest {
        edited = edited.replacen(SHA256, uri, 1).replace(value_of(&info, "DigestValue"), &digest_of(scene, algorithm));
    }
    let value = STANDARD.encode(key.sign(edited.as_bytes()));
    with_value(&Draft(xml.replace(&info, &edited)), &value)
}

fn value_of<'a>(info: &'a str, name: &str) -> &'a str {
    let start = format!("<ds:{name}>");
    let at = info.find(&start).unwrap() + start.len();
    &info[at..at + info[at..].find('<').unwrap()]
}

/// The signature value with another one in its place.
fn with_value(draft: &Draft, value: &str) -> Draft {
    let (old, _) = cut(&draft.0, "<ds:SignatureValue>", "</ds:SignatureValue>");
    Draft(draft.0.replace(&old, &format!("<ds:SignatureValue>{value}</ds:SignatureValue>")))
}

/// A MAC over the instructions, with the public key as the secret.
fn mac(scene: &Scene, uri: &str) -> Draft {
    let draft = signed(scene).edit(SignatureAlgorithm::RsaSha256.uri(), uri);
    let (info, _) = cut(&draft.0, "<ds:SignedInfo ", "</ds:SignedInfo>");
    let certificate = der(IDP_CERT);
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, certificate.public_key().raw);
    with_value(&draft, &STANDARD.encode(hmac::sign(&key, info.as_bytes())))
}

cases! {
    "B1" a_message_without_a_signature "signature_missing":
    "No signature"; "CVE-2025-46572; CVE-2026-28323"; "A response without any signature.";
    |scene| [answering(scene)]
    "B2" a_signature_with_a_key_that_the_message_brings "signature_wrong":
    "Key of the message"; "CVE-2025-59718, CVE-2025-59719; SAML Raider"; "Signed with a key of the attacker, whose certificate is in KeyInfo.";
    |scene| [answering(scene).sign_assertion(&Signer::other()), answering(scene).sign_response(&Signer::other())]
    "B3" a_signature_of_another_tenants_provider "signature_wrong":
    "Key of another tenant"; "CVE-2026-24858"; "A genuine message of a provider that another connection trusts.";
    |scene| [Sent::from(answering(scene).sign_assertion(&Signer::idp())).under(|sp: &mut Sp| sp.certificates = vec![crate::support::saml_idp::OTHER_CERT])]
    "B4" a_message_that_was_changed "digest_wrong":
    "Tampering"; "XML Signature 3.2"; "Another name, another group, a later end in a signed message.";
    |scene| [("ada-0001", "admin-00"), ("app-admins", "app-owners"), ("T10:05:00Z", "T23:05:00Z")].map(|(from, to)| signed(scene).edit(from, to))
    "B5" a_message_whose_outer_signature_is_wrong "signature_wrong":
    "One good signature, one bad"; "CVE-2026-33487"; "A genuine signature inside, another key's outside; and the other way round.";
    |scene| [
        answering(scene).sign_assertion(&Signer::idp()).sign_response(&Signer::other()),
        answering(scene).sign_assertion(&Signer::other()).sign_response(&Signer::idp()),
    ]
    "B6" a_signature_value_or_instructions_that_were_changed "signature_wrong":
    "Changed signature"; "XML Signature 3.2"; "Another byte of the value, an empty value, and instructions that were changed after signing.";
    |scene| {
        let genuine = signed(scene);
        let (value, _) = cut(&genuine.0, "<ds:SignatureValue>", "</ds:SignatureValue>");
        let flipped = value.replacen("<ds:SignatureValue>A", "<ds:SignatureValue>B", 1);
        let flipped = if flipped == value { format!("<ds:SignatureValue>A{}", &value["<ds:SignatureValue>A".len()..]) } else { flipped };
        [Draft(genuine.0.replace(&value, &flipped)), with_value(&genuine, "AAAA"), genuine.edit(SHA256, "http://www.w3.org/2001/04/xmlenc#sha512")]
    }
    "B7" sha1_signatures_and_others_that_are_broken "algorithm_refused":
    "SHA-1, MD5, RIPEMD-160, PSS, DSA"; "RFC 9231; SHAttered (2017)"; "Genuine signatures of yesterday by the provider's key, each with a digest of its own kind; RSA-PSS, which the profile does not name; DSA and none by name.";
    |scene| {
        let of = |algorithm| OldKey::idp(algorithm);
        let (sha1, md5) = (MessageDigest::sha1(), MessageDigest::md5());
        [
            signed_by(scene, &of(sha1), "http://www.w3.org/2000/09/xmldsig#rsa-sha1", Some((SHA1, sha1))),
            signed_by(scene, &of(sha1), "http://www.w3.org/2000/09/xmldsig#rsa-sha1", None),
            signed_by(scene, &of(md5), "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", Some((MD5, md5))),
            signed_by(scene, &of(MessageDigest::ripemd160()), "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160", None),
            signed_by(scene, &of(MessageDigest::sha256()).with_pss(), "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", None),
            replaced(scene, SignatureAlgorithm::RsaSha256.uri(), "http://www.w3.org/2000/09/xmldsig#dsa-sha1"),
            replaced(scene, SignatureAlgorithm::RsaSha256.uri(), ""),
        ]
    }
    "B8" a_sha1_digest_under_a_good_signature "digest_refused":
    "SHA-1 digest"; "SHAttered (2017)"; "A right SHA-1 or MD5 digest, signed with RSA-SHA256.";
    |scene| [(SHA1, MessageDigest::sha1()), (MD5, MessageDigest::md5())].map(|digest| signed_by(scene, &OldKey::idp(MessageDigest::sha256()), SignatureAlgorithm::RsaSha256.uri(), Some(digest)))
    "B9" a_mac_with_the_public_key_as_the_secret "algorithm_refused":
    "HMAC with the public key"; "SAML Raider; the JWT attack of 2015"; "An HMAC that verifies with the provider's public key as the secret.";
    |scene| ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"].map(|uri| mac(scene, uri))
    "B10" a_truncated_mac "algorithm_refused":
    "HMAC truncation"; "CVE-2009-0217"; "A parameter that shortens the signature to eight bits.";
    |scene| {
        let uri = SignatureAlgorithm::RsaSha256.uri();
        [replaced(scene, &format!(r#"{uri}">"#), &format!(r#"{uri}"><ds:HMACOutputLength>8</ds:HMACOutputLength>"#))]
    }
    "B11" an_algorithm_for_another_kind_of_key "algorithm_of_another_key":
    "Key confusion"; "RFC 9231"; "An elliptic curve signature where the connection has an RSA key, and the other way round.";
    |scene| [
        Sent::from(answering(scene).sign_assertion(&Signer::ec())).under(|sp: &mut Sp| sp.certificates = vec![IDP_CERT]),
        Sent::from(signed(scene)).under(|sp: &mut Sp| sp.certificates = vec![EC_CERT]),
    ]
    "B12" other_canonicalizations "canonicalization_refused":
    "Canonicalization"; "CVE-2017-11427 and its kin"; "Inclusive canonicalization, or with comments, or none, asked for in SignedInfo.";
    |scene| ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", "http://www.w3.org/2006/12/xml-c14n11", ""]
        .map(|uri| replaced(scene, &format!(r#"<ds:CanonicalizationMethod Algorithm="{C14N}">"#), &format!(r#"<ds:CanonicalizationMethod Algorithm="{uri}">"#)))
    "B13" other_transforms "transform_refused":
    "Transforms"; "pysaml2 #510; SAML Raider; CVE-2022-21497"; "XPath, XSLT, base64, three transforms, one, none, and another order.";
    |scene| {
        let (usual, canonical) = (format!("{ENVELOPED}{}", exclusive()), exclusive());
        let of = |uri: &str, inside: &str| format!(r#"<ds:Transform Algorithm="{uri}">{inside}</ds:Transform>"#);
        let fetch = format!(r#"<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:include href="{}"></xsl:include></xsl:stylesheet>"#, scene.bait_url);
        let attacks = [
            format!("{ENVELOPED}{}", of("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>self::node()</ds:XPath>")),
            format!("{ENVELOPED}{}", of("http://www.w3.org/TR/1999/REC-xslt-19991116", &fetch)),
            format!("{ENVELOPED}{}", of("http://www.w3.org/2000/09/xmldsig#base64", "")),
            format!("{usual}{canonical}"), ENVELOPED.to_owned(), canonical.clone(), String::new(), format!("{canonical}{ENVELOPED}"),
        ];
        attacks.map(|transforms| replaced(scene, &usual, &transforms))
    }
    "B14" a_reference_to_the_whole_document "reference_empty":
    "Empty reference"; "CVE-2024-45409"; "A reference with an empty address, or without one.";
    |scene| [replaced(scene, r##"URI="#_assertion1""##, r#"URI="""#), replaced(scene, r##" URI="#_assertion1""##, "")]
    "B15" a_reference_by_xpointer "reference_xpointer":
    "XPointer"; "XML Signature 4.4.3.2"; "A reference by an XPointer to everything, and to the right id.";
    |scene| ["#xpointer(/)", "#xpointer(id('_assertion1'))"].map(|uri| replaced(scene, r##"URI="#_assertion1""##, &format!(r#"URI="{uri}""#)))
    "B16" a_reference_outside_of_the_message "reference_external":
    "Reference to a server or a file"; "pysaml2 #510 (SSRF)"; "A reference to an address, to a file, and to a relative name.";
    |scene| {
        [scene.bait_url.clone(), format!("file://{}", scene.bait_file), scene.bait_file.clone(), "_assertion1".to_owned()]
            .map(|uri| replaced(scene, r##"URI="#_assertion1""##, &format!(r#"URI="{uri}""#)))
    }
    "B17" a_reference_to_another_element "reference_wrong":
    "Reference elsewhere"; "CVE-2025-54369; CVE-2025-54419"; "A reference to the response, and to an id that is not there.";
    |scene| ["#_response1", "#_nowhere", "#"].map(|uri| replaced(scene, r##"URI="#_assertion1""##, &format!(r#"URI="{uri}""#)))
    "B18" two_references_or_none "reference_not_one":
    "Several references"; "CVE-2026-33487; CVE-2020-15216"; "Two references in both orders, and none.";
    |scene| {
        let other = |info: &str| reference(info).replace("#_assertion1", "#_response1");
        [
            instructed(scene, |info| info.replace(&reference(info), &(reference(info) + &other(info)))),
            instructed(scene, |info| info.replace(&reference(info), &(other(info) + &reference(info)))),
            instructed(scene, |info| info.replace(&reference(info), "")),
        ]
    }
    "B19" two_signed_infos "signed_info_not_one":
    "Two SignedInfo"; "CVE-2025-29774"; "The genuine instructions with others before or after them, and none.";
    |scene| {
        let Draft(xml) = signed(scene);
        let (info, without) = cut(&xml, "<ds:SignedInfo ", "</ds:SignedInfo>");
        let evil = info.replace(value_of(&info, "DigestValue"), &STANDARD.encode([0; 32]));
        [xml.replace(&info, &format!("{evil}{info}")), xml.replace(&info, &format!("{info}{evil}")), without].map(Draft)
    }
    "B20" comments_in_a_digest_or_signature_value "comment":
    "Comment in DigestValue"; "CVE-2025-29775"; "A comment before the digest and before the signature value.";
    |scene| ["<ds:DigestValue>", "<ds:SignatureValue>"].map(|start| signed(scene).edit(start, &format!("{start}<!--AAAA-->")))
    "B21" elements_in_a_digest_or_signature_value "value_not_text":
    "Element in DigestValue"; "CVE-2025-29775"; "An element inside the digest and inside the signature value.";
    |scene| [
        instructed(scene, |info| info.replace("<ds:DigestValue>", "<ds:DigestValue><ds:x></ds:x>")),
        signed(scene).edit("<ds:SignatureValue>", "<ds:SignatureValue><ds:x/>"),
    ]
    "B22" a_digest_value_somewhere_else "signature_shape":
    "Smuggled DigestValue"; "CVE-2024-45409"; "A second digest in the reference, and one in the signature outside of what is signed.";
    |scene| {
        let second = "<ds:DigestValue>AAAA</ds:DigestValue>";
        [
            instructed(scene, |info| info.replace("<ds:DigestValue>", &format!("{second}<ds:DigestValue>"))),
            signed(scene).edit("</ds:SignedInfo>", &format!("</ds:SignedInfo>{second}")),
        ]
    }
    "B23" manifests_and_objects "object_refused":
    "Manifest"; "XML Signature 5.1"; "A manifest or an object inside the signature.";
    |scene| ["<ds:Object><ds:Manifest/></ds:Object>", "<ds:Manifest/>", "<ds:Object/>"]
        .map(|inside| signed(scene).edit("</ds:KeyInfo>", &format!("</ds:KeyInfo>{inside}")))
    "B24" a_key_by_retrieval_method "signature_wrong":
    "RetrievalMethod"; "pysaml2 #510 (SSRF)"; "Signed by the attacker, with the address of a key in KeyInfo: nobody asks there.";
    |scene| {
        let Draft(xml) = answering(scene).sign_assertion(&Signer::other());
        let (info, _) = cut(&xml, "<ds:KeyInfo>", "</ds:KeyInfo>");
        [scene.bait_url.clone(), format!("file://{}", scene.bait_file)]
            .map(|uri| Draft(xml.replace(&info, &format!(r#"<ds:KeyInfo><ds:RetrievalMethod URI="{uri}"/></ds:KeyInfo>"#))))
    }
    "B25" a_canonical_form_of_nothing "namespace_refused":
    "Void canonicalization"; "The Fragile Lock (2025); CVE-2025-66567; CVE-2025-66578"; "A relative namespace, for which some libraries canonicalize to nothing, with the digest of nothing, signed; an empty one; an unbound prefix.";
    |scene| {
        let nothing = STANDARD.encode(digest::digest(&digest::SHA256, b""));
        let void = instructed(scene, |info| info.replace(value_of(info, "DigestValue"), &nothing));
        [r#"<saml:AttributeStatement xmlns:r="relative"><r:x/>"#, r#"<saml:AttributeStatement xmlns:r=""><r:x/>"#, "<saml:AttributeStatement><unbound:x/>"]
            .map(|inside| void.clone().edit("<saml:AttributeStatement>", inside))
    }
    "B26" a_signature_with_missing_parts "signature_shape":
    "Missing parts"; "CVE-2026-28323"; "A signature without value, digest method or canonicalization method.";
    |scene| {
        let part = |name: &str| {
            let Draft(xml) = signed(scene);
            Draft(cut(&xml, &format!("<ds:{name}"), &format!("</ds:{name}>")).1)
        };
        ["SignatureValue", "DigestMethod", "CanonicalizationMethod", "DigestValue", "Transforms"].map(part)
    }
    "B27" too_many_prefixes "canonicalization_refused":
    "Prefix list"; "Exclusive XML Canonicalization 1.0"; "A prefix list with a thousand names.";
    |scene| {
        let prefixes = (0..1000).fold(String::new(), |all, number| all + &format!("p{number} "));
        let list = format!(r#"<ec:InclusiveNamespaces xmlns:ec="{C14N}" PrefixList="{prefixes}"></ec:InclusiveNamespaces></ds:Transform></ds:Transforms>"#);
        all([replaced(scene, "</ds:Transform></ds:Transforms>", &list)])
    }
    "B28" a_short_key_beside_a_good_one "signature_wrong":
    "RSA-1024"; "NIST SP 800-131A"; "A genuine RSA-SHA256 signature by a key of 1024 bits, which the connection names beside a good one.";
    |scene| [Sent::from(signed_by(scene, &old::short(MessageDigest::sha256()), SignatureAlgorithm::RsaSha256.uri(), None))
        .under(|sp: &mut Sp| sp.certificates = vec![SHORT_CERT, IDP_CERT])]
}
