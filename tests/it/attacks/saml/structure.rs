//! Signature wrapping and its relatives: each message holds a genuine signature over a genuine element, or several.

use super::{EVIL, answering, cases, cut_assertion, cut_signature, evil_assertion, signed};
use crate::support::saml_idp::{Draft, Scene, Signer};

/// A signed response, split into its signature and the rest.
fn signed_response(scene: &Scene) -> (String, String) {
    cut_signature(&answering(scene).sign_response(&Signer::idp()).0)
}

/// The response with another id and another person.
fn evil_response(scene: &Scene, signature: &str) -> Draft {
    let evil = answering(scene).edit("_response1", "_evil").edit("ada-0001", EVIL).edit("_assertion1", "_assertion2").0;
    Draft(evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
}

/// The evil assertion around or beside `inside`, in the shell of the genuine response.
fn with_evil(scene: &Scene, shell: &str, inside: impl FnOnce(String) -> String) -> Draft {
    Draft(shell.replace("</samlp:Response>", &format!("{}</samlp:Response>", inside(evil_assertion(scene)))))
}

/// Shell, genuine assertion without its signature, and the signature.
fn taken_apart(scene: &Scene) -> (String, String, String) {
    let (original, shell) = cut_assertion(&signed(scene).0);
    let (signature, original) = cut_signature(&original);
    (shell, original, signature)
}

/// The evil assertion with a signature that holds more than it should.
fn evil_signed_with(scene: &Scene, shell: &str, signature: &str) -> Draft {
    with_evil(scene, shell, |evil| evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))
}

fn two(scene: &Scene, order: impl FnOnce(String, String) -> String) -> Draft {
    let (first, shell) = cut_assertion(&signed(scene).0);
    let second = answering(scene).edit("_assertion1", "_assertion2");
    let (second, _) = cut_assertion(&Signer::idp().sign(&second.0, "_assertion2", &[]));
    Draft(shell.replace("</samlp:Response>", &format!("{}</samlp:Response>", order(first, second))))
}

cases! {
    "A1" xsw1_the_signed_response_inside_the_signature_of_another "response_nested":
    "XSW1"; "On Breaking SAML (USENIX Security 2012)"; "An evil response whose signature holds the signed one.";
    |scene| {
        let (signature, original) = signed_response(scene);
        [evil_response(scene, &signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>")))]
    }
    "A2" xsw2_the_signed_response_beside_its_detached_signature "response_nested":
    "XSW2"; "On Breaking SAML"; "An evil response that holds the signed one before its signature.";
    |scene| {
        let (signature, original) = signed_response(scene);
        [evil_response(scene, &format!("{original}{signature}"))]
    }
    "A3" xsw3_another_assertion_before_the_signed_one "assertion_not_one":
    "XSW3"; "On Breaking SAML; CVE-2022-41912"; "An evil assertion before the signed one.";
    |scene| [Draft(signed(scene).0.replacen("<saml:Assertion ", &format!("{}<saml:Assertion ", evil_assertion(scene)), 1))]
    "A4" xsw4_the_signed_assertion_inside_another "assertion_misplaced":
    "XSW4"; "On Breaking SAML"; "An evil assertion that holds the signed one.";
    |scene| {
        let (original, shell) = cut_assertion(&signed(scene).0);
        [with_evil(scene, &shell, |evil| evil.replace("</saml:Assertion>", &format!("{original}</saml:Assertion>")))]
    }
    "A5" xsw5_the_signature_in_another_assertion_and_the_signed_one_at_the_end "assertion_not_one":
    "XSW5"; "On Breaking SAML; CVE-2016-5697"; "The signature moved into an evil assertion, the signed one behind it.";
    |scene| {
        let (shell, original, signature) = taken_apart(scene);
        let Draft(evil) = evil_signed_with(scene, &shell, &signature);
        [Draft(evil.replace("</samlp:Response>", &format!("{original}</samlp:Response>")))]
    }
    "A6" xsw6_the_signed_assertion_inside_the_signature_of_another "assertion_misplaced":
    "XSW6"; "On Breaking SAML"; "The signature moved into an evil assertion, the signed one inside the signature.";
    |scene| {
        let (shell, original, signature) = taken_apart(scene);
        [evil_signed_with(scene, &shell, &signature.replace("</ds:Signature>", &format!("{original}</ds:Signature>")))]
    }
    "A7" xsw7_another_assertion_in_extensions "extensions_refused":
    "XSW7"; "On Breaking SAML"; "An evil assertion in extensions, before the signed one; and the signed one there, with the evil one in its place.";
    |scene| {
        let (original, shell) = cut_assertion(&signed(scene).0);
        let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
        let before = extensions(&evil_assertion(scene)) + &original;
        let moved = extensions(&original) + &evil_assertion(scene);
        [before, moved].map(|content| Draft(shell.replace("</samlp:Response>", &format!("{content}</samlp:Response>"))))
    }
    "A8" xsw8_the_signed_assertion_in_an_object_of_the_signature "object_refused":
    "XSW8"; "On Breaking SAML"; "The signature moved into an evil assertion, with the signed one in an Object of the signature.";
    |scene| {
        let (shell, original, signature) = taken_apart(scene);
        [evil_signed_with(scene, &shell, &signature.replace("</ds:Signature>", &format!("<ds:Object>{original}</ds:Object></ds:Signature>")))]
    }
    "A9" the_signed_assertion_in_the_advice_of_another "advice_refused":
    "Wrapping by Advice"; "SAML Core 2.6.1"; "An evil assertion with the signed one in its Advice; and a signed assertion with Advice of its own.";
    |scene| {
        let (original, shell) = cut_assertion(&signed(scene).0);
        let advice = |inside: &str| format!("</saml:Conditions><saml:Advice>{inside}</saml:Advice>");
        let around = with_evil(scene, &shell, |evil| evil.replace("</saml:Conditions>", &advice(&original)));
        [around, answering(scene).edit("</saml:Conditions>", &advice(&evil_assertion(scene))).sign_assertion(&Signer::idp())]
    }
    "A10" a_signed_response_under_a_foreign_root "structure":
    "Foreign root"; "On Breaking SAML"; "The signed response inside an element of another namespace, and a response whose name only looks right.";
    |scene| {
        let Draft(inner) = answering(scene).sign_response(&Signer::idp());
        let renamed = signed(scene).0.replace("samlp:Response", "x:Response").replace("<x:Response ", r#"<x:Response xmlns:x="urn:x" "#);
        [Draft(format!(r#"<x:Envelope xmlns:x="urn:x">{inner}</x:Envelope>"#)), Draft(renamed)]
    }
    "A11" an_assertion_of_another_namespace "assertion_misplaced":
    "Namespace confusion"; "The Fragile Lock (2025); CVE-2025-66568"; "An element called Assertion in another namespace, beside the signed one and inside a value.";
    |scene| {
        let foreign = r#"<x:Assertion xmlns:x="urn:x" ID="_x"/>"#;
        let nested = format!("<saml:AttributeValue>{foreign}");
        [
            Draft(signed(scene).0.replace("</samlp:Response>", &format!("{foreign}</samlp:Response>"))),
            Draft(signed(scene).0.replacen("<saml:AttributeValue xsi:type=\"xs:string\">", &nested, 1)),
        ]
    }
    "A12" a_response_inside_a_response "response_nested":
    "Response in response"; "CVE-2026-47201"; "The signed response in the status of an evil one.";
    |scene| {
        let Draft(inner) = answering(scene).sign_response(&Signer::idp());
        [Draft(evil_response(scene, "").0.replacen("</samlp:Status>", &format!("{inner}</samlp:Status>"), 1))]
    }
    "A13" an_unsigned_assertion_before_or_after_a_signed_one "assertion_not_one":
    "Two assertions, one signed"; "CVE-2022-41912"; "The signed assertion with an evil one, in both orders.";
    |scene| {
        let evil = evil_assertion(scene);
        [two(scene, |first, _| format!("{evil}{first}")), two(scene, |first, _| format!("{first}{evil}"))]
    }
    "A14" two_signed_assertions "assertion_not_one":
    "Two assertions, both signed"; "CVE-2022-41912"; "Two assertions of the right provider, each with a genuine signature.";
    |scene| [two(scene, |first, second| format!("{first}{second}")), two(scene, |first, second| format!("{second}{first}"))]
    "A15" two_assertions_in_a_signed_response "assertion_not_one":
    "Two assertions in a signed response"; "CVE-2022-41912"; "The same, and the response around them is signed as well.";
    |scene| [two(scene, |first, second| format!("{first}{second}")).sign_response(&Signer::idp())]
    "A16" an_id_that_stands_twice "duplicate_id":
    "Duplicate id"; "On Breaking SAML; CVE-2025-23369"; "The id of the signed assertion again, as ID, Id, id and xml:id.";
    |scene| [r#"ID="_assertion1""#, r#"Id="_assertion1""#, r#"id="_assertion1""#, r#"xml:id="_assertion1""#]
        .map(|twin| Draft(signed(scene).0.replacen("<samlp:Status>", &format!("<samlp:Status {twin}>"), 1)))
    "A17" an_id_that_a_document_type_makes "doctype":
    "Id by document type"; "On Breaking SAML"; "A document type that declares another attribute to be an id.";
    |scene| [Draft(format!("<!DOCTYPE samlp:Response [<!ATTLIST saml:Subject Key ID #IMPLIED>]>{}", signed(scene).edit("<saml:Subject>", "<saml:Subject Key=\"_assertion1\">").0))]
    "A18" an_id_that_is_no_name "id_malformed":
    "Injection by id"; "CVE-2024-45409 and other XPath look-ups"; "An id with quotes and brackets.";
    |scene| [answering(scene).edit("_assertion1", "1&#x27;]"), answering(scene).edit("_assertion1", "_a&quot;] | //*[&quot;"), answering(scene).edit("_assertion1", "")]
    "A19" a_signature_that_is_no_child_of_what_it_signs "signature_misplaced":
    "Detached signature"; "CVE-2024-45409"; "The genuine signature of the assertion in its conditions, in an attribute, at its end, or twice.";
    |scene| {
        let (signature, rest) = cut_signature(&signed(scene).0);
        [
            rest.replace("<saml:AudienceRestriction>", &format!("{signature}<saml:AudienceRestriction>")),
            rest.replacen("</saml:AttributeValue>", &format!("{signature}</saml:AttributeValue>"), 1),
            rest.replace("</saml:Assertion>", &format!("{signature}</saml:Assertion>")),
            rest.replace("<saml:Subject>", &format!("{signature}{signature}<saml:Subject>")),
        ].map(Draft)
    }
    "A20" a_signature_of_the_assertion_on_the_response "reference_wrong":
    "Borrowed signature"; "CVE-2024-45409; CVE-2026-25922"; "The genuine signature of the assertion, standing in the response or in another assertion.";
    |scene| {
        let (shell, _, signature) = taken_apart(scene);
        let (_, rest) = cut_signature(&signed(scene).0);
        [Draft(rest.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)), evil_signed_with(scene, &shell, &signature)]
    }
    "A21" a_genuine_signature_of_another_document "digest_wrong":
    "Golden signature"; "The Fragile Lock (2025)"; "A genuine signature that the provider made over something else (an error, its metadata), under the same id.";
    |scene| {
        let harvested = answering(scene).without("<saml:Assertion ", "</saml:Assertion>").edit("status:Success", "status:Responder");
        let (signature, _) = cut_signature(&harvested.sign_response(&Signer::idp()).0);
        let evil = answering(scene).edit("ada-0001", EVIL).0;
        [Draft(evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1))]
    }
    "A22" a_signed_message_of_another_kind "structure":
    "Another message"; "CVE-2026-47201"; "A genuinely signed logout response where a login is expected.";
    |scene| {
        let logout = answering(scene).without("<saml:Assertion ", "</saml:Assertion>").edit("samlp:Response", "samlp:LogoutResponse");
        [Draft(Signer::idp().sign(&logout.0, "_response1", &[]))]
    }
    "A23" another_name_where_a_careless_reader_looks "name_misplaced":
    "Second name, hidden and signed"; "found by fuzzing"; "A signed assertion with another subject, name, confirmation or issuer inside of its statements, its conditions or its confirmation.";
    |scene| {
        let hidden = [
            "<saml:Subject><saml:NameID>eve</saml:NameID></saml:Subject>",
            "<saml:NameID>eve</saml:NameID>",
            "<x:NameID xmlns:x=\"urn:x\">eve</x:NameID>",
            "<saml:SubjectConfirmationData Recipient=\"https://evil.example/\"/>",
            "<saml:Issuer>https://evil.example/</saml:Issuer>",
            "<saml:AttributeStatement><saml:Attribute Name=\"x\"><saml:AttributeValue><saml:NameID>eve</saml:NameID></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>",
        ];
        let places = ["</saml:AuthnContextClassRef>", "</saml:Conditions>"];
        let hide = |place: &str, name: &str| answering(scene).edit(place, &format!("{name}{place}")).sign_assertion(&Signer::idp());
        let mut all = places.map(|place| hidden.map(|name| hide(place, name))).concat();
        // Beside the attributes instead of in one; and in the confirmation that is read.
        all.push(hide("</saml:AttributeStatement>", hidden[0]));
        let end = "</saml:SubjectConfirmationData>";
        let within = format!(">{}{end}</saml:SubjectConfirmation>", hidden[3]);
        all.push(answering(scene).edit("/></saml:SubjectConfirmation>", &within).sign_assertion(&Signer::idp()));
        all
    }
}
