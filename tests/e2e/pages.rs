//! Every page for people, in both themes, on a desk and on a phone.

#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use tokio::net::TcpListener;

use crate::gallery;
use crate::support::{Theme, browse};

/// Serves the gallery, and gives its address.
async fn open_gallery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://auth.localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(gallery::serve(listener));
    address
}

async fn look_at_every_page(theme: Theme) {
    browse(&format!("pages-{theme}"), async |browser| {
        let gallery = open_gallery().await;
        browser.theme(theme).await;
        let mut faults = Vec::new();
        for name in gallery::names() {
            browser.goto(&format!("{gallery}/{name}")).await;
            for width in [1280, 390] {
                browser.width(width).await;
                faults.extend(browser.faults().await.into_iter().map(|fault| format!("{name} {width}: {fault}")));
                browser.screenshot(&format!("{name}-{width}-{theme}")).await;
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn every_page_is_accessible_and_keeps_its_own_policy_in_light() {
    look_at_every_page(Theme::Light).await;
}

#[tokio::test]
async fn every_page_is_accessible_and_keeps_its_own_policy_in_dark() {
    look_at_every_page(Theme::Dark).await;
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
async fn the_email_form_is_answered_by_a_page_and_the_saml_form_leaves_by_itself() {
    browse("forms", async |browser| {
        let gallery = open_gallery().await;
        browser.goto(&format!("{gallery}/email")).await;
        browser.fill("#email", "ada@acme.example").await;
        browser.click("button[type=submit]").await;
        browser.see("h1", "Taking you to Okta").await;
        browser.follow("Continue to Okta").await;
        browser.assert_clean().await;
        let posted = gallery.replace("auth.", "idp.") + "/posted";
        browser.goto(&format!("{gallery}/post-and-arrive")).await;
        browser.arrive(&posted).await;
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
