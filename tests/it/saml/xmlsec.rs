//! A second opinion: the `xmlsec1` program (Debian package `xmlsec1`) verifies what we sign, and signs what we verify.

use std::path::Path;
use std::process::Command;

use usher::core::{Asking, RequestBinding};
use usher::saml::encryption::Encryption;
use usher::saml::xml::algorithms::SignatureAlgorithm;
use usher::saml::{Go, message};

use super::differential::spellings;
use crate::support::saml_idp::{Draft, SP_CERT, SP_KEY, Signer, Sp, now};

pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
pub(super) const RESPONSE: &str = "urn:oasis:names:tc:SAML:2.0:protocol:Response";
const REQUEST: &str = "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest";

fn xmlsec1(arguments: &[&str], input: &str, directory: &Path) -> Result<String, String> {
    let file = directory.join("input.xml");
    std::fs::write(&file, input).unwrap();
    let output = Command::new("xmlsec1").args(arguments).arg(&file).current_dir(directory).output();
    let output = output.expect("install the Debian package xmlsec1");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Verifies the first signature in the document.
fn verifies(xml: &str, certificate: &str, id: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.pem"), certificate).unwrap();
    let arguments = ["--verify", "--enabled-key-data", "rsa,ec", "--pubkey-cert-pem", "key.pem", "--id-attr:ID", id];
    xmlsec1(&arguments, xml, directory.path()).map(|_| ())
}

/// Verifies the first signature, and gives the bytes that xmlsec1 took the digest of.
pub(super) fn digested(xml: &str, certificate: &str, id: &str) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.pem"), certificate).unwrap();
    let arguments = [
        "--verify",
        "--store-references",
        "--print-debug",
        "--enabled-key-data",
        "rsa,ec",
        "--pubkey-cert-pem",
        "key.pem",
        "--id-attr:ID",
        id,
    ];
    let said = xmlsec1(&arguments, xml, directory.path())?;
    let (_, rest) = said.split_once("== PreDigest data - start buffer:\n").ok_or_else(|| said.clone())?;
    let (bytes, _) = rest.split_once("\n== PreDigest data - end buffer").ok_or_else(|| said.clone())?;
    Ok(bytes.to_owned())
}

/// Fills the empty signature template in the document.
fn signed_by_xmlsec(xml: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.pem"), include_str!("../../fixtures/saml/idp.key.pem")).unwrap();
    xmlsec1(&["--sign", "--privkey-pem", "key.pem", "--id-attr:ID", ASSERTION], xml, directory.path()).unwrap()
}

#[test]
fn xmlsec1_verifies_what_we_sign() {
    for algorithm in [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::RsaSha384, SignatureAlgorithm::RsaSha512] {
        let signer = Signer::idp().with(algorithm);
        verifies(&Draft::new().sign_assertion(&signer).0, signer.certificate, ASSERTION).unwrap();
        verifies(&Draft::new().sign_response(&signer).0, signer.certificate, RESPONSE).unwrap();
    }
    let ec = Signer::ec();
    verifies(&Draft::new().sign_assertion(&ec).0, ec.certificate, ASSERTION).unwrap();
    let idp = Signer::idp();
    verifies(&idp.sign(&Draft::new().0, "_assertion1", &["xs", "saml", "#default"]), idp.certificate, ASSERTION).unwrap();
    verifies(&Draft::new().sign_assertion(&idp).sign_response(&idp).0, idp.certificate, RESPONSE).unwrap();
}

#[test]
fn xmlsec1_sees_what_we_see_when_something_was_changed() {
    let idp = Signer::idp();
    let changed = Draft::new().sign_assertion(&idp).edit("ada-0001", "admin-000");
    verifies(&changed.0, idp.certificate, ASSERTION).unwrap_err();
    assert_eq!(changed.refusal(), "digest_wrong");
}

#[test]
fn xmlsec1_verifies_our_signed_request() {
    let mut sp = Sp::default();
    sp.settings.request_binding = RequestBinding::Post;
    let started = sp.build().unwrap().start("r", Asking::Usual, now()).unwrap();
    let Go::Post { fields, .. } = started.go else { panic!("not a form") };
    verifies(&message::decode_post(&fields[0].1).unwrap(), SP_CERT, REQUEST).unwrap();
}

#[test]
fn we_accept_what_xmlsec1_signs_however_it_is_spelled() {
    let template = |prefixes: &str| {
        format!(
            "</saml:Issuer><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\n <SignedInfo>\n  <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><Reference URI=\"#_assertion1\"><Transforms><Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{prefixes}</Transform></Transforms><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference></SignedInfo><SignatureValue/></Signature><saml:Subject>"
        )
    };
    let inclusive =
        |list: &str| format!("<e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/>");
    let issuer = "</saml:Issuer><saml:Subject>";
    // Blanks of a value as they stand, which a parser makes one kind of.
    let blanks = Draft::new().edit("Name=\"displayName\"", "Name=\"displayName\" b='\t \n'");
    for draft in spellings().into_iter().chain([blanks]) {
        for list in ["", "xs", "#default xsi unused nothing"] {
            let prefixes = if list.is_empty() { String::new() } else { inclusive(list) };
            let signed = signed_by_xmlsec(&draft.clone().edit(issuer, &template(&prefixes)).0);
            let answer = Draft(signed.clone()).deliver();
            assert!(answer.is_ok(), "{list:?}: {:?}\n{signed}", answer.err());
            // And the other way round: the same document, signed by us.
            let ours = Signer::idp().sign(&draft.0, "_assertion1", &list.split_whitespace().collect::<Vec<_>>());
            verifies(&ours, Signer::idp().certificate, ASSERTION).unwrap();
        }
    }
}

#[test]
fn xmlsec1_opens_what_we_encrypt() {
    // Debian's version knows the older key wrapping only.
    let message = Draft::new().encrypt(Encryption::Aes128GcmOaepSha1);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("key.pem"), SP_KEY).unwrap();
    let opened = xmlsec1(&["--decrypt", "--privkey-pem", "key.pem"], &message.0, directory.path()).unwrap();
    assert!(opened.contains("ada-0001"), "{opened}");
}
