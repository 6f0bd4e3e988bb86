//! A message that somebody pasted to see what it would mean: read, and believed by nobody.

use usher::core::ConnectionId;
use usher::saml::encryption::Encryption;
use usher::saml::message::encode_post;
use usher::saml::read_unverified;

use crate::support::saml_idp::{Draft, Signer, Sp, assertion};

/// Whom it is about; `None` when that is encrypted.
fn subject(pasted: &str) -> Result<Option<String>, &'static str> {
    let connection = ConnectionId::parse("okta").unwrap();
    let read = read_unverified(&connection, &Sp::default().settings, pasted);
    read.map(|identity| identity.map(|identity| identity.subject)).map_err(|error| error.code())
}

#[test]
fn a_response_or_its_assertion_is_read_whoever_signed_it() {
    let ada = Ok(Some("ada-0001".to_owned()));
    for draft in [Draft::new(), Draft::new().sign_response(&Signer::other())] {
        assert_eq!(subject(&draft.0), ada);
        assert_eq!(subject(&format!(" {}\n", encode_post(&draft.0))), ada);
    }
    assert_eq!(subject(&assertion("_assertion1", "ada-0001")), ada);
    assert_eq!(subject(&Draft::new().encrypt(Encryption::Aes256GcmOaepSha256).0), Ok(None));
}

#[test]
fn the_gate_is_in_front_of_it_too() {
    assert_eq!(subject("<x/>"), Err("structure"));
    assert_eq!(subject(&format!("<!DOCTYPE x>{}", Draft::new().0)), Err("doctype"));
    let nested = assertion("_assertion1", "ada-0001").replace("<saml:Subject>", &format!("{}<saml:Subject>", assertion("_evil", "eve")));
    assert_eq!(subject(&nested), Err("assertion_misplaced"));
    assert_eq!(subject(&format!("<a>{}</a>", "x".repeat(256 * 1024))), Err("too_large"));
}
