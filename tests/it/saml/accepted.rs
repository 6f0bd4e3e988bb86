//! What real identity providers send.

use usher::core::GroupClaim;
use usher::saml::xml::algorithms::SignatureAlgorithm;

use crate::support::saml_idp::{Draft, EC_CERT, IDP_CERT, OTHER_CERT, Signer, Sp, now};

#[test]
fn a_signed_assertion_says_who_it_is() {
    let checked = Draft::new().sign_assertion(&Signer::idp()).deliver().unwrap();
    let identity = checked.identity();
    assert_eq!(identity.connection.to_string(), "okta");
    assert_eq!(identity.subject, "ada-0001");
    assert_eq!(identity.email.as_ref().unwrap().as_str(), "ada@acme.example");
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(identity.groups, GroupClaim::from_values(["app-admins", "design"]));
    assert!(!identity.idp_initiated);
}

#[test]
fn a_signed_response_covers_its_assertion() {
    let checked = Draft::new().sign_response(&Signer::idp()).deliver().unwrap();
    assert_eq!(checked.identity().subject, "ada-0001");
}

#[test]
fn response_and_assertion_may_both_be_signed() {
    let draft = Draft::new().sign_assertion(&Signer::idp()).sign_response(&Signer::idp());
    assert_eq!(draft.deliver().unwrap().identity().subject, "ada-0001");
}

#[test]
fn every_listed_algorithm_is_accepted() {
    for algorithm in [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::RsaSha384, SignatureAlgorithm::RsaSha512] {
        Draft::new().sign_assertion(&Signer::idp().with(algorithm)).deliver().unwrap();
    }
    Draft::new().sign_assertion(&Signer::ec()).deliver().unwrap();
}

#[test]
fn a_prefix_list_is_part_of_the_signed_bytes() {
    let xml = Signer::idp().sign(&Draft::new().0, "_assertion1", &["xs"]);
    assert!(xml.contains(r#"PrefixList="xs""#));
    Draft(xml).deliver().unwrap();
}

#[test]
fn a_namespace_that_only_the_prefix_list_needs_may_stand_on_the_response() {
    let xmlns = r#" xmlns:xs="http://www.w3.org/2001/XMLSchema""#;
    let moved = Draft::new().edit(xmlns, "").edit("<samlp:Response ", &format!("<samlp:Response{xmlns} "));
    let inner = Draft(Signer::idp().sign(&moved.0, "_assertion1", &["xs"]));
    inner.clone().sign_response(&Signer::idp()).deliver().unwrap();
    inner.deliver().unwrap();
}

#[test]
fn an_xml_declaration_and_line_ends_in_base64_are_fine() {
    let draft = Draft::new().sign_assertion(&Signer::idp());
    let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", draft.0);
    let field = usher::saml::message::encode_post(&xml);
    let (first, second) = field.split_at(76);
    Sp::default().build().unwrap().finish(&format!("{first}\r\n{second}\n"), Sp::default().request_id, now()).unwrap();
}

#[test]
fn any_of_the_pinned_certificates_may_have_signed() {
    let message = Draft::new().sign_assertion(&Signer::other());
    assert_eq!(message.refusal(), "signature_wrong");
    let sp = Sp { certificates: vec![IDP_CERT, EC_CERT, OTHER_CERT], ..Sp::default() };
    sp.finish(&message.0).unwrap();
}

#[test]
fn an_unsigned_response_around_a_signed_assertion_may_leave_out_issuer_and_destination() {
    let draft = Draft::new().sign_assertion(&Signer::idp());
    let issuer = draft.0.find("<saml:Issuer>").unwrap();
    let end = issuer + draft.0[issuer..].find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
    let mut xml = draft.0.clone();
    xml.replace_range(issuer..end, "");
    let destination = format!(" Destination=\"{}\"", crate::support::saml_idp::ACS);
    Draft(xml.replacen(&destination, "", 1)).deliver().unwrap();
}

#[test]
fn another_spelling_of_the_same_document_is_the_same_document() {
    let draft = Draft::new()
        .edit(
            r#"Version="2.0" IssueInstant="2026-11-24T10:00:00Z"><saml:Issuer>"#,
            "IssueInstant='2026-11-24T10:00:00Z'\n Version='2.0'><saml:Issuer>",
        )
        .edit("Ada Lovelace", "Ada &lt;&amp;&gt; &#x4c;ovelace &quot;\u{e9}&#xD;&#x1F600;")
        .sign_assertion(&Signer::idp());
    let name = draft.deliver().unwrap().identity().name.clone().unwrap();
    assert_eq!(name, "Ada <&> Lovelace \"\u{e9}\u{1F600}");
}

#[test]
fn attributes_with_the_same_name_are_merged() {
    let second = r#"</saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue xsi:type="xs:string">design<"#;
    let draft = Draft::new().edit(r#"<saml:AttributeValue xsi:type="xs:string">design<"#, second).sign_assertion(&Signer::idp());
    assert_eq!(draft.deliver().unwrap().identity().groups, GroupClaim::from_values(["app-admins", "design"]));
}

#[test]
fn no_groups_attribute_is_absent_and_one_without_values_is_empty() {
    let groups = |draft: Draft| draft.sign_assertion(&Signer::idp()).deliver().unwrap().identity().groups.clone();
    assert_eq!(groups(Draft::new().edit("Name=\"groups\"", "Name=\"other\"")), GroupClaim::Absent);
    let start = "<saml:AttributeValue xsi:type=\"xs:string\">app-admins";
    assert_eq!(groups(Draft::new().without(start, "design</saml:AttributeValue>")), GroupClaim::Empty);
    let nil = Draft::new().without(start, "design</saml:AttributeValue>");
    let nil =
        nil.edit("Name=\"groups\">", "Name=\"groups\"><saml:AttributeValue xsi:nil=\"true\"/><saml:AttributeValue> </saml:AttributeValue>");
    assert_eq!(groups(nil), GroupClaim::Empty);
}

/// As at the other door. XML has no controls below U+0020 but these three, and those from U+0080 on only look like nothing.
#[test]
fn a_control_character_in_a_group_makes_the_claim_malformed() {
    let groups = |value: &str| {
        let draft = Draft::new().edit(">design<", &format!(">{value}<"));
        draft.sign_assertion(&Signer::idp()).deliver().unwrap().identity().groups.clone()
    };
    for odd in ["de\u{80}sign", "design\u{9f}", "\u{85}design", "design&#x85;", "&#x9d;", "de\nsign", "de&#9;sign", "de&#xD;sign", "\u{7f}"]
    {
        assert_eq!(groups(odd), GroupClaim::Malformed, "{odd:?}");
    }
    assert_eq!(groups("\n   design\n  "), GroupClaim::from_values(["app-admins", "design"]), "written over several lines");
}

#[test]
fn a_link_instead_of_groups_is_overage_and_never_empty() {
    let link = r#"Name="http://schemas.microsoft.com/claims/groups.link""#;
    let groups = |draft: Draft| draft.sign_assertion(&Signer::idp()).deliver().unwrap().identity().groups.clone();
    assert_eq!(groups(Draft::new().edit("Name=\"groups\"", link)), GroupClaim::Overage);
    assert_eq!(groups(Draft::new().edit("Name=\"displayName\"", link)), GroupClaim::Overage);
}

#[test]
fn a_name_id_of_the_email_format_serves_as_address_when_no_attribute_came() {
    let draft = Draft::new()
        .edit("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
        .edit("ada-0001", "ada@corp.acme.example");
    let email = |draft: Draft| draft.sign_assertion(&Signer::idp()).deliver().unwrap().identity().email.clone().unwrap();
    assert_eq!(email(draft.clone()).as_str(), "ada@acme.example");
    assert_eq!(email(draft.edit("Name=\"email\"", "Name=\"mail\"")).as_str(), "ada@corp.acme.example");
}

#[test]
fn a_transient_name_id_is_fine_when_an_attribute_names_the_subject() {
    let draft = Draft::new().edit("nameid-format:persistent", "nameid-format:transient").sign_assertion(&Signer::idp());
    assert_eq!(draft.refusal(), "subject_transient");
    let mut sp = Sp::default();
    sp.settings.subject_attribute = Some("email".to_owned());
    assert_eq!(sp.finish(&draft.0).unwrap().identity().subject, "ada@acme.example");
    sp.settings.subject_attribute = Some("employeeNumber".to_owned());
    assert_eq!(sp.finish(&draft.0).unwrap_err().code(), "subject_missing");
}

#[test]
fn an_unasked_response_needs_the_connections_leave_and_claims_no_request() {
    let asked = Draft::new().sign_assertion(&Signer::idp());
    let in_response_to = format!(" InResponseTo=\"{}\"", crate::support::saml_idp::REQUEST);
    let unasked = Draft::new().edit(&in_response_to, "");
    let unasked = unasked.sign_assertion(&Signer::idp());
    let mut sp = Sp { request_id: None, ..Sp::default() };
    assert_eq!(sp.finish(&unasked.0).unwrap_err().code(), "unsolicited");
    sp.allow_idp_initiated = true;
    sp.settings.take_unasked = true;
    assert!(sp.finish(&unasked.0).unwrap().identity().idp_initiated);
    assert_eq!(sp.finish(&asked.0).unwrap_err().code(), "response_in_response_to_wrong");
}

#[test]
fn the_replay_key_is_of_the_connection_and_the_assertion() {
    let key = |draft: &Draft| draft.deliver().unwrap().replay_key().0;
    let message = Draft::new().sign_assertion(&Signer::idp());
    let first = key(&message);
    // Around the same assertion, anyone can write another response.
    assert_eq!(first, key(&message.edit("_response1", "_response2")));
    assert!(first.starts_with("saml-assertion:okta:"), "{first}");
    let other = Draft::new().edit("_assertion1", "_assertion2");
    assert_ne!(first, key(&Draft(Signer::idp().sign(&other.0, "_assertion2", &[]))));
}

/// From a minute before it was issued to ten minutes after it, and a minute more; nothing here asks what the clock says, which may be put right.
#[test]
fn an_assertion_is_remembered_for_longer_than_any_can_count() {
    for end in ["10:00:30", "10:05:00", "23:59:59"] {
        let draft = Draft::new().edit("NotOnOrAfter=\"2026-11-24T10:05:00Z\"", &format!("NotOnOrAfter=\"2026-11-24T{end}Z\""));
        let (_, remembered) = draft.sign_assertion(&Signer::idp()).deliver().unwrap().replay_key();
        assert_eq!(remembered, std::time::Duration::from_mins(12), "{end}");
    }
}
