use jiff::Timestamp;
use serde_json::json;
use usher::core::{ConnectionId, IncidentId, OrganizationId, Reason};
use usher::store::{ActivityFilter, ActivityPage, ActivityQuery, ActivityResult, NewAuditLine, RequestOrigin};
use uuid::Uuid;

use crate::store::fixtures::*;

const EVENTS: [&str; 4] = ["login.admitted", "login.refused", "session.ended", "settings.applied"];

async fn page(world: &World, filter: &ActivityFilter, before: Option<i64>, limit: u32, parent_level: bool) -> ActivityPage {
    let query = ActivityQuery { organization: &acme(), parent_level, filter, events: &EVENTS, before, limit };
    world.store.list_activity(query).await.unwrap()
}

async fn found(world: &World, filter: ActivityFilter) -> Vec<i64> {
    page(world, &filter, None, 1000, true).await.lines.iter().map(|line| line.sequence).collect()
}

struct Line<'a> {
    event: &'a str,
    actor: &'a str,
    organization: Option<&'a OrganizationId>,
    target: Option<&'a str>,
    reason: Option<Reason>,
    detail: serde_json::Value,
    origin: RequestOrigin,
    now: Timestamp,
}

impl Line<'_> {
    async fn write(self, world: &World) -> i64 {
        let Self { event, actor, organization, target, reason, detail, origin, now } = self;
        let line = NewAuditLine { event, actor, organization, target, reason, detail, origin: &origin, now };
        world.store.record(line).await.unwrap();
        world.store.list_audit(0, 1000).await.unwrap().last().unwrap().sequence
    }
}

fn plain(now: Timestamp) -> Line<'static> {
    let origin = RequestOrigin::default();
    Line { event: "session.ended", actor: "system", organization: None, target: None, reason: None, detail: json!({}), origin, now }
}

pub(crate) async fn the_log_is_read_newest_first_in_pages_without_gaps(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    for second in [5, 1, 9, 9, 3, 7, 2] {
        Line { organization: Some(&acme()), ..plain(at(second)) }.write(&world).await;
        plain(at(second)).write(&world).await;
    }
    let everything = page(&world, &ActivityFilter::default(), None, 1000, true).await;
    assert_eq!(everything.next, None);
    let places: Vec<_> = everything.lines.iter().map(|line| (line.at, line.sequence)).collect();
    assert!(places.is_sorted_by(|a, b| a > b), "{places:?}");
    assert_eq!(places.len(), 15, "the settings and fourteen lines");
    for limit in [1, 2, 4, 7] {
        let (mut before, mut lines) = (None, Vec::new());
        loop {
            let next = page(&world, &ActivityFilter::default(), before, limit, true).await;
            assert!(next.lines.len() <= limit as usize);
            lines.extend(next.lines);
            before = next.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(lines, everything.lines, "in pages of {limit}");
    }
}

pub(crate) async fn each_filter_finds_its_lines_and_no_others(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let other = Line { organization: Some(&acme()), ..plain(at(10)) }.write(&world).await;
    let incident = IncidentId::from_uuid(Uuid::from_u128(5));
    let origin = RequestOrigin { request: Some("req-7".to_owned()), incident: Some(incident), address: Some("192.0.2.7".to_owned()) };
    let detail = json!({"connection": "okta", "subject": "Ünal O'Neil"});
    let acme = acme();
    let line =
        Line { event: "login.refused", actor: "per_x", organization: Some(&acme), target: Some("per_y"), detail, origin, ..plain(at(20)) };
    let mine = Line { reason: Some(Reason::NoRoleGroup), ..line }.write(&world).await;
    let nothing = ActivityFilter::default;
    let text = |text: &str| Some(text.to_owned());
    for filter in [
        ActivityFilter { actor: text("per_x"), ..nothing() },
        ActivityFilter { event: text("login.refused"), ..nothing() },
        ActivityFilter { event: text("login."), ..nothing() },
        ActivityFilter { event: text("login"), ..nothing() },
        ActivityFilter { target: text("per_y"), ..nothing() },
        ActivityFilter { result: Some(ActivityResult::Refused), ..nothing() },
        ActivityFilter { reason: Some(Reason::NoRoleGroup), ..nothing() },
        ActivityFilter { connection: Some(ConnectionId::parse("okta").unwrap()), ..nothing() },
        ActivityFilter { address: text("192.0.2.7"), ..nothing() },
        ActivityFilter { request: text("req-7"), ..nothing() },
        ActivityFilter { incident: Some(incident), ..nothing() },
        ActivityFilter { from: Some(at(20)), ..nothing() },
        ActivityFilter { from: Some(at(20)), to: Some(at(21)), event: text("login"), ..nothing() },
        ActivityFilter { text: text("o'NEIL"), ..nothing() },
        ActivityFilter { text: text("Ünal"), ..nothing() },
    ] {
        assert_eq!(found(&world, filter.clone()).await, [mine], "{filter:?}");
    }
    let done = ActivityFilter { result: Some(ActivityResult::Ok), actor: text("system"), ..nothing() };
    assert_eq!(found(&world, done).await, [other]);
    for filter in [
        ActivityFilter { to: Some(at(20)), event: text("login.refused"), ..nothing() },
        ActivityFilter { event: text("log"), ..nothing() },
        ActivityFilter { text: text("%"), ..nothing() },
        ActivityFilter { actor: text("' OR 1=1 --"), ..nothing() },
        ActivityFilter { result: Some(ActivityResult::Ok), event: text("login.refused"), ..nothing() },
    ] {
        assert_eq!(found(&world, filter.clone()).await, Vec::<i64>::new(), "{filter:?}");
    }
}

pub(crate) async fn lines_of_another_organization_are_never_found(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let theirs = OrganizationId::parse("theirs").unwrap();
    Line { organization: Some(&theirs), target: Some("per_y"), ..plain(at(3)) }.write(&world).await;
    let ours = Line { organization: Some(&acme()), target: Some("per_y"), ..plain(at(2)) }.write(&world).await;
    let parent = plain(at(1)).write(&world).await;
    let filter = ActivityFilter { event: Some("session.ended".to_owned()), ..ActivityFilter::default() };
    assert_eq!(found(&world, filter.clone()).await, [ours, parent]);
    let lines = page(&world, &filter, None, 10, false).await.lines;
    assert_eq!(lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [ours], "without the parent's");
}

pub(crate) async fn a_search_for_text_goes_on_where_it_stopped(backend: Box<dyn Backend>) {
    const WINDOW: usize = 20_000;
    let world = World::new(backend, 9, 9).await;
    let acme = acme();
    let wanted = Line { organization: Some(&acme), detail: json!({"note": "needle"}), ..plain(at(1)) }.write(&world).await;
    // Rows by hand: the search does not look at the chain, and so many transactions take minutes.
    world
        .backend
        .execute(format!(
            "INSERT INTO audit (sequence, id, at, event, actor, organization, detail, origin, hash)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {WINDOW})
             SELECT 1000 + i, 'aud_' || substr('00000000000000000000000000000000' || i, length('' || i) + 1), {} + i, 'session.ended', 'system', 'acme',
                 '{{}}', '{{\"request\":null,\"incident\":null,\"address\":null}}', 'none' FROM n",
            at(2).as_microsecond()
        ))
        .await;
    let filter = ActivityFilter { text: Some("needle".to_owned()), ..ActivityFilter::default() };
    let first = page(&world, &filter, None, 10, false).await;
    assert_eq!((first.lines.len(), first.next.is_some()), (0, true));
    let second = page(&world, &filter, first.next, 10, false).await;
    assert_eq!(second.lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), [wanted]);
    assert_eq!(second.next, None);
}

pub(crate) async fn a_member_is_found_by_the_person_and_the_other_way_round(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let acme = acme();
    let member = ada.member.id.to_string();
    Line { organization: Some(&acme), target: Some(&member), ..plain(at(2)) }.write(&world).await;
    for id in [member.clone(), ada.person.id.to_string()] {
        let lines = found(&world, ActivityFilter { target: Some(id), ..ActivityFilter::default() }).await;
        assert_eq!(lines.len(), 2, "the login names the person, the other line the member");
    }
}

pub(crate) async fn people_are_named_by_person_and_member_id(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let ada = world.join("ada", "User", None, at(1)).await;
    let mut nameless = identity("jo");
    nameless.name = None;
    let jo = world.login(&nameless, &newcomer(&nameless, "User", None), at(1)).await.member.unwrap();
    let ids = [ada.member.id.to_string(), jo.person.id.to_string(), "cli".to_owned(), "per_nobody".to_owned()];
    let names = world.store.name_people(&ids).await.unwrap();
    assert_eq!(names[&ids[0]], ada.person.name.unwrap());
    assert_eq!(names[&ids[1]], "jo@acme.example");
    assert_eq!(names.len(), 2);
}

pub(crate) async fn what_people_did_to_themselves_and_to_others_comes_in_pages_without_gaps(backend: Box<dyn Backend>) {
    let world = World::new(backend, 9, 9).await;
    let acme = acme();
    let mut expected = Vec::new();
    for (second, target) in [Some("per_x"), None, Some("per_y"), Some("per_x"), Some("per_x"), Some("per_y"), None].into_iter().enumerate()
    {
        let line = Line { actor: "per_x", organization: Some(&acme), target, ..plain(at(i64::try_from(second).unwrap())) };
        expected.insert(0, line.write(&world).await);
        Line { actor: "per_y", organization: Some(&acme), target: Some("per_x"), ..plain(at(9)) }.write(&world).await;
    }
    let filter = ActivityFilter { actor: Some("per_x".to_owned()), ..ActivityFilter::default() };
    for limit in 1..4 {
        let (mut lines, mut before) = (Vec::new(), None);
        loop {
            let next = page(&world, &filter, before, limit, true).await;
            lines.extend(next.lines.iter().map(|line| line.sequence));
            before = next.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(lines, expected, "in pages of {limit}");
    }
}
