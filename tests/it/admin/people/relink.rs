use usher::core::{ConnectionId, Mode, Reason};

use super::*;

fn connection(name: &str) -> ConnectionId {
    ConnectionId::parse(name).unwrap()
}

#[tokio::test]
async fn row_50_one_person_is_relinked_and_the_old_subject_is_a_stranger() {
    let desk = Desk::new(Mode::Jit, false).await;
    let jo = desk.join("jo", "Admin", None).await;
    let by = desk.by("olivia").await;
    desk.admin.relink_member(&by, jo.member.id, &connection("okta"), "okta-other").await.unwrap();
    let mut identity = identity("other");
    identity.email = Some(email("jo@acme.example"));
    assert_eq!(desk.world.facts(&identity, desk.now()).await.into_facts().linked.unwrap().person.id, jo.person.id);
    assert_eq!(desk.login("jo", &[]).await.unwrap_err(), Reason::SubjectChanged);
    let taken = desk.admin.relink_member(&by, jo.member.id, &connection("okta"), "okta-olivia").await;
    assert_eq!(refused(taken).0, "subject_taken");
    let line = desk.last_line().await;
    assert_eq!((line.event.as_str(), &line.detail["before"]["subject"]), ("login.refused", &serde_json::Value::Null));
}

#[tokio::test]
async fn nobody_relinks_above_their_rank() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "Admin", None).await;
    let done = desk.admin.relink_member(&desk.by("ada").await, desk.member("olivia").await.id, &connection("okta"), "mine").await;
    assert_eq!(refused(done).0, "above_your_role");
    let until = desk.now() + SignedDuration::from_hours(1);
    let window = desk.admin.open_relink_window(&desk.by("ada").await, &connection("okta"), until).await;
    assert_eq!(refused(window).0, "above_your_role");
}

#[tokio::test]
async fn vector_19_a_window_is_open_until_it_is_closed() {
    let desk = Desk::new(Mode::Jit, false).await;
    let by = desk.by("olivia").await;
    let too_long = desk.admin.open_relink_window(&by, &connection("okta"), desk.now() + SignedDuration::from_hours(73)).await;
    assert!(matches!(too_long, Err(AdminError::Invalid(_))));
    desk.admin.open_relink_window(&by, &connection("okta"), desk.now() + SignedDuration::from_hours(72)).await.unwrap();
    assert!(desk.world.facts(&identity("olivia"), desk.now()).await.connection.relink_open_until.is_some());
    desk.admin.close_relink_window(&by, &connection("okta")).await.unwrap();
    assert_eq!(desk.world.facts(&identity("olivia"), desk.now()).await.connection.relink_open_until, None);
    assert_eq!(desk.last_line().await.event, "connection.relink_window_closed");
}

#[tokio::test]
async fn row_51_a_switch_says_who_would_not_be_found() {
    let desk = Desk::new(Mode::Jit, false).await;
    for name in ["ada", "jo", "mia"] {
        desk.join(name, "User", None).await;
    }
    let by = desk.by("olivia").await;
    let there = ["olivia@acme.example", "ADA@acme.example", "jo@acme.example", "Jo@acme.example"].map(email);
    let answer = desk.admin.preflight_switch(&by, &connection("okta"), &connection("entra"), Some(&there)).await.unwrap();
    let names = |rows: &[MemberRow]| rows.iter().map(MemberRow::name).collect::<Vec<_>>();
    assert_eq!(names(&answer.ready), ["olivia"]);
    assert_eq!(names(&answer.case_only), ["ada"]);
    assert_eq!(names(&answer.duplicate), ["jo"]);
    assert_eq!(names(&answer.unmatched), ["mia"]);
}
