//! What administrators do, through the use cases that console, API and command line share.

#![cfg(test)]

mod activity;
mod console;
mod people;
mod recovery;
mod requests;
mod sessions;
mod settings;
mod tokens;

use std::sync::Arc;

use usher::admin::{Actor, Admin, Permission, Who};
use usher::core::OrganizationId;
use usher::store::{MemberRow, RequestOrigin};

use crate::store::fixtures::acme;
use crate::support::gateway::Gateway;

fn admin(gateway: &Gateway) -> Admin {
    Admin { store: gateway.members.store.clone(), sessions: Arc::clone(&gateway.sessions), clock: gateway.clock.clone(), file: None }
}

fn operator() -> Actor {
    Actor { who: Who::Operator, organization: acme(), origin: RequestOrigin::default() }
}

fn somebody(row: &MemberRow) -> Actor {
    let who =
        Who::Person { person: row.person.id, member: row.member.id, role: row.member.role.clone(), primary_owner: false, fresh: true };
    Actor { who, ..operator() }
}

fn token(scopes: &[Permission], organization: &str) -> Actor {
    let who = Who::Token {
        id: "tok_1".to_owned(),
        scopes: scopes.iter().copied().collect(),
        role: usher::core::Role::new("Owner"),
        owner: usher::core::PersonId::from_uuid(uuid::Uuid::nil()),
    };
    Actor { who, organization: OrganizationId::parse(organization).unwrap(), ..operator() }
}
