//! Usher's own doors at the demo's provider: what it sends is what they accept.

use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;
use usher::core::{Asking, Connection, GroupClaim, Identity, OidcSettings, Protocol, RequestBinding, SamlSettings};
use usher::demo::{Demo, OIDC_CONNECTION, SAML_CONNECTION};
use usher::oidc::{Callback, RelyingParty};
use usher::outbound::Outbound;
use usher::saml::{Go, ServiceProvider, SpAddresses, SpKeys};

use super::{demo, demo_at, get, now, path_of, pick, post};

fn connection(demo: &Demo, id: &str) -> Connection {
    demo.settings().connections.iter().find(|connection| connection.id.as_str() == id).unwrap().clone()
}

fn service_provider(demo: &Demo, binding: RequestBinding) -> ServiceProvider {
    let connection = connection(demo, SAML_CONNECTION);
    let Protocol::Saml(settings) = &connection.protocol else { panic!("not SAML") };
    let settings = SamlSettings { request_binding: binding, ..settings.clone() };
    let at = |end: &str| format!("{}/saml/{SAML_CONNECTION}/{end}", demo.auth_url());
    let addresses = SpAddresses { entity_id: at("metadata"), acs_url: at("acs"), slo_url: at("slo") };
    let (key, certificate) = SpKeys::generate("usher", now()).unwrap();
    let keys = Arc::new(SpKeys::from_pem(&key, &certificate).unwrap());
    ServiceProvider::new(&connection, &settings, addresses, keys, None, now()).unwrap()
}

/// Signs in over SAML; the identity is what the door makes of the answer.
pub(super) async fn saml_identity(demo: &Demo, person: &str, binding: RequestBinding) -> Identity {
    let (provider, idp) = (service_provider(demo, binding), demo.idp_router());
    let started = provider.start("relay-state-1", Asking::Usual, now()).unwrap();
    let page = match &started.go {
        Go::Redirect(url) => get(&idp, &path_of(url)).await,
        Go::Post { action, fields } => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            post(&idp, Url::parse(action).unwrap().path(), &fields).await
        }
    };
    let answer = pick(&idp, &page, person).await;
    assert_eq!(answer.field("RelayState"), "relay-state-1");
    let checked = provider.finish(&answer.field("SAMLResponse"), Some(&started.request_id), now()).unwrap();
    checked.identity().clone()
}

/// A demo whose provider is served on a socket of its own.
pub(super) async fn served() -> Demo {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let demo = demo_at(listener.local_addr().unwrap());
    let router = demo.idp_router();
    tokio::spawn(usher::demo::serve(listener, router));
    demo
}

fn relying_party(demo: &Demo, change: impl FnOnce(&mut OidcSettings)) -> RelyingParty {
    let connection = connection(demo, OIDC_CONNECTION);
    let Protocol::Oidc(mut settings) = connection.protocol.clone() else { panic!("not OpenID Connect") };
    change(&mut settings);
    let callback = Url::parse(&format!("{}/oidc/{OIDC_CONNECTION}/callback", demo.auth_url())).unwrap();
    RelyingParty::new(&connection, &settings, callback, Arc::new(Outbound::new().unwrap())).unwrap()
}

async fn sign_in(demo: &Demo, party: &RelyingParty, person: &str) -> Identity {
    let started = party.start("state-1", None, Asking::Usual, now()).await.unwrap();
    let idp = demo.idp_router();
    let page = get(&idp, &path_of(&started.url)).await;
    let location = pick(&idp, &page, person).await.location.unwrap();
    let callback = Callback::parse(Url::parse(&location).unwrap().query().unwrap()).unwrap();
    assert_eq!(callback.state(), "state-1");
    party.finish(&callback, &started.pending, now()).await.unwrap().identity().clone()
}

/// Signs in over OpenID Connect at a served demo.
pub(super) async fn oidc_identity(demo: &Demo, person: &str) -> Identity {
    sign_in(demo, &relying_party(demo, |_| ()), person).await
}

fn assert_is_ada(identity: &Identity) {
    assert_eq!(identity.subject, "employee-1002");
    assert_eq!(identity.email.as_ref().unwrap().as_str(), "ada@acme.example");
    assert_eq!(identity.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(identity.groups, GroupClaim::from_values(["app-admins", "design"]));
}

#[tokio::test]
async fn the_saml_door_accepts_what_the_provider_signs_over_both_request_bindings() {
    let demo = demo();
    assert_is_ada(&saml_identity(&demo, "ada", RequestBinding::Redirect).await);
    assert_is_ada(&saml_identity(&demo, "ada", RequestBinding::Post).await);
}

#[tokio::test]
async fn the_oidc_door_accepts_what_the_provider_signs() {
    assert_is_ada(&oidc_identity(&served().await, "ada").await);
}

#[tokio::test]
async fn the_client_may_prove_itself_in_the_form_and_ask_userinfo() {
    let demo = served().await;
    let party = relying_party(&demo, |settings| {
        settings.client_auth = Some(usher::core::ClientAuth::Post);
        settings.userinfo = true;
    });
    assert_is_ada(&sign_in(&demo, &party, "ada").await);
}

#[tokio::test]
async fn every_state_of_the_group_claim_arrives_over_both_doors() {
    let demo = served().await;
    let many = |groups: &GroupClaim| matches!(groups, GroupClaim::Present(groups) if groups.len() == 300 && groups.contains("everyone"));
    for door in ["saml", "oidc"] {
        let mut states = Vec::new();
        for person in ["noah", "otto", "max"] {
            let identity = match door {
                "saml" => saml_identity(&demo, person, RequestBinding::Redirect).await,
                _ => oidc_identity(&demo, person).await,
            };
            states.push(identity.groups);
        }
        assert_eq!(states[0], GroupClaim::Empty, "{door}");
        assert_eq!(states[1], GroupClaim::Overage, "{door}");
        assert!(many(&states[2]), "{door}: {:?}", states[2]);
    }
}

#[tokio::test]
async fn an_address_changes_and_the_subject_stays() {
    let demo = demo();
    let first = saml_identity(&demo, "nina", RequestBinding::Redirect).await;
    let second = saml_identity(&demo, "nina", RequestBinding::Redirect).await;
    assert_eq!(first.subject, second.subject);
    assert_ne!(first.email, second.email);
}
