use usher::core::Mode;

use super::*;

impl Desk {
    /// Olivia is the Primary Owner, Ada an Admin.
    async fn owned() -> Self {
        let desk = Self::with(Mode::Jit, false, |organization| organization.primary_owner = Some(email("olivia@acme.example"))).await;
        desk.login("olivia", &[]).await.unwrap();
        desk.join("ada", "Admin", None).await;
        desk
    }

    async fn hand_over(&self, by: &str, to: &str, typed: &str) -> Result<PeopleChange, AdminError> {
        let done = self.admin.transfer_primary_owner(&self.by(by).await, self.member(to).await.id, typed).await;
        self.world.assert_sound().await;
        done
    }
}

#[tokio::test]
async fn r10_the_ownership_is_handed_over_by_typing_the_new_owners_address() {
    let desk = Desk::owned().await;
    assert!(matches!(desk.hand_over("olivia", "ada", "ada@acme.exampl").await, Err(AdminError::Invalid(_))));
    desk.hand_over("olivia", "ada", " ADA@acme.example ").await.unwrap();
    let (olivia, ada) = (desk.member("olivia").await, desk.member("ada").await);
    assert_eq!((olivia.primary_owner, olivia.role.as_str()), (false, "Owner"), "the former one keeps the highest role");
    assert_eq!((ada.primary_owner, role_and_seat(&ada)), (true, ("Owner", "Premium")), "and the new one has a seat");
}

#[tokio::test]
async fn what_was_handed_over_stays_through_logins_and_the_same_settings() {
    let desk = Desk::owned().await;
    desk.hand_over("olivia", "ada", "ada@acme.example").await.unwrap();
    desk.settings(|organization| organization.name = "Acme Inc".to_owned()).await;
    assert!(!desk.login("olivia", &[]).await.unwrap().member.primary_owner, "the configured address names the first one only");
    assert!(desk.login("ada", &[]).await.unwrap().member.primary_owner);
    desk.settings(|organization| organization.primary_owner = Some(email("ada@acme.example"))).await;
    assert!(desk.member("ada").await.primary_owner);
}

#[tokio::test]
async fn only_the_primary_owner_and_the_operator_hand_it_over_and_only_to_somebody_who_was_here() {
    let desk = Desk::owned().await;
    assert_eq!(refused(desk.hand_over("ada", "ada", "ada@acme.example").await).0, "not_the_primary_owner");
    let never = desk.join("never", "User", None).await.member.id;
    desk.world.backend.execute(format!("UPDATE member SET last_login_at = NULL WHERE id = '{never}'")).await;
    assert_eq!(refused(desk.hand_over("olivia", "never", "never@acme.example").await).0, "never_signed_in");
    let ada = desk.member("ada").await.id;
    desk.admin.transfer_primary_owner(&crate::admin::operator(), ada, "ada@acme.example").await.unwrap();
    assert!(desk.member("ada").await.primary_owner);
}

#[tokio::test]
async fn row_52_the_primary_owner_is_neither_removed_nor_demoted_by_anybody() {
    let desk = Desk::owned().await;
    let (operator, olivia) = (crate::admin::operator(), desk.member("olivia").await.id);
    assert_eq!(refused(desk.admin.remove_members(&operator, &[olivia], false).await).0, "primary_owner");
    assert_eq!(refused(desk.admin.change_member(&operator, olivia, to_role("User")).await).0, "primary_owner");
    assert_eq!(refused(desk.admin.change_member(&operator, olivia, to_seat("")).await).0, "primary_owner");
    assert_eq!(refused(desk.admin.reclaim_seat(&operator, olivia).await).0, "primary_owner");
}
