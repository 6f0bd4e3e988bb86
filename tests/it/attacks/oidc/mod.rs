//! Hostile OpenID providers, and hostile people between a good one and us.
//!
//! - here: what a case is, and that it is refused, with nothing more asked of the provider
//! - `token`, `signature`, `answer`, `network`: the cases
//! - `gateway`: all of them through a running gateway, and what needs more than one message
//! - `conformance`: the OpenID Foundation's tests of a relying party, and where each is tried here
//!
//! The one rule of this folder: the provider is good, but for one thing.

pub(crate) mod answer;
pub(crate) mod conformance;
mod gateway;
pub(crate) mod network;
pub(crate) mod signature;
pub(crate) mod token;

use serde_json::{Value, json};
use usher::core::OidcSettings;

use super::Attack;
use crate::oidc::{login, now, relying_party_with, settings};
use crate::support::op::{Knobs, Op, REMOVED};

pub(crate) use gateway::ELSEWHERE;

/// What the provider does, and with which settings it is tried where the usual ones would not do.
pub(crate) struct Sent {
    turn: Box<dyn Fn(&mut Knobs) + Send + Sync>,
    settings: Option<fn(&mut OidcSettings)>,
    /// The fault lies in userinfo itself, so it has to be asked.
    in_userinfo: bool,
    /// Takes too long for the whole gateway.
    slow: bool,
}

impl Sent {
    /// Under these settings; the whole gateway has its own.
    fn under(self, settings: fn(&mut OidcSettings)) -> Self {
        Self { settings: Some(settings), ..self }
    }

    fn in_userinfo(self) -> Self {
        Self { in_userinfo: true, ..self }
    }

    fn slow(self) -> Self {
        Self { slow: true, ..self }
    }

    /// Userinfo would be asked for the groups, if the token held: a call shows.
    fn turn(&self, op: &mut Knobs) {
        op.claims = json!({ "groups": REMOVED });
        (self.turn)(op);
        op.claims["groups"] = REMOVED.into();
    }
}

/// A provider that does this.
pub(super) fn does(turn: impl Fn(&mut Knobs) + Send + Sync + 'static) -> Sent {
    Sent { turn: Box::new(turn), settings: None, in_userinfo: false, slow: false }
}

/// ID tokens with these claims changed.
pub(super) fn claims(changes: Value) -> Sent {
    does(move |op| op.claims = changes.clone())
}

/// ID tokens whose claims change by the time of the provider.
pub(super) fn claims_at(changes: fn(i64) -> Value) -> Sent {
    does(move |op| op.claims = changes(op.now.as_second()))
}

/// A row with what is sent.
pub(crate) struct Case {
    pub(crate) attack: Attack,
    /// Takes an address that nobody may ask.
    pub(crate) build: fn(&str) -> Vec<Sent>,
}

/// Rows and tests at once, so that neither is without the other: id, name of the test, code; title; source; what is sent; how.
macro_rules! cases {
    ($($id:literal $test:ident $code:literal: $title:literal; $source:literal; $sent:literal; $build:expr)*) => {
        pub(crate) const CASES: &[$crate::attacks::oidc::Case] = &[$($crate::attacks::oidc::Case {
            attack: $crate::attacks::Attack {
                id: $id, title: $title, source: $source, sent: $sent, answer: $code, file: file!(), test: stringify!($test),
            },
            build: |bait| {
                let build: fn(&str) -> _ = $build;
                Vec::from(build(bait))
            },
        }),*];
        $(#[tokio::test] async fn $test() { $crate::attacks::oidc::refuse(CASES, $id).await; })*
    };
}
use cases;

/// Every case.
fn every_case() -> impl Iterator<Item = &'static Case> {
    [token::CASES, signature::CASES, answer::CASES, network::CASES].into_iter().flatten()
}

/// Plays each variant of a case to a relying party of its own: the code is right, and after a bad token nothing more is asked.
async fn refuse(cases: &[Case], id: &str) {
    let case = cases.iter().find(|case| case.attack.id == id).unwrap();
    let bait = super::bait::Bait::lay();
    for (number, sent) in (case.build)(&bait.url()).into_iter().enumerate() {
        let op = Op::start(now()).await;
        op.set(|knobs| sent.turn(knobs));
        let mut settings = settings(op.issuer());
        sent.settings.iter().for_each(|set| set(&mut settings));
        let code = login(&op, &relying_party_with(&settings)).await.map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(code, case.attack.answer, "{id}, variant {number}");
        assert_eq!(op.calls("userinfo"), usize::from(sent.in_userinfo), "{id}, variant {number}: userinfo was asked");
    }
    bait.assert_untouched();
}
