//! What a signature may be, and that only a pinned key's counts.

use usher::saml::xml::algorithms::SignatureAlgorithm;

use crate::support::saml_idp::{Draft, EC_CERT, IDP_CERT, SHORT_CERT, Signer, Sp};

const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

fn signed() -> Draft {
    Draft::new().sign_assertion(&Signer::idp())
}

/// Edits what stands between the tags of a signature; the signature value is wrong then, but the shape is refused before.
fn reshaped(from: &str, to: &str) -> &'static str {
    signed().edit(from, to).refusal()
}

#[test]
fn an_unsigned_assertion_is_refused() {
    assert_eq!(Draft::new().refusal(), "signature_missing");
}

#[test]
fn a_key_in_the_message_is_not_a_key_of_the_connection() {
    assert_eq!(Draft::new().sign_assertion(&Signer::other()).refusal(), "signature_wrong");
    assert_eq!(Draft::new().sign_response(&Signer::other()).refusal(), "signature_wrong");
}

#[test]
fn every_signature_in_the_message_must_verify() {
    let inner_wrong = Draft::new().sign_assertion(&Signer::other()).sign_response(&Signer::idp());
    assert_eq!(inner_wrong.refusal(), "signature_wrong");
    let outer_wrong = Draft::new().sign_assertion(&Signer::idp()).sign_response(&Signer::other());
    assert_eq!(outer_wrong.refusal(), "signature_wrong");
}

#[test]
fn a_changed_value_is_refused_wherever_it_stands() {
    for (from, to) in [
        ("ada-0001", "admin-000"),
        ("app-admins", "app-owners"),
        ("2026-11-24T10:05:00Z", "2026-11-24T11:05:00Z"),
        (r#"Name="groups""#, r#"Name="groupz""#),
        ("<saml:AuthnContext>", "<saml:AuthnContext> "),
    ] {
        assert_eq!(signed().edit(from, to).refusal(), "digest_wrong", "{from}");
    }
    let response = Draft::new().sign_response(&Signer::idp());
    assert_eq!(
        response
            .edit(
                r#"Version="2.0" IssueInstant="2026-11-24T10:00:00Z" Destination"#,
                r#"Version="2.0" IssueInstant="2026-11-24T10:00:01Z" Destination"#
            )
            .refusal(),
        "digest_wrong"
    );
}

#[test]
fn a_changed_signature_value_or_signed_info_is_refused() {
    let draft = signed();
    let at = draft.0.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let mut xml = draft.0.clone();
    let flipped = if &xml[at..=at] == "A" { "B" } else { "A" };
    xml.replace_range(at..=at, flipped);
    assert_eq!(Draft(xml).refusal(), "signature_wrong");
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    assert_eq!(reshaped(sha256, "http://www.w3.org/2001/04/xmlenc#sha512"), "signature_wrong");
}

#[test]
fn algorithms_that_are_not_listed_are_refused() {
    let rsa = SignatureAlgorithm::RsaSha256.uri();
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "",
    ] {
        assert_eq!(reshaped(rsa, uri), "algorithm_refused", "{uri}");
    }
    for uri in ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", ""] {
        assert_eq!(reshaped("http://www.w3.org/2001/04/xmlenc#sha256", uri), "digest_refused", "{uri}");
    }
    let truncated = format!(r#"{rsa}"><ds:HMACOutputLength>8</ds:HMACOutputLength>"#);
    assert_eq!(reshaped(&format!(r#"{rsa}">"#), &truncated), "algorithm_refused");
}

#[test]
fn an_algorithm_is_only_for_its_kind_of_key() {
    let sp = Sp { certificates: vec![EC_CERT], ..Sp::default() };
    assert_eq!(sp.finish(&signed().0).unwrap_err().code(), "algorithm_of_another_key");
    let sp = Sp { certificates: vec![IDP_CERT], ..Sp::default() };
    assert_eq!(sp.finish(&Draft::new().sign_assertion(&Signer::ec()).0).unwrap_err().code(), "algorithm_of_another_key");
}

#[test]
fn without_a_usable_key_there_is_no_connection() {
    let build = |certificates| Sp { certificates, ..Sp::default() }.build().unwrap_err().code();
    assert_eq!(build(vec![]), "no_keys");
    assert_eq!(build(vec![SHORT_CERT]), "key_refused");
    assert_eq!(build(vec!["not a certificate"]), "certificate_malformed");
    assert_eq!(build(vec!["AAAA"]), "certificate_malformed");
    Sp { certificates: vec![SHORT_CERT, IDP_CERT], ..Sp::default() }.build().unwrap();
}

#[test]
fn other_canonicalizations_are_refused() {
    let method = format!(r#"<ds:CanonicalizationMethod Algorithm="{C14N}">"#);
    for other in ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ""] {
        assert_eq!(reshaped(&method, &method.replace(C14N, other)), "canonicalization_refused", "{other}");
    }
}

#[test]
fn a_prefix_list_is_of_exclusive_canonicalization_and_short() {
    let sent = |parameter: &str| {
        let draft = Draft(Signer::idp().sign(&Draft::new().0, "_assertion1", &["xs"]));
        let list = format!(r#"<ec:InclusiveNamespaces xmlns:ec="{C14N}" PrefixList="xs"></ec:InclusiveNamespaces>"#);
        draft.edit(&list, &parameter.replace("{C14N}", C14N)).deliver().map(drop).map_err(|error| error.code())
    };
    let list = |prefixes: &str| format!(r#"<ec:InclusiveNamespaces xmlns:ec="{{C14N}}" PrefixList="{prefixes}"/>"#);
    let many = |count: usize| (0..count).fold(String::new(), |all, number| all + &format!("p{number} "));
    assert_eq!(sent(r#"<ec:InclusiveNamespaces xmlns:ec="urn:other" PrefixList="xs"/>"#), Err("canonicalization_refused"));
    assert_eq!(sent(r#"<ec:Other xmlns:ec="{C14N}" PrefixList="xs"/>"#), Err("canonicalization_refused"));
    assert_eq!(sent(&list("xs").replace("/>", "><x/></ec:InclusiveNamespaces>")), Err("canonicalization_refused"));
    // As many as may be: then it is the signature, which was made over another list, that refuses.
    assert_eq!(sent(&list(&many(16))), Err("signature_wrong"));
    assert_eq!(sent(&list(&many(17))), Err("canonicalization_refused"));
}

#[test]
fn other_transforms_are_refused() {
    let enveloped = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>"#;
    let canonical = format!(r#"<ds:Transform Algorithm="{C14N}"></ds:Transform>"#);
    let xpath =
        r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>self::node()</ds:XPath></ds:Transform>"#;
    let xslt = r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>"#;
    for transforms in [
        String::new(),
        enveloped.to_owned(),
        canonical.clone(),
        format!("{canonical}{enveloped}"),
        format!("{enveloped}{xpath}"),
        format!("{enveloped}{xslt}"),
        format!("{enveloped}{canonical}{canonical}"),
        format!("{xslt}{canonical}"),
        format!("{canonical}{canonical}"),
        format!("{}{canonical}", enveloped.replace("ds:Transform", "ds:Other")),
        format!("{enveloped}{}", canonical.replace("ds:Transform", "ds:Other")),
        format!("{}{canonical}", enveloped.replace("></", "><ds:XPath>x</ds:XPath></")),
        format!("{enveloped}{}", canonical.replace(C14N, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")),
    ] {
        assert_eq!(reshaped(&format!("{enveloped}{canonical}"), &transforms), "transform_refused", "{transforms}");
    }
}

#[test]
fn a_reference_names_its_parent_and_nothing_else() {
    for (uri, code) in [
        ("", "reference_empty"),
        ("#", "reference_wrong"),
        ("#_response1", "reference_wrong"),
        ("_assertion1", "reference_external"),
        ("#xpointer(/)", "reference_xpointer"),
        ("#xpointer(id('_assertion1'))", "reference_xpointer"),
        ("https://idp.example/x", "reference_external"),
        ("file:///etc/passwd", "reference_external"),
    ] {
        assert_eq!(reshaped(r##"URI="#_assertion1""##, &format!(r#"URI="{uri}""#)), code, "{uri}");
    }
    assert_eq!(reshaped(r##"<ds:Reference URI="#_assertion1">"##, "<ds:Reference>"), "reference_empty");
}

#[test]
fn a_signature_has_exactly_the_parts_of_the_profile() {
    let draft = signed();
    let part = |name: &str| {
        let at = draft.0.find(&format!("<ds:{name}")).unwrap();
        let end = format!("</ds:{name}>");
        draft.0[at..at + draft.0[at..].find(&end).unwrap() + end.len()].to_owned()
    };
    for name in [
        "SignedInfo",
        "SignatureValue",
        "Reference",
        "DigestValue",
        "DigestMethod",
        "CanonicalizationMethod",
        "SignatureMethod",
        "Transforms",
    ] {
        let part = part(name);
        let code = match name {
            "SignedInfo" => "signed_info_not_one",
            "Reference" => "reference_not_one",
            _ => "signature_shape",
        };
        assert_eq!(draft.clone().edit(&part, &part.repeat(2)).refusal(), code, "two of {name}");
        assert_eq!(draft.clone().edit(&part, "").refusal(), code, "no {name}");
    }
    assert_eq!(reshaped("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"), "object_refused");
    assert_eq!(reshaped("</ds:KeyInfo>", "</ds:KeyInfo><ds:Other/>"), "signature_shape");
    let key_info = part("KeyInfo");
    assert_eq!(draft.clone().edit(&key_info, &key_info.replace("ds:KeyInfo", "ds:Other")).refusal(), "signature_shape");
    assert_eq!(draft.clone().edit(&key_info, &part("SignatureValue")).refusal(), "signature_shape", "a second value in place of the key");
    let (info, value) = (part("SignedInfo"), part("SignatureValue"));
    assert_eq!(draft.clone().edit(&value, &value.replace("ds:SignatureValue", "ds:Other")).refusal(), "signature_shape");
    assert_eq!(
        draft.clone().edit(&format!("{info}{value}"), &format!("{value}{info}")).refusal(),
        "signature_shape",
        "the other way round"
    );
    assert_eq!(reshaped("<ds:DigestValue>", "<ds:DigestValue><x/>"), "value_not_text");
    assert_eq!(reshaped("<ds:SignatureValue>", "<ds:SignatureValue><ds:x/>"), "value_not_text");
    assert_eq!(reshaped("<ds:DigestValue>", "<ds:DigestValue>!"), "not_base64");
}

#[test]
fn nothing_is_taken_from_key_info() {
    let draft = signed();
    let at = draft.0.find("<ds:KeyInfo>").unwrap();
    let to = draft.0.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
    Draft(format!("{}{}", &draft.0[..at], &draft.0[to..])).deliver().unwrap();
    let elsewhere = r#"<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/key"/></ds:KeyInfo>"#;
    Draft(format!("{}{elsewhere}{}", &draft.0[..at], &draft.0[to..])).deliver().unwrap();
}

#[test]
fn a_namespace_that_is_not_absolute_gives_no_empty_digest() {
    // "Void canonicalization": libxml2 gives an empty text for this document, and its digest is known to everyone.
    let relative = signed().edit("<saml:AttributeStatement>", r#"<saml:AttributeStatement xmlns:r="relative"><r:x/>"#);
    assert_eq!(relative.refusal(), "namespace_refused");
    let empty = signed().edit("<saml:AttributeStatement>", r#"<saml:AttributeStatement xmlns:r=""><r:x/>"#);
    assert_eq!(empty.refusal(), "namespace_refused");
    let unbound = signed().edit("<saml:AttributeStatement>", "<saml:AttributeStatement><unbound:x/>");
    assert_eq!(unbound.refusal(), "namespace_refused");
}

#[test]
fn a_message_cannot_grow_while_it_is_canonicalized() {
    let namespace = format!(r#"<saml:AttributeStatement xmlns:n="urn:{}">"#, "n".repeat(60_000));
    let draft = Draft::new().edit("<saml:AttributeStatement>", &namespace);
    let draft = draft.sign_assertion(&Signer::idp());
    let grown = draft.edit("</saml:AttributeStatement>", &format!("{}</saml:AttributeStatement>", "<n:a/>".repeat(5000)));
    assert_eq!(grown.refusal(), "too_large");
}
