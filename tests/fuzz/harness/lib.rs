//! The harness for libFuzzer: the same functions that the tests feed with every seed and every finding.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../it/support/saml_idp.rs"]
mod saml_idp;
mod support {
    pub(crate) use crate::saml_idp;
}
#[path = "mod.rs"]
mod harness;

/// Feeds a target.
pub fn run(target: &str, data: &[u8]) {
    let (_, harness) = harness::TARGETS.iter().find(|(name, _)| *name == target).expect("a target of the harness");
    harness(data);
}
