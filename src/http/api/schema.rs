//! What core types look like on the wire. A field of a wire type that is a core type says `value_type = schema::…`, so `core` need not know of OpenAPI.

use strum::IntoEnumIterator as _;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::admin::Permission;

macro_rules! text {
    ($($name:ident: $doc:literal, $pattern:literal, $example:literal;)*) => {
        $(
            #[doc = $doc]
            pub(super) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    object().description(Some($doc)).pattern(Some($pattern)).examples([$example]).build().into()
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

text! {
    TokenId: "An API token; not the token itself.", "^tok_[0-9a-f]{32}$", "tok_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    PersonId: "A person, the same in every organization.", "^per_[0-9a-f]{32}$", "per_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    MemberId: "A person in one organization.", "^mem_[0-9a-f]{32}$", "mem_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    InviteId: "An invite.", "^inv_[0-9a-f]{32}$", "inv_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    RemovalId: "A removal.", "^rem_[0-9a-f]{32}$", "rem_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    SessionId: "A session: the hash of its secret.", "^[0-9a-f]{64}$", "5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a";
    AuditId: "A line of the audit log.", "^aud_[0-9a-f]{32}$", "aud_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    IncidentId: "The reference that an error page shows.", "^inc_[0-9a-f]{32}$", "inc_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    RequestId: "A request for access.", "^dec_[0-9a-f]{32}$", "dec_01980c5c2d7a7c21a4f1c0de5e6f7a8b";
    Colour: "A colour.", "^#[0-9a-fA-F]{6}$", "#0b556b";
    ShortName: "A short name from the settings.", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "okta";
}

/// A time (RFC 3339), in UTC.
pub(super) struct Time;

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        object().description(Some("A time (RFC 3339).")).format(Some(format)).examples(["2026-11-24T15:00:00Z"]).build().into()
    }
}

impl ToSchema for Time {}

macro_rules! words {
    ($($name:ident: $doc:literal, [$($word:literal),*];)*) => {
        $(
            #[doc = $doc]
            pub(super) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    object().description(Some($doc)).enum_values(Some([$($word),*])).build().into()
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

words! {
    MemberStatus: "Where a member stands.", ["active", "removed", "blocked"];
    Source: "Where what a member has comes from.", ["provider", "invite", "pin"];
    RosterOrder: "By name, by address, last here first, longest away first, newest first.", ["name", "email", "recent", "idle", "joined"];
    Mode: "How people become members.", ["manual", "jit", "scim"];
    NoRoleMatch: "What happens to somebody in no mapped role group.", ["remove", "default_role"];
    NoSeatMatch: "Which seat somebody in no mapped seat group gets.", ["highest_available", "lowest_available", "none", "refuse"];
    OnTierFull: "What happens when the mapped tier is full and the person is new.", ["next_lower", "refuse", "no_seat"];
    Protocol: "What a connection speaks.", ["saml", "oidc"];
}

/// What a token may.
pub(super) struct Scope;

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        let scopes = Permission::iter().map(|scope| scope.to_string());
        object().description(Some("What a token may.")).enum_values(Some(scopes)).examples(["members:read"]).build().into()
    }
}

impl ToSchema for Scope {}

/// Why a login came out as it did.
pub(super) struct Reason;

impl PartialSchema for Reason {
    fn schema() -> RefOr<Schema> {
        let codes = crate::core::Reason::iter().map(crate::core::Reason::code);
        object().description(Some("A reason code.")).enum_values(Some(codes)).examples(["ok_existing"]).build().into()
    }
}

impl ToSchema for Reason {}

fn object() -> ObjectBuilder {
    ObjectBuilder::from(Object::with_type(Type::String))
}
