//! Hostile messages to the SAML door.
//!
//! - here: what a case is, and that it is refused within its budget
//! - `structure`, `signature`, `markup`, `semantics`, `encryption`, `logout`: the cases
//! - `old`: keys and algorithms of yesterday, to sign with
//! - `locked`: all of them where nothing can be opened
//!
//! The one rule of this folder: messages are made here and signed here, now. Each starts true, and one thing is wrong with it.

pub(crate) mod encryption;
mod locked;
pub(crate) mod logout;
pub(crate) mod markup;
mod old;
pub(crate) mod semantics;
pub(crate) mod signature;
pub(crate) mod structure;

use rustix::time::{ClockId, clock_gettime};
use usher::saml::logout::Unverified;
use usher::saml::message::{Kind, encode_post};

use super::Attack;
use crate::support::saml_idp::{Draft, Scene, Signer, Sp};

/// What arrives.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// The field `SAMLResponse` at the assertion consumer service.
    Response(String),
    /// A field at the logout address.
    LogoutForm(Kind, String),
    /// The query at the logout address.
    LogoutQuery(String),
}

/// A message, and with which settings it is tried where the usual ones would not do.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) message: Message,
    pub(crate) settings: Option<fn(&mut Sp)>,
}

impl From<Message> for Sent {
    fn from(message: Message) -> Self {
        Self { message, settings: None }
    }
}

impl From<Draft> for Sent {
    fn from(draft: Draft) -> Self {
        Message::Response(encode_post(&draft.0)).into()
    }
}

impl Sent {
    fn under(self, settings: fn(&mut Sp)) -> Self {
        Self { settings: Some(settings), ..self }
    }
}

/// A row with its messages.
pub(crate) struct Case {
    pub(crate) attack: Attack,
    pub(crate) build: fn(&Scene) -> Vec<Sent>,
}

/// Rows and tests at once, so that neither is without the other: id, name of the test, code; title; source; what is sent; how it is made.
macro_rules! cases {
    ($($id:literal $test:ident $code:literal: $title:literal; $source:literal; $sent:literal; $build:expr)*) => {
        pub(crate) const CASES: &[$crate::attacks::saml::Case] = &[$($crate::attacks::saml::Case {
            attack: $crate::attacks::Attack {
                id: $id, title: $title, source: $source, sent: $sent, answer: $code, file: file!(), test: stringify!($test),
            },
            build: |scene| {
                let build: fn(&$crate::support::saml_idp::Scene) -> _ = $build;
                $crate::attacks::saml::all(build(scene))
            },
        }),*];
        $(#[test] fn $test() { $crate::attacks::saml::refuse(CASES, $id); })*
    };
}
pub(crate) use cases;

/// One message or several.
pub(crate) fn all<T: Into<Sent>>(messages: impl IntoIterator<Item = T>) -> Vec<Sent> {
    messages.into_iter().map(Into::into).collect()
}

/// Every message of all cases, as they would arrive in this scene.
pub(crate) fn every_case() -> impl Iterator<Item = &'static Case> {
    [structure::CASES, signature::CASES, markup::CASES, semantics::CASES, encryption::CASES, logout::CASES].into_iter().flatten()
}

/// What this service provider says to a message: the code of its refusal.
pub(crate) fn answer(provider: &usher::saml::ServiceProvider, sp: &Sp, message: &Message) -> Result<(), &'static str> {
    let logout = |unverified| provider.read_logout(unverified, sp.now).map(drop);
    let answer = match message {
        Message::Response(field) => provider.finish(field, sp.request_id, sp.now).map(drop),
        Message::LogoutForm(kind, message) => logout(Unverified::Form { kind: *kind, message, relay_state: None }),
        Message::LogoutQuery(query) => logout(Unverified::Query(query)),
    };
    answer.map_err(|error| error.code())
}

/// A refusal costs at most this, in an optimised build; without optimisation everything takes some twenty times longer.
const CPU_MICROSECONDS: i128 = if cfg!(debug_assertions) { 60_000 } else { 2_000 };
const MEMORY_BYTES: u64 = 8 * 1024 * 1024;

/// Sends each message of a case: the code is right, and so is what the answer cost, in processor time of this thread and in memory at its peak.
#[track_caller]
pub(crate) fn refuse(cases: &[Case], id: &str) {
    let case = cases.iter().find(|case| case.attack.id == id).unwrap();
    let scene = Scene::default();
    for (number, sent) in (case.build)(&scene).into_iter().enumerate() {
        let mut sp = Sp::default();
        sent.settings.iter().for_each(|set| set(&mut sp));
        let provider = sp.build().unwrap();
        let mut code = Ok(());
        let mut least = i128::MAX;
        let used = allocation_counter::measure(|| {
            for _ in 0..3 {
                let start = thread_microseconds();
                code = answer(&provider, &sp, &sent.message);
                least = least.min(thread_microseconds() - start);
            }
        });
        assert_eq!(code, Err(case.attack.answer), "{id}, message {number}");
        assert!(least <= CPU_MICROSECONDS, "{id}, message {number}: {least} µs");
        assert!(used.bytes_max <= MEMORY_BYTES, "{id}, message {number}: {} bytes", used.bytes_max);
    }
}

fn thread_microseconds() -> i128 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    i128::from(time.tv_sec) * 1_000_000 + i128::from(time.tv_nsec) / 1_000
}

// How messages are made.

/// A true response.
pub(super) fn answering(scene: &Scene) -> Draft {
    Draft::in_scene(scene)
}

/// A true response with a signed assertion.
pub(super) fn signed(scene: &Scene) -> Draft {
    answering(scene).sign_assertion(&Signer::idp())
}

/// Cuts out an element: itself, and the rest.
pub(super) fn cut(xml: &str, start: &str, end: &str) -> (String, String) {
    let at = xml.find(start).unwrap();
    let to = at + xml[at..].find(end).unwrap() + end.len();
    (xml[at..to].to_owned(), format!("{}{}", &xml[..at], &xml[to..]))
}

pub(super) fn cut_signature(xml: &str) -> (String, String) {
    cut(xml, "<ds:Signature ", "</ds:Signature>")
}

pub(super) fn cut_assertion(xml: &str) -> (String, String) {
    cut(xml, "<saml:Assertion ", "</saml:Assertion>")
}

/// The assertion that the attacker wants to be read.
pub(super) const EVIL: &str = "admin-0000";

pub(super) fn evil_assertion(scene: &Scene) -> String {
    scene.assertion("_evil", EVIL)
}
