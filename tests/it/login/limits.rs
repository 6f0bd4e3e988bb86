//! How often one address and one account may knock.

use std::time::Duration;

use super::{DOORS, House};
use crate::support::ask::{Ask, exchange};
use crate::support::browser::Browser;
use crate::support::installation::told;

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_everyone_inside_stays() {
    let house = House::open().await;
    let mut browser = Browser::new();
    house.sign_in(&mut browser, "/page", DOORS[0], "ada").await;
    let mut answers = std::collections::BTreeMap::new();
    let mut last = None;
    for _ in 0..700 {
        let reply = house.usher.public(Ask::to("auth.localhost", "GET", "/login").navigate()).await;
        *answers.entry(reply.status).or_insert(0) += 1;
        last = Some(reply);
    }
    let last = last.unwrap();
    assert_eq!((last.status, last.header("retry-after")), (429, Some("60")));
    assert!(last.body.contains("too_many_requests"), "{}", last.body);
    assert!(answers[&429] >= 100 && answers.keys().all(|status| [200, 303, 429].contains(status)), "{answers:?}");
    assert!(house.usher.is_inside(&mut browser).await, "whoever is signed in is not asked");
    let callback = house.usher.public(Ask::to("auth.localhost", "POST", "/saml/saml/acs").body("SAMLResponse=x")).await;
    assert_eq!(callback.status, 429, "callbacks count with it");
    house.clock.pass(Duration::from_mins(1));
    assert_ne!(house.usher.public(Ask::to("auth.localhost", "GET", "/login").navigate()).await.status, 429);
}

#[tokio::test]
async fn an_account_finishes_so_many_logins_a_minute() {
    let house = House::open().await;
    for login in 0..30 {
        let page = house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await;
        assert_eq!(told(&page).0, "Admin", "login {login}");
    }
    let refused = house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "/page", DOORS[0], "mia").await).0, "User", "another account comes in");
    house.clock.pass(Duration::from_mins(1));
    assert_eq!(told(&house.sign_in(&mut Browser::new(), "/page", DOORS[0], "ada").await).0, "Admin");
}

/// A listener of ours that a stranger reaches by mistake must not be held by half a request.
#[tokio::test]
async fn half_a_request_does_not_hold_the_operations_listener() {
    let house = House::open().await;
    let mut held = Vec::new();
    for _ in 0..80 {
        let mut stream = tokio::net::TcpStream::connect(house.usher.ops_address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
        held.push(stream);
    }
    let ask = Ask::to("localhost", "GET", "/healthz").header("Connection", "close");
    let reply = tokio::time::timeout(Duration::from_secs(30), exchange(house.usher.ops_address, &ask.bytes())).await.unwrap();
    assert_eq!(reply.status, 200);
}
