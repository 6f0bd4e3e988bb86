use usher::core::{MemberId, MemberStatus};
use usher::store::{RosterFilter, RosterOrder, RosterPage, RosterPlace, RosterQuery, SeatFilter, Seen, Source, StoreError};
use uuid::Uuid;

use crate::store::fixtures::*;

impl World {
    async fn roster(&self, filter: &RosterFilter, order: RosterOrder, place: RosterPlace, limit: u32) -> Result<RosterPage, StoreError> {
        self.store.list_roster(RosterQuery { organization: &acme(), filter, order, place, limit, total: None }).await
    }

    /// The names that fit, in order; a short list and a long one are read in different ways, and say the same.
    async fn names(&self, filter: &RosterFilter, order: RosterOrder) -> Vec<String> {
        let short = self.roster(filter, order, RosterPlace::Start, 500).await.unwrap();
        let query = RosterQuery { organization: &acme(), filter, order, place: RosterPlace::Start, limit: 500, total: Some(1_000_000) };
        assert_eq!(self.store.list_roster(query).await.unwrap().rows, short.rows, "{order}");
        assert_eq!(usize::try_from(short.total).unwrap(), short.rows.len(), "{order}");
        names(&short)
    }
}

fn names(page: &RosterPage) -> Vec<String> {
    page.rows.iter().map(|row| row.person.name.clone().unwrap_or_default()).collect()
}

pub(crate) async fn members_fit_by_every_filter(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "Owner", Some("Premium"), at(1)).await;
    let jo = world.join("jo", "User", Some("Standard"), at(2)).await;
    let mia = world.join("mia", "User", None, at(3)).await;
    world.join("zoe", "User", Some("Standard"), at(4)).await;
    world.remove(&jo, "jo", at(50)).await;
    let execute =
        async |text: &str, member: MemberId| world.backend.execute(format!("UPDATE member SET {text} WHERE id = '{member}'")).await;
    execute("last_login_at = NULL, wanted_tier = 'Premium', wanted_since = 1", mia.member.id).await;
    execute("pin = '{\"role\":\"Owner\",\"reason\":\"x\",\"by\":\"y\",\"ends_at\":\"2030-01-01T00:00:00Z\"}'", ada.member.id).await;
    world
        .backend
        .execute(format!(
            "INSERT INTO invite (id, organization, email, email_folded, role, primary_owner, created_at, expires_at, closed_at, used_by)
             VALUES ('inv_1', 'acme', 'mia@acme.example', 'mia@acme.example', 'User', 0, 1, 2, 2, '{}')",
            mia.member.id
        ))
        .await;

    let all = RosterFilter::default();
    let fit = async |filter: RosterFilter| {
        let by_name = world.names(&filter, RosterOrder::Name).await;
        for order in [RosterOrder::Email, RosterOrder::Recent, RosterOrder::Idle, RosterOrder::Joined] {
            let mut names = world.names(&filter, order).await;
            names.sort_unstable();
            assert_eq!(names, by_name, "{order}: the same people");
        }
        by_name
    };
    assert_eq!(fit(all.clone()).await, ["ada", "jo", "mia", "zoe"]);
    assert_eq!(fit(RosterFilter { search: Some("ACME.ex".to_owned()), ..all.clone() }).await, ["ada", "jo", "mia", "zoe"]);
    assert_eq!(fit(RosterFilter { search: Some("MI".to_owned()), ..all.clone() }).await, ["mia"]);
    assert_eq!(fit(RosterFilter { search: Some("%".to_owned()), ..all.clone() }).await, [""; 0]);
    assert_eq!(fit(RosterFilter { role: Some(role("User")), ..all.clone() }).await, ["jo", "mia", "zoe"]);
    assert_eq!(fit(RosterFilter { status: Some(MemberStatus::Removed), ..all.clone() }).await, ["jo"]);
    assert_eq!(fit(RosterFilter { seat: Some(SeatFilter::Tier(tier("Premium"))), ..all.clone() }).await, ["ada"]);
    assert_eq!(fit(RosterFilter { seat: Some(SeatFilter::None), ..all.clone() }).await, ["jo", "mia"]);
    assert_eq!(fit(RosterFilter { seat: Some(SeatFilter::Waiting), ..all.clone() }).await, ["mia"]);
    assert_eq!(fit(RosterFilter { source: Some(Source::Pin), ..all.clone() }).await, ["ada"]);
    assert_eq!(fit(RosterFilter { source: Some(Source::Invite), ..all.clone() }).await, ["mia"]);
    assert_eq!(fit(RosterFilter { source: Some(Source::Provider), ..all.clone() }).await, ["ada", "jo", "zoe"]);
    assert_eq!(fit(RosterFilter { seen: Some(Seen::Never), ..all.clone() }).await, ["mia"]);
    assert_eq!(fit(RosterFilter { seen: Some(Seen::NotSince(at(3))), ..all.clone() }).await, ["ada", "mia"], "by joining, if never here");
    let both = RosterFilter { role: Some(role("User")), status: Some(MemberStatus::Active), ..all };
    assert_eq!(fit(both).await, ["mia", "zoe"]);
}

pub(crate) async fn a_roster_is_walked_both_ways_in_every_order(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for (name, second) in [("mia", 5), ("Ada", 4), ("jo", 3), ("zoe", 3), ("bo", 1)] {
        world.join(name, "User", None, at(second)).await;
    }
    let filter = RosterFilter::default();
    assert_eq!(world.names(&filter, RosterOrder::Name).await, ["Ada", "bo", "jo", "mia", "zoe"]);
    assert_eq!(world.names(&filter, RosterOrder::Email).await, ["Ada", "bo", "jo", "mia", "zoe"]);
    assert_eq!(world.names(&filter, RosterOrder::Idle).await[0], "bo");
    for order in [RosterOrder::Recent, RosterOrder::Joined] {
        let all = world.names(&filter, order).await;
        assert_eq!((all[0].as_str(), all[4].as_str()), ("mia", "bo"), "{order}");
    }
    for order in [RosterOrder::Name, RosterOrder::Email, RosterOrder::Recent, RosterOrder::Idle, RosterOrder::Joined] {
        let all = world.names(&filter, order).await;
        let (mut place, mut seen) = (RosterPlace::Start, Vec::new());
        loop {
            let page = world.roster(&filter, order, place, 2).await.unwrap();
            assert_eq!((page.total, page.earlier), (5, !seen.is_empty()), "{order}");
            seen.extend(names(&page));
            if !page.later {
                break;
            }
            place = RosterPlace::After(page.rows.last().unwrap().member.id);
        }
        assert_eq!(seen, all, "{order}");
        let last = world.roster(&filter, order, RosterPlace::Start, 5).await.unwrap().rows.pop().unwrap();
        let back = world.roster(&filter, order, RosterPlace::Before(last.member.id), 3).await.unwrap();
        assert_eq!((names(&back), back.earlier, back.later), (all[1..4].to_vec(), true, true), "{order}");
    }
}

pub(crate) async fn a_roster_knows_no_one_of_another_organization(backend: Box<dyn Backend>) {
    let world = World::empty(backend);
    let mut settings = settings(9, 9);
    let mut other = settings.organizations[0].clone();
    other.id = usher::core::OrganizationId::parse("labs").unwrap();
    settings.organizations.push(other.clone());
    world.store.save_settings(&settings, None, "cli", at(0)).await.unwrap();
    let ada = world.join("ada", "User", None, at(1)).await;
    let filter = RosterFilter::default();
    let ask = async |place: RosterPlace| {
        let query = RosterQuery { organization: &other.id, filter: &filter, order: RosterOrder::Name, place, limit: 9, total: None };
        world.store.list_roster(query).await
    };
    assert_eq!(ask(RosterPlace::Start).await.unwrap().total, 0);
    assert!(matches!(ask(RosterPlace::After(ada.member.id)).await, Err(StoreError::Missing(_))));
    let nobody = MemberId::from_uuid(Uuid::nil());
    assert!(matches!(ask(RosterPlace::Before(nobody)).await, Err(StoreError::Missing(_))));
}

pub(crate) async fn a_name_of_any_length_has_its_place(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for (name, shown) in [("ada", "ü".repeat(10_000)), ("bo", "ü".repeat(9_999)), ("cy", "a\u{202e}\n<b>".to_owned())] {
        let mut identity = identity(name);
        identity.name = Some(shown);
        world.login(&identity, &newcomer(&identity, "User", None), at(1)).await;
    }
    let all = world.names(&RosterFilter::default(), RosterOrder::Name).await;
    assert_eq!((all.len(), all[0].as_str()), (3, "a\u{202e}\n<b>"));
}
