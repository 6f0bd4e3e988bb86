//! What holds for every page for people, without a browser. The pages themselves come from the gallery of `tests/e2e`.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http_body_util::BodyExt as _;
use usher::http::assets::{AssetBase, asset_response};

#[expect(dead_code, reason = "only the browser needs the gallery served")]
#[path = "../../e2e/gallery.rs"]
mod gallery;

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn every_page() -> impl Iterator<Item = (String, Response)> {
    gallery::names().into_iter().map(|name| {
        let response = gallery::response(&name, 80).unwrap();
        (name, response)
    })
}

#[tokio::test]
async fn every_page_is_html_that_nobody_stores_under_a_policy_without_inline_code() {
    for (name, response) in every_page() {
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8", "{name}");
        assert_eq!(headers[CACHE_CONTROL], "no-store", "{name}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{name}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{name}");
        assert_eq!(headers[REFERRER_POLICY], "same-origin", "{name}");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{name}: {policy}");
        let has_script = text(response).await.contains("<script");
        assert_eq!(has_script, policy.contains("script-src"), "{name}: {policy}");
        assert_eq!(has_script, name == "post", "{name}: only the SAML form has a script");
    }
}

#[tokio::test]
async fn every_page_has_one_headline_and_no_inline_style_or_handler() {
    for (name, response) in every_page() {
        let html = text(response).await;
        assert_eq!(html.matches("<h1>").count(), 1, "{name}");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick="), "{name}");
    }
}

#[tokio::test]
async fn a_page_loads_its_style_from_its_own_host_and_weighs_less_than_20_kb_with_it() {
    for (name, response) in every_page() {
        let html = text(response).await;
        let on_app_host = name.starts_with("bad-gateway") || name == "unavailable";
        let base = if on_app_host { AssetBase::AppHost } else { AssetBase::AuthHost };
        let address = base.address("usher.css");
        assert!(html.contains(&format!("href=\"{address}\"")), "{name}");
        let style = text(asset_response(&address).unwrap()).await;
        assert!(html.len() + style.len() < 20_000, "{name}: {} + {}", html.len(), style.len());
    }
}

#[tokio::test]
async fn a_refusal_shows_code_and_reference_and_names_no_group() {
    for (name, response) in every_page().filter(|(name, _)| name.starts_with("refused-")) {
        assert_eq!(response.status(), 403, "{name}");
        let html = text(response).await;
        let code = name.trim_start_matches("refused-");
        assert!(html.contains(&format!("<code>{code}</code>")) && html.contains("<code>inc_"), "{name}");
        let words = html.replace(code, "").to_lowercase();
        assert!(!words.contains("group"), "{name}");
    }
}
