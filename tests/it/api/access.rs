//! Who may do what: every operation of the document, asked with every kind of token.

use std::collections::BTreeMap;

use strum::IntoEnumIterator as _;
use usher::admin::{NewInvite, Permission};

use super::{DAY, Operation, World, operations};
use crate::store::fixtures::{email, identity, newcomer};
use crate::support::ask::Reply;

/// What an operation asks for beside path and body.
const QUERIES: [(&str, &str); 1] = [("end_sessions", "?member={member}")];

/// What the addresses name, by parameter: rows of one organization.
type Names = BTreeMap<&'static str, String>;

impl World {
    /// Rows of Acme, or of Globex.
    async fn names(&self, organization_id: &str) -> Names {
        let (owner, other) = if organization_id == "acme" { ("olivia", "jo") } else { ("gina", "gus") };
        let token = self.token(organization_id, owner, [Permission::MembersRead]).await;
        let operator = self.operator(organization_id);
        let (invited, gone) = (self.name("invited"), self.name("gone"));
        let invite = NewInvite { email: email(&format!("{invited}@acme.example")), role: None, seat: None };
        let invite = self.admin.create_invite(&operator, &invite).await.unwrap();
        let gone = self.login(organization_id, &gone, &newcomer(&identity(&gone), "User", None)).await;
        let removal = self.admin.remove_members(&operator, &[gone.member.id], false).await.unwrap().removal.unwrap();
        Names::from([
            ("token", token.token.row.id.to_string()),
            ("member", self.members[other].member.id.to_string()),
            ("session", "5f".repeat(32)),
            ("invite", invite.invite.id.to_string()),
            ("removal", removal.to_string()),
            ("request", self.knock(organization_id, &self.name("knocks")).await.to_string()),
            // Connections are shared by the organizations of a parent; this one is nobody's.
            ("connection", if organization_id == "acme" { "okta" } else { "elsewhere" }.to_owned()),
        ])
    }

    /// Asks for an operation at an organization, with a token or without.
    async fn try_out(&self, operation: &Operation, organization_id: &str, names: &Names, token: Option<&str>) -> Reply {
        let query = QUERIES.iter().find(|(id, _)| *id == operation.id).map_or("", |(_, query)| query);
        let mut path = format!("{}{query}", operation.path).replace("{organization}", organization_id);
        for (name, value) in names {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "give a row for each name of {path}");
        let mut ask = self.ask_at(&operation.method, &path);
        if let Some(token) = token {
            ask = ask.bearer(token);
        }
        if operation.statuses.contains(&412) {
            ask = ask.header("If-Match", "\"1\"");
        }
        if let Some(body) = &operation.body {
            let body = self.current(&body.to_string()).replace("mem_01980c5c2d7a7c21a4f1c0de5e6f7a8b", &names["member"]);
            ask = ask.header("Content-Type", "application/json").body(&body);
        }
        self.send(ask).await
    }

    /// Examples name times of our days; the clock of the tests stands where it stands.
    fn current(&self, body: &str) -> String {
        use usher::clock::Clock as _;
        let soon = self.clock.now() + jiff::SignedDuration::from_hours(1);
        body.replace("2027-01-31T00:00:00Z", &soon.to_string())
    }
}

#[tokio::test]
async fn every_operation_answers_each_kind_of_token_as_the_document_says() {
    let world = World::start().await;
    let elsewhere = World::start().await;
    let document = world.document().await;
    let all = Permission::iter;
    let expired = world.token("acme", "olivia", all()).await.secret.reveal().to_owned();
    world.clock.pass(DAY);
    let revoked = world.token("acme", "olivia", all()).await;
    world.installation.store.revoke_token(&super::organization("acme"), revoked.token.row.id, act(&world)).await.unwrap();
    let (removed, demoted) = (world.token("acme", "leaver", all()).await, world.token("acme", "ada", all()).await);
    world.remove("leaver").await;
    world.change_role("ada", "Admin", "User").await;
    let foreign = world.token("globex", "gina", all()).await;
    let stranger = elsewhere.full_token().await;
    let never = format!("ush_{}", "a".repeat(43));
    let names = world.names("acme").await;
    let refused = [
        ("no token", None, "token_missing"),
        ("garbage", Some("garbage"), "token_unknown"),
        ("a token that never was", Some(never.as_str()), "token_unknown"),
        ("an expired token", Some(&expired), "token_expired"),
        ("a revoked token", Some(revoked.secret.reveal()), "token_revoked"),
        ("a removed owner's token", Some(removed.secret.reveal()), "token_owner_left"),
        ("a demoted owner's token", Some(demoted.secret.reveal()), "token_owner_left"),
        ("another installation's token", Some(stranger.as_str()), "token_unknown"),
    ];
    let guarded: Vec<Operation> = operations(&document).into_iter().filter(|operation| operation.id != "openapi").collect();
    assert!(guarded.len() > 7, "{guarded:?}");
    let mut without = BTreeMap::new();
    for scope in all() {
        let others = world.token("acme", "olivia", all().filter(|other| *other != scope)).await;
        without.insert(scope, others.secret.reveal().to_owned());
    }
    for operation in &guarded {
        let scope = operation.scope.unwrap_or_else(|| panic!("{} names no scope", operation.id));
        for (what, token, reason) in &refused {
            let reply = world.try_out(operation, "acme", &names, *token).await;
            assert_eq!((reply.status, reply.json()["reason"].as_str()), (401, Some(*reason)), "{what} at {}", operation.id);
            assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"), "{reply:?}");
        }
        let reply = world.try_out(operation, "acme", &names, Some(foreign.secret.reveal())).await;
        assert_eq!(reply.status, 404, "another organization's token at {}: {reply:?}", operation.id);
        let reply = world.try_out(operation, "nowhere", &names, Some(foreign.secret.reveal())).await;
        assert_eq!(reply.status, 404, "an organization that is not there at {}: {reply:?}", operation.id);

        let reply = world.try_out(operation, "acme", &names, Some(&without[&scope])).await;
        assert_eq!((reply.status, reply.json()["reason"].as_str()), (403, Some("not_allowed")), "without {scope} at {}", operation.id);
    }
    for operation in &guarded {
        // Each has rows of its own, because some end what they are about.
        let names = world.names("acme").await;
        // A token makes none with a scope that it has not itself, and turns none into its own, so it needs that of the example as well.
        let more = match operation.id.as_str() {
            "create_token" => Some(Permission::ActivityRead),
            "rotate_token" => Some(Permission::MembersRead),
            _ => None,
        };
        let fitting = world.token("acme", "olivia", operation.scope.into_iter().chain(more)).await;
        let reply = world.try_out(operation, "acme", &names, Some(fitting.secret.reveal())).await;
        assert!(![400, 401, 403, 405, 415, 422].contains(&reply.status), "with its scope at {}: {reply:?}", operation.id);
        assert!(operation.statuses.contains(&reply.status), "{} answers {}, which it does not say", operation.id, reply.status);
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{}", operation.id);
        world.clock.pass(DAY);
    }
}

fn act(world: &World) -> usher::store::TokenAct {
    use usher::clock::Clock as _;
    usher::store::TokenAct { actor: "cli".to_owned(), origin: usher::store::RequestOrigin::default(), now: world.clock.now() }
}

#[tokio::test]
async fn no_row_of_another_organization_can_be_read_or_changed() {
    let world = World::start().await;
    let token = world.full_token().await;
    let foreign = world.names("globex").await;
    let before = world.everything_of_globex().await;
    for operation in operations(&world.document().await) {
        let reply = world.try_out(&operation, "acme", &foreign, Some(&token)).await;
        if operation.parameters.is_empty() {
            for marker in ["gina", "gus", "globex", "Globex"] {
                assert!(!reply.body.contains(marker), "{} tells of {marker}: {}", operation.id, reply.body);
            }
        } else {
            assert_eq!(reply.status, 404, "{}: {reply:?}", operation.id);
        }
    }
    // Also where a body names the row.
    let body = format!("{{\"members\":[\"{}\"],\"block\":true}}", foreign["member"]);
    assert_eq!(world.send_json("POST", &token, "/removals", &body).await.status, 404);
    assert_eq!(world.everything_of_globex().await, before);
}

impl World {
    async fn everything_of_globex(&self) -> String {
        use usher::store::{MemberQuery, TokenQuery};
        let globex = super::organization("globex");
        let store = &self.installation.store;
        let members = store.list_members(MemberQuery { organization: &globex, search: None, after: None, limit: 500 }).await.unwrap();
        let tokens = store.list_tokens(TokenQuery { organization: &globex, after: None, limit: 500 }).await.unwrap();
        let settings = store.find_settings().await.unwrap().unwrap();
        format!("{members:#?}{tokens:#?}{:#?}", settings.settings.find_organization(&globex))
    }
}
