//! The gate: what is no SAML message is refused before anyone asks who signed it.

use usher::saml::message;

use crate::support::saml_idp::{Draft, REQUEST, Signer, Sp, now};

fn signed() -> Draft {
    Draft::new().sign_assertion(&Signer::idp())
}

#[test]
fn a_document_type_is_refused() {
    for doctype in [
        "<!DOCTYPE x>",
        r#"<!DOCTYPE x SYSTEM "file:///etc/passwd">"#,
        r#"<!DOCTYPE x [<!ENTITY e "ada-0001">]>"#,
        r#"<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]>"#,
        "<!DOCTYPE x [<!ATTLIST x ID ID #IMPLIED>]>",
        "<!doctype x>",
    ] {
        let xml = format!("{doctype}{}", signed().0);
        assert_eq!(Draft(xml).refusal(), "doctype", "{doctype}");
    }
    assert_eq!(signed().edit("ada-0001", "&undefined;").refusal(), "not_xml");
}

#[test]
fn comments_instructions_and_cdata_are_refused_anywhere() {
    for (piece, code) in [("<!---->", "comment"), ("<!--x-->", "comment"), ("<?x?>", "processing_instruction"), ("<![CDATA[]]>", "cdata")] {
        for place in
            ["ada-0001", "app-admins", "<saml:Subject>", "<samlp:Status>", "<ds:DigestValue>", "<ds:SignatureValue>", "</samlp:Response>"]
        {
            assert_eq!(signed().edit(place, &format!("{piece}{place}")).refusal(), code, "{piece} before {place}");
        }
    }
    // The classic: a comment cuts the name, and the signature still fits (CVE-2017-11427).
    let cut = Draft::new().edit("ada-0001", "ada-0001.evil").sign_assertion(&Signer::idp()).edit("ada-0001.evil", "ada-0001<!---->.evil");
    assert_eq!(cut.refusal(), "comment");
    assert_eq!(Draft(format!("{}<!-- end -->", signed().0)).refusal(), "comment");
    assert_eq!(Draft(format!("<?xml version=\"1.0\"?><?x?>{}", signed().0)).refusal(), "processing_instruction");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("</samlp:Response>", ""),
        ("<saml:Subject>", "<saml:Subject"),
        ("ID=\"_response1\"", "ID=\"_response1\" ID=\"_response2\""),
        ("ID=\"_response1\"", "ID=_response1"),
        ("ada-0001", "ada & eve"),
        ("ada-0001", "ada\u{0}"),
        ("ada-0001", "&#0;"),
        ("ada-0001", "]]>"),
        ("</samlp:Response>", "</samlp:Response><x/>"),
        ("</samlp:Response>", "</samlp:Response>x"),
        ("</saml:Subject>", "</saml:Subjects>"),
    ] {
        assert_eq!(signed().edit(from, to).refusal(), "not_xml", "{from} -> {to}");
    }
    assert_eq!(Draft(String::new()).refusal(), "not_xml");
    assert_eq!(Draft("SAMLResponse".to_owned()).refusal(), "not_xml");
    assert_eq!(Draft(format!("\u{feff}{}", signed().0)).refusal(), "not_xml");
}

#[test]
fn only_utf8_is_read() {
    let sp = Sp::default().build().unwrap();
    let finish = |bytes: &[u8]| {
        use base64::Engine as _;
        let field = base64::engine::general_purpose::STANDARD.encode(bytes);
        sp.finish(&field, Some(REQUEST), now()).unwrap_err().code()
    };
    let utf16: Vec<u8> = signed().0.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(finish(&utf16), "not_xml");
    assert_eq!(finish(&[&[0xff, 0xfe], utf16.as_slice()].concat()), "not_utf8");
    assert_eq!(finish(signed().0.replace("ada-0001", "ada\u{1}").replace('\u{1}', "\u{80}").as_bytes()), "digest_wrong");
    let latin1: Vec<u8> = signed().0.replace("ada-0001", "?").bytes().map(|b| if b == b'?' { 0x80 } else { b }).collect();
    assert_eq!(finish(&latin1), "not_utf8");
    assert_eq!(finish(format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", signed().0).as_bytes()), "not_utf8");
    assert_eq!(finish(format!("<?xml version='1.0' encoding='ISO-8859-1'?>{}", signed().0).as_bytes()), "not_utf8");
}

#[test]
fn what_is_not_base64_is_refused() {
    let sp = Sp::default().build().unwrap();
    for junk in ["!", "AAA", "<xml>", "%3C", "AAAA=AAAA", "\u{e9}", "PHg_", "PHg-"] {
        assert_eq!(sp.finish(junk, Some(REQUEST), now()).unwrap_err().code(), "not_base64", "{junk}");
    }
}

/// The runner ends this file's tests after seconds (`.config/nextest.toml`): work that grows with the square of the size takes minutes.
fn refused_quickly(xml: &str, code: &str) {
    let sp = Sp::default().build().unwrap();
    assert_eq!(sp.finish(&message::encode_post(xml), Some(REQUEST), now()).unwrap_err().code(), code);
}

#[test]
fn size_depth_and_width_are_bounded() {
    let sp = Sp::default().build().unwrap();
    assert_eq!(sp.finish(&"A".repeat(1024 * 1024), Some(REQUEST), now()).unwrap_err().code(), "too_large");
    refused_quickly(&"<a>".repeat(80 * 1024), "too_deep");
    refused_quickly(&signed().edit("ada-0001", &"x".repeat(256 * 1024)).0, "too_large");
    let inside = |content: &str| signed().edit("<samlp:Status>", &format!("<samlp:Status>{content}")).0;
    refused_quickly(&inside(&format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000))), "too_deep");
    let namespaces = (0..5000).fold(String::new(), |all, n| all + &format!("<a xmlns:n{n}=\"urn:{n}\">"));
    refused_quickly(&inside(&format!("{namespaces}{}", "</a>".repeat(5000))), "too_wide");
    // What is in scope counts, not how deep it was declared: each of these made the parser compare 2,000 namespaces with each other.
    let declared = (0..60).fold(String::new(), |all, n| all + &format!(" xmlns:n{n}=\"urn:{n}\""));
    refused_quickly(&inside(&format!("<a{declared}>{}</a>", "<a xmlns:b=\"u\"/>".repeat(10_000))), "too_wide");
    refused_quickly(&inside(&"<a/>".repeat(60_000)), "too_wide");
    let attributes = (0..15_000).fold(String::new(), |all, n| all + &format!(" a{n}=\"\""));
    refused_quickly(&inside(&format!("<a{attributes}/>")), "too_wide");
    // A tag's end inside quotes is no end: the depth is counted right.
    refused_quickly(&inside(&r#"<a b="/>">"#.repeat(40)), "too_deep");
}

#[test]
fn a_deflated_request_is_inflated_only_so_far() {
    let bomb = message::encode_redirect(&"A".repeat(4 * 1024 * 1024)).unwrap();
    assert!(bomb.len() < 8 * 1024);
    assert_eq!(message::decode_redirect(&bomb).unwrap_err().code(), "too_large");
    assert_eq!(message::decode_redirect("AAAA").unwrap_err().code(), "not_deflate");
}

#[test]
fn a_message_and_its_base64_have_a_largest_size_and_not_a_byte_more() {
    let refusal = |decoded: Result<String, usher::saml::SamlError>| decoded.err().map(|error| error.code());
    for (bytes, code) in [(262_144, None), (262_145, Some("too_large")), (300_000, Some("too_large"))] {
        let xml = "x".repeat(bytes);
        assert_eq!(refusal(message::decode_post(&message::encode_post(&xml))), code, "{bytes}");
        assert_eq!(refusal(message::decode_redirect(&message::encode_redirect(&xml).unwrap())), code, "{bytes}");
    }
    // Line ends count: it is looked at before anything is taken out.
    for (bytes, code) in [(524_288, None), (524_289, Some("too_large")), (600_000, Some("too_large"))] {
        assert_eq!(refusal(message::decode_post(&format!("PHgvPg=={}", "\n".repeat(bytes - 8)))), code, "{bytes}");
    }
}
