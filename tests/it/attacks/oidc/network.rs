//! A provider's machines in somebody else's hands, or in trouble.

use serde_json::json;

use super::{Sent, cases, does};
use crate::support::op::Reply;

/// These endpoints answer so.
fn answers<const N: usize>(endpoints: [&'static str; N], reply: fn() -> Reply) -> [Sent; N] {
    endpoints.map(|endpoint| {
        let sent = does(move |op| drop(op.replies.insert(endpoint, reply())));
        if endpoint == "userinfo" { sent.in_userinfo() } else { sent }
    })
}

const ALL: [&str; 4] = ["discovery", "keys", "token", "userinfo"];

cases! {
    "ON1" a_redirect_into_the_network "provider_blocked":
    "Redirect to the metadata service"; "server-side request forgery; CVE-2021-21288 and its kin"; "Each endpoint redirects to 169.254.169.254; nobody goes there.";
    |_| answers(ALL, || Reply::Redirect("http://169.254.169.254/latest/meta-data".to_owned()))
    "ON2" a_redirect_to_anywhere "provider_blocked":
    "Redirect"; "server-side request forgery"; "Each endpoint redirects to a listener that nobody may ask.";
    |bait| {
        let bait = bait.to_owned();
        ALL.map(|endpoint| {
            let bait = bait.clone();
            let sent = does(move |op| drop(op.replies.insert(endpoint, Reply::Redirect(bait.clone()))));
            if endpoint == "userinfo" { sent.in_userinfo() } else { sent }
        })
    }
    "ON3" endpoints_inside_the_network "provider_blocked":
    "Discovery that points inside"; "server-side request forgery"; "A discovery document whose key set or token endpoint is at a link-local address, plain http, a file.";
    |_| ["http://169.254.169.254/keys", "http://op.example/keys", "file:///etc/passwd", "https://[fe80::1]/keys", "https://user:pass@op.example/"]
        .into_iter().flat_map(|url| ["jwks_uri", "token_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint"].map(|member| does(move |op| op.discovery = json!({ member: url }))))
        .collect::<Vec<_>>()
    "ON4" answers_that_are_too_large "provider_answer_too_large":
    "Huge answer"; "memory exhaustion"; "Ten megabytes from each endpoint, announced.";
    |_| answers(ALL, || Reply::Huge)
    "ON5" answers_that_never_end "provider_answer_too_large":
    "Endless answer"; "memory exhaustion"; "A stream without end from each endpoint.";
    |_| answers(ALL, || Reply::Endless)
    "ON6" an_answer_that_never_comes "provider_unreachable":
    "Slow answer"; "slow loris, from the other side"; "A head, and then silence, from each endpoint: ten seconds, and no more.";
    |_| answers(ALL, || Reply::Silent).map(Sent::slow)
    "ON7" a_bomb_at_discovery "discovery_invalid":
    "Compression bomb at discovery"; "zip bomb"; "Sixteen mebibytes, packed into a thousandth: nobody unpacks it. And HTML, and 404.";
    |_| [Reply::bomb(), Reply::Html, Reply::Status(404)].map(|reply| does(move |op| drop(op.replies.insert("discovery", reply.clone()))))
    "ON8" a_bomb_at_the_keys "keys_invalid":
    "Compression bomb at the key set"; "zip bomb"; "The same at the key set, and a list that is none.";
    |_| [Reply::bomb(), Reply::Html, Reply::Status(404), Reply::Json(r#"{"keys":{}}"#.to_owned()), Reply::Json(r#"{"keys":[],"keys":[]}"#.to_owned())]
        .map(|reply| does(move |op| drop(op.replies.insert("keys", reply.clone()))))
    "ON9" a_bomb_at_the_token_endpoint "token_response_malformed":
    "Compression bomb at the token endpoint"; "zip bomb"; "The same in place of a token response.";
    |_| [Reply::bomb()].map(|reply| does(move |op| drop(op.replies.insert("token", reply.clone()))))
    "ON10" a_provider_that_is_down "provider_unreachable":
    "Provider down"; "503 and 429 at each step"; "Each endpoint answers 500, 503, 429: nobody is signed in, and nobody is signed out.";
    |_| [500, 503, 429].into_iter().flat_map(|status| ALL.map(|endpoint| {
        let sent = does(move |op| drop(op.replies.insert(endpoint, Reply::Status(status))));
        if endpoint == "userinfo" { sent.in_userinfo() } else { sent }
    })).collect::<Vec<_>>()
    "ON11" a_discovery_document_of_somebody_else "discovery_issuer_mismatch":
    "Discovery of another issuer"; "OpenID conformance `discovery-issuer-mismatch`; OpenID Connect Discovery 4.3"; "A document that names another issuer: the browser does not even leave.";
    |_| ["https://op.example", "http://op.localhost", ""].map(|issuer| does(move |op| op.discovery = json!({ "issuer": issuer })))
    "ON12" a_provider_without_pkce "pkce_unsupported":
    "PKCE downgrade"; "RFC 9700 2.1.1"; "A provider that offers only `plain`.";
    |_| [does(|op| op.discovery = json!({ "code_challenge_methods_supported": ["plain"] }))]
}
