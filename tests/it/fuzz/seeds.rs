//! What fuzzing starts from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use usher::saml::message::Kind;

use crate::attacks::saml::logout::{logout_request, query};
use crate::attacks::saml::{Message, every_case};
use crate::config::{ORG, SMALLEST};
use crate::support::saml_idp::{Draft, EC_CERT, IDP, IDP_CERT, IDP_SLO, Scene, Signer};

/// Longer inputs slow the fuzzer down and show nothing that shorter ones do not.
const MAX_BYTES: usize = 32 * 1024;

pub(super) fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "saml_response" => [good_responses(), attacks(|message| matches!(message, Message::Response(_)))].concat(),
        "saml_signed" => {
            let messages = [good_responses(), attacks(|message| matches!(message, Message::Response(_)))].concat();
            messages.iter().filter_map(|message| unsigned(message)).collect()
        }
        "logout" => [logout_messages(), attacks(|message| !matches!(message, Message::Response(_)))].concat(),
        "metadata" => metadata(),
        "id_token" => id_tokens(),
        "cookie" => texts(&COOKIES),
        "path" => texts(&PATHS),
        "headers" => texts(&HEADERS),
        "org_toml" => org_toml(),
        other => panic!("{other}"),
    };
    seeds.retain(|seed| seed.len() <= MAX_BYTES);
    seeds.sort();
    seeds.dedup();
    seeds
}

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn good_responses() -> Vec<Vec<u8>> {
    let unasked = Draft::in_scene(&Scene { request: None, ..Scene::default() });
    let okta = Signer::idp().sign(&Draft::new().0, "_assertion1", &["xs"]);
    let drafts = [
        Draft::new().sign_assertion(&Signer::idp()),
        Draft::new().sign_response(&Signer::idp()),
        Draft::new().sign_assertion(&Signer::idp()).sign_response(&Signer::idp()),
        Draft::new().sign_assertion(&Signer::ec()),
        unasked.sign_response(&Signer::idp()),
        Draft(okta),
    ];
    drafts.into_iter().map(|draft| draft.0.into_bytes()).collect()
}

/// Every hostile message of this suite, without its base64.
fn attacks(wanted: fn(&Message) -> bool) -> Vec<Vec<u8>> {
    let sent = every_case().flat_map(|case| (case.build)(&Scene::default()));
    let messages = sent.map(|sent| sent.message).filter(wanted);
    let bytes = messages.filter_map(|message| match message {
        Message::Response(field) | Message::LogoutForm(_, field) => STANDARD.decode(field).ok(),
        Message::LogoutQuery(query) => Some(query.into_bytes()),
    });
    bytes.collect()
}

/// The message without its signatures, for the harness to sign.
fn unsigned(message: &[u8]) -> Option<Vec<u8>> {
    let mut text = String::from_utf8(message.to_vec()).ok()?;
    while let Some(at) = text.find("<ds:Signature ") {
        let end = at + text[at..].find("</ds:Signature>")? + "</ds:Signature>".len();
        text.replace_range(at..end, "");
    }
    Some(text.into_bytes())
}

fn logout_messages() -> Vec<Vec<u8>> {
    let request = logout_request(&Scene::default());
    let response = request.replace("LogoutRequest", "LogoutResponse").replace(
        "<saml:NameID>ada-0001</saml:NameID><samlp:SessionIndex>_session1</samlp:SessionIndex>",
        "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>",
    );
    let (_, signed) = query(&Signer::idp(), Kind::Request, &request, Some("state"));
    texts(&[&request, &response, &signed])
}

fn metadata() -> Vec<Vec<u8>> {
    let certificate = |pem: &str| pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let key = |pem: &str, key_use: &str| {
        format!(
            "<md:KeyDescriptor{key_use}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
            certificate(pem)
        )
    };
    let endpoint = |name: &str, binding: &str, more: &str| {
        format!("<md:{name} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{IDP_SLO}\"{more}/>")
    };
    let wrapped = |inside: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{inside}</md:IDPSSODescriptor></md:EntityDescriptor>"
        )
    };
    let (signing, sso) = (key(IDP_CERT, " use=\"signing\""), endpoint("SingleSignOnService", "HTTP-Redirect", ""));
    let post = endpoint("SingleSignOnService", "HTTP-POST", "");
    let slo = endpoint("SingleLogoutService", "HTTP-Redirect", " ResponseLocation=\"https://idp.example/done\"");
    let whole = wrapped(&format!("{signing}{}{slo}{sso}{post}", key(EC_CERT, "")));
    texts(&[
        &whole,
        &wrapped(&format!("{signing}{sso}")),
        &wrapped(&format!("{signing}{post}")),
        &wrapped(&signing),
        &wrapped(&sso),
        &format!("<?xml version=\"1.0\"?><!-- kept by hand -->{whole}"),
        &format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" validUntil=\"2030-01-01T00:00:00Z\">{whole}</md:EntitiesDescriptor>"
        ),
        &whole.replace("https://", "http://"),
        &whole.replace("https://", "javascript://"),
    ])
}

fn id_tokens() -> Vec<Vec<u8>> {
    let claims = r#"{"iss":"https://op.example","aud":"usher","sub":"ada","nonce":"nonce-0123456789","iat":1799999990,"exp":1800000300,"email":"ada@acme.example","name":"Ada","groups":["app-admins","design"]}"#;
    let listed = claims.replace("\"aud\":\"usher\"", "\"aud\":[\"usher\"],\"azp\":\"usher\"");
    let twice = claims.replace("\"sub\":\"ada\"", "\"sub\":\"eve\",\"sub\":\"ada\"");
    texts(&[
        claims,
        &listed,
        &twice,
        &listed.replace("[\"usher\"]", "[\"usher\",\"other\"]"),
        &claims.replace("\"groups\":[\"app-admins\",\"design\"]", "\"_claim_names\":{\"groups\":\"src1\"},\"at_hash\":\"AAAA\""),
        &claims.replace("1800000300", "1.8e9"),
        &claims.replace("1800000300", "1e300"),
        &claims.replace("\"email\":", "\"email_verified\":\"false\",\"email\":"),
        &format!("{}\n{claims}", r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#),
        &format!("{}\n{claims}", r#"{"alg":"none"}"#),
        &format!("{}\n{claims}", r#"{"alg":"ES256","crit":["b64"],"b64":false}"#),
        "eyJhbGciOiJub25lIn0.e30.",
        "code=abc&state=def&iss=https%3A%2F%2Fop.example",
        "error=access_denied&state=def&error_description=no",
    ])
}

const COOKIES: [&str; 9] = [
    "a=b; __Host-usher=abc; c=d",
    "__Host-usher=abc",
    "__Host-usher=a; __Host-usher=b",
    "a=b\n__HOST-Usher-enter = x; c",
    "__Host-usher; =; ;; a==b",
    "a=\"__Host-usher=x\"",
    "\t__Host-usher\t=\tx\t;",
    "a\n\nb",
    "__host-usher-tx=1;__Host-usher=\u{e4}",
];

const PATHS: [&str; 14] = [
    "/",
    "/a/b?c=d",
    "/a%20b/%C3%A4",
    "/a/../b",
    "/a/%2e%2e/b",
    "/a/..;x/b",
    "/a%2fb",
    "/a%252fb",
    "/a%5cb",
    "/%00",
    "//evil.example/",
    "/.usher/me",
    "/a/.%2e;/b?c=%zz",
    "http://other.example/a",
];

const HEADERS: [&str; 9] = [
    "Host: app.acme.example\nAccept: */*\nCookie: a=b; __Host-usher=x",
    "Host: app.acme.example\nX-Usher-Role: Owner\nX_Usher_Role: Owner\nx.usher.role: Owner",
    "Host: app.acme.example\nConnection: X-Usher-Role, close, Host\nX-Usher-Role: Owner",
    "Host: a\nHost: b",
    "Host: a\nTransfer-Encoding: chunked\nContent-Length: 1",
    "Host: a\nRemote-User: root\nRemote.User: root\nremote!user: root",
    "Host: a\nUpgrade: websocket\nConnection: upgrade\nSec-WebSocket-Key: x",
    "Host: a\nForwarded: for=x\nX-Forwarded-For: 1.2.3.4\nX-Real-IP: x\nProxy: http://evil",
    "Host: a\nTE: trailers\nExpect: 100-continue\nKeep-Alive: x\nHTTP2-Settings: AA",
];

fn org_toml() -> Vec<Vec<u8>> {
    let oidc = "[[connection]]\nid = \"entra\"\nprotocol = \"oidc\"\nissuer = \"https://login.example/v2.0\"\nclient_id = \"x\"\nclient_secret = \"y\"\n[connection.claims]\ngroups = \"/a/b\"\n";
    texts(&[
        ORG,
        SMALLEST,
        oidc,
        &format!("{ORG}\n{oidc}"),
        "[parent]\nname = \"Acme\"\n[[domain]]\nname = \"acme.example\"\nverified = \"dns\"\n",
        "[[organization]]\nid = \"a\"\nplan = \"console\"\nroles = [\"A\", \"A\"]\nseat_tiers = [{ name = \"x\", seats = -1 }]\n",
        "a = [1, {b = \"\u{202e}\"}]\n\"\" = 1979-05-27T07:32:00Z\nc.d.e = nan\n",
        "[organization.role_mappings]\nOwner = [\"env:HOME\"]\n",
    ])
}
