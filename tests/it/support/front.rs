//! A server in front of a provider that passes everything on, remembers ID tokens, and changes them when told to.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const LIMIT_BYTES: usize = 1 << 20;

/// Which part of an ID token is changed, by one bit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tampering {
    Claims,
    Signature,
}

#[derive(Default)]
struct Inner {
    target: String,
    tampering: Mutex<Option<Tampering>>,
    /// The last ID token as the provider sent it.
    id_token: Mutex<Option<String>>,
}

/// The server, running as long as the test.
pub(crate) struct Front {
    pub(crate) port: u16,
    inner: Arc<Inner>,
}

impl Front {
    /// Passes on to `target_port` on this machine.
    pub(crate) async fn start(target_port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::new(Inner { target: format!("http://127.0.0.1:{target_port}"), ..Inner::default() });
        let routes = axum::Router::new().fallback(pass).with_state(Arc::clone(&inner));
        tokio::spawn(usher::demo::serve(listener, routes));
        Self { port, inner }
    }

    /// From now on, every ID token is changed.
    pub(crate) fn tamper(&self, tampering: Tampering) {
        *self.inner.tampering.lock().unwrap() = Some(tampering);
    }

    /// The claims of the last ID token, as the provider sent them.
    pub(crate) fn claims(&self) -> Value {
        let token = self.inner.id_token.lock().unwrap().clone().expect("no ID token came by");
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "passes on what the browser and the gateway send")]
async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LIMIT_BYTES).await.unwrap();
    let url = format!("{}{}", inner.target, parts.uri);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let answer = client.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), end_to_end(answer.headers()));
    let body = inner.look(&answer.bytes().await.unwrap());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Without what belongs to one connection only.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    headers
}

impl Inner {
    fn look(&self, body: &Bytes) -> Bytes {
        let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.clone() };
        let Some(token) = answer.get("id_token").and_then(Value::as_str).map(str::to_owned) else { return body.clone() };
        if let Some(tampering) = *self.tampering.lock().unwrap() {
            answer["id_token"] = tampered(&token, tampering).into();
        }
        *self.id_token.lock().unwrap() = Some(token);
        answer.to_string().into()
    }
}

/// The token with one bit turned. Claims stay JSON: a letter of the value of the first text that has any.
fn tampered(token: &str, tampering: Tampering) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let index = if tampering == Tampering::Claims { 1 } else { 2 };
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[index]).unwrap();
    let at = match tampering {
        Tampering::Claims => bytes.windows(13).position(|window| window == b"@acme.example").unwrap() - 1,
        Tampering::Signature => 0,
    };
    bytes[at] ^= 1;
    parts[index] = URL_SAFE_NO_PAD.encode(bytes);
    parts.join(".")
}
