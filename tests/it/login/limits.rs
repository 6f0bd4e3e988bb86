//! How often one address and one account may knock.

use std::time::Duration;

use super::{DOORS, House};
use crate::proxy::upload::resident_bytes;
use crate::support::ask::{Ask, exchange};
use crate::support::browser::Browser;
use crate::support::installation::{CONNECTION, told};
use crate::support::oidc_house::OidcHouse;

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
    for callback in [
        Ask::to("auth.localhost", "POST", "/saml/saml/acs").body("SAMLResponse=x"),
        Ask::to("auth.localhost", "GET", "/oidc/oidc/callback?state=x&code=x"),
        Ask::to("auth.localhost", "POST", "/oidc/oidc/callback").body("state=x&code=x"),
    ] {
        assert_eq!(house.usher.public(callback.clone()).await.status, 429, "callbacks count with it: {callback:?}");
    }
    house.clock.pass(Duration::from_mins(1));
    assert_ne!(house.usher.public(Ask::to("auth.localhost", "GET", "/login").navigate()).await.status, 429);
}

#[tokio::test]
async fn an_account_finishes_so_many_logins_a_minute() {
    for door in DOORS {
        let house = House::open().await;
        for login in 0..30 {
            let page = house.sign_in(&mut Browser::new(), "/page", door, "ada").await;
            assert_eq!(told(&page).0, "Admin", "login {login} through {door}");
        }
        let refused = house.sign_in(&mut Browser::new(), "/page", door, "ada").await;
        assert_eq!(refused.status, 429, "{door}: {}", refused.text);
        assert_eq!(told(&house.sign_in(&mut Browser::new(), "/page", door, "mia").await).0, "User", "another account comes in");
        house.clock.pass(Duration::from_mins(1));
        assert_eq!(told(&house.sign_in(&mut Browser::new(), "/page", door, "ada").await).0, "Admin");
    }
}

/// The callback counts by itself too: whoever never opens a sign-in page is stopped all the same.
#[tokio::test]
async fn an_address_that_sends_callbacks_without_end_is_stopped() {
    let house = OidcHouse::open_limited(10).await;
    let callback =
        || Ask::to("auth.localhost", "GET", &format!("/oidc/{CONNECTION}/callback?state=x&code=x")).header("Connection", "close");
    for _ in 0..10 {
        assert_eq!(house.usher.public(callback()).await.status, 400);
    }
    let stopped = house.usher.public(callback()).await;
    assert_eq!((stopped.status, stopped.header("retry-after")), (429, Some("60")));
    assert_eq!(house.usher.public_from([127, 0, 0, 2], callback()).await.status, 400, "another address");
}

/// Whoever posts a message is a stranger, and what they post is collected before anybody can tell. What of it is in memory at once has a bound, for one
/// sender and for all, on every address that takes messages; and others come in meanwhile.
#[tokio::test]
async fn a_sender_of_large_messages_holds_a_bounded_memory_and_nobody_else_up() {
    const MESSAGE: usize = 700_000;
    let house = House::open().await;
    let address = house.usher.public_address();
    let before = resident_bytes();
    let mut held = Vec::new();
    for number in 0..60 {
        let path = format!("/saml/{}/{}", DOORS[0], ["acs", "slo"][number % 2]);
        let ask = Ask::to("auth.localhost", "POST", &path).header("Content-Type", "application/x-www-form-urlencoded");
        let mut bytes = ask.header("Content-Length", &MESSAGE.to_string()).bytes();
        bytes.resize(bytes.len() + MESSAGE - 1, b'x');
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        // All but the last byte; a connection that is refused may be closed meanwhile.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await;
        held.push(stream);
    }
    // The last of them does not fit, and is told so without having sent it all.
    let mut read = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut held.pop().unwrap(), &mut read).await;
    let reply = crate::support::ask::Reply::parse(&read);
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("60")), "{}", reply.body);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{} messages of {MESSAGE} bytes hold {grown}", held.len() + 1);

    let ask = Ask::to("auth.localhost", "POST", &format!("/saml/{}/acs", DOORS[0]));
    let ask = ask.header("Content-Type", "application/x-www-form-urlencoded");
    let ask = ask.header("Connection", "close").body("SAMLResponse=x&RelayState=x");
    let other = house.usher.public_from([127, 0, 0, 2], ask.clone()).await;
    assert_eq!(other.status, 303, "somebody else: {}", other.body);
    drop(held);
    while house.usher.public(ask.clone()).await.status != 303 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
