//! What people see: the provider's page, its metadata, and the sample app.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;
use usher::demo::people::{GROUPS, PEOPLE};
use usher::outbound::Outbound;
use usher::store::Store;
use usher::store::sqlite::SqliteStore;

use super::{Answer, demo, get};

#[tokio::test]
async fn the_provider_shows_twelve_people_and_asks_nobody_for_a_password() {
    let page = get(&demo().idp_router(), "/").await;
    assert_eq!((page.status, PEOPLE.len(), GROUPS.len()), (200, 12, 6));
    for person in PEOPLE {
        assert!(page.body.contains(person.name), "{}", person.name);
    }
    assert!(page.body.contains("Demo: for trying and for tests"));
    assert!(!page.body.contains("type=\"password\""));
}

#[tokio::test]
async fn no_page_of_the_provider_runs_a_script_that_it_did_not_write() {
    let router = demo().idp_router();
    for path in ["/", "/nowhere", "/oidc/authorize", "/saml/metadata"] {
        let answer = get(&router, path).await;
        let Some(policy) = answer.headers.get("content-security-policy") else {
            assert_eq!(path, "/saml/metadata");
            continue;
        };
        assert!(policy.to_str().unwrap().starts_with("default-src 'none'"), "{path}");
        assert!(!policy.to_str().unwrap().contains("script-src"), "{path}");
    }
}

#[tokio::test]
async fn the_style_sheets_are_where_the_pages_look_for_them() {
    let style = get(&demo().idp_router(), "/style.css").await;
    assert_eq!((style.status, &style.headers["content-type"]), (200, &"text/css; charset=utf-8".parse().unwrap()));
}

async fn sample_app(path: &str, headers: &[(&str, &str)]) -> Answer {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_in_memory().await.unwrap());
    let app = demo().app_router(store, Arc::new(Outbound::new().unwrap()));
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn the_sample_app_shows_who_came_and_what_it_received() {
    let headers = [
        ("X-Usher-Name", "Ada <Lovelace>"),
        ("X-Usher-Email", "ada@acme.example"),
        ("X-Usher-Role", "Admin"),
        ("X-Usher-Seat-Tier", "Premium"),
    ];
    let page = sample_app("/reports/7", &headers).await;
    assert_eq!(page.status, 200);
    for shown in ["Ada &#60;Lovelace&#62;", "ada@acme.example", ">Admin<", ">Premium<", "X-Usher-Organization", "/reports/7"] {
        assert!(page.body.contains(shown), "{shown} in {}", page.body);
    }
}

#[tokio::test]
async fn the_sample_app_trusts_no_assertion_that_it_cannot_verify() {
    // {"alg":"none"}.{"sub":"per_1"} and a token of nobody's.
    for forged in ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJwZXJfMSJ9.", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AA", "", "x"] {
        let page = sample_app("/", &[("X-Usher-Assertion", forged)]).await;
        assert!(page.body.contains("Not verified"), "{forged}");
    }
}

#[tokio::test]
async fn the_sample_app_answers_programs_in_json() {
    let answer = sample_app("/api/hello", &[("X-Usher-Name", "Ada Lovelace"), ("X-Usher-Role", "Admin")]).await;
    assert_eq!(answer.json()["hello"], "Ada Lovelace");
    assert_eq!(answer.json()["role"], "Admin");
}
