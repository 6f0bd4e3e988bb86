//! An OpenID provider that misbehaves on demand. Its messages are signed freshly, by keys made for the test; every address it gives out is
//! its own. It has no pages: [`Op::authorize`] stands for the browser and the person.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use openidconnect::PrivateSigningKey as _;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use serde_json::{Map, Value, json};
use url::Url;

pub(crate) const CLIENT_ID: &str = "usher";
/// With characters that HTTP Basic needs encoded (RFC 6749 2.3.1).
pub(crate) const CLIENT_SECRET: &str = "s e:c%r+e/t-ä";
/// A member with this value is taken out.
pub(crate) const REMOVED: &str = "[removed]";

/// A signing key of the provider.
pub(crate) enum Key {
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    /// 1024 bits.
    Weak(Box<CoreRsaPrivateSigningKey>),
}

impl Key {
    pub(crate) fn rs256() -> Self {
        Self::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn ps256() -> Self {
        Self::Ps256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn es256() -> Self {
        Self::Es256(Box::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
    }

    pub(crate) fn ed_dsa() -> Self {
        Self::EdDsa(Box::new(Ed25519KeyPair::generate().unwrap()))
    }

    pub(crate) fn weak() -> Self {
        let pem = include_str!("../../fixtures/rsa-1024-test-key.pem");
        Self::Weak(Box::new(CoreRsaPrivateSigningKey::from_pem(pem, None).unwrap()))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) | Self::Weak(_) => "RS256",
            Self::Ps256(_) => "PS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, padding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &rng, message, &mut signature).unwrap();
            signature
        };
        match self {
            Self::Rs256(pair) => rsa(pair, &RSA_PKCS1_SHA256),
            Self::Ps256(pair) => rsa(pair, &RSA_PSS_SHA256),
            Self::Es256(pair) => pair.sign(&rng, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Weak(key) => key.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, message).unwrap(),
        }
    }

    /// The public half as a JWK.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rs256(pair) | Self::Ps256(pair) => rsa_jwk(pair),
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Self::EdDsa(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
            Self::Weak(key) => serde_json::to_value(key.as_verification_key()).unwrap(),
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk
    }
}

/// PKCS#1 with 2048 bits and the exponent 65537 has the modulus at a fixed place.
fn rsa_jwk(pair: &RsaKeyPair) -> Value {
    let der = pair.public_key().as_ref();
    assert_eq!(der[265..], [2, 3, 1, 0, 1]);
    json!({ "kty": "RSA", "n": encode(&der[9..265]), "e": "AQAB" })
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How an ID token is signed.
#[derive(Clone, PartialEq)]
pub(crate) enum Signing {
    WithKey,
    /// `alg: none`, no signature.
    None,
    /// HS256 with these bytes.
    Hmac(Vec<u8>),
    /// A signature with one bit turned.
    Broken,
}

/// What an endpoint answers instead of what it should.
#[derive(Clone)]
pub(crate) enum Reply {
    Redirect(String),
    Html,
    Status(u16),
    Json(String),
    /// Ten megabytes, announced.
    Huge,
    /// A stream without end.
    Endless,
    /// This, said to be packed by gzip.
    Gzip(Vec<u8>),
    /// A byte, and then nothing.
    Silent,
}

/// The misbehaviours. The default is a good provider.
pub(crate) struct Knobs {
    pub(crate) now: Timestamp,
    pub(crate) key: Key,
    pub(crate) kid: Option<String>,
    pub(crate) signing: Signing,
    /// Changes to the header of ID tokens.
    pub(crate) header: Value,
    /// Changes to the claims of ID tokens.
    pub(crate) claims: Value,
    /// Changes to the discovery document.
    pub(crate) discovery: Value,
    /// Changes to the token response.
    pub(crate) tokens: Value,
    /// Changes to userinfo.
    pub(crate) userinfo: Value,
    /// Userinfo is signed, with these changes to `iss` and `aud`.
    pub(crate) signed_userinfo: Option<Value>,
    /// Keys published beside the signing key.
    pub(crate) more_keys: Vec<Value>,
    /// Replace the key when the next code is redeemed, after anyone could have looked.
    pub(crate) rotate_before_signing: bool,
    /// Sign under a key id that is never published.
    pub(crate) random_kid: bool,
    /// Answers in place of the true ones, by endpoint: `discovery`, `keys`, `token`, `userinfo`.
    pub(crate) replies: HashMap<&'static str, Reply>,
    /// How many bytes the true answer of an endpoint has: blanks fill it up.
    pub(crate) sizes: HashMap<&'static str, usize>,
    /// What the callback carries beside or instead of the truth; an empty value takes the parameter out.
    pub(crate) callback: HashMap<&'static str, String>,
    /// `basic`, `post` or `none`: anything else at the token endpoint is `invalid_client`.
    pub(crate) client_auth: &'static str,
    /// The secret that it proves itself with.
    pub(crate) client_secret: String,
}

impl Knobs {
    /// A good provider.
    pub(crate) fn good(now: Timestamp, key: Key) -> Self {
        let nothing = || json!({});
        Self {
            now,
            key,
            kid: Some("k1".to_owned()),
            signing: Signing::WithKey,
            header: nothing(),
            claims: nothing(),
            discovery: nothing(),
            tokens: nothing(),
            userinfo: nothing(),
            signed_userinfo: None,
            more_keys: Vec::new(),
            rotate_before_signing: false,
            random_kid: false,
            replies: HashMap::new(),
            sizes: HashMap::new(),
            callback: HashMap::new(),
            client_auth: "basic",
            client_secret: CLIENT_SECRET.to_owned(),
        }
    }
}

struct Pending {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

struct Inner {
    issuer: String,
    knobs: Mutex<Knobs>,
    codes: Mutex<HashMap<String, Pending>>,
    /// Requests that were pushed, by name.
    pushed: Mutex<HashMap<String, HashMap<String, String>>>,
    calls: Mutex<HashMap<&'static str, usize>>,
    /// The refresh token that counts.
    refresh_token: Mutex<Option<String>>,
}

/// The provider, running until it is dropped.
pub(crate) struct Op {
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Op {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Op {
    pub(crate) async fn start(now: Timestamp) -> Self {
        Self::start_with(now, Key::es256()).await
    }

    pub(crate) async fn start_with(now: Timestamp, key: Key) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        // A name below localhost, so that the pinned resolver is part of every test.
        let issuer = format!("http://op.localhost:{}", listener.local_addr().unwrap().port());
        let inner = Arc::new(Inner {
            issuer,
            knobs: Mutex::new(Knobs::good(now, key)),
            codes: Mutex::default(),
            pushed: Mutex::default(),
            calls: Mutex::default(),
            refresh_token: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            // Where a provider of many tenants has it.
            .route("/organizations/v2.0/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            // Of all tenants, and of one.
            .route("/organizations/token", post(token))
            .route("/11111111-1111-1111-1111-111111111111/token", post(token_of_tenant))
            .route("/par", post(push))
            .route("/revoke", post(give_back))
            .route("/userinfo", get(userinfo))
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(serve(listener, routes));
        Self { inner, server }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Turns the knobs.
    pub(crate) fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.inner.knobs.lock().unwrap());
    }

    /// Takes the refresh token back, as when a person is disabled.
    pub(crate) fn revoke(&self) {
        self.inner.refresh_token.lock().unwrap().take();
    }

    /// Whether a refresh token is good for something.
    pub(crate) fn has_grant(&self) -> bool {
        self.inner.refresh_token.lock().unwrap().is_some()
    }

    /// How often an endpoint was called.
    pub(crate) fn calls(&self, endpoint: &'static str) -> usize {
        self.inner.calls.lock().unwrap().get(endpoint).copied().unwrap_or_default()
    }

    /// A logout token for Ada's session, with changes to its claims.
    pub(crate) fn logout_token(&self, changes: &Value) -> String {
        let knobs = self.inner.knobs.lock().unwrap();
        let header = changed(json!({ "alg": knobs.key.algorithm(), "typ": "logout+jwt", "kid": "k1" }), &knobs.header);
        let now = knobs.now.as_second();
        let claims = json!({
            "iss": self.inner.issuer, "aud": CLIENT_ID, "sub": "ada", "sid": "session-1", "iat": now, "exp": now + 120,
            "jti": usher::random::token().unwrap(), "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        sign(&knobs, &header, &changed(claims, changes))
    }

    /// The person signs in: the query that the browser brings back. Checks the request as a strict provider would.
    pub(crate) fn authorize(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        assert_eq!(url.path(), "/authorize");
        let mut asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        if let Some(name) = asked.get("request_uri") {
            assert_eq!(asked.len(), 2, "the browser carries a name, and nothing else: {url}");
            asked = self.inner.pushed.lock().unwrap().remove(name).unwrap();
        }
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let code = usher::random::token().unwrap();
        let pending = Pending {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
        };
        self.inner.codes.lock().unwrap().insert(code.clone(), pending);
        let mut answer = HashMap::from([("code", code), ("state", asked["state"].clone()), ("iss", self.inner.issuer.clone())]);
        answer.extend(self.inner.knobs.lock().unwrap().callback.clone());
        answer.retain(|_, value| !value.is_empty());
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish()
    }
}

async fn serve(listener: tokio::net::TcpListener, routes: Router) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let connection = auto::Builder::new(TokioExecutor::new());
            // A client that gives up early is part of some tests.
            let _ = connection.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

type Shared = State<Arc<Inner>>;

async fn discovery(State(op): Shared) -> Response {
    let issuer = op.issuer.clone();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/logout?theme=dark"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    op.answer("discovery", |knobs| changed(document, &knobs.discovery))
}

async fn keys(State(op): Shared) -> Response {
    op.answer("keys", |knobs| {
        let mut keys = knobs.more_keys.clone();
        keys.push(knobs.key.jwk(knobs.kid.as_deref().unwrap_or("unnamed")));
        json!({ "keys": keys })
    })
}

async fn userinfo(State(op): Shared, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access-token");
    let issuer = op.issuer.clone();
    let signed = |knobs: &Knobs| {
        let claims = changed(json!({ "sub": "ada" }), &knobs.userinfo);
        let changes = knobs.signed_userinfo.as_ref()?;
        let own = changed(json!({ "iss": issuer, "aud": CLIENT_ID }), changes);
        Some(sign(knobs, &header_of(knobs), &changed(claims, &own)))
    };
    let token = signed(&op.knobs.lock().unwrap());
    match token {
        Some(token) => {
            op.count("userinfo");
            ([(header::CONTENT_TYPE, "application/jwt; charset=utf-8")], token).into_response()
        }
        None => op.answer("userinfo", |knobs| changed(json!({ "sub": "ada" }), &knobs.userinfo)),
    }
}

/// `POST /par`: keeps the request under a name, for a client that proves itself (RFC 9126).
async fn push(State(op): Shared, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    if !op.knows(&headers, &form) {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))).into_response();
    }
    let name = format!("urn:ietf:params:oauth:request_uri:{}", usher::random::token().unwrap());
    op.pushed.lock().unwrap().insert(name.clone(), form);
    let answer = op.answer("par", |_| json!({ "request_uri": name, "expires_in": 60 }));
    (StatusCode::CREATED, answer).into_response()
}

/// `POST /revoke`: takes a refresh token back (RFC 7009).
async fn give_back(State(op): Shared, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    if !op.knows(&headers, &form) || form["token_type_hint"] != "refresh_token" {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))).into_response();
    }
    op.refresh_token.lock().unwrap().take_if(|kept| *kept == form["token"]);
    op.answer("revoke", |_| json!({}))
}

async fn token(State(op): Shared, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if !op.knows(&headers, &form) {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" }))).into_response();
    }
    if field("grant_type") == "client_credentials" {
        // What Entra ID gives an application for the API that its scope names.
        let scope = field("scope").to_owned();
        return op.answer("application", |_| json!({ "access_token": format!("for {scope}"), "token_type": "Bearer", "expires_in": 3599 }));
    }
    if field("grant_type") == "refresh_token" {
        return op.refresh(field("refresh_token"));
    }
    let pending = op.codes.lock().unwrap().remove(field("code"));
    let challenge = encode(digest(&SHA256, field("code_verifier").as_bytes()));
    let Some(pending) = pending.filter(|pending| pending.challenge == challenge && pending.redirect_uri == field("redirect_uri")) else {
        return (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_grant", "error_description": "ada@acme.example" })))
            .into_response();
    };
    {
        let mut knobs = op.knobs.lock().unwrap();
        if std::mem::take(&mut knobs.rotate_before_signing) {
            knobs.key = Key::es256();
            knobs.kid = Some("k2".to_owned());
        }
    }
    let issuer = op.issuer.clone();
    let next = op.next_refresh_token();
    op.answer("token", |knobs| {
        let id_token = id_token(knobs, &issuer, &pending.nonce);
        let response = json!({ "access_token": "access-token", "token_type": "bEARER", "id_token": id_token, "refresh_token": next });
        changed(response, &knobs.tokens)
    })
}

async fn token_of_tenant(state: Shared, headers: HeaderMap, form: Form<HashMap<String, String>>) -> Response {
    state.count("of a tenant");
    token(state, headers, form).await
}

/// How a client proved itself: `basic`, `post`, `none`, or `wrong`.
fn presented(headers: &HeaderMap, form: &HashMap<String, String>, wanted: &str) -> &'static str {
    if let Some(basic) = headers.get(header::AUTHORIZATION) {
        let decoded = STANDARD.decode(basic.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        let decoded = String::from_utf8(decoded).unwrap();
        let (id, secret) = decoded.split_once(':').unwrap();
        let plain = |text: &str| url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned();
        return if (plain(id).as_str(), plain(secret).as_str()) == (CLIENT_ID, wanted) { "basic" } else { "wrong" };
    }
    match (form.get("client_id").map(String::as_str), form.get("client_secret").map(String::as_str)) {
        (Some(CLIENT_ID), Some(secret)) if secret == wanted => "post",
        (Some(CLIENT_ID), None) => "none",
        _ => "wrong",
    }
}

fn id_token(knobs: &Knobs, issuer: &str, nonce: &str) -> String {
    let now = knobs.now.as_second();
    let claims = json!({
        "iss": issuer, "aud": CLIENT_ID, "sub": "ada", "nonce": nonce, "iat": now, "exp": now + 300, "auth_time": now, "sid": "session-1",
        "email": "ada@acme.example", "name": "Ada Lovelace", "groups": ["app-admins", "design"],
    });
    sign(knobs, &header_of(knobs), &changed(claims, &knobs.claims))
}

fn header_of(knobs: &Knobs) -> Value {
    let algorithm = match &knobs.signing {
        Signing::WithKey | Signing::Broken => knobs.key.algorithm(),
        Signing::None => "none",
        Signing::Hmac(_) => "HS256",
    };
    let kid = if knobs.random_kid { Some(usher::random::token().unwrap()) } else { knobs.kid.clone() };
    changed(json!({ "alg": algorithm, "typ": "JWT", "kid": kid.unwrap_or(REMOVED.to_owned()) }), &knobs.header)
}

/// A token, signed as the knobs say.
fn sign(knobs: &Knobs, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = match &knobs.signing {
        Signing::WithKey => knobs.key.sign(message.as_bytes()),
        Signing::None => Vec::new(),
        Signing::Hmac(secret) => {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
            aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
        }
        Signing::Broken => {
            let mut signature = knobs.key.sign(message.as_bytes());
            *signature.last_mut().unwrap() ^= 1;
            signature
        }
    };
    format!("{message}.{}", encode(signature))
}

/// The object with members replaced, added, or taken out ([`REMOVED`]).
fn changed(object: Value, changes: &Value) -> Value {
    let (Value::Object(mut object), Value::Object(changes)) = (object, changes.clone()) else { panic!("objects") };
    object.extend(changes);
    object.into_iter().filter(|(_, value)| value != REMOVED).collect::<Map<_, _>>().into()
}

impl Inner {
    /// Whether a client proved itself as this provider wants it.
    fn knows(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
        let knobs = self.knobs.lock().unwrap();
        presented(headers, form, &knobs.client_secret) == knobs.client_auth
    }

    fn next_refresh_token(&self) -> String {
        let next = usher::random::token().unwrap();
        *self.refresh_token.lock().unwrap() = Some(next.clone());
        next
    }

    /// Each refresh token is good for once; one that was used takes all back (RFC 9700 4.14.2).
    fn refresh(&self, token: &str) -> Response {
        if self.knobs.lock().unwrap().replies.contains_key("refresh") {
            return self.answer("refresh", |_| Value::Null);
        }
        let good = self.refresh_token.lock().unwrap().take().is_some_and(|kept| kept == token);
        if !good {
            self.count("refresh");
            return (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_grant" }))).into_response();
        }
        let (issuer, next) = (self.issuer.clone(), self.next_refresh_token());
        self.answer("refresh", |knobs| {
            let response = json!({
                "access_token": "access-token", "token_type": "Bearer", "refresh_token": next, "id_token": id_token(knobs, &issuer, REMOVED),
            });
            changed(response, &knobs.tokens)
        })
    }

    fn count(&self, endpoint: &'static str) {
        *self.calls.lock().unwrap().entry(endpoint).or_default() += 1;
    }

    fn answer(&self, endpoint: &'static str, truth: impl FnOnce(&Knobs) -> Value) -> Response {
        self.count(endpoint);
        let knobs = self.knobs.lock().unwrap();
        let truth = || {
            let text = truth(&knobs).to_string();
            let blanks = knobs.sizes.get(endpoint).copied().unwrap_or_default().saturating_sub(text.len());
            Reply::Json(text + &" ".repeat(blanks))
        };
        knobs.replies.get(endpoint).cloned().unwrap_or_else(truth).into_response()
    }
}

impl Reply {
    /// Sixteen mebibytes of blanks in sixteen kibibytes.
    pub(crate) fn bomb() -> Self {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; 16 << 20]).unwrap();
        Self::Gzip(packed.finish().unwrap())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, "application/json")];
        let chunk = || Ok::<_, Infallible>(Bytes::from_static(&[b' '; 8192]));
        match self {
            Self::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
            Self::Html => axum::response::Html("<h1>Please wait</h1>").into_response(),
            Self::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
            Self::Json(text) => (json, text).into_response(),
            Self::Huge => (json, vec![b' '; 10 * 1024 * 1024]).into_response(),
            Self::Endless => (json, Body::from_stream(futures_util::stream::repeat_with(chunk))).into_response(),
            Self::Gzip(packed) => (json, [(header::CONTENT_ENCODING, "gzip")], packed).into_response(),
            Self::Silent => {
                let never = futures_util::stream::once(async {
                    tokio::time::sleep(Duration::from_hours(1)).await;
                    Ok::<_, Infallible>(Bytes::new())
                });
                (json, Body::from_stream(never)).into_response()
            }
        }
    }
}
