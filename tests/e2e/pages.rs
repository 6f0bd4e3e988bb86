//! Every page for people, in both themes, on a desk and on a phone.

use tokio::net::TcpListener;

use crate::gallery;
use crate::support::{Browser, Theme, browse};

/// Serves the gallery, and gives its address.
async fn open_gallery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://auth.localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(gallery::serve(listener));
    address
}

async fn faults_in_every_dress(browser: &Browser, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for width in [1280, 390] {
        browser.width(width).await;
        for theme in [Theme::Light, Theme::Dark] {
            browser.theme(theme).await;
            faults.extend(browser.faults().await.into_iter().map(|fault| format!("{name} {width} {theme}: {fault}")));
            browser.screenshot(&format!("{name}-{width}-{theme}")).await;
        }
    }
    faults
}

#[tokio::test]
async fn every_page_is_accessible_and_keeps_its_own_policy() {
    browse("pages", async |browser| {
        let gallery = open_gallery().await;
        let mut faults = Vec::new();
        for name in gallery::names() {
            browser.goto(&format!("{gallery}/{name}")).await;
            faults.extend(faults_in_every_dress(browser, &name).await);
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn no_page_scrolls_sideways_on_the_smallest_phone_or_with_large_text() {
    browse("narrow", async |browser| {
        let gallery = open_gallery().await;
        let mut faults = Vec::new();
        for name in gallery::names() {
            browser.goto(&format!("{gallery}/{name}")).await;
            for (width, text) in [(320, "100%"), (390, "200%")] {
                browser.width(width).await;
                browser.run::<()>(&format!("document.documentElement.style.fontSize = '{text}'")).await;
                faults.extend(browser.overflow().await.map(|fault| format!("{name} {width} {text}: {fault}")));
                browser.screenshot(&format!("{name}-{width}-{text}")).await;
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn a_fault_is_noticed() {
    browse("faults", async |browser| {
        let gallery = open_gallery().await;
        browser.goto(&format!("{gallery}/email")).await;
        let spoil = "document.querySelector('label').remove();
            document.querySelector('h1').insertAdjacentHTML('afterend', '<p style=\"color:red\">x</p><img src=/favicon.ico>');
            const wide = document.createElement('div'); wide.style.width = '200vw'; wide.textContent = 'x'; document.querySelector('main').append(wide)";
        browser.run::<()>(spoil).await;
        let faults = browser.faults().await.join("\n");
        for sign in ["style-src-attr", "label", "image-alt", "scrolls sideways"] {
            assert!(faults.contains(sign), "{sign} is not in:\n{faults}");
        }
    })
    .await;
}
