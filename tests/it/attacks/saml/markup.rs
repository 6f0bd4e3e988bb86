//! What a parser could be led to do, before anyone asks who signed it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use usher::saml::message::{Kind, encode_post};

use super::{Message, answering, cases, signed};
use crate::support::saml_idp::{Draft, Scene, Signer};

const DOCTYPES: [&str; 5] = [
    "<!DOCTYPE x>",
    r#"<!DOCTYPE x [<!ENTITY e "ada-0001">]>"#,
    "<!DOCTYPE x [<!ATTLIST saml:NameID Format CDATA 'x'>]>",
    "<!doctype x>",
    "<!ELEMENT x ANY>",
];

/// Each name, each value: what may stand before them.
const PLACES: [&str; 7] = [
    "ada-0001",
    "app-admins",
    "https://idp.example/saml/metadata",
    "</saml:Audience>",
    "<ds:DigestValue>",
    "<samlp:Status>",
    "</samlp:Response>",
];

fn before_each(scene: &Scene, piece: &str) -> Vec<Draft> {
    PLACES.iter().map(|place| signed(scene).edit(place, &format!("{piece}{place}"))).collect()
}

fn field(bytes: &[u8]) -> Message {
    Message::Response(STANDARD.encode(bytes))
}

fn entities(levels: usize) -> String {
    (1..levels).fold(r#"<!DOCTYPE x [<!ENTITY e0 "lol">"#.to_owned(), |all, level| {
        all + &format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10))
    }) + "]>"
}

cases! {
    "C1" a_document_type "doctype":
    "Document type"; "CVE-2025-25291, CVE-2025-25292; OWASP XXE"; "A document type: plain, with an entity, with a default attribute, in lower case.";
    |scene| DOCTYPES.map(|doctype| Draft(format!("{doctype}{}", signed(scene).0)))
    "C2" an_external_entity "doctype":
    "XXE"; "OWASP XXE; CVE-2022-21497"; "External entities and parameter entities: a file, a server, a document type elsewhere.";
    |scene| {
        let (url, file) = (&scene.bait_url, &scene.bait_file);
        [
            format!(r#"<!DOCTYPE x SYSTEM "{url}">"#),
            format!(r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file://{file}">]>"#),
            format!(r#"<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}"> %p;]>"#),
            format!(r#"<!DOCTYPE x PUBLIC "-//X//Y" "{url}">"#),
        ].map(|doctype| Draft(format!("{doctype}{}", signed(scene).edit("ada-0001", "&e;").0)))
    }
    "C3" a_billion_laughs "doctype":
    "Billion laughs"; "CVE-2003-1564"; "Entities that grow with every level, in text and in an attribute; and one long entity, many times.";
    |scene| {
        let quadratic = format!(r#"<!DOCTYPE x [<!ENTITY e "{}">]>"#, "a".repeat(50_000));
        [
            Draft(format!("{}{}", entities(10), answering(scene).edit("ada-0001", "&e9;").0)),
            Draft(format!("{}{}", entities(10), answering(scene).edit("Name=\"groups\"", "Name=\"&e9;\"").0)),
            Draft(format!("{quadratic}{}", answering(scene).edit("ada-0001", &"&e;".repeat(1000)).0)),
        ]
    }
    "C4" an_undeclared_entity "not_xml":
    "Undeclared entity"; "CVE-2025-23369"; "An entity that nobody declared, in a name.";
    |scene| [signed(scene).edit("ada-0001", "&undefined;"), signed(scene).edit("ada-0001", "&#0;")]
    "C5" a_comment_in_a_value "comment":
    "Comment truncation"; "CVE-2017-11427 to 11430 (Duo)"; "A comment in NameID, group, issuer, audience, digest and elsewhere: the signature still fits.";
    |scene| {
        let longer = answering(scene).edit("ada-0001", "ada-0001.evil").sign_assertion(&Signer::idp());
        let mut all = before_each(scene, "<!---->");
        all.push(longer.edit("ada-0001.evil", "ada-0001<!---->.evil"));
        all
    }
    "C6" a_processing_instruction_in_a_value "processing_instruction":
    "Processing instruction"; "Hacking SAML (oblique.security); OneUptime #2988"; "A processing instruction in the same places: it vanishes when the text is canonicalized.";
    |scene| before_each(scene, "<?x y?>")
    "C7" a_cdata_section_in_a_value "cdata":
    "CDATA"; "CVE-2025-25291"; "A CDATA section in the same places.";
    |scene| before_each(scene, "<![CDATA[x]]>")
    "C8" an_element_in_a_value "value_not_text":
    "Child element in a value"; "CVE-2017-11427"; "A signed message with an element inside NameID, address, issuer or audience.";
    |scene| {
        let sign = |draft: Draft| draft.sign_response(&Signer::idp());
        [
            sign(answering(scene).edit("ada-0001", "ada-0001<saml:x/>.evil")),
            sign(answering(scene).edit("ada@acme.example", "ada@acme.example<saml:x/>")),
            sign(Draft(answering(scene).0.replacen("</saml:Issuer>", "<saml:x/></saml:Issuer>", 1))),
            sign(answering(scene).edit("</saml:Audience>", "<saml:x/></saml:Audience>")),
        ]
    }
    "C9" what_is_not_well_formed "not_xml":
    "Malformed XML"; "CVE-2025-25292"; "Cut off, unquoted, doubled attribute, doubled namespace, second root, wrong end tag, stray ampersand.";
    |scene| [
        ("</samlp:Response>", ""), ("ID=\"_response1\"", "ID=_response1"), ("ID=\"_response1\"", "ID=\"_response1\" ID=\"_r\""),
        ("<saml:AttributeStatement>", "<saml:AttributeStatement xmlns=\"urn:a\" xmlns=\"urn:b\">"),
        ("</samlp:Response>", "</samlp:Response><x/>"), ("</saml:Subject>", "</saml:Subjects>"), ("ada-0001", "ada & eve"), ("ada-0001", "]]>"),
    ].map(|(from, to)| signed(scene).edit(from, to))
    "C10" another_encoding "not_utf8":
    "Encoding"; "RFC 3629; UTF-7 attacks"; "UTF-16, Latin-1, overlong UTF-8, and a declaration that says so.";
    |scene| {
        let xml = signed(scene).0;
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(xml.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let latin = xml.replace("Ada Lovelace", "Ad\u{e9}").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>();
        let overlong = [xml.as_bytes(), &[0xc0, 0xbc]].concat();
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{xml}").into_bytes();
        [utf16, latin, overlong, declared].map(|bytes| field(&bytes))
    }
    "C11" a_byte_order_mark_or_a_nul "not_xml":
    "Byte order mark, NUL"; "CVE-2025-25292"; "A byte order mark before the message, a NUL in a value.";
    |scene| [Draft(format!("\u{feff}{}", signed(scene).0)), signed(scene).edit("ada-0001", "ada\u{0}")]
    "C12" a_control_character_in_a_namespace "namespace_refused":
    "Namespace round trip"; "CVE-2025-25292 (ruby-saml)"; "A byte that another parser would lose, in a namespace of an element that is signed.";
    |scene| ["urn:x\u{80}", "urn:x y"].map(|uri| signed(scene).edit("<saml:AttributeStatement>", &format!("<saml:AttributeStatement xmlns:r='{uri}'><r:x/>")))
    "C13" five_thousand_levels "too_deep":
    "Depth"; "CVE-2026-7307"; "Five thousand elements, each in the one before.";
    |scene| [signed(scene).edit("<saml:AttributeStatement>", &format!("<saml:AttributeStatement>{}{}", "<x>".repeat(5000), "</x>".repeat(5000)))]
    "C14" fifty_thousand_siblings "too_wide":
    "Width"; "CVE-2026-7307"; "As many elements, attributes or namespaces as fit.";
    |scene| {
        let attributes = (0..5000).fold(String::new(), |all, number| all + &format!(" a{number}=''"));
        let namespaces = (0..2000).fold(String::new(), |all, number| all + &format!(" xmlns:n{number}='u'"));
        [
            signed(scene).edit("<saml:AttributeStatement>", &format!("<saml:AttributeStatement>{}", "<x/>".repeat(50_000))),
            signed(scene).edit("<saml:AttributeStatement>", &format!("<saml:AttributeStatement{attributes}>")),
            signed(scene).edit("<saml:AttributeStatement>", &format!("<saml:AttributeStatement{namespaces}>")),
        ]
    }
    "C15" five_hundred_signatures "signature_misplaced":
    "Many signatures"; "CVE-2026-7307"; "Five hundred signatures with the genuine value, where one belongs and where none does: not one of them is verified.";
    |scene| {
        let genuine = signed(scene);
        let (value, _) = super::cut(&genuine.0, "<ds:SignatureValue>", "</ds:SignatureValue>");
        let many = format!(r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{value}</ds:Signature>"#).repeat(500);
        [genuine.clone().edit("<ds:Signature ", &format!("{many}<ds:Signature ")), genuine.edit("<saml:Subject>", &format!("{many}<saml:Subject>"))]
    }
    "C16" a_message_of_a_mebibyte "too_large":
    "Size"; "CVE-2025-25293"; "A mebibyte of XML, five hundred whole signatures, and a message that grows while it is canonicalized.";
    |scene| {
        let namespace = format!(r#"<saml:AttributeStatement xmlns:n="urn:{}">"#, "n".repeat(60_000));
        let grown = answering(scene).edit("<saml:AttributeStatement>", &namespace).sign_assertion(&Signer::idp());
        [
            signed(scene).edit("Ada Lovelace", &"a".repeat(1024 * 1024)),
            signed(scene).edit("<saml:Subject>", &format!("{}<saml:Subject>", super::cut_signature(&signed(scene).0).0.repeat(500))),
            grown.edit("</saml:AttributeStatement>", &format!("{}</saml:AttributeStatement>", "<n:a/>".repeat(5000))),
        ]
    }
    "C17" what_is_no_base64 "not_base64":
    "Not base64"; "RFC 4648 12"; "Junk, half of it, other alphabets, and padding in the middle.";
    |scene| {
        let genuine = encode_post(&signed(scene).0);
        let half = genuine.get(..(genuine.len() / 2) | 1).unwrap().to_owned();
        ["!\"\u{a7}$%&/()=".to_owned(), half, genuine.replacen('A', "_", 1), format!("AA=={genuine}"), format!("{genuine}\u{0}")].map(Message::Response)
    }
    "C18" a_form_at_the_wrong_address "structure":
    "Another message at the logout address"; "CVE-2026-47201"; "A signed login response, sent as a logout response.";
    |scene| [Message::LogoutForm(Kind::Response, encode_post(&answering(scene).sign_response(&Signer::idp()).0))]
}
