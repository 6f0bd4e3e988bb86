//! Row 65 on the real store: what logins said about groups, read back.

use usher::core::{Mode, gone_groups};

use super::*;

#[tokio::test]
async fn row_65_a_renamed_group_is_noticed_by_the_logins_of_who_had_it() {
    let desk = Desk::new(Mode::Jit, true).await;
    let read = async || {
        let stored = desk.world.store.find_settings().await.unwrap().unwrap();
        let organization = &stored.settings.organizations[0];
        let connection = identity("ada").connection;
        let logins = desk.world.store.list_seen_logins(&organization.id, &connection, 1000).await.unwrap();
        let gone = gone_groups(organization, logins.clone());
        (logins.len(), gone.into_iter().map(|gone| gone.value).collect::<Vec<_>>())
    };
    desk.login("ada", &["admins", "everyone"]).await.unwrap();
    for _ in 0..10 {
        desk.clock.pass(Duration::from_secs(1));
        desk.login("ada", &["platform-admins", "everyone"]).await.unwrap();
    }
    // Olivia's own login, and Ada's eleven.
    assert_eq!(read().await, (12, vec!["admins".to_owned()]));
    assert_eq!(desk.world.store.list_seen_logins(&acme(), &identity("ada").connection, 3).await.unwrap().len(), 3);
    desk.clock.pass(Duration::from_secs(1));
    desk.login("ada", &["admins"]).await.unwrap();
    assert_eq!(read().await, (13, vec![]));
}
