//! Two nodes count together how often somebody knocks, or else each node more would be as many tries more.

use std::sync::Arc;

use usher::core::RedisAddress;
use usher::store::ephemeral::redis::RedisStore;

use crate::support::ask::Ask;
use crate::support::gateway::TurnedClock;
use crate::support::oidc_house::OidcHouse;
use crate::support::redis::Redis;
use crate::support::saml_idp::now;

#[tokio::test]
async fn two_nodes_count_the_sign_ins_of_an_address_together() {
    let (redis, clock) = (Redis::start().await, Arc::new(TurnedClock::standing_at(now())));
    let store = || Arc::new(RedisStore::new(&RedisAddress::parse(&redis.url()).unwrap()).unwrap());
    let house = OidcHouse::open_limited_on(store(), clock, 10).await;
    let nodes = [house.usher.public_address(), house.usher.start_beside(store()).await];
    let login = || Ask::to("auth.localhost", "GET", "/login").header("Connection", "close");
    for _ in 0..5 {
        for node in nodes {
            assert_ne!(login().send(node).await.status, 429);
        }
    }
    for node in nodes {
        assert_eq!(login().send(node).await.status, 429, "five at each");
    }
    assert_ne!(house.usher.public_from([127, 0, 0, 2], login()).await.status, 429, "another address");
}
