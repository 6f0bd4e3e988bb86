use usher::core::hand::ComesBack;
use usher::core::{Mode, Reason};

use super::*;

#[tokio::test]
async fn row_40_removed_in_manual_mode_needs_a_new_invite() {
    let desk = Desk::new(Mode::Manual, false).await;
    desk.join("jo", "User", Some("Premium")).await;
    desk.remove("olivia", &["jo"], false).await.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 0]);
    assert_eq!(desk.login("jo", &[]).await.unwrap_err(), Reason::NotInvited);
}

#[tokio::test]
async fn row_41_vector_14_removed_and_back_is_a_user_with_the_same_history() {
    let desk = Desk::new(Mode::Jit, false).await;
    let ada = desk.join("ada", "Admin", Some("Premium")).await;
    desk.remove("olivia", &["ada"], false).await.unwrap();
    let back = desk.login("ada", &["admins"]).await.unwrap();
    assert_eq!((back.member.id, back.member.role), (ada.member.id, role("User")));
}

#[tokio::test]
async fn row_42_removed_and_back_with_what_the_groups_give() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("ada", &["admins"]).await.unwrap();
    desk.remove("olivia", &["ada"], false).await.unwrap();
    assert_eq!(desk.login("ada", &["admins", "design"]).await.unwrap().member.role, role("Admin"));
}

#[tokio::test]
async fn row_43_vector_15_removed_and_blocked_stays_out_until_unblocked() {
    for mapped in [false, true] {
        let desk = Desk::new(Mode::Jit, mapped).await;
        desk.login("jo", &["everyone"]).await.unwrap();
        desk.remove("olivia", &["jo"], true).await.unwrap();
        assert_eq!(desk.login("jo", &["everyone"]).await.unwrap_err(), Reason::BlockedByAdmin);
        desk.admin.unblock_member(&desk.by("olivia").await, desk.member("jo").await.id).await.unwrap();
        assert!(is_active(&desk.login("jo", &["everyone"]).await.unwrap().member));
    }
}

#[tokio::test]
async fn someone_removed_can_still_be_blocked() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("jo", "User", None).await;
    desk.remove("olivia", &["jo"], false).await.unwrap();
    assert_eq!(refused(desk.remove("olivia", &["jo"], false).await).0, "nothing_to_do");
    desk.remove("olivia", &["jo"], true).await.unwrap();
    assert_eq!(desk.login("jo", &[]).await.unwrap_err(), Reason::BlockedByAdmin);
}

#[tokio::test]
async fn rows_41_to_44_the_outlook_says_whether_they_come_back() {
    let says = async |mode, mapped, block| {
        let desk = Desk::new(mode, mapped).await;
        let jo = desk.join("jo", "User", None).await;
        desk.admin.removal_outlook(&desk.by("olivia").await, &[jo.member.id], block).await.unwrap().comes_back
    };
    assert_eq!(says(Mode::Manual, false, false).await, ComesBack::OnlyInvited);
    assert_eq!(says(Mode::Jit, false, false).await, ComesBack::AtSignIn);
    assert_eq!(says(Mode::Jit, true, false).await, ComesBack::ByGroups);
    assert_eq!(says(Mode::Scim, true, false).await, ComesBack::BySync);
    assert_eq!(says(Mode::Jit, true, true).await, ComesBack::OnlyUnblocked);
}

#[tokio::test]
async fn row_45_vector_25_undo_after_mass_removal_restores_role_seat_and_pin() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("ada", &["admins", "design"]).await.unwrap();
    for name in ["jo", "mia", "noah"] {
        desk.login(name, &["everyone"]).await.unwrap();
    }
    desk.pin("olivia", "jo", pinned(&desk, Some("Admin"), None, 20)).await.unwrap();
    let before = [desk.find("ada").await, desk.find("jo").await, desk.find("mia").await];
    let removal = desk.remove("olivia", &["ada", "jo", "mia"], false).await.unwrap().removal.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 1], "Olivia and Noah");
    let undone = desk.admin.undo_removal(&desk.by("olivia").await, removal).await.unwrap();
    assert_eq!(undone.notes, Vec::<String>::new());
    for then in before {
        let now = desk.admin.store.find_member(&acme(), then.person.id).await.unwrap().unwrap().member;
        let then = Member { revision: now.revision, ..then.member };
        assert_eq!(now, then);
    }
    let again = desk.admin.undo_removal(&desk.by("olivia").await, removal).await;
    assert_eq!(refused(again).0, "undone_already");
    desk.login("ada", &["admins", "design"]).await.expect("the link is there, too");
}

#[tokio::test]
async fn an_undo_says_which_seat_is_gone_and_queues_for_it() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("ada", &["everyone", "design"]).await.unwrap();
    let removal = desk.remove("olivia", &["ada"], false).await.unwrap().removal.unwrap();
    desk.login("jo", &["everyone", "design"]).await.unwrap();
    let undone = desk.admin.undo_removal(&desk.by("olivia").await, removal).await.unwrap();
    assert_eq!(undone.notes, ["no Premium seat is free any more, so ada is back with a Standard seat"]);
    let ada = desk.member("ada").await;
    assert_eq!((role_and_seat(&ada).1, ada.wanted_tier.clone().map(|wanted| wanted.tier)), ("Standard", some_tier("Premium")));
    desk.world.assert_sound().await;
}

#[tokio::test]
async fn a_removal_by_groups_is_undone_as_well() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.login("ada", &["admins"]).await.unwrap();
    assert_eq!(desk.login("ada", &["renamed"]).await.unwrap_err(), Reason::NoRoleGroup);
    let removals = desk.admin.list_removals(&desk.by("olivia").await).await.unwrap();
    assert_eq!((removals.len(), removals[0].actor.as_str()), (1, "system"));
    desk.admin.undo_removal(&desk.by("olivia").await, removals[0].id).await.unwrap();
    assert_eq!(role_and_seat(&desk.member("ada").await), ("Admin", "Premium"));
    assert_eq!(desk.admin.list_removals(&desk.by("olivia").await).await.unwrap(), []);
}

#[tokio::test]
async fn who_came_back_by_themselves_gets_the_old_role_back_and_keeps_the_seat() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "Admin", Some("Standard")).await;
    let removal = desk.remove("olivia", &["ada"], false).await.unwrap().removal.unwrap();
    assert_eq!(role_and_seat(&desk.login("ada", &[]).await.unwrap().member), ("User", "Premium"));
    desk.admin.undo_removal(&desk.by("olivia").await, removal).await.unwrap();
    assert_eq!(role_and_seat(&desk.member("ada").await), ("Admin", "Premium"));
    desk.world.assert_sound().await;
}

#[tokio::test]
async fn a_removal_is_undone_within_the_window_and_by_no_lower_rank() {
    let desk = Desk::new(Mode::Jit, false).await;
    desk.join("ada", "Admin", None).await;
    desk.join("oscar", "Owner", None).await;
    let removal = desk.remove("olivia", &["oscar"], false).await.unwrap().removal.unwrap();
    assert_eq!(refused(desk.admin.undo_removal(&desk.by("ada").await, removal).await).0, "above_your_role");
    desk.days_pass(31);
    assert_eq!(refused(desk.admin.undo_removal(&desk.by("olivia").await, removal).await).0, "too_late_to_undo");
    assert_eq!(desk.admin.list_removals(&desk.by("olivia").await).await.unwrap(), []);
}

#[tokio::test]
async fn two_administrators_who_remove_each_other_leave_one() {
    for _ in 0..5 {
        let desk = Desk::new(Mode::Jit, false).await;
        desk.join("oscar", "Owner", None).await;
        let (olivia, oscar) = (desk.by("olivia").await, desk.by("oscar").await);
        let (one, other) = ([desk.member("oscar").await.id], [desk.member("olivia").await.id]);
        let (first, second) =
            tokio::join!(desk.admin.remove_members(&olivia, &one, false), desk.admin.remove_members(&oscar, &other, false));
        assert_eq!([first.is_ok(), second.is_ok()].into_iter().filter(|done| *done).count(), 1, "{first:?} {second:?}");
        desk.world.assert_sound().await;
    }
}
