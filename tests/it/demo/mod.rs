//! The demo's provider, asked as relying parties ask, and the sample app, asked as the proxy asks.
//!
//! - `doors`: Usher's own doors, through real sockets
//! - `strict`: what a good provider refuses
//! - `pages`: what people see
//! - `links`: SAML and then OpenID Connect as one person

mod doors;
mod links;
mod pages;
mod strict;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded::Serializer;
use usher::clock::{Clock, SystemClock};
use usher::demo::{Demo, Scenario};

/// A time that nobody turns.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// A demo for this address.
fn demo_at(listen: SocketAddr) -> Demo {
    Demo::new(listen, Scenario::Default, Arc::new(SystemClock)).unwrap()
}

/// A demo that nobody serves: its routers are called directly.
fn demo() -> Demo {
    demo_in(Scenario::Default)
}

fn demo_in(scenario: Scenario) -> Demo {
    Demo::new(SocketAddr::from(([127, 0, 0, 1], 8080)), scenario, Arc::new(SystemClock)).unwrap()
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Self { status: parts.status.as_u16(), location, headers: parts.headers, body }
    }

    /// The value of a hidden field.
    fn field(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let after = self.body.split_once(&marker).unwrap_or_else(|| panic!("no field {name} in {}", self.body)).1;
        after.split_once('"').unwrap().0.replace("&#38;", "&")
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A parameter of the address that the browser is sent to.
    fn parameter(&self, name: &str) -> Option<String> {
        let url = Url::parse(self.location.as_deref()?).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    Answer::read(router.clone().oneshot(request).await.unwrap()).await
}

/// Path and query of an absolute address: what a browser asks its host for.
fn path_of(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn post(router: &Router, path: &str, fields: &[(&str, &str)]) -> Answer {
    post_with(router, path, fields, None).await
}

async fn post_with(router: &Router, path: &str, fields: &[(&str, &str)], authorization: Option<&str>) -> Answer {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    Answer::read(router.clone().oneshot(request.body(Body::from(encoded(fields))).unwrap()).await.unwrap()).await
}

/// Picks a person on the page where people are picked.
async fn pick(router: &Router, page: &Answer, person: &str) -> Answer {
    assert_eq!(page.status, 200, "{}", page.body);
    post(router, "/login", &[("person", person), ("request", &page.field("request"))]).await
}
