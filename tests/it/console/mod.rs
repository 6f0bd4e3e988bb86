//! The console from outside: who gets which page, what another site can make a browser do, and what hostile names do there.
//!
//! - `routes`: every route in one table, which a test holds against the sources; `rights`: the table for every kind of visitor
//! - `cross_site`: forms of other sites, frames and headers
//! - `markup`: whether a text became more than text; `hostile`: texts that try, from the provider's side and from administrators
//! - `people`: what is done to members, as a person without script does it
//!
//! The one rule of this folder: a route more is a row more in `routes`, with what it answers whom.

mod cross_site;
mod hostile;
mod markup;
mod people;
mod rights;
mod routes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use strum::IntoEnumIterator as _;
use usher::admin::{Actor, Admin, NewInvite, NewPin, Permission, TokenWish, Who, recovery_key};
use usher::clock::{Clock as _, SystemClock};
use usher::core::provision::decide;
use usher::core::{
    ConnectionId, EmailAddress, GroupClaim, Identity, MappedGroup, MemberId, MemberRow, Mode, Organization, OrganizationId, Role, Settings,
};
use usher::store::{Asking, CommitOutcome, FactsQuery, LoginCommit, MemberQuery, NewRecoveryLink, RequestOrigin, TokenQuery};

use crate::support::ask::{Ask, Reply};
use crate::support::browser::{Browser, Form, Page};
use crate::support::gateway::TurnedClock;
use crate::support::installation::Installation;
use routes::{Route, Scene};

/// The demo, with seats for everybody and a second organization, Labs, of which whoever is in `design` is Owner.
pub(crate) struct House {
    pub(crate) usher: Installation,
    pub(crate) clock: Arc<TurnedClock>,
    pub(crate) admin: Admin,
    joined: AtomicU32,
}

/// What addresses and forms name, by parameter.
type Things = BTreeMap<&'static str, String>;

/// What a browser says about the page that a request comes from.
const OWN: [(&str, &str); 1] = [("Sec-Fetch-Site", "same-origin")];

fn organization(id: &str) -> OrganizationId {
    OrganizationId::parse(id).unwrap()
}

fn in_no_group(subject: &str) -> Identity {
    Identity {
        connection: ConnectionId::parse("demo-saml").unwrap(),
        subject: subject.to_owned(),
        email: Some(EmailAddress::parse(&format!("{subject}@acme.example")).unwrap()),
        name: Some(subject.to_owned()),
        groups: GroupClaim::Empty,
        idp_initiated: false,
    }
}

/// Whoever has a shell on the host.
fn operator() -> Actor {
    Actor { who: Who::Operator, organization: organization("acme"), origin: RequestOrigin::default() }
}

impl House {
    async fn open() -> Self {
        let clock = Arc::new(TurnedClock::standing_at(SystemClock.now()));
        let usher = Installation::demo(clock.clone()).await;
        let house = Self { admin: usher.admin(clock.clone()), usher, clock, joined: AtomicU32::new(0) };
        house
            .save(|settings| {
                settings.organizations[0].seat_tiers.iter_mut().for_each(|seats| seats.owned = 500);
                settings.organizations.push(labs(&settings.organizations[0]));
            })
            .await;
        house.usher.refresh().await;
        house
    }

    /// Saves settings as somebody with a shell on the host does.
    async fn save(&self, change: impl FnOnce(&mut Settings)) {
        let stored = self.usher.store.find_settings().await.unwrap().unwrap();
        let mut settings: Settings = (*stored.settings).clone();
        change(&mut settings);
        if settings != *stored.settings {
            self.usher.store.save_settings(&settings, Some(stored.revision), "test", self.clock.now()).await.unwrap();
        }
    }

    /// Whether groups decide in Acme, or administrators.
    async fn groups_decide(&self, decide: bool) {
        self.save(|settings| {
            settings.organizations[0].group_mappings = decide;
            settings.organizations[0].mode = if decide { Mode::Jit } else { Mode::Manual };
        })
        .await;
    }

    /// Signs in, on the way to this page.
    async fn sign_in(&self, person: &str, path: &str) -> (Browser, Page) {
        let mut browser = Browser::new();
        let target = url::form_urlencoded::byte_serialize(self.usher.site.auth(path).as_bytes()).collect::<String>();
        let page = browser.open(&self.usher.site.auth(&format!("/login/demo-saml?return_to={target}"))).await;
        let page = browser.submit(&page, page.form("person").with("person", person)).await;
        let page = browser.come_back(page).await;
        assert_eq!((page.status, page.url.path()), (200, path), "{}", page.text);
        (browser, page)
    }

    /// The session of an administrator of Acme, as its cookie.
    async fn session(&self, person: &str) -> String {
        cookie(&self.sign_in(person, "/admin/acme").await.0)
    }

    /// Olivia at the console, by a recovery link.
    async fn recover(&self) -> (Browser, Page) {
        let (secret, now) = ("r".repeat(43), self.clock.now());
        let link = NewRecoveryLink {
            key: recovery_key(&secret),
            organization: &organization("acme"),
            email: &EmailAddress::parse("olivia@acme.example").unwrap(),
            expires_at: now + SignedDuration::from_mins(15),
            actor: "cli",
            origin: &RequestOrigin::default(),
            now,
        };
        self.usher.store.create_recovery_link(link).await.unwrap();
        let mut browser = Browser::new();
        let page = browser.open(&self.usher.site.auth(&format!("/recovery/{secret}"))).await;
        let console = browser.submit(&page, page.forms().remove(0)).await;
        assert_eq!((console.status, console.url.path()), (200, "/admin/acme"), "{}", console.text);
        (browser, console)
    }

    /// Holds an active member to a role.
    async fn pin(&self, member: MemberId, role: &str) {
        let ends_at = self.clock.now() + SignedDuration::from_hours(24);
        let pin = NewPin { role: Some(Role::new(role)), seat: None, reason: "test".to_owned(), ends_at, expected: None };
        self.admin.pin_member(&operator(), member, pin).await.unwrap();
    }

    /// Somebody comes into Acme whose provider says this about them.
    async fn join(&self, subject: &str, name: &str, groups: &[&str]) -> MemberRow {
        let identity = Identity {
            connection: ConnectionId::parse("demo-saml").unwrap(),
            subject: subject.to_owned(),
            email: Some(EmailAddress::parse(&format!("{subject}@acme.example")).unwrap()),
            name: Some(name.to_owned()),
            groups: GroupClaim::from_values(groups),
            idp_initiated: false,
        };
        let (store, now, acme) = (&self.usher.store, self.clock.now(), organization("acme"));
        let facts = store.load_facts(FactsQuery { organization: &acme, identity: &identity, now }).await.unwrap();
        let decision = decide(&facts, &identity, now);
        let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &RequestOrigin::default(), now };
        match store.commit_login(commit).await.unwrap() {
            CommitOutcome::Committed(committed) => committed.member.unwrap_or_else(|| panic!("{:?}", decision.outcome)),
            CommitOutcome::LostRace => panic!("nobody else was there"),
        }
    }

    /// Somebody who was refused and asks to be let in: the request.
    async fn ask_for_access(&self) -> String {
        let number = self.joined.fetch_add(1, Ordering::Relaxed);
        let identity = in_no_group(&format!("asking-{number}"));
        let (store, now, acme) = (&self.usher.store, self.clock.now(), organization("acme"));
        let facts = store.load_facts(FactsQuery { organization: &acme, identity: &identity, now }).await.unwrap();
        let (decision, origin) = (decide(&facts, &identity, now), RequestOrigin::default());
        let commit = LoginCommit { facts: &facts, identity: &identity, decision: &decision, origin: &origin, now };
        let CommitOutcome::Committed(committed) = store.commit_login(commit).await.unwrap() else { panic!("nobody else was there") };
        let asking = Asking { organization: &acme, decision: committed.decision, asked_for: Some("please"), origin: &origin, now };
        store.ask_for_access(asking).await.unwrap();
        committed.decision.to_string()
    }

    /// A member of Acme of whom nobody has heard yet, with everything that a route needs.
    async fn things(&self, route: &Route) -> Things {
        self.groups_decide(true).await;
        let number = self.joined.fetch_add(1, Ordering::Relaxed);
        let victim = self.join(&format!("victim-{number}"), &format!("Victim {number}"), &["everyone"]).await;
        self.things_of(route, victim).await
    }

    /// The same for somebody who is there.
    async fn things_of(&self, route: &Route, row: MemberRow) -> Things {
        let (by, member) = (operator(), row.member.id);
        let mut things = Things::from([
            ("member", member.to_string()),
            ("email", row.person.email.map(|email| email.to_string()).unwrap_or_default()),
            ("connection", "demo-saml".to_owned()),
        ]);
        match route.scene {
            Scene::GroupsDecide => {}
            Scene::ByHand => self.groups_decide(false).await,
            Scene::Pinned => self.pin(member, row.member.role.as_str()).await,
            Scene::Blocked => drop(self.admin.remove_members(&by, &[member], true).await.unwrap()),
            Scene::Removed => {
                let removal = self.admin.remove_members(&by, &[member], false).await.unwrap().removal.unwrap();
                things.insert("removal", removal.to_string());
            }
        }
        if route.names("invite") {
            let number = self.joined.fetch_add(1, Ordering::Relaxed);
            let email = EmailAddress::parse(&format!("invited-{number}@acme.example")).unwrap();
            let invite = self.admin.create_invite(&by, &NewInvite { email, role: None, seat: None }).await.unwrap();
            things.insert("invite", invite.invite.id.to_string());
        }
        if route.names("token") {
            let owner = self.usher.find_member("olivia").await.unwrap().person;
            let expires_at = self.clock.now() + SignedDuration::from_hours(24);
            let wish = TokenWish { name: "Victim's".to_owned(), scopes: Permission::iter().collect(), expires_at, owner: Some(owner) };
            things.insert("token", self.admin.create_token(&by, wish).await.unwrap().token.row.id.to_string());
        }
        if route.names("request") {
            things.insert("request", self.ask_for_access().await);
        }
        let revision = self.admin.find_member(&by, member).await.unwrap().member.revision;
        things.insert("member_revision", revision.to_string());
        things.insert("revision", self.usher.store.find_settings().await.unwrap().unwrap().revision.to_string());
        things
    }

    /// Asks for a route at an organization, with a cookie or without.
    async fn send(&self, route: &Route, at: &str, things: &Things, cookie: Option<&str>, from: &[(&str, &str)]) -> Reply {
        let mut ask = Ask::to(&format!("auth.localhost:{}", self.usher.site.port), route.method, &route.address(at, things)).navigate();
        for (name, value) in from {
            ask = ask.header(name, value);
        }
        if let Some(cookie) = cookie {
            ask = ask.cookie(cookie);
        }
        if route.method == "POST" {
            let (kind, body) = route.body(things);
            ask = ask.header("Content-Type", kind).body(&body);
        }
        let reply = self.usher.public(ask).await;
        cross_site::assert_no_other_site_may_hold(&reply, route);
        reply
    }

    /// Everything that the organization has.
    async fn everything(&self, id: &str) -> String {
        let (store, id) = (&self.usher.store, organization(id));
        let members = store.list_members(MemberQuery { organization: &id, search: None, after: None, limit: 500 }).await.unwrap();
        let tokens = store.list_tokens(TokenQuery { organization: &id, after: None, limit: 500 }).await.unwrap();
        let invites = store.list_invites(&id, self.clock.now()).await.unwrap();
        let settings = store.find_settings().await.unwrap().unwrap();
        format!("{members:#?}{tokens:#?}{invites:#?}{:#?}", settings.settings.find_organization(&id))
    }

    /// How many acts are on record: every one is.
    async fn acts(&self) -> i64 {
        let mut last = 0;
        while let Some(line) = self.usher.store.list_audit(last, 1000).await.unwrap().pop() {
            last = line.sequence;
        }
        last
    }
}

fn labs(acme: &Organization) -> Organization {
    let mut labs = acme.clone();
    labs.id = organization("labs");
    "Labs".clone_into(&mut labs.name);
    labs.primary_owner = None;
    for mapping in &mut labs.role_mappings {
        let groups: &[&str] = if mapping.role.as_str() == "Owner" { &["design"] } else { &[] };
        mapping.groups = groups.iter().map(|group| MappedGroup { value: (*group).to_owned(), label: None }).collect();
    }
    labs
}

fn cookie(browser: &Browser) -> String {
    browser.cookie("auth.localhost", "__Host-usher").unwrap()
}

/// Posts a form that no page offered, from the console's own origin.
async fn post(browser: &mut Browser, from: &Page, url: &str, fields: &[(&str, &str)]) -> Page {
    let mut form: Form = from.form_to("/admin/theme");
    form.action = url.parse().unwrap();
    form.fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    browser.send(from, form).await
}

/// Method and address of every route of the console.
pub(crate) fn addresses() -> impl Iterator<Item = (&'static str, &'static str)> {
    routes::TABLE.iter().chain([&routes::PICKER, &routes::THEME]).map(|route| (route.method, route.path))
}
