//! The Admin API from outside: a whole gateway on a real socket, two organizations under one parent, and another installation beside it.

#![cfg(test)]

mod access;
mod console;
mod document;
mod explain;
mod hostile;
mod limits;
mod links;
mod people;
mod requests;
mod roster;
mod schemathesis;
mod settings;
mod switch;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use strum::IntoEnumIterator as _;
use usher::admin::{Actor, Admin, IssuedToken, Permission, TokenWish, Who};
use usher::clock::Clock as _;
use usher::core::provision::{Change, Decision};
use usher::core::{DecisionId, OrganizationId, Reason};
use usher::store::{Asking, CommitOutcome, Committed, FactsQuery, LoginCommit, MemberRow, RequestOrigin, Store};

use crate::store::fixtures::{admit, at, identity, newcomer, refuse, role};
use crate::support::ask::{Ask, Reply};
use crate::support::gateway::TurnedClock;
use crate::support::installation::{Installation, Site};

/// Two organizations that share domain and connection.
const ORGANIZATIONS: &str = r#"
[parent]
name = "Acme"

[[domain]]
name = "acme.example"
verified = "operator"

[[connection]]
id = "okta"
protocol = "oidc"
issuer = "https://op.acme.example"
client_id = "usher"
client_secret = "correct-horse"
domains = ["acme.example"]

[[organization]]
id = "acme"
name = "Acme"
plan = "enterprise"
roles = ["Owner", "Admin", "User"]
seat_tiers = [{ name = "Premium", seats = 100 }, { name = "Standard", seats = 100 }]
provisioning = "manual"
primary_owner = "olivia@acme.example"

[[organization]]
id = "globex"
name = "Globex"
plan = "enterprise"
roles = ["Owner", "Admin", "User"]
seat_tiers = [{ name = "Premium", seats = 100 }, { name = "Standard", seats = 100 }]
provisioning = "manual"
"#;

/// A running installation with people in both organizations.
pub(crate) struct World {
    pub(crate) installation: Installation,
    pub(crate) admin: Admin,
    pub(crate) clock: Arc<TurnedClock>,
    names: AtomicU32,
    /// Members by name.
    pub(crate) members: BTreeMap<&'static str, MemberRow>,
}

pub(crate) fn organization(id: &str) -> OrganizationId {
    OrganizationId::parse(id).unwrap()
}

impl World {
    /// Acme has olivia (Owner), ada (Admin), jo and leaver (Users); Globex has gina (Owner) and gus (User).
    pub(crate) async fn start() -> Self {
        Self::edited(|usher_toml| usher_toml, ORGANIZATIONS).await
    }

    /// Acme alone, with this org.toml.
    pub(crate) async fn alone(org_toml: &str) -> Self {
        Self::edited(|usher_toml| usher_toml, org_toml).await
    }

    /// The same with a usher.toml that was edited, and this org.toml; who is a member where the organization is not there is left out.
    pub(crate) async fn edited(edit: impl FnOnce(String) -> String, org_toml: &str) -> Self {
        let clock = Arc::new(TurnedClock::standing_at(at(0)));
        let installation = Installation::edited(Site::new(), org_toml, clock.clone(), edit).await;
        let admin = installation.admin(clock.clone());
        let mut world = Self { installation, admin, clock, names: AtomicU32::new(0), members: BTreeMap::new() };
        for (organization_id, name, as_role, seat) in [
            ("acme", "olivia", "Owner", Some("Premium")),
            ("acme", "ada", "Admin", None),
            ("acme", "jo", "User", None),
            ("acme", "leaver", "Admin", None),
            ("globex", "gina", "Owner", Some("Premium")),
            ("globex", "gus", "User", None),
        ] {
            if !org_toml.contains(&format!("id = \"{organization_id}\"")) {
                continue;
            }
            let identity = identity(name);
            let member = world.login(organization_id, name, &newcomer(&identity, as_role, seat)).await;
            world.members.insert(name, member);
        }
        world
    }

    async fn login(&self, organization_id: &str, name: &str, decision: &Decision) -> MemberRow {
        self.commit(organization_id, name, decision).await.member.unwrap()
    }

    async fn commit(&self, organization_id: &str, name: &str, decision: &Decision) -> Committed {
        let (identity, now) = (identity(name), self.clock.now());
        let store: &dyn Store = self.installation.store.as_ref();
        let facts = store.load_facts(FactsQuery { organization: &organization(organization_id), identity: &identity, now }).await.unwrap();
        let commit = LoginCommit { facts: &facts, identity: &identity, decision, origin: &RequestOrigin::default(), now };
        match store.commit_login(commit).await.unwrap() {
            CommitOutcome::Committed(committed) => committed,
            CommitOutcome::LostRace => panic!("nobody else was there"),
        }
    }

    /// Somebody tries to come into an organization, and waits for a yes.
    pub(crate) async fn knock(&self, organization_id: &str, name: &str) -> DecisionId {
        let attempt = Change::RecordAttempt { reason: Reason::NotInvited };
        let decision = self.commit(organization_id, name, &refuse(Reason::NotInvited, vec![attempt])).await.decision;
        let (organization, origin, now) = (organization(organization_id), RequestOrigin::default(), self.clock.now());
        let asking = Asking { organization: &organization, decision, asked_for: Some("please"), origin: &origin, now };
        self.installation.store.ask_for_access(asking).await.unwrap();
        decision
    }

    /// Removes a member of Acme.
    pub(crate) async fn remove(&self, name: &str) {
        let change = Change::RemoveMember { member: self.members[name].member.id, reason: Reason::NoRoleGroup };
        self.login("acme", name, &refuse(Reason::NoRoleGroup, vec![change])).await;
    }

    /// Gives a member of Acme another role.
    pub(crate) async fn change_role(&self, name: &str, from: &str, to: &str) {
        let change = Change::SetRole { member: self.members[name].member.id, from: role(from), to: role(to) };
        self.login("acme", name, &admit(Reason::OkExisting, to, None, vec![change])).await;
    }

    /// A token of a member.
    pub(crate) async fn token(&self, organization_id: &str, owner: &str, scopes: impl IntoIterator<Item = Permission>) -> IssuedToken {
        self.token_for(1, organization_id, owner, scopes).await
    }

    /// The operator, at an organization.
    #[expect(clippy::unused_self, reason = "reads well at the use")]
    pub(crate) fn operator(&self, organization_id: &str) -> Actor {
        Actor { who: Who::Operator, organization: organization(organization_id), origin: RequestOrigin::default() }
    }

    /// A name that nobody has yet.
    pub(crate) fn name(&self, start: &str) -> String {
        format!("{start}-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// A token of a member for some days.
    pub(crate) async fn token_for(
        &self,
        days: i64,
        organization_id: &str,
        owner: &str,
        scopes: impl IntoIterator<Item = Permission>,
    ) -> IssuedToken {
        let actor = self.operator(organization_id);
        let wish = TokenWish {
            name: format!("a token of {owner}"),
            scopes: scopes.into_iter().collect(),
            expires_at: self.clock.now() + SignedDuration::from_hours(24 * days),
            owner: Some(self.members[owner].person.id),
        };
        self.admin.create_token(&actor, wish).await.unwrap()
    }

    /// A token of olivia that may everything.
    pub(crate) async fn full_token(&self) -> String {
        self.token("acme", "olivia", Permission::iter()).await.secret.reveal().to_owned()
    }

    pub(crate) async fn send(&self, ask: Ask) -> Reply {
        ask.send(([127, 0, 0, 1], self.installation.site.port).into()).await
    }

    /// A request below the address of an organization.
    pub(crate) fn ask(&self, method: &str, organization_id: &str, path: &str) -> Ask {
        self.ask_at(method, &format!("/api/v1/organizations/{organization_id}{path}"))
    }

    pub(crate) fn ask_at(&self, method: &str, path: &str) -> Ask {
        Ask::to(&format!("auth.localhost:{}", self.installation.site.port), method, path)
    }

    /// Asks with a token.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.send(self.ask("GET", "acme", path).bearer(token)).await
    }

    /// Sends JSON with a token.
    pub(crate) async fn send_json(&self, method: &str, token: &str, path: &str, body: &str) -> Reply {
        self.send(self.ask(method, "acme", path).bearer(token).header("Content-Type", "application/json").body(body)).await
    }

    pub(crate) async fn document(&self) -> Value {
        let reply = self.send(self.ask_at("GET", "/api/v1/openapi.json")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// An operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The scope that it needs; `None`: it needs no token.
    pub(crate) scope: Option<Permission>,
    /// Names of what the path names beside the organization.
    pub(crate) parameters: Vec<String>,
    /// An example of the body.
    pub(crate) body: Option<Value>,
    /// Statuses that it may answer.
    pub(crate) statuses: BTreeSet<u16>,
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(|method| item.get(*method).map(|operation| parse(document, path, method, operation)))
    });
    each.collect()
}

fn parse(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let scopes = operation["security"].as_array().map(|security| security[0]["token"].as_array().unwrap().clone());
    let scope = scopes.map(|scopes| {
        assert_eq!(scopes.len(), 1, "{path}");
        scopes[0].as_str().unwrap().parse().unwrap()
    });
    let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path");
    let names = parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).filter(|name| name != "organization");
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        scope,
        parameters: names.collect(),
        body: operation.get("requestBody").map(|body| example(document, &body["content"]["application/json"]["schema"])),
        statuses: operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect(),
    }
}

fn example(document: &Value, schema: &Value) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let examples = [schema.get("example"), schema["examples"].as_array().and_then(|examples| examples.first())];
    examples.into_iter().flatten().next().unwrap_or_else(|| panic!("no example: {schema}")).clone()
}

/// Longer than a token lives.
pub(crate) const DAY: Duration = Duration::from_hours(24);
