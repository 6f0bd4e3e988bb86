//! New keys and secrets, while people work.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::jwk::JwkSet;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use usher::clock::{Clock as _, SystemClock};

use super::{Files, Load, Node, ada, org_toml, sign_in, sign_in_by_oidc};
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::echo::Echo;
use crate::support::installation::Site;
use crate::support::op::{CLIENT_ID, Op};
use crate::support::port::free_port;
use crate::support::saml_idp::der;

/// The keys that apps check tokens with, by id.
async fn published(node: &Node) -> BTreeSet<String> {
    let keys: JwkSet = serde_json::from_str(&node.ask(Ask::to("auth.localhost", "GET", "/.well-known/jwks.json")).await.body).unwrap();
    keys.keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
}

/// The id of the key that signed the token which the app receives.
async fn signed_with(node: &Node, cookie: &str) -> String {
    let received = node.ask(Ask::to("app.localhost", "GET", "/token").cookie(cookie)).await.received();
    jsonwebtoken::decode_header(received.all("x-usher-assertion")[0]).unwrap().kid.unwrap()
}

/// How many certificates the SAML metadata shows for our signatures.
async fn saml_signing_keys(node: &Node) -> usize {
    node.ask(Ask::to("auth.localhost", "GET", "/saml/okta/metadata")).await.body.matches("use=\"signing\"").count()
}

/// oauth2-proxy #963: a new secret signed everybody out.
#[tokio::test]
async fn every_key_is_changed_twice_under_load_and_nobody_notices() {
    let (app, port) = (Echo::start().await, free_port());
    let site = Site { port };
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: "" };
    let op = Op::start(SystemClock.now()).await;
    // The file is there before the first reading.
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("client-secret");
    std::fs::write(&secret, "first").unwrap();
    let org = org_toml(&format!(
        "[[connection]]\nid = \"op\"\nprotocol = \"oidc\"\nissuer = \"{}\"\ninternal = true\ndomains = [\"acme.example\"]\n\
         client_id = \"{CLIENT_ID}\"\nclient_secret = \"file:{}\"\nalgorithms = [\"ES256\"]\n",
        op.issuer(),
        secret.display()
    ));
    let node = Node::start(&files, &org).await;
    let (mut browser, cookie) = ada(&site).await;
    let load = Load::start(port, &cookie, 4);
    let mut known = published(&node).await;
    for round in 1..=2 {
        load.more(50).await;
        let before = signed_with(&node, &cookie).await;
        node.usher(&["keys", "rotate", "identity"]);
        node.usher(&["keys", "rotate", "saml"]);
        // The provider knows the client by another secret: nobody comes in by the old one, and everybody by the new one once it was read.
        op.set(|op| {
            op.now = SystemClock.now();
            op.client_secret = format!("secret {round}");
            op.claims = json!({ "sub": "bo", "email": "bo@acme.example" });
        });
        assert_eq!(sign_in_by_oidc(&mut Browser::new(), &site, &op).await.status, 400);
        std::fs::write(&secret, format!("secret {round}")).unwrap();
        node.reload().await;
        let page = sign_in_by_oidc(&mut Browser::new(), &site, &op).await;
        assert_eq!(page.status, 200, "{}", page.text);
        // An app that looked at the keys before the rotation can check what is signed after it.
        let (_, fresh) = ada(&site).await;
        let after = signed_with(&node, &fresh).await;
        assert!(after != before && known.contains(&after), "{after} is not among {known:?}");
        known = published(&node).await;
        assert!(known.contains(&before) && known.len() == 3, "what is under way is signed with {before}");
        assert_eq!(saml_signing_keys(&node).await, 2);
        node.usher(&["keys", "rotate", "saml", "--switch"]);
        node.reload().await;
        load.more(50).await;
        assert_eq!(sign_in(&mut Browser::new(), &site, |draft| draft).await.status, 200);
    }
    assert!(load.end().await > 200);
    assert_eq!(browser.open(&site.app("/")).await.status, 200, "nobody was signed out");
}

#[tokio::test]
async fn there_is_no_switch_to_a_saml_key_that_nobody_knows() {
    let (app, port) = (Echo::start().await, free_port());
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: "" };
    let node = Node::start(&files, &org_toml("")).await;
    let refused = node.command(&["keys", "rotate", "saml", "--switch"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(node.command(&["keys", "rotate", "identity", "--switch"]).output().unwrap().status.code(), Some(2));
}

/// What is open goes on through a reload, for those whom the new file lets in.
#[tokio::test]
async fn a_socket_that_the_new_file_does_not_let_in_is_closed_at_the_reload() {
    let (app, port) = (Echo::start().await, free_port());
    let site = Site { port };
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: "" };
    let node = Node::start(&files, &org_toml("")).await;
    let (_, cookie) = ada(&site).await;
    let open = async || {
        let mut request = format!("ws://app.localhost:{port}/socket").into_client_request().unwrap();
        request.headers_mut().insert("cookie", format!("__Host-usher={cookie}").parse().unwrap());
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tokio_tungstenite::client_async(request, stream).await.unwrap().0
    };
    let mut socket = open().await;
    node.reload().await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"), "nothing changed");
    let narrower = files.usher_toml().replace("public_paths = [\"/public\"]", "allow = \"role:Owner\"");
    std::fs::write(node.path("usher.toml"), narrower).unwrap();
    node.reload().await;
    let closed = socket.next().await;
    assert!(matches!(&closed, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1008), "{closed:?}");
}

/// The certificate that a new connection gets.
async fn certificate(port: u16) -> CertificateDer<'static> {
    #[derive(Debug)]
    struct Any;
    impl rustls::client::danger::ServerCertVerifier for Any {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &rustls::pki_types::ServerName<'_>,
            _: &[u8],
            _: rustls::pki_types::UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            vec![rustls::SignatureScheme::ECDSA_NISTP256_SHA256]
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any))
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect("auth.localhost".try_into().unwrap(), stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn a_new_certificate_is_taken_at_a_reload_and_a_wrong_one_is_not() {
    let (app, port) = (Echo::start().await, free_port());
    let folder = tempfile::tempdir().unwrap();
    let write = || {
        let made = rcgen::generate_simple_self_signed(vec!["auth.localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        der(&made.cert.pem())
    };
    let first = write();
    let path = folder.path().display();
    let more = format!("[tls]\ncert = \"file:{path}/cert.pem\"\nkey = \"file:{path}/key.pem\"\n");
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: &more };
    let node =
        Node::start_with(&files.usher_toml().replace("public_url = \"http:", "public_url = \"https:"), port, files.ops, &org_toml(""))
            .await;
    assert_eq!(certificate(port).await.as_ref(), first);
    let load = Load::at(&format!("https://app.localhost:{port}/public"), port, "", 3);
    load.more(50).await;
    let second = write();
    node.reload().await;
    assert_eq!(certificate(port).await.as_ref(), second);
    load.more(50).await;
    // A key that does not fit: everything stays.
    std::fs::write(folder.path().join("key.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    node.signal("HUP");
    node.until("not reloaded").await;
    assert_eq!(certificate(port).await.as_ref(), second);
    load.more(50).await;
    assert!(load.end().await >= 150, "and whoever was connected noticed nothing");
}
