//! Encrypted assertions: opened only with a signature outside or inside, and only with authenticated encryption.

use usher::core::Cbc;
use usher::saml::SamlError;
use usher::saml::encryption::{Encryption, encrypt_assertion};

use crate::support::saml_idp::{Draft, OTHER_CERT, Signer, Sp, der};

const BOTH: [Encryption; 2] = [Encryption::Aes128GcmOaepSha1, Encryption::Aes256GcmOaepSha256];

#[test]
fn the_signature_may_be_outside() {
    for encryption in BOTH {
        let message = Draft::new().encrypt(encryption).sign_response(&Signer::idp());
        assert!(!message.0.contains("ada-0001"));
        assert_eq!(message.deliver().unwrap().identity().subject, "ada-0001");
    }
}

#[test]
fn the_signature_may_be_inside() {
    for encryption in BOTH {
        let message = Draft::new().sign_assertion(&Signer::idp()).encrypt(encryption);
        assert_eq!(message.deliver().unwrap().identity().subject, "ada-0001");
    }
}

#[test]
fn cbc_is_opened_where_the_connection_says_so_and_a_signature_stands_in_front() {
    for encryption in [Encryption::Aes128CbcOaepSha1, Encryption::Aes256CbcOaepSha1] {
        let (outside, inside) = (
            Draft::new().encrypt(encryption).sign_response(&Signer::idp()),
            Draft::new().sign_assertion(&Signer::idp()).encrypt(encryption),
        );
        let answer = |cbc, draft: &Draft| {
            let mut sp = Sp::default();
            sp.settings.cbc = cbc;
            sp.finish(&draft.0).map(|checked| checked.identity().subject.clone()).map_err(|error| error.code())
        };
        assert_eq!(answer(Cbc::Never, &outside), Err("encryption_refused"));
        assert_eq!(answer(Cbc::Never, &inside), Err("encryption_refused"));
        assert_eq!(answer(Cbc::SignedResponse, &outside), Ok("ada-0001".to_owned()));
        assert_eq!(answer(Cbc::SignedResponse, &inside), Err("cbc_unsigned"));
        assert_eq!(answer(Cbc::UnsignedResponse, &outside), Ok("ada-0001".to_owned()));
        assert_eq!(answer(Cbc::UnsignedResponse, &inside), Ok("ada-0001".to_owned()));
    }
}

#[test]
fn both_signatures_must_verify() {
    let message = |inner: &Signer, outer: &Signer| Draft::new().sign_assertion(inner).encrypt(BOTH[1]).sign_response(outer);
    message(&Signer::idp(), &Signer::idp()).deliver().unwrap();
    assert_eq!(message(&Signer::other(), &Signer::idp()).refusal(), "signature_wrong");
    assert_eq!(message(&Signer::idp(), &Signer::other()).refusal(), "signature_wrong");
}

#[test]
fn encryption_is_not_a_signature() {
    // Anyone can encrypt for us: the certificate is in our metadata.
    assert_eq!(Draft::new().encrypt(BOTH[1]).refusal(), "signature_missing");
}

#[test]
fn what_comes_out_goes_through_the_same_gate() {
    let inner = Draft::new().sign_assertion(&Signer::idp());
    let hidden = inner.edit("<saml:AttributeStatement>", "<saml:Assertion ID=\"_evil\"/><saml:AttributeStatement>");
    assert_eq!(hidden.encrypt(BOTH[1]).refusal(), "assertion_misplaced");
}

#[test]
fn a_changed_or_foreign_ciphertext_is_one_and_the_same_failure() {
    let message = Draft::new().sign_assertion(&Signer::idp());
    let foreign = Draft(encrypt_assertion(&message.0, "_assertion1", &der(OTHER_CERT), BOTH[1]).unwrap());
    assert_eq!(foreign.deliver().unwrap_err(), SamlError::DecryptionFailed);
    let genuine = message.encrypt(BOTH[1]);
    for nth in 0..2 {
        let at = genuine.0.match_indices("<xenc:CipherValue>").nth(nth).unwrap().0 + "<xenc:CipherValue>".len();
        let mut xml = genuine.0.clone();
        let flipped = if &xml[at..=at] == "A" { "B" } else { "A" };
        xml.replace_range(at..=at, flipped);
        assert_eq!(Draft(xml).deliver().unwrap_err(), SamlError::DecryptionFailed);
    }
}

#[test]
fn algorithms_that_make_an_oracle_are_refused() {
    let message = |from: &str, to: &str| Draft::new().encrypt(BOTH[0]).edit(from, to).sign_response(&Signer::idp()).refusal();
    let (gcm, oaep) = ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p");
    for cbc in ["aes128-cbc", "aes256-cbc", "tripledes-cbc"] {
        assert_eq!(message(gcm, &format!("http://www.w3.org/2001/04/xmlenc#{cbc}")), "encryption_refused");
    }
    assert_eq!(message(oaep, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"), "encryption_refused");
}

#[test]
fn only_one_encrypted_key_is_tried() {
    let draft = Draft::new().encrypt(BOTH[0]);
    let at = draft.0.find("<xenc:EncryptedKey>").unwrap();
    let to = draft.0.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let key = draft.0[at..to].to_owned();
    assert_eq!(draft.clone().edit(&key, &key.repeat(2)).sign_response(&Signer::idp()).refusal(), "encryption_refused");
    let none = draft.clone().edit(&key, "<ds:RetrievalMethod URI=\"http://127.0.0.1:1/\"/>");
    assert_eq!(none.clone().sign_response(&Signer::idp()).refusal(), "encryption_refused");
    let namespaced = key.replacen("<xenc:EncryptedKey", "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"", 1);
    let beside = none.edit("</xenc:EncryptedData>", &format!("</xenc:EncryptedData>{namespaced}"));
    beside.sign_response(&Signer::idp()).deliver().unwrap();
}

#[test]
fn guesses_at_one_content_key_are_counted_under_one_name() {
    let mut sp = Sp::default();
    sp.settings.cbc = Cbc::UnsignedResponse;
    let provider = sp.build().unwrap();
    let key = |draft: &Draft| provider.openings_key(&usher::saml::message::encode_post(&draft.0));
    let sealed = || Draft::new().encrypt(Encryption::Aes256CbcOaepSha1);
    let (one, other) = (sealed(), sealed());
    assert!(key(&one).is_some_and(|name| name.starts_with("saml-openings:okta:")));
    assert_ne!(key(&one), key(&other), "every message has a content key of its own");
    assert_eq!(key(&one), key(&one.clone().edit("ID=\"_response1\"", "ID=\"_response2\"")), "whatever else is changed");
    assert_eq!(key(&Draft::new().encrypt(BOTH[0])), None, "GCM tells nothing");
    assert_eq!(key(&Draft::new()), None);
    assert_eq!(Sp::default().build().unwrap().openings_key(&usher::saml::message::encode_post(&one.0)), None, "CBC is not opened");
}
