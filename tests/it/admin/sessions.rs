//! Who is signed in, and how that ends.

use std::time::Duration;

use usher::admin::{AdminError, Permission};
use usher::core::ConnectionId;

use super::{admin, operator, somebody, token};
use crate::support::ask::Ask;
use crate::support::gateway::Gateway;

const APP: &str = "app.acme.example";

async fn is_inside(gateway: &Gateway, app_token: &str) -> bool {
    gateway.ask(Ask::get("/").cookie(app_token)).await.status == 200
}

#[tokio::test]
async fn a_session_is_listed_with_its_apps_and_what_the_client_said() {
    let gateway = Gateway::start().await;
    let (row, _) = gateway.member_inside("ada", "Admin", None).await;
    let list = admin(&gateway).list_sessions(&operator(), None, 10).await.unwrap();
    let [session] = list.sessions.as_slice() else { panic!("{list:?}") };
    assert_eq!((session.person, session.member), (row.person.id, row.member.id));
    assert_eq!(session.email.as_deref(), Some("ada@acme.example"));
    assert_eq!(session.apps, [APP]);
    assert_eq!((session.address.as_deref(), session.user_agent.as_deref()), (Some("192.0.2.7"), Some("Firefox")));
    assert_eq!((session.connection.as_ref().map(ConnectionId::as_str), session.recovery), (Some("okta"), false));
    assert_eq!(list.next, None);
}

#[tokio::test]
async fn pages_show_every_session_once_newest_first() {
    let gateway = Gateway::start().await;
    gateway.join("ada", "Admin", None).await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(Gateway::key(&gateway.sign_in("ada").await));
        gateway.clock.pass(Duration::from_secs(1));
    }
    tokens.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = admin(&gateway).list_sessions(&operator(), after, 2).await.unwrap();
        seen.extend(page.sessions.iter().map(|session| session.id));
        // A place in the list stays one when the session there ends, and survives its text form.
        if let Some(last) = page.sessions.last().filter(|_| seen.len() == 2) {
            admin(&gateway).end_session(&operator(), last.id).await.unwrap();
        }
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, tokens);
}

#[tokio::test]
async fn an_ended_session_takes_its_app_sessions_with_it_and_leaves_a_line() {
    let gateway = Gateway::start().await;
    let (ada, _) = gateway.member_inside("ada", "Owner", None).await;
    let (jo, inside) = gateway.member_inside("jo", "User", None).await;
    assert!(is_inside(&gateway, &inside).await);
    let session = admin(&gateway).list_sessions_of(&operator(), jo.member.id).await.unwrap().remove(0);
    let ended = admin(&gateway).end_session(&somebody(&ada), session.id).await.unwrap();
    assert_eq!(ended.sessions, 2, "the login and the app");
    assert!(!is_inside(&gateway, &inside).await);
    let line = gateway.members.store.list_audit(0, 1000).await.unwrap().pop().unwrap();
    assert_eq!((line.event.as_str(), line.actor), ("session.ended", ada.person.id.to_string()));
    assert_eq!(line.target, Some(jo.person.id.to_string()));
    let gone = admin(&gateway).end_session(&operator(), session.id).await;
    assert!(matches!(gone, Err(AdminError::NoSuch("session"))), "{gone:?}");
}

#[tokio::test]
async fn all_of_a_member_or_of_a_connection_or_of_everybody_end_and_no_others() {
    let gateway = Gateway::start().await;
    let (ada, ada_inside) = gateway.member_inside("ada", "Owner", None).await;
    let (jo, jo_inside) = gateway.member_inside("jo", "User", None).await;
    let admin = admin(&gateway);
    assert_eq!(admin.end_sessions_of(&operator(), jo.member.id).await.unwrap().sessions, 2);
    assert!(is_inside(&gateway, &ada_inside).await && !is_inside(&gateway, &jo_inside).await);
    let entra = ConnectionId::parse("entra").unwrap();
    assert_eq!(admin.end_sessions_through(&operator(), &entra).await.unwrap().sessions, 0);
    assert!(is_inside(&gateway, &ada_inside).await);
    let okta = ConnectionId::parse("okta").unwrap();
    assert_eq!(admin.end_sessions_through(&operator(), &okta).await.unwrap().sessions, 2);
    assert!(!is_inside(&gateway, &ada_inside).await);
    gateway.sign_in("ada").await;
    gateway.sign_in("jo").await;
    assert_eq!(admin.end_all_sessions(&somebody(&ada)).await.unwrap().sessions, 2);
    assert_eq!(admin.list_sessions(&operator(), None, 10).await.unwrap().sessions, []);
}

#[tokio::test]
async fn a_session_of_another_organization_is_neither_seen_nor_ended() {
    let gateway = Gateway::start().await;
    let (row, inside) = gateway.member_inside("ada", "Owner", None).await;
    let admin = admin(&gateway);
    let session = admin.list_sessions(&operator(), None, 10).await.unwrap().sessions.remove(0);
    let stranger = token(&[Permission::SessionsRead, Permission::SessionsWrite], "theirs");
    assert_eq!(admin.list_sessions(&stranger, None, 10).await.unwrap().sessions, []);
    assert!(matches!(admin.list_sessions_of(&stranger, row.member.id).await, Err(AdminError::NoSuch("member"))));
    assert!(matches!(admin.end_session(&stranger, session.id).await, Err(AdminError::NoSuch("session"))));
    assert!(matches!(admin.end_sessions_of(&stranger, row.member.id).await, Err(AdminError::NoSuch("member"))));
    assert_eq!(admin.end_sessions_through(&stranger, &ConnectionId::parse("okta").unwrap()).await.unwrap().sessions, 0);
    assert_eq!(admin.end_all_sessions(&stranger).await.unwrap().sessions, 0);
    assert!(is_inside(&gateway, &inside).await);
}

#[tokio::test]
async fn seeing_and_ending_need_their_own_permissions() {
    let gateway = Gateway::start().await;
    let (row, _) = gateway.member_inside("ada", "Owner", None).await;
    let admin = admin(&gateway);
    let session = admin.list_sessions(&operator(), None, 10).await.unwrap().sessions.remove(0);
    let (reader, other) = (token(&[Permission::SessionsRead], "acme"), token(&[Permission::MembersWrite], "acme"));
    assert!(matches!(admin.list_sessions(&other, None, 10).await, Err(AdminError::NotAllowed(Permission::SessionsRead))));
    assert!(matches!(admin.list_sessions_of(&other, row.member.id).await, Err(AdminError::NotAllowed(_))));
    for denied in [
        admin.end_session(&reader, session.id).await,
        admin.end_sessions_of(&reader, row.member.id).await,
        admin.end_sessions_through(&reader, &ConnectionId::parse("okta").unwrap()).await,
        admin.end_all_sessions(&reader).await,
    ] {
        assert!(matches!(denied, Err(AdminError::NotAllowed(Permission::SessionsWrite))), "{denied:?}");
    }
    assert_eq!(admin.list_sessions(&reader, None, 10).await.unwrap().sessions.len(), 1);
}
