use usher::admin::NewInvite;
use usher::core::{InviteId, Mode, Reason};
use usher::store::InviteRow;

use super::*;

impl Desk {
    async fn invite(&self, name: &str, as_role: Option<&str>, seat: Option<&str>) -> Result<InviteRow, AdminError> {
        let new = NewInvite { email: email(&format!("{name}@acme.example")), role: as_role.map(role), seat: seat.map(tier) };
        let done = self.admin.create_invite(&self.by("olivia").await, &new).await;
        self.world.assert_sound().await;
        done
    }

    async fn resend(&self, id: InviteId) -> Result<InviteRow, AdminError> {
        let done = self.admin.resend_invite(&self.by("olivia").await, id).await;
        self.world.assert_sound().await;
        done
    }
}

#[tokio::test]
async fn row_02_an_invited_person_comes_in_as_invited_with_the_held_seat() {
    let desk = Desk::new(Mode::Manual, false).await;
    let row = desk.invite("jo", Some("Admin"), Some("Standard")).await.unwrap();
    assert_eq!(row.invite.expires_at, desk.now() + SignedDuration::from_hours(21 * 24));
    assert_eq!(desk.world.used(desk.now()).await, [1, 1]);
    assert_eq!(role_and_seat(&desk.login("jo", &[]).await.unwrap().member), ("Admin", "Standard"));
    assert_eq!(desk.world.used(desk.now()).await, [1, 1]);
    assert_eq!(desk.admin.list_invites(&desk.by("olivia").await).await.unwrap(), []);
}

#[tokio::test]
async fn vectors_12_and_13_the_last_seat_is_the_invited_persons() {
    let desk = Desk::with(Mode::Manual, false, |organization| organization.seat_tiers[1].owned = 0).await;
    let row = desk.invite("jo", None, None).await.unwrap();
    assert_eq!(row.invite.seat, some_tier("Premium"), "the highest that is free");
    assert_eq!(refused(desk.invite("mia", None, None).await).0, "no_seats_left");
    assert_eq!(refused(desk.invite("mia", None, Some("Premium")).await).0, "tier_full");
    desk.settings(|organization| organization.mode = Mode::Jit).await;
    assert_eq!(desk.login("mia", &[]).await.unwrap_err(), Reason::NoSeatsLeft);
    assert_eq!(role_and_seat(&desk.login("jo", &[]).await.unwrap().member), ("User", "Premium"));
}

#[tokio::test]
async fn row_38_an_expired_invite_frees_its_seat_and_sending_it_again_takes_one() {
    let desk = Desk::with(Mode::Manual, false, |organization| organization.seat_tiers[1].owned = 1).await;
    let jo = desk.invite("jo", None, Some("Standard")).await.unwrap().invite.id;
    desk.days_pass(21);
    assert_eq!(desk.login("jo", &[]).await.unwrap_err(), Reason::NotInvited);
    let listed = desk.admin.list_invites(&desk.by("olivia").await).await.unwrap();
    assert!(!listed[0].is_held, "it is shown as expired");
    let mia = desk.invite("mia", None, Some("Standard")).await.unwrap().invite.id;
    assert_eq!(refused(desk.resend(jo).await).0, "tier_full");
    desk.admin.revoke_invite(&desk.by("olivia").await, mia).await.unwrap();
    let again = desk.resend(jo).await.unwrap();
    assert!(again.is_held && again.invite.expires_at == desk.now() + SignedDuration::from_hours(21 * 24));
    assert_eq!(role_and_seat(&desk.login("jo", &[]).await.unwrap().member), ("User", "Standard"));
}

#[tokio::test]
async fn an_open_invite_that_is_sent_again_keeps_its_one_seat() {
    let desk = Desk::new(Mode::Manual, false).await;
    let jo = desk.invite("jo", None, Some("Standard")).await.unwrap().invite.id;
    desk.days_pass(3);
    desk.resend(jo).await.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 1]);
    assert_eq!(desk.last_line().await.event, "invite.sent_again");
}

#[tokio::test]
async fn a_revoked_invite_is_worth_nothing_and_holds_nothing() {
    let desk = Desk::new(Mode::Manual, false).await;
    let jo = desk.invite("jo", None, Some("Standard")).await.unwrap().invite.id;
    desk.admin.revoke_invite(&desk.by("olivia").await, jo).await.unwrap();
    assert_eq!(desk.world.used(desk.now()).await, [1, 0]);
    assert_eq!(desk.login("jo", &[]).await.unwrap_err(), Reason::NotInvited);
    assert!(matches!(desk.resend(jo).await, Err(AdminError::NoSuch("invite"))));
}

#[tokio::test]
async fn row_39_nobody_is_invited_while_the_provider_or_the_directory_makes_members() {
    for mode in [Mode::Jit, Mode::Scim] {
        let desk = Desk::new(mode, false).await;
        assert_eq!(refused(desk.invite("jo", None, None).await).0, "managed_by_idp");
    }
}

#[tokio::test]
async fn an_invite_that_could_not_be_used_is_not_made() {
    let desk = Desk::new(Mode::Manual, false).await;
    let olivia = desk.by("olivia").await;
    let foreign = NewInvite { email: email("jo@other.example"), role: None, seat: None };
    assert_eq!(refused(desk.admin.create_invite(&olivia, &foreign).await).0, "domain_not_allowed");
    assert_eq!(refused(desk.invite("OLIVIA", None, None).await).0, "already_member");
    desk.invite("jo", None, None).await.unwrap();
    assert_eq!(refused(desk.invite("jo", None, None).await).0, "already_invited");
    desk.join("mia", "User", None).await;
    desk.remove("olivia", &["mia"], true).await.unwrap();
    assert_eq!(refused(desk.invite("mia", None, None).await).0, "blocked_by_admin");
    desk.join("ada", "Admin", None).await;
    let owner = NewInvite { email: email("new@acme.example"), role: Some(role("Owner")), seat: None };
    assert_eq!(refused(desk.admin.create_invite(&desk.by("ada").await, &owner).await).0, "above_your_role");
}

#[tokio::test]
async fn the_primary_owners_hold_is_the_settings_own() {
    let desk = Desk::with(Mode::Manual, false, |organization| organization.primary_owner = Some(email("boss@acme.example"))).await;
    let invites = desk.admin.list_invites(&desk.by("olivia").await).await.unwrap();
    assert!(invites[0].primary_owner && invites[0].is_held);
    let revoked = desk.admin.revoke_invite(&desk.by("olivia").await, invites[0].invite.id).await;
    assert_eq!(refused(revoked).0, "primary_owner");
}

#[tokio::test]
async fn invite_and_login_race_for_the_last_seat() {
    for _ in 0..5 {
        let desk = Desk::with(Mode::Manual, false, |organization| organization.seat_tiers[1].owned = 0).await;
        desk.join("ada", "User", None).await;
        let (invite, given) = tokio::join!(desk.invite("jo", None, Some("Premium")), desk.change("olivia", "ada", to_seat("Premium")));
        assert_eq!([invite.is_ok(), given.is_ok()].into_iter().filter(|done| *done).count(), 1, "{invite:?} {given:?}");
        assert_eq!(desk.world.used(desk.now()).await, [2, 0]);
    }
}

impl Desk {
    /// Gwen of another company, through the company's own provider.
    async fn gwen(&self, groups: &[&str]) -> Result<MemberRow, Reason> {
        let mut gwen = identity("gwen");
        (gwen.email, gwen.groups) = (Some(email("gwen@partner.example")), GroupClaim::from_values(groups));
        let facts = self.world.facts(&gwen, self.now()).await;
        let decision = decide(&facts, &gwen, self.now());
        let committed = self.world.login(&gwen, &decision, self.now()).await;
        self.world.assert_sound().await;
        match decision.outcome {
            Outcome::Admit(_) => Ok(committed.member.unwrap()),
            Outcome::Refuse(reason) => Err(reason),
        }
    }
}

#[tokio::test]
async fn row_39_a_guest_is_invited_only_where_guests_are_allowed_and_comes_in_by_the_invite_alone() {
    for (mode, mapped) in [(Mode::Manual, false), (Mode::Jit, false), (Mode::Jit, true), (Mode::Scim, true)] {
        let desk = Desk::new(mode, mapped).await;
        let by = desk.by("olivia").await;
        let gwen = NewInvite { email: email("gwen@partner.example"), role: Some(role("User")), seat: Some(tier("Standard")) };
        let (code, _) = refused(desk.admin.create_invite(&by, &gwen).await);
        assert_eq!(code, if mode == Mode::Manual { "domain_not_allowed" } else { "managed_by_idp" }, "off by default");
        desk.settings(|organization| organization.policy.allow_guests = true).await;
        assert_eq!(desk.gwen(&["owners"]).await.unwrap_err(), Reason::DomainNotAllowed, "not invited");
        if mode != Mode::Manual {
            assert_eq!(refused(desk.invite("jo", None, None).await).0, "managed_by_idp", "colleagues sign in");
        }
        let invite = desk.admin.create_invite(&by, &gwen).await.unwrap().invite.id;
        assert!(desk.resend(invite).await.unwrap().is_held);
        for _ in 0..2 {
            assert_eq!(role_and_seat(&desk.gwen(&["owners", "design"]).await.unwrap().member), ("User", "Standard"), "{mode} {mapped}");
        }
        desk.settings(|organization| organization.policy.allow_guests = false).await;
        assert_eq!(desk.gwen(&[]).await.unwrap_err(), Reason::DomainNotAllowed);
    }
}

#[tokio::test]
async fn row_39_a_guest_is_changed_by_hand_since_no_group_speaks_of_them() {
    let desk = Desk::new(Mode::Jit, true).await;
    desk.settings(|organization| organization.policy.allow_guests = true).await;
    let by = desk.by("olivia").await;
    let gwen = NewInvite { email: email("gwen@partner.example"), role: Some(role("User")), seat: Some(tier("Standard")) };
    desk.admin.create_invite(&by, &gwen).await.unwrap();
    let guest = desk.gwen(&[]).await.unwrap().member.id;
    let change = MemberChange { role: Some(role("Admin")), ..to_seat("Premium") };
    let changed = desk.admin.change_member(&by, guest, change).await.unwrap();
    assert_eq!(role_and_seat(&changed.members[0].member), ("Admin", "Premium"));
    assert_eq!(role_and_seat(&desk.gwen(&["everyone"]).await.unwrap().member), ("Admin", "Premium"), "and it lasts");
    let pin = desk.admin.pin_member(&by, guest, pinned(&desk, Some("User"), None, 5)).await;
    assert_eq!(refused(pin).0, "no_pin_needed");
    // Not a guest any more, so not by hand any more.
    desk.settings(|organization| organization.policy.allow_guests = false).await;
    assert_eq!(refused(desk.admin.change_member(&by, guest, to_role("User")).await).0, "managed_by_idp");
}
