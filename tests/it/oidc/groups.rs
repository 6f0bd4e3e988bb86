//! Groups that are looked up, at mocks of Microsoft Graph and of Google's Directory API: both cannot be run elsewhere.

use serde_json::{Value, json};
use usher::core::{GroupClaim, GroupLookup, OidcSettings, Secret};

use super::{login, now, relying_party_with, settings};
use crate::support::directories::{ADMIN, Directories};
use crate::support::op::{Op, REMOVED};

const OID: &str = "5f0a6c0e-0000-4000-8000-00000000ada1";

struct House {
    op: Op,
    mock: Directories,
}

impl House {
    /// Ada, of whom the provider says only that she has too many groups for a token.
    async fn overage() -> Self {
        let house = Self { op: Op::start(now()).await, mock: Directories::start().await };
        house.op.set(|op| op.claims = json!({ "groups": REMOVED, "oid": OID, "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "http://127.0.0.1:1/evil" } } }));
        house.mock.set(|mock| drop(mock.groups.insert(OID.to_owned(), vec!["g-1".to_owned(), "g-2".to_owned()])));
        house
    }

    /// Ada, of whom the provider says nothing about groups.
    async fn google(groups: &[&str]) -> Self {
        let house = Self { op: Op::start(now()).await, mock: Directories::start().await };
        house.op.set(|op| op.claims = json!({ "groups": REMOVED }));
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        house.mock.set(|mock| drop(mock.groups.insert("ada".to_owned(), groups)));
        house
    }

    fn graph(&self) -> OidcSettings {
        OidcSettings {
            group_lookup: Some(GroupLookup::MicrosoftGraph { url: self.mock.url() }),
            userinfo: false,
            ..settings(self.op.issuer())
        }
    }

    fn directory(&self, impersonate: &str) -> OidcSettings {
        let lookup = GroupLookup::GoogleDirectory {
            url: self.mock.url(),
            service_account: Secret::new(self.mock.key_file()),
            impersonate: impersonate.to_owned(),
        };
        OidcSettings { group_lookup: Some(lookup), userinfo: false, ..settings(self.op.issuer()) }
    }

    async fn groups(&self, settings: &OidcSettings) -> GroupClaim {
        login(&self.op, &relying_party_with(settings)).await.unwrap().identity().groups.clone()
    }
}

#[tokio::test]
async fn too_many_groups_for_a_token_are_looked_up_at_graph() {
    let house = House::overage().await;
    assert_eq!(house.groups(&house.graph()).await, GroupClaim::from_values(["g-1", "g-2"]));
    assert_eq!(house.mock.asked(), [format!("graph {OID}")]);
    assert_eq!(house.groups(&settings(house.op.issuer())).await, GroupClaim::Overage, "without the table");
}

#[tokio::test]
async fn who_has_groups_in_the_token_is_not_looked_up() {
    let house = House::overage().await;
    for (groups, expected) in
        [(json!(["g-9"]), GroupClaim::from_values(["g-9"])), (json!([]), GroupClaim::Empty), (json!(REMOVED), GroupClaim::Absent)]
    {
        house.op.set(|op| op.claims = json!({ "groups": groups, "oid": OID }));
        assert_eq!(house.groups(&house.graph()).await, expected);
    }
    assert_eq!(house.mock.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn groups_that_graph_does_not_tell_stay_unknown() {
    let house = House::overage().await;
    for (fails, says) in [
        (Some(403), None),
        (Some(429), None),
        (Some(500), None),
        (Some(404), None),
        (None, Some(json!({ "value": [] }))),
        (None, Some(json!({ "value": ["g-1"], "@odata.nextLink": "http://127.0.0.1:1/next" }))),
        (None, Some(json!({ "value": [{ "id": "g-1" }] }))),
        (None, Some(json!([]))),
    ] {
        house.mock.set(|mock| (mock.fails, mock.says) = (fails, says.clone()));
        assert_eq!(house.groups(&house.graph()).await, GroupClaim::Overage, "{fails:?} {says:?}");
    }
    house.mock.set(|mock| (mock.fails, mock.says) = (None, None));
    for oid in [json!(REMOVED), json!("../../me"), json!("ada@acme.example"), json!(7)] {
        house.op.set(|op| op.claims["oid"] = oid);
        assert_eq!(house.groups(&house.graph()).await, GroupClaim::Overage);
    }
}

#[tokio::test]
async fn the_application_asks_for_itself_at_the_persons_own_tenant() {
    let (tenant, house) = ("11111111-1111-1111-1111-111111111111", House::overage().await);
    let template = format!("{}/{{tenantid}}/v2.0", house.op.issuer());
    let settings =
        OidcSettings { issuer: template.clone(), tenants: [tenant.to_owned()].into(), subject_claim: "oid".to_owned(), ..house.graph() };
    house.op.set(|op| {
        op.discovery = json!({
            "issuer": template, "authorization_response_iss_parameter_supported": false,
            "token_endpoint": format!("{}/organizations/token", template.split("/{").next().unwrap()),
        });
        op.callback.insert("iss", String::new());
        op.claims["iss"] = template.replace("{tenantid}", tenant).into();
        op.claims["tid"] = tenant.into();
    });
    assert_eq!(house.groups(&settings).await, GroupClaim::from_values(["g-1", "g-2"]));
    assert_eq!(house.op.calls("of a tenant"), 1);
}

#[tokio::test]
async fn google_groups_are_looked_up_page_by_page() {
    let house = House::google(&["a@acme.example", "b@acme.example", "c@acme.example", "d@acme.example", "e@acme.example"]).await;
    let expected = ["a", "b", "c", "d", "e"].map(|name| format!("{name}@acme.example"));
    assert_eq!(house.groups(&house.directory(ADMIN)).await, GroupClaim::from_values(expected));
    assert_eq!(house.mock.asked(), ["google ada", "google ada", "google ada"]);
    house.mock.set(|mock| drop(mock.groups.insert("ada".to_owned(), Vec::new())));
    assert_eq!(house.groups(&house.directory(ADMIN)).await, GroupClaim::Empty, "in no group, and Google says so");
}

#[tokio::test]
async fn groups_that_google_does_not_tell_stay_unknown() {
    let house = House::google(&["a@acme.example"]).await;
    assert_eq!(house.groups(&house.directory("nobody@acme.example")).await, GroupClaim::Malformed, "no right to ask in this name");
    let many: Vec<Value> = vec![json!({ "email": "a@acme.example" })];
    for (fails, says) in [
        (Some(403), None),
        (Some(503), None),
        (None, Some(json!({ "groups": many, "nextPageToken": "for-ever" }))),
        (None, Some(json!({ "groups": many, "nextPageToken": 7 }))),
        (None, Some(json!({ "groups": [{ "id": "x" }] }))),
    ] {
        house.mock.set(|mock| (mock.fails, mock.says) = (fails, says.clone()));
        assert_eq!(house.groups(&house.directory(ADMIN)).await, GroupClaim::Malformed, "{fails:?} {says:?}");
    }
}

/// Two hundred groups each: whoever is in more than four thousand is not asked about for ever.
#[tokio::test]
async fn google_is_asked_for_twenty_pages_at_most() {
    let house = House::google(&[]).await;
    let endless = json!({ "groups": [{ "email": "a@acme.example" }], "nextPageToken": "for-ever" });
    house.mock.set(|mock| mock.says = Some(endless));
    assert_eq!(house.groups(&house.directory(ADMIN)).await, GroupClaim::Malformed);
    assert_eq!(house.mock.asked().len(), 20);
}
