//! Known attacks, each a test, and each a row of docs/security/attacks.md: the page is written from here, so it cannot say more than the tests do.
//!
//! - here: the page; `attack`: what a row is
//! - [`saml`]: messages to the SAML door, freshly made and signed
//! - `gateway`: all of them through a running gateway, and what needs more than one message
//! - [`oidc`]: OpenID providers that misbehave, and people between a good one and us
//!
//! The one rule of this folder: a row names the test that shows it. To add a door: a module with a `pub(crate) const ATTACKS: &[Attack]`, and a line in
//! [`chapters`]. Rows may also name tests that stand elsewhere. `USHER_WRITE_ATTACKS=1` writes the page.

mod attack;
pub(crate) mod bait;
mod gateway;
pub(crate) mod oidc;
pub(crate) mod saml;

use std::collections::BTreeSet;
use std::path::Path;

pub(crate) use attack::Attack;

/// Some rows under one heading.
struct Chapter {
    heading: &'static str,
    about: &'static str,
    attacks: Vec<Attack>,
}

fn chapters() -> Vec<Chapter> {
    let chapter = |heading, about, attacks: Vec<Attack>| Chapter { heading, about, attacks };
    let messages = |cases: &[saml::Case]| cases.iter().map(|case| case.attack).collect();
    let plays = |cases: &[oidc::Case]| cases.iter().map(|case| case.attack).collect();
    vec![
        chapter(
            "SAML: the shape of a message",
            "A genuine signature stands somewhere in the message, and the reader is led elsewhere.",
            messages(saml::structure::CASES),
        ),
        chapter(
            "SAML: signatures",
            "What is signed, how, and by whom. The hostile signatures are genuine ones over hostile instructions, wherever that can be made.",
            messages(saml::signature::CASES),
        ),
        chapter("SAML: XML", "Before anyone asks who signed it: what a parser could be led to do.", messages(saml::markup::CASES)),
        chapter(
            "SAML: what a message says",
            "True signatures of the right provider over words that are not for us, not for now, or not for this browser.",
            messages(saml::semantics::CASES),
        ),
        chapter("SAML: encryption", "What a server that decrypts can be made to tell.", messages(saml::encryption::CASES)),
        chapter("SAML: logout", "Who can sign others out, and with what.", messages(saml::logout::CASES)),
        chapter(
            "SAML: the whole gateway",
            "The same messages through a running gateway, and what is left behind.",
            gateway::ELSEWHERE.to_vec(),
        ),
        chapter(
            "OpenID Connect: what a token says",
            "Genuine signatures of the right provider over claims that are not for us, not for now, or not for this login. After each, userinfo is not asked.",
            plays(oidc::token::CASES),
        ),
        chapter(
            "OpenID Connect: signatures and keys",
            "Who signed, with what, and whether it is an ID token at all.",
            plays(oidc::signature::CASES),
        ),
        chapter(
            "OpenID Connect: answers",
            "What comes with the callback, from the token endpoint and from userinfo.",
            plays(oidc::answer::CASES),
        ),
        chapter(
            "OpenID Connect: the provider's machines",
            "In somebody else's hands, or in trouble. Usher's own requests follow no redirect, end after ten seconds, and take a megabyte at most.",
            plays(oidc::network::CASES),
        ),
        chapter(
            "OpenID Connect: the whole gateway",
            "The same providers through a running gateway, what is left behind, and what needs more than one answer.",
            oidc::ELSEWHERE.to_vec(),
        ),
        chapter("OpenID Connect: the OpenID Foundation's tests of a relying party", oidc::conformance::ABOUT, oidc::conformance::rows()),
    ]
}

const INTRODUCTION: &str = "# Attacks that are tried

For whoever judges whether Usher can stand in front of their app. Every row is something that has broken a product or could; a test sends it, and this
page is written from the tests: a row that is here is tried at every build, and one that stops failing stops the build.

The code in the fourth column is what the log and the audit say. The person, or the attacker, sees one and the same page for all of them: that the sign-in
did not work, with a reference. [connections.md](../connections.md) explains each code.

Every message is made and signed by the tests themselves, at that moment. Refusing a SAML message costs little processor time and at most 8 MiB of memory,
and the tests count both. No address in a message is asked, no file is opened, nobody is signed in, and nothing but one audit line is written.
";

fn page() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let row = |attack: Attack| {
        let Attack { id, title, source, sent, answer, file, test } = attack;
        format!("| {id} | {} | {} | `{answer}` | {} | [`{test}`](../../{file}) |\n", cell(title), cell(sent), cell(source))
    };
    let section = |chapter: Chapter| {
        let Chapter { heading, about, attacks } = chapter;
        let head = "| | Attack | What is sent | Answer | Known from | Test |\n|---|---|---|---|---|---|";
        format!("\n## {heading}\n{about}\n\n{head}\n{}", attacks.into_iter().map(row).collect::<Vec<_>>().concat())
    };
    INTRODUCTION.to_owned() + &chapters().into_iter().map(section).collect::<Vec<_>>().concat()
}

#[test]
fn the_page_of_attacks_is_what_the_tests_try() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security/attacks.md");
    let page = page();
    if std::env::var_os("USHER_WRITE_ATTACKS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/security/attacks.md is old: run this test with USHER_WRITE_ATTACKS=1");
}

#[test]
fn every_row_has_an_id_of_its_own_and_a_test_that_is_there() {
    let mut ids = BTreeSet::new();
    for attack in chapters().into_iter().flat_map(|chapter| chapter.attacks) {
        assert!(ids.insert(attack.id), "{} is there twice", attack.id);
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(attack.file)).unwrap();
        let row = format!("\" {} \"", attack.test);
        assert!(source.contains(&format!("fn {}(", attack.test)) || source.contains(&row), "{}: no test {}", attack.id, attack.test);
    }
    assert!(ids.len() > 100, "{}", ids.len());
}
