//! What comes from the endpoints and with the callback, where it is not what it should be.

use serde_json::json;

use super::{Sent, cases, does};
use crate::support::op::{REMOVED, Reply};

/// The token response with this instead of its ID token.
fn id_token(text: impl Into<serde_json::Value>) -> Sent {
    let text = text.into();
    does(move |op| op.tokens = json!({ "id_token": text }))
}

/// The callback with these parameters.
fn callback<const N: usize>(parameters: [(&'static str, &'static str); N]) -> Sent {
    does(move |op| op.callback.extend(parameters.map(|(name, value)| (name, value.to_owned()))))
}

fn userinfo(reply: Reply) -> Sent {
    does(move |op| drop(op.replies.insert("userinfo", reply.clone()))).in_userinfo()
}

cases! {
    "OA1" a_token_response_without_an_id_token "id_token_missing":
    "No ID token"; "OAuth where OpenID Connect was asked for"; "A token response without an ID token, and with null.";
    |_| [id_token(REMOVED), id_token(serde_json::Value::Null)]
    "OA2" an_id_token_that_is_none "id_token_malformed":
    "No JWT"; "FAPI: encrypted ID token"; "A word, two parts, five parts (encrypted), padding, another alphabet.";
    |_| ["x", "a.b", "a.b.c.d.e", "eyJhbGciOiJFUzI1NiJ9=.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.+/", " eyJhbGciOiJFUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.AA "].map(id_token)
    "OA3" an_id_token_that_is_too_large "id_token_too_large":
    "Huge ID token"; "20,000 groups; memory exhaustion"; "70,000 characters, and a genuine token with twenty thousand groups.";
    |_| [id_token("x".repeat(70_000)), does(|op| op.claims = json!({ "roles": (0..20_000).map(|n| format!("group-{n}")).collect::<Vec<_>>() }))]
    "OA4" a_token_response_that_is_none "token_response_malformed":
    "No token response"; "RFC 6749 5.1; a proxy's error page"; "HTML under 200, a list, nothing, a byte order mark, the ID token as a number, no access token, another kind of access token, a line break in it.";
    |_| [
        does(|op| drop(op.replies.insert("token", Reply::Html))),
        does(|op| drop(op.replies.insert("token", Reply::Json("[]".to_owned())))),
        does(|op| drop(op.replies.insert("token", Reply::Json(String::new())))),
        does(|op| drop(op.replies.insert("token", Reply::Json("\u{feff}{}".to_owned())))),
        does(|op| drop(op.replies.insert("token", Reply::Status(403)))),
        id_token(7),
        does(|op| op.tokens = json!({ "access_token": REMOVED })),
        does(|op| op.tokens = json!({ "access_token": "a\r\nX-Evil: 1" })),
        does(|op| op.tokens = json!({ "token_type": "dpop" })),
        does(|op| op.tokens = json!({ "token_type": REMOVED })),
    ]
    "OA5" a_member_that_stands_twice "token_response_malformed":
    "A member twice"; "RFC 8259 4: two parsers, two readings"; "Two ID tokens in one token response.";
    |_| [does(|op| drop(op.replies.insert("token", Reply::Json(r#"{"access_token":"a","token_type":"bearer","id_token":"a.b.c","id_token":"d.e.f"}"#.to_owned()))))]
    "OA6" an_answer_of_another_issuer "callback_issuer_mismatch":
    "Mix-up"; "RFC 9207; FAPI `invalid-authorization-response-iss`"; "Another provider's `iss` in the answer, ours with a slash, an error with another `iss`: no code is redeemed.";
    |_| [
        callback([("iss", "https://evil.example")]), callback([("iss", "http://op.localhost/")]),
        callback([("iss", "https://evil.example"), ("code", ""), ("error", "access_denied")]),
    ]
    "OA7" an_answer_without_the_issuer_that_was_promised "callback_issuer_missing":
    "Mix-up by leaving out"; "RFC 9207 2.4; FAPI `remove-authorization-response-iss`"; "No `iss` in the answer of a provider that promises one.";
    |_| [callback([("iss", "")])]
    "OA8" a_code_that_the_provider_refuses "code_refused":
    "Foreign or used code"; "RFC 6749 4.1.2; code injection"; "A code of another login, and one that was never given.";
    |_| [callback([("code", "stolen")]), callback([("code", "' OR 1=1 --")])]
    "OA9" an_error_of_the_provider "provider_refused":
    "Error with markup"; "RFC 6749 4.1.2.1; cross-site scripting"; "Errors with markup, line breaks and addresses in them: nothing of it reaches the page.";
    |_| [
        callback([("code", ""), ("error", "login_required"), ("error_description", "<script>alert(1)</script> for ada@acme.example")]),
        callback([("code", ""), ("error", "<script>alert(1)</script>\r\nX-Evil: 1")]),
    ]
    "OA10" userinfo_about_somebody_else "userinfo_subject_mismatch":
    "Somebody else's claims"; "OpenID conformance `userinfo-invalid-sub`; OpenID Connect Core 5.3.2"; "Userinfo with another subject, a number, none.";
    |_| [json!({ "sub": "eve", "groups": ["app-owners"] }), json!({ "sub": 7 }), json!({ "sub": REMOVED }), json!({ "sub": "ada " })]
        .map(|changes| does(move |op| op.userinfo = changes.clone()).in_userinfo())
    "OA11" userinfo_that_cannot_be_read "userinfo_invalid":
    "Unreadable userinfo"; "RFC 8259 4"; "HTML, a refusal, the subject twice, a list: half of the facts are no facts.";
    |_| [Reply::Html, Reply::Status(401), Reply::Json(r#"{"sub":"eve","sub":"ada"}"#.to_owned()), Reply::Json("[]".to_owned())].map(userinfo)
    "OA12" signed_userinfo_of_a_stranger "userinfo_invalid":
    "Signed userinfo that does not count"; "OpenID Connect Core 5.3.2; OpenID conformance `userinfo-signed`"; "Signed claims of another issuer, for another client, without either, and past their end.";
    |_| [
        does(|op| op.signed_userinfo = Some(json!({ "iss": "https://evil.example" }))),
        does(|op| op.signed_userinfo = Some(json!({ "iss": REMOVED }))),
        does(|op| op.signed_userinfo = Some(json!({ "aud": "stranger" }))),
        does(|op| op.signed_userinfo = Some(json!({ "aud": REMOVED }))),
        does(|op| op.signed_userinfo = Some(json!({ "exp": op.now.as_second() - 60 }))),
        does(|op| op.signed_userinfo = Some(json!({ "exp": "never" }))),
    ].map(Sent::in_userinfo)
}
