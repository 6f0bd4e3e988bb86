//! Microsoft Graph and the Directory API of Google, as far as Usher asks them. A mock: neither can be run outside of Microsoft and Google. The shapes are
//! those of their reference pages (`directoryObject: getMemberObjects`; Directory API v1 `groups.list`; OAuth 2.0 for service accounts).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use x509_parser::pem::parse_x509_pem;

/// What the mock does.
#[derive(Default)]
pub(crate) struct Knobs {
    /// The groups of a person, by id.
    pub(crate) groups: HashMap<String, Vec<String>>,
    /// Answers with this status instead.
    pub(crate) fails: Option<u16>,
    /// Answers with this instead of the truth.
    pub(crate) says: Option<Value>,
}

#[derive(Default)]
struct Inner {
    knobs: Mutex<Knobs>,
    asked: Mutex<Vec<String>>,
    url: Mutex<String>,
}

/// The mock, until it is dropped.
pub(crate) struct Directories {
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Directories {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) const ADMIN: &str = "admin@acme.example";

impl Directories {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner::default());
        *inner.url.lock().unwrap() = format!("http://directory.localhost:{}", listener.local_addr().unwrap().port());
        let routes = Router::new()
            .route("/v1.0/users/{person}/getMemberObjects", post(member_objects))
            .route("/token", post(google_token))
            .route("/admin/directory/v1/groups", get(google_groups))
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(usher::demo::serve(listener, routes));
        Self { inner, server }
    }

    pub(crate) fn url(&self) -> String {
        self.inner.url.lock().unwrap().clone()
    }

    pub(crate) fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.inner.knobs.lock().unwrap());
    }

    /// The paths that were asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// The key file that Google would give for the service account.
    pub(crate) fn key_file(&self) -> String {
        json!({
            "type": "service_account", "client_email": "usher@project.iam.gserviceaccount.com", "private_key_id": "k1",
            "private_key": include_str!("../../fixtures/saml/idp.key.pem"), "token_uri": format!("{}/token", self.url()),
        })
        .to_string()
    }
}

impl Inner {
    /// Notes the question; what is answered instead of the truth.
    fn instead(&self, path: String) -> Option<Response> {
        self.asked.lock().unwrap().push(path);
        let knobs = self.knobs.lock().unwrap();
        match (&knobs.fails, &knobs.says) {
            (Some(status), _) => Some(StatusCode::from_u16(*status).unwrap().into_response()),
            (None, Some(says)) => Some(Json(says.clone()).into_response()),
            (None, None) => None,
        }
    }

    fn groups(&self, person: &str) -> Vec<String> {
        self.knobs.lock().unwrap().groups.get(person).cloned().unwrap_or_default()
    }
}

type Shared = State<Arc<Inner>>;

async fn member_objects(State(mock): Shared, Path(person): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if headers[header::AUTHORIZATION] != format!("Bearer for {}/.default", mock.url.lock().unwrap())
        || !body["securityEnabledOnly"].is_boolean()
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(instead) = mock.instead(format!("graph {person}")) {
        return instead;
    }
    Json(json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)", "value": mock.groups(&person) }))
        .into_response()
}

async fn google_token(State(mock): Shared, Form(form): Form<HashMap<String, String>>) -> Response {
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (_, pem) = parse_x509_pem(include_bytes!("../../fixtures/saml/idp.crt.pem")).unwrap();
    let certificate = pem.parse_x509().unwrap();
    let key = DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[format!("{}/token", mock.url.lock().unwrap())]);
    // The tests' own time stands still.
    validation.validate_exp = false;
    let Ok(token) = jsonwebtoken::decode::<Value>(&form["assertion"], &key, &validation) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    };
    let claims = token.claims;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/admin.directory.group.readonly");
    if claims["sub"] != ADMIN {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorized_client" }))).into_response();
    }
    Json(json!({ "access_token": "google-token", "token_type": "Bearer", "expires_in": 3599 })).into_response()
}

/// Two groups on a page.
async fn google_groups(State(mock): Shared, Query(query): Query<HashMap<String, String>>, headers: HeaderMap) -> Response {
    if headers[header::AUTHORIZATION] != "Bearer google-token" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(instead) = mock.instead(format!("google {}", query["userKey"])) {
        return instead;
    }
    let groups = mock.groups(&query["userKey"]);
    let from: usize = query.get("pageToken").map_or(0, |page| page.parse().unwrap());
    let page: Vec<Value> =
        groups.iter().skip(from).take(2).map(|email| json!({ "kind": "admin#directory#group", "email": email, "id": "x" })).collect();
    let mut answer = json!({ "kind": "admin#directory#groups" });
    if !page.is_empty() {
        answer["groups"] = page.into();
    }
    if from + 2 < groups.len() {
        answer["nextPageToken"] = (from + 2).to_string().into();
    }
    Json(answer).into_response()
}
