//! Who signed, how, and whether it is an ID token at all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{cases, does};
use crate::support::op::{CLIENT_SECRET, Key, REMOVED, Signing};

/// An RSA key of this many bits that anybody can take apart.
fn small_rsa(kid: &str, bits: usize) -> serde_json::Value {
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": URL_SAFE_NO_PAD.encode(vec![0xff_u8; bits / 8]), "e": "AQAB" })
}

cases! {
    "OS1" a_token_without_a_signature "algorithm_not_allowed":
    "No signature"; "OpenID conformance `idtoken-sig-none`; CVE-2015-9235"; "`alg: none` with an empty signature, in other spellings, and no `alg` at all.";
    |_| ["none", "None", "nOnE", "", REMOVED].map(|alg| does(move |op| (op.signing, op.header) = (Signing::None, json!({ "alg": alg }))))
    "OS2" a_token_signed_with_the_client_secret "algorithm_not_allowed":
    "The client's own secret"; "FAPI `invalid-alternate-alg`; Authentik without a signing key"; "HS256 with the client secret, which too many parties know, although the provider says that it offers it.";
    |_| [does(|op| op.signing = Signing::Hmac(CLIENT_SECRET.into()))]
    "OS3" a_token_signed_with_the_public_key_as_a_secret "algorithm_not_allowed":
    "RS256 read as HS256"; "CVE-2015-9235, CVE-2016-10555"; "HS256 with the provider's public key for a secret.";
    |_| [does(|op| op.signing = Signing::Hmac(op.key.jwk("k1").to_string().into_bytes()))]
    "OS4" a_signature_that_was_changed "signature_invalid":
    "Broken signature"; "OpenID conformance `invalid-sig-rs256`, `invalid-sig-es256`"; "One bit of the signature turned.";
    |_| [does(|op| op.signing = Signing::Broken)]
    "OS5" a_token_signed_by_a_stranger "signature_invalid":
    "A stranger's key under the provider's name"; "RFC 8725 2.1"; "A token of a stranger's key, under the key id of the provider's.";
    |_| [does(|op| {
        let published = std::mem::replace(&mut op.key, Key::es256());
        op.replies.insert("keys", crate::support::op::Reply::Json(json!({ "keys": [published.jwk("k1")] }).to_string()));
    })]
    "OS6" a_key_that_the_token_brings_along "key_not_found":
    "The token's own key"; "CVE-2018-0114; RFC 8725 3.10"; "A stranger's key in `jwk`, and an address in `jku` and `x5u` that nobody asks.";
    |bait| {
        let bait = bait.to_owned();
        [does(move |op| op.header = json!({ "jwk": Key::es256().jwk("evil"), "jku": bait, "x5u": bait, "kid": "evil" }))]
    }
    "OS7" a_key_id_that_is_a_path_or_a_query "key_not_found":
    "Key id as a path"; "CVE-2018-0114 and its kin"; "A `kid` that leads to a file, to a table, to the whole list, and an empty one.";
    |_| ["../../../../dev/null", "' UNION SELECT 'x", "*", "", "k1\u{0}"].map(|kid| does(move |op| op.header = json!({ "kid": kid })))
    "OS8" a_key_id_that_is_no_text "id_token_malformed":
    "Key id that is no text"; "RFC 7515 4.1.4"; "A `kid` that is a list, a number, null.";
    |_| [json!(["k1"]), json!(1), json!(null)].map(|kid| does(move |op| op.header = json!({ "kid": kid })))
    "OS9" a_token_that_does_not_say_which_key "key_ambiguous":
    "No key id, several keys"; "OpenID conformance `kid-absent-multiple-jwks`"; "No `kid` where two keys fit, and a `kid` that two keys have.";
    |_| [
        does(|op| (op.header, op.more_keys) = (json!({ "kid": REMOVED }), vec![Key::es256().jwk("k9")])),
        does(|op| op.more_keys = vec![Key::es256().jwk("k1")]),
    ]
    "OS10" a_key_behind_three_hundred_others "key_not_found":
    "Three hundred keys"; "hostile key set"; "The signing key at the end of three hundred: a hundred are read.";
    |_| [does(|op| op.more_keys = (0..300).map(|number| small_rsa(&number.to_string(), 2048)).collect())]
    "OS11" a_key_that_is_too_short "key_not_found":
    "Short RSA key"; "NIST SP 800-131A; RSA-512 takes an hour to factor"; "RSA keys of 512 and 1024 bits, each with a genuine signature of 1024 bits over the token.";
    |_| [512, 1024].map(|bits| does(move |op| {
        op.key = Key::weak();
        op.kid = Some("unused".to_owned());
        op.more_keys = vec![small_rsa("short", bits)];
        op.header = json!({ "kid": "short" });
    }).under(|settings| settings.algorithms = vec!["RS256".to_owned()]))
    "OS12" another_kind_of_token "id_token_wrong_type":
    "Another kind of token"; "RFC 8725 3.11; RFC 9068; cross-JWT confusion"; "An access token, a logout token, a nested token, one with extensions that must be understood: genuinely signed.";
    |_| [
        json!({ "typ": "at+jwt" }), json!({ "typ": "logout+jwt" }), json!({ "typ": "dpop+jwt" }), json!({ "typ": 7 }), json!({ "cty": "JWT" }),
        json!({ "crit": ["exp"], "exp": 1 }), json!({ "crit": [] }), json!({ "crit": ["b64"], "b64": false }),
    ].map(|header| does(move |op| op.header = header.clone()))
}
