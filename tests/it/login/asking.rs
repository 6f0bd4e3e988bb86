//! Asking for access on the page of a refusal.

use super::{DOORS, House};
use crate::support::browser::{Browser, Page};

async fn refused(house: &House, browser: &mut Browser) -> Page {
    let page = house.sign_in(browser, "/", DOORS[0], "noah").await;
    assert_eq!(page.status, 403, "{}", page.text);
    page
}

#[tokio::test]
async fn a_refused_person_asks_once_and_reads_that_it_waits() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let page = refused(&house, &mut browser).await;
    let form = page.form("form").with("reason", "I am <new> here\u{7}");
    let answer = browser.submit(&page, form.clone()).await;
    assert!(answer.text.contains("You asked on"), "{}", answer.text);
    assert!(!answer.text.contains("Ask for access"), "once is enough");
    let lines = house.usher.audit("request.asked").await;
    assert_eq!(lines[0].detail["asked_for"], "I am <new> here");
    // The same form once more, and the page once more.
    let again = browser.submit(&page, form).await;
    assert!(again.text.contains("You asked on"), "{}", again.text);
    assert_eq!(browser.open(answer.url.as_str()).await.status, 403);
    let later = refused(&house, &mut browser).await;
    assert!(later.text.contains("You asked on"), "the next refusal says it, too");
    assert_eq!(house.usher.audit("request.asked").await.len(), 1);
}

#[tokio::test]
async fn a_form_that_was_made_up_asks_for_nobody() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let page = refused(&house, &mut browser).await;
    let secret = page.form("form").value("form").to_owned();
    for forged in ["x".repeat(43), secret.to_uppercase(), "short".to_owned(), String::new()] {
        let form = page.form("form").with("form", &forged).with("reason", "let me in");
        let answer = browser.submit(&page, form).await;
        assert!((400..404).contains(&answer.status) && !answer.text.contains("You asked on"), "{} {}", answer.status, answer.text);
    }
    assert_eq!(house.usher.audit("request.asked").await, []);
    // What nobody has sent yet is nothing to look at, either.
    let peek = browser.open(&house.usher.site.auth(&format!("/login/asked?form={secret}"))).await;
    assert_eq!(peek.status, 400);
}

#[tokio::test]
async fn what_a_person_says_is_bounded_and_shown_as_text() {
    let house = House::open().await;
    let mut browser = Browser::new();
    let page = refused(&house, &mut browser).await;
    let answer = browser.submit(&page, page.form("form").with("reason", &"é".repeat(5000))).await;
    assert!(answer.text.contains("You asked on"), "{}", answer.text);
    let said = house.usher.audit("request.asked").await.remove(0).detail["asked_for"].as_str().unwrap().chars().count();
    assert_eq!(said, 500);
}
