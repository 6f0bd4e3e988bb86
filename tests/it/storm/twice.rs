//! The second click: it cancels the first request wherever that is, and the browser sees only the second answer.

use std::time::Duration;

use super::person::{Person, Saw};
use super::server::Site;

#[tokio::test]
async fn a_double_click_signs_in_however_far_the_first_request_had_come() {
    let site = Site::new(20, 20);
    let server = site.serve().await;
    for milliseconds in [0, 1, 2, 5, 10, 20, 40, 80, 160, 320] {
        let mut person = Person::new(&site, &format!("p{milliseconds}"));
        let form = person.fetch_answer().await.unwrap();
        let step = person.post(&form).await.unwrap();
        let first = tokio::time::timeout(Duration::from_millis(milliseconds), person.finish(&step)).await;
        let step = person.post(&form).await.unwrap();
        let (saw, session) = person.finish_with_session(&step).await;
        assert_eq!(saw, Saw::App, "after {milliseconds} ms (first: {first:?})");
        let account = person.find_account(&session.unwrap()).await.unwrap();
        assert!(account.contains(person.name()), "{account}");
    }
    // One person each, whatever was clicked.
    drop(server);
    let books = site.books().await;
    assert_eq!((books.members.len(), books.faults), (10, Vec::new()));
}

#[tokio::test]
async fn two_requests_of_one_login_at_the_same_time_both_lead_into_the_app() {
    let site = Site::new(2, 2);
    let _server = site.serve().await;
    let mut person = Person::new(&site, "ada");
    let step = person.arrive_signed().await.unwrap();
    let (first, second) = tokio::join!(person.finish(&step), person.finish(&step));
    assert_eq!((first, second), (Saw::App, Saw::App));
}

#[tokio::test]
async fn the_second_click_of_someone_who_is_refused_says_why_once_more() {
    let site = Site::new(1, 1);
    let _server = site.serve().await;
    assert_eq!(Person::new(&site, "first").sign_in().await, Saw::App);
    let mut person = Person::new(&site, "second");
    let step = person.arrive_signed().await.unwrap();
    let (first, second) = tokio::join!(person.finish(&step), person.finish(&step));
    for saw in [first, second] {
        assert!(matches!(&saw, Saw::Refusal { status: 403, page } if page.contains("no_seats_left")), "{saw:?}");
    }
}

#[tokio::test]
async fn a_repeated_login_does_not_bring_back_a_session_that_was_signed_out() {
    let site = Site::new(2, 2);
    let _server = site.serve().await;
    let mut person = Person::new(&site, "ada");
    let step = person.arrive_signed().await.unwrap();
    let (saw, session) = person.finish_with_session(&step).await;
    assert_eq!(saw, Saw::App);
    let session = session.unwrap();
    assert!(person.find_account(&session).await.is_some());
    person.sign_out(&session).await;
    assert_eq!(person.find_account(&session).await, None);
    // The way leads to the app, which asks to sign in.
    assert_eq!(person.finish_with_session(&step).await, (Saw::App, None));
}

#[tokio::test]
async fn a_finished_login_says_nothing_to_another_browser() {
    let site = Site::new(2, 2);
    let _server = site.serve().await;
    let mut person = Person::new(&site, "ada");
    let step = person.arrive_signed().await.unwrap();
    assert_eq!(person.finish(&step).await, Saw::App);
    let mut other = Person::new(&site, "eve");
    other.fetch_answer().await.unwrap();
    let (saw, session) = other.finish_with_session(&step).await;
    assert!(matches!(&saw, Saw::Refusal { page, .. } if page.contains("login_expired")), "{saw:?}");
    assert_eq!(session, None);
}
