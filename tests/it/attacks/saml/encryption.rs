//! What a server that decrypts can be made to tell, and what decryption is taken for.

use usher::core::Cbc;
use usher::saml::encryption::{Encryption, encrypt_assertion};

use super::{Sent, all, answering, cases, cut_assertion, evil_assertion, signed};
use crate::support::saml_idp::{Draft, OTHER_CERT, Scene, Signer, Sp, der};

const GCM: Encryption = Encryption::Aes256GcmOaepSha256;
const CBC: Encryption = Encryption::Aes256CbcOaepSha1;

/// One character of the n-th ciphertext is another.
fn flipped(draft: &Draft, nth: usize, offset: usize) -> Draft {
    let at = draft.0.match_indices("<xenc:CipherValue>").nth(nth).unwrap().0 + "<xenc:CipherValue>".len() + offset;
    let mut xml = draft.0.clone();
    let other = if &xml[at..=at] == "A" { "B" } else { "A" };
    xml.replace_range(at..=at, other);
    Draft(xml)
}

fn exception(sp: &mut Sp) {
    sp.settings.cbc = Cbc::UnsignedResponse;
}

fn whole_only(sp: &mut Sp) {
    sp.settings.cbc = Cbc::SignedResponse;
}

cases! {
    "G1" encryption_is_no_signature "signature_missing":
    "Encrypted by anyone"; "Dos and Don'ts of XML encryption; our metadata has the key"; "An unsigned assertion, encrypted for us.";
    |scene| [answering(scene).encrypt(GCM)]
    "G2" a_cbc_message_where_it_is_not_allowed "encryption_refused":
    "CBC"; "How to Break XML Encryption (CCS 2011)"; "CBC of every key length and RSA 1.5, in a signed response, without the connection's leave.";
    |scene| {
        let rename = |from: &str, to: &str| answering(scene).encrypt(Encryption::Aes128GcmOaepSha1).edit(from, to).sign_response(&Signer::idp());
        let gcm = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
        [
            answering(scene).encrypt(CBC).sign_response(&Signer::idp()),
            answering(scene).encrypt(Encryption::Aes128CbcOaepSha1).sign_response(&Signer::idp()),
            rename(gcm, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"),
            rename("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
        ]
    }
    "G3" rsa_1_5_even_where_cbc_is_allowed "encryption_refused":
    "Bleichenbacher"; "Bleichenbacher's Attack Strikes Again (ESORICS 2012)"; "RSA PKCS#1 v1.5 key transport under every setting.";
    |scene| {
        let old = answering(scene).encrypt(CBC).edit("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5");
        [Sent::from(old.sign_response(&Signer::idp())).under(whole_only), Sent::from(signed(scene).encrypt(CBC).edit("rsa-oaep-mgf1p", "rsa-1_5")).under(exception)]
    }
    "G4" a_cbc_message_that_is_not_signed_as_a_whole "cbc_unsigned":
    "CBC oracle"; "How to Break XML Encryption (CCS 2011)"; "A CBC message without a signature of the response: it is not decrypted.";
    |scene| [Sent::from(signed(scene).encrypt(CBC)).under(whole_only), Sent::from(answering(scene).encrypt(CBC)).under(whole_only)]
    "G5" every_failure_behind_an_unsigned_response_is_the_same "decryption_failed":
    "CBC oracle, with the exception"; "How to Break XML Encryption (CCS 2011)"; "Changed key, first block, last block (the padding), somebody else's key, no signature inside, another's signature inside.";
    |scene| {
        let genuine = signed(scene).encrypt(CBC);
        let last = {
            let Draft(xml) = &genuine;
            let at = xml.rfind("</xenc:CipherValue>").unwrap();
            let start = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
            at - start - 4
        };
        let foreign = Draft(encrypt_assertion(&signed(scene).0, "_assertion1", &der(OTHER_CERT), CBC).unwrap());
        [
            flipped(&genuine, 0, 0), flipped(&genuine, 1, 40), flipped(&genuine, 1, last), foreign,
            answering(scene).encrypt(CBC), answering(scene).sign_assertion(&Signer::other()).encrypt(CBC),
        ].map(|draft| Sent::from(draft).under(exception))
    }
    "G6" a_changed_ciphertext "decryption_failed":
    "Changed ciphertext"; "NIST SP 800-38D"; "Another byte of key or content, and a key of somebody else, in AES-GCM.";
    |scene| {
        let genuine = signed(scene).encrypt(GCM);
        let foreign = Draft(encrypt_assertion(&signed(scene).0, "_assertion1", &der(OTHER_CERT), GCM).unwrap());
        [flipped(&genuine, 0, 0), flipped(&genuine, 1, 0), foreign]
    }
    "G7" a_wrong_signature_inside_or_outside "signature_wrong":
    "Encrypted and badly signed"; "SAML Core 6.2"; "One of two signatures is another's: before and after decryption.";
    |scene| [
        answering(scene).sign_assertion(&Signer::other()).encrypt(GCM).sign_response(&Signer::idp()),
        answering(scene).sign_assertion(&Signer::idp()).encrypt(GCM).sign_response(&Signer::other()),
    ]
    "G8" an_encrypted_assertion_beside_a_signed_one "assertion_not_one":
    "Encrypted assertion beside a signed one"; "ruby-saml, encrypted_new_attack"; "The signed assertion with an encrypted evil one, in both orders.";
    |scene| {
        let (original, shell) = cut_assertion(&signed(scene).0);
        let evil = Draft(shell.replace("</samlp:Response>", &format!("{}</samlp:Response>", evil_assertion(scene))));
        let evil = encrypt_assertion(&evil.0, "_evil", &der(crate::support::saml_idp::SP_CERT), GCM).unwrap();
        all([
            Draft(evil.replace("</samlp:Response>", &format!("{original}</samlp:Response>"))),
            Draft(evil.replace("<saml:EncryptedAssertion", &format!("{original}<saml:EncryptedAssertion"))),
        ])
    }
    "G9" an_assertion_that_hides_another_inside_the_encryption "assertion_misplaced":
    "Wrapping under encryption"; "On Breaking SAML"; "What comes out of the encryption holds a second assertion.";
    |scene| [signed(scene).edit("<saml:AttributeStatement>", "<saml:Assertion ID=\"_evil\"/><saml:AttributeStatement>").encrypt(GCM)]
    "G10" a_key_by_retrieval_method "encryption_refused":
    "Key from elsewhere"; "XML Encryption 3.5 (SSRF)"; "Two encrypted keys, none, and one that is to be fetched.";
    |scene| {
        let draft = answering(scene).encrypt(GCM);
        let (key, without) = super::cut(&draft.0, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>");
        let fetched = draft.0.replace(&key, &format!("<ds:RetrievalMethod URI=\"{}\"/>", scene.bait_url));
        [draft.0.replace(&key, &key.repeat(2)), without, fetched].map(|xml| Draft(xml).sign_response(&Signer::idp()))
    }
    "G11" a_document_type_inside_the_encryption "decryption_failed":
    "Junk inside the encryption"; "On Breaking SAML"; "Behind an unsigned response in CBC mode, what comes out is no assertion: the same answer as for a wrong key.";
    |scene: &Scene| {
        let odd = signed(scene).edit("ada-0001", "<saml:Assertion/>");
        [Sent::from(odd.encrypt(CBC)).under(exception)]
    }
}
