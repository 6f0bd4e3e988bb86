use usher::admin::{AdminError, MemberChange};
use usher::core::{Mode, Reason};

use super::*;

#[tokio::test]
async fn row_46_a_mapped_role_is_not_changed_by_hand_and_the_group_to_change_is_named() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    let (code, sentence) = refused(desk.change("olivia", "jo", to_role("Admin")).await);
    assert_eq!(code, "managed_by_idp");
    assert!(sentence.contains("put jo into the group admins at the identity provider, or pin the role Admin"), "{sentence}");
    let (code, sentence) = refused(desk.change("olivia", "jo", to_seat("Standard")).await);
    assert_eq!(code, "managed_by_idp");
    assert!(sentence.contains("no group gives a Standard seat yet"), "{sentence}");
    assert_eq!(role_and_seat(&desk.member("jo").await), ("User", "Premium"));
}

#[tokio::test]
async fn row_47_a_hand_edit_without_mappings_survives_logins() {
    for mode in [Mode::Jit, Mode::Manual] {
        let desk = Desk::new(mode, false).await;
        desk.join("jo", "User", Some("Premium")).await;
        let change = MemberChange { role: Some(role("Admin")), ..to_seat("Standard") };
        let done = desk.change("olivia", "jo", change).await.unwrap();
        assert_eq!(role_and_seat(&done.members[0].member), ("Admin", "Standard"));
        let after = desk.login("jo", &["everyone"]).await.unwrap();
        assert_eq!(role_and_seat(&after.member), ("Admin", "Standard"));
        assert_eq!(desk.world.used(desk.now()).await, [1, 1]);
    }
}

#[tokio::test]
async fn every_hand_edit_leaves_a_line_with_before_and_after() {
    let desk = Desk::new(Mode::Jit, false).await;
    let jo = desk.join("jo", "User", Some("Premium")).await;
    desk.change("olivia", "jo", to_role("Admin")).await.unwrap();
    let line = desk.last_line().await;
    assert_eq!((line.event.as_str(), line.target), ("member.changed", Some(jo.person.id.to_string())));
    assert_eq!(line.actor, desk.find("olivia").await.person.id.to_string());
    assert_eq!(line.detail["before"]["member"]["role"], "User");
    assert_eq!(line.detail["after"]["member"]["role"], "Admin");
}

#[tokio::test]
async fn row_34_no_seat_assigned_stays_without_mappings_and_is_recomputed_with_them() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("jo", "User", Some("Premium")).await;
    desk.change("olivia", "jo", to_seat("")).await.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 0]);
    assert_eq!(desk.login("jo", &["everyone"]).await.unwrap_err(), Reason::SeatUnassigned);
    desk.change("olivia", "jo", to_seat("Standard")).await.unwrap();
    assert_eq!(role_and_seat(&desk.login("jo", &[]).await.unwrap().member), ("User", "Standard"));

    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    let done = desk.change("olivia", "jo", to_seat("")).await.unwrap();
    assert!(done.notes[0].contains("gives jo a seat again"), "{:?}", done.notes);
    assert_eq!(role_and_seat(&desk.login("jo", &["everyone"]).await.unwrap().member), ("User", "Premium"));
    desk.pin("olivia", "jo", pinned(&desk, None, Some(""), 5)).await.unwrap();
    assert_eq!(desk.login("jo", &["everyone"]).await.unwrap_err(), Reason::SeatUnassigned, "pinned so");
}

#[tokio::test]
async fn a_full_tier_is_a_clear_refusal() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "User", Some("Premium")).await;
    desk.join("jo", "User", Some("Standard")).await;
    let (code, sentence) = refused(desk.change("olivia", "jo", to_seat("Premium")).await);
    assert_eq!((code, sentence.as_str()), ("tier_full", "all 2 Premium seats are in use; free one, or own more"));
    assert!(matches!(desk.change("olivia", "jo", to_seat("Gold")).await, Err(AdminError::Invalid(_))));
}

#[tokio::test]
async fn row_36_fewer_seats_than_in_use_give_no_new_one_by_hand_either() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "User", Some("Premium")).await;
    desk.join("jo", "User", Some("Standard")).await;
    desk.settings(|organization| organization.seat_tiers[0].owned = 1).await;
    assert_eq!(role_and_seat(&desk.login("ada", &[]).await.unwrap().member).1, "Premium", "nobody is evicted");
    assert_eq!(refused(desk.change("olivia", "jo", to_seat("Premium")).await).0, "tier_full");
    desk.change("olivia", "ada", to_seat("Standard")).await.unwrap();
    assert_eq!(refused(desk.change("olivia", "jo", to_seat("Premium")).await).0, "tier_full", "one of one is in use");
    desk.settings(|organization| organization.seat_tiers[0].owned = 2).await;
    desk.change("olivia", "jo", to_seat("Premium")).await.unwrap();
}

#[tokio::test]
async fn a_member_that_changed_meanwhile_is_stale() {
    let desk = Desk::new(Mode::Jit, false).await;
    let seen = desk.join("jo", "User", Some("Premium")).await.member.revision;
    desk.change("olivia", "jo", to_role("Admin")).await.unwrap();
    let change = MemberChange { expected: Some(seen), ..to_role("Owner") };
    assert!(matches!(desk.change("olivia", "jo", change).await, Err(AdminError::Stale)));
    assert_eq!(desk.member("jo").await.role, role("Admin"));
}

#[tokio::test]
async fn vector_21_a_pin_holds_until_it_ends_and_then_groups_decide() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    let done = desk.pin("olivia", "jo", pinned(&desk, Some("Admin"), Some("Standard"), 10)).await.unwrap();
    assert_eq!(role_and_seat(&done.members[0].member), ("Admin", "Standard"), "it counts at once");
    let pin = done.members[0].member.pin.clone().unwrap();
    assert_eq!((pin.by.as_str(), pin.reason.as_str()), ("olivia", "on call"), "shown with who made it");
    desk.days_pass(9);
    assert_eq!(role_and_seat(&desk.login("jo", &["everyone"]).await.unwrap().member), ("Admin", "Standard"));
    desk.days_pass(1);
    let after = desk.login("jo", &["everyone", "design"]).await.unwrap().member;
    assert_eq!((role_and_seat(&after), &after.pin), (("User", "Premium"), &None));
}

#[tokio::test]
async fn a_pin_that_is_taken_off_ends_at_the_next_login() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    desk.pin("olivia", "jo", pinned(&desk, Some("Admin"), None, 10)).await.unwrap();
    desk.admin.unpin_member(&desk.by("olivia").await, desk.member("jo").await.id, None).await.unwrap();
    assert_eq!(desk.login("jo", &["everyone"]).await.unwrap().member.role, role("User"));
    let again = desk.admin.unpin_member(&desk.by("olivia").await, desk.member("jo").await.id, None).await;
    assert_eq!(refused(again).0, "nothing_to_do");
}

#[tokio::test]
async fn a_pin_needs_a_reason_an_end_within_the_policy_and_mappings() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("jo", &["everyone"]).await.unwrap();
    for days in [0, 31] {
        assert_eq!(refused(desk.pin("olivia", "jo", pinned(&desk, Some("Admin"), None, days)).await).0, "pin_too_long");
    }
    let without_reason = NewPin { reason: "  ".to_owned(), ..pinned(&desk, None, None, 1) };
    let Err(AdminError::Invalid(faults)) = desk.pin("olivia", "jo", without_reason).await else { panic!() };
    assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), ["role", "reason"]);
    let plain = Desk::new(Mode::Jit, false).await;
    plain.join("jo", "User", None).await;
    assert_eq!(refused(plain.pin("olivia", "jo", pinned(&plain, Some("Admin"), None, 1)).await).0, "no_pin_needed");
}

#[tokio::test]
async fn nobody_acts_above_their_own_rank() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "Admin", None).await;
    desk.join("jo", "User", None).await;
    assert_eq!(refused(desk.change("ada", "jo", to_role("Owner")).await).0, "above_your_role");
    assert_eq!(refused(desk.change("ada", "olivia", to_seat("Standard")).await).0, "above_your_role");
    assert_eq!(refused(desk.remove("ada", &["jo", "olivia"], false).await).0, "above_your_role");
    assert!(is_active(&desk.member("jo").await), "all of it or nothing");
    desk.change("ada", "jo", to_role("Admin")).await.unwrap();
}

#[tokio::test]
async fn r13_nobody_with_the_highest_role_demotes_or_removes_themselves() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("oscar", "Owner", None).await;
    assert_eq!(refused(desk.change("oscar", "oscar", to_role("User")).await).0, "yourself");
    assert_eq!(refused(desk.remove("oscar", &["oscar"], false).await).0, "yourself");
    desk.change("olivia", "oscar", to_role("User")).await.unwrap();
}

#[tokio::test]
async fn row_55_the_last_administrator_who_can_sign_in_is_not_demoted_by_hand() {
    let desk = Desk::new(Mode::Jit, false).await;
    let operator = crate::admin::operator();
    let olivia = desk.member("olivia").await.id;
    let (code, sentence) = refused(desk.admin.change_member(&operator, olivia, to_role("User")).await);
    assert_eq!(code, "last_admin");
    assert!(sentence.contains("without olivia"), "{sentence}");
    // A bot and somebody who never came do not count.
    let bot = desk.join("bot", "Owner", None).await;
    desk.admin.mark_service_account(&desk.by("olivia").await, bot.member.id, true).await.unwrap();
    let never = desk.join("never", "Owner", None).await;
    desk.world.backend.execute(format!("UPDATE member SET last_login_at = NULL WHERE id = '{}'", never.member.id)).await;
    assert_eq!(refused(desk.admin.change_member(&operator, olivia, to_role("User")).await).0, "last_admin");
    assert_eq!(refused(desk.admin.remove_members(&operator, &[olivia], true).await).0, "last_admin");
    desk.join("ada", "Admin", None).await;
    desk.admin.change_member(&operator, olivia, to_role("User")).await.unwrap();
}

#[tokio::test]
async fn row_67_the_last_administrator_is_not_marked_as_a_service_account() {
    let desk = Desk::new(Mode::Jit, false).await;
    let olivia = desk.member("olivia").await.id;
    let marked = desk.admin.mark_service_account(&crate::admin::operator(), olivia, true).await;
    assert_eq!(refused(marked).0, "last_admin");
    desk.join("ada", "Admin", None).await;
    let row = desk.admin.mark_service_account(&crate::admin::operator(), olivia, true).await.unwrap();
    assert!(row.person.service_account);
    let line = desk.last_line().await;
    assert_eq!(
        (line.event.as_str(), &line.detail["before"]["person"]["service_account"]),
        ("member.service_account_marked", &false.into())
    );
}

#[tokio::test]
async fn who_was_demoted_since_the_request_began_acts_no_more() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "Admin", None).await;
    desk.join("jo", "User", None).await;
    let ada = desk.by("ada").await;
    desk.change("olivia", "ada", to_role("User")).await.unwrap();
    let done = desk.admin.remove_members(&ada, &[desk.member("jo").await.id], false).await;
    assert!(matches!(done, Err(AdminError::NotAllowed(_))), "{done:?}");
}
