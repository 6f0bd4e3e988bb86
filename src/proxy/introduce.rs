//! What an app is told: always all headers, empty when unknown. Worked out once for a session and reused until the member may have changed or
//! the token has lived half its life.
//!
//! Header values are ASCII: every byte of the UTF-8 text outside space to tilde, and `%` itself, is percent-encoded (`Zoë` is `Zo%C3%AB`).
//! So no name can break out of its line, and decoding is plain URL decoding. The token carries the text as it is.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::jwt::{Claims, IdentityKeys, JwtError, LIFE};
use super::route::Route;
use crate::config::Alias;
use crate::core::MemberStatus;
use crate::session::{Asked, Introduction, MEMBER_AGE, Session, Sessions};
use crate::store::MemberRow;

static OURS: [(Alias, HeaderName); 6] = [
    (Alias::Person, HeaderName::from_static("x-usher-person")),
    (Alias::Email, HeaderName::from_static("x-usher-email")),
    (Alias::Name, HeaderName::from_static("x-usher-name")),
    (Alias::Organization, HeaderName::from_static("x-usher-organization")),
    (Alias::Role, HeaderName::from_static("x-usher-role")),
    (Alias::SeatTier, HeaderName::from_static("x-usher-seat-tier")),
];
const ASSERTION: HeaderName = HeaderName::from_static("x-usher-assertion");

/// A name may be any text at any length; with this many bytes a header it stays below what app servers take.
const MAX_VALUE: usize = 512;
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Who someone is, as far as an app may know.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Identity {
    pub(super) person: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) organization: String,
    pub(super) role: String,
    pub(super) seat_tier: String,
}

impl Identity {
    /// `row`: an active member of the route's organization, or of another one that says only who the person is.
    pub(super) fn new(route: &Route, session: &Session, row: Option<&MemberRow>) -> Self {
        let person = row.map(|row| &row.person);
        let text = |value: Option<String>| value.unwrap_or_default();
        let member = row.map(|row| &row.member).filter(|member| member.organization == route.organization);
        Self {
            person: session.person().to_string(),
            email: text(person.and_then(|person| person.email.as_ref()).map(ToString::to_string)),
            name: text(person.and_then(|person| person.name.clone())),
            organization: text(member.map(|member| member.organization.to_string())),
            role: text(member.map(|member| member.role.to_string())),
            seat_tier: text(member.and_then(|member| member.seat.as_ref()).map(ToString::to_string)),
        }
    }

    fn value(&self, alias: Alias) -> &str {
        match alias {
            Alias::Person => &self.person,
            Alias::Email => &self.email,
            Alias::Name => &self.name,
            Alias::Organization => &self.organization,
            Alias::Role => &self.role,
            Alias::SeatTier => &self.seat_tier,
        }
    }

    /// What the headers of [`names`] say. The values lie behind one another in one piece of memory: they are kept for as long as the session is.
    fn values(&self, aliases: &[(Alias, HeaderName)], assertion: String) -> Box<[HeaderValue]> {
        let told = OURS.iter().map(|(alias, _)| alias).chain(aliases.iter().map(|(alias, _)| alias));
        let texts: Vec<String> = told.map(|alias| encode(self.value(*alias))).chain([assertion]).collect();
        let mut all = Bytes::from(texts.concat().into_boxed_str().into_boxed_bytes());
        let mut cut = |text: &String| HeaderValue::from_maybe_shared(all.split_to(text.len()));
        texts.iter().map(|text| cut(text).unwrap_or_else(|_| HeaderValue::from_static(""))).collect()
    }
}

/// The headers that say who it is, in their order.
pub(super) fn names(aliases: &[(Alias, HeaderName)]) -> Arc<[HeaderName]> {
    OURS.iter().chain(aliases).map(|(_, name)| name.clone()).chain([ASSERTION]).collect()
}

/// Text for a header; outer blanks would be lost on the way, so they are taken off here.
fn encode(text: &str) -> String {
    let mut encoded = utf8_percent_encode(text.trim(), ENCODED).to_string();
    if encoded.len() > MAX_VALUE {
        // Cut before an escape, never inside one.
        let cut = encoded.get(MAX_VALUE - 2..MAX_VALUE).and_then(|tail| tail.find('%')).map_or(MAX_VALUE, |at| MAX_VALUE - 2 + at);
        encoded.truncate(cut);
    }
    encoded
}

/// What an app is told when nobody is signed in.
pub(super) fn nobody(route: &Route) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    route.told.iter().map(|name| (name.clone(), HeaderValue::from_static("")))
}

/// Whether what was worked out for a session on this route still counts. Another that had its place before a reload may have let more people pass.
pub(super) fn is_current(introduction: &Introduction, route: &Route, sessions: &Sessions, now_ms: i64) -> bool {
    let max_age = i64::try_from(MEMBER_AGE.as_millis()).unwrap_or(i64::MAX);
    Arc::ptr_eq(&introduction.names, &route.told)
        && introduction.is_fresh(now_ms, max_age, sessions.members().epoch())
        && now_ms < introduction.renew_ms
}

/// Works out what the app is told about a session and keeps it there; it is as old as the answers that it comes from. A token that still has half its life
/// is kept with it.
pub(super) fn introduce(
    keys: &IdentityKeys,
    issuer: &str,
    route: &Route,
    session: &Session,
    asked: Asked<Option<Arc<MemberRow>>>,
    epoch: u64,
    now: Timestamp,
) -> Result<Arc<Introduction>, JwtError> {
    let (checked_ms, now_ms) = (asked.at.as_millisecond(), now.as_millisecond());
    let row = asked.answer.filter(|row| row.member.status == MemberStatus::Active);
    // Of this very route: one that took its place may tell the same under other names.
    let still_true = |known: &&Arc<Introduction>| Arc::ptr_eq(&known.names, &route.told) && known.member == row && now_ms < known.renew_ms;
    if let Some(known) = session.introduction().as_ref().filter(still_true) {
        known.confirm(checked_ms, epoch);
        return Ok(Arc::clone(known));
    }
    let identity = Identity::new(route, session, row.as_deref());
    let assertion = keys.sign(&claims(issuer, route, session, &identity, row.as_deref()), now)?;
    let values = identity.values(&route.aliases, assertion);
    let renew_ms = now_ms + i64::try_from(LIFE.as_millis() / 2).unwrap_or(0);
    let introduction = Arc::new(Introduction::new(Arc::clone(&route.told), values, row, renew_ms, checked_ms, epoch));
    session.introduce(Arc::clone(&introduction));
    Ok(introduction)
}

fn claims<'a>(issuer: &'a str, route: &'a Route, session: &Session, identity: &'a Identity, row: Option<&'a MemberRow>) -> Claims<'a> {
    let known = |text: &'a str| (!text.is_empty()).then_some(text);
    let member = row.map(|row| &row.member).filter(|member| member.organization == route.organization);
    Claims {
        iss: issuer,
        aud: &route.host,
        sub: session.person(),
        email: known(&identity.email),
        name: known(&identity.name),
        org: member.map(|member| &member.organization),
        member: member.map(|member| member.id),
        role: known(&identity.role),
        seat_tier: known(&identity.seat_tier),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(encode("Zoë 100%\r\nX-Usher-Role: Owner"), "Zo%C3%AB 100%25%0D%0AX-Usher-Role: Owner");
        assert_eq!(encode("  Ada\u{7f} "), "Ada%7F");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_of_the_encoding() {
        let cut = encode(&"ä".repeat(1000));
        assert!(cut.len() <= 512 && cut.len().is_multiple_of(3), "{}", cut.len());
        // Wherever the limit falls in an escape, as much stays as can.
        for before in 0..3 {
            let cut = encode(&("a".repeat(before) + &"ä".repeat(1000)));
            assert_eq!(cut.len(), before + (512 - before) / 3 * 3);
        }
    }

    proptest! {
        #[test]
        fn every_name_survives_its_header(name in "\\PC{0,20}") {
            let value = HeaderValue::try_from(encode(&name)).unwrap();
            let back = percent_encoding::percent_decode(value.as_bytes()).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(back, name.trim());
        }
    }
}
