//! What a change would do, to whom, and what stands against it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::settings::{self, Objection, OrganizationReview};
use crate::core::preview::{Administrator, Next, PersonEffect, Standing};
use crate::core::provision::SeatCount;
use crate::core::{MemberId, OrganizationId, PersonId, Reason};
use crate::http::api::schema;

/// How many people a review names; the sums count all of them.
const NAMED: usize = 1000;

/// What a change would do. Nothing was saved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Review {
    /// For the save. It stands for the change and for all that it does to people; logins that change none of this leave it as it is.
    id: String,
    /// The revision that the change was reviewed against: the `ETag` for the save, without its quotes.
    revision: i64,
    /// Whether the settings stay as they are.
    changes_nothing: bool,
    /// Whether something stands against the save that nobody may overrule.
    refused: bool,
    objections: Vec<Objected>,
    /// What has to be confirmed to save all the same.
    needs: Needs,
    /// What changes in the settings, object by object, without secrets.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<serde_json::Value>,
    /// What happens to the organization's members; `null`: nothing that a login would show.
    effects: Option<Effects>,
}

/// What stands against a save.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Objection)]
struct Objected {
    /// `lockout_saver`, `lockout_owner`, `lockout_nobody`, `sso_not_proven` or `impossible`.
    #[schema(example = "lockout_saver")]
    code: &'static str,
    /// What stands against it, and what would mend it.
    sentence: String,
    /// Whether confirming the organization's name overrules it.
    can_be_forced: bool,
}

/// What has to be confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewNeeds)]
struct Needs {
    /// The organization's name, because whoever saves loses their administration.
    organization_name: Option<String>,
    /// The number of people who lose access, because they are many.
    lose_access: Option<u64>,
}

/// What happens to members at their next login. The sums add up to all active members.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewEffects)]
struct Effects {
    unchanged: u64,
    role_changes: u64,
    seat_changes: u64,
    lose_access: u64,
    /// Nobody can say.
    unknown: u64,
    /// Whoever is not unchanged, the first thousand of them.
    people: Vec<PersonChange>,
    /// Seats once everyone has signed in.
    seats: Vec<SeatsAfter>,
    /// Who would administer.
    administrators: Vec<AdministratorAfter>,
    /// What is allowed and worth a second look, in sentences.
    warnings: Vec<String>,
}

/// What would change for one person.
#[derive(Debug, Serialize, ToSchema)]
struct PersonChange {
    #[schema(value_type = schema::PersonId)]
    person: PersonId,
    #[schema(value_type = schema::MemberId)]
    member: MemberId,
    name: Option<String>,
    email: Option<String>,
    before: RoleAndSeat,
    /// `null`: does not come in any more, or nobody can say.
    after: Option<RoleAndSeat>,
    outcome: Outcome,
    /// Why somebody would not come in any more.
    #[schema(value_type = Option<schema::Reason>)]
    reason: Option<Reason>,
    /// Why nobody can say.
    unknown_because: Option<String>,
    /// The groups that this rests on.
    groups: Vec<String>,
    /// When they were seen; `null`: never.
    #[schema(value_type = Option<schema::Time>)]
    seen_at: Option<Timestamp>,
}

/// What happens to somebody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReviewOutcome)]
enum Outcome {
    ComesIn,
    LosesAccess,
    Unknown,
}

/// Role and seat.
#[derive(Debug, Serialize, ToSchema)]
struct RoleAndSeat {
    #[schema(example = "User")]
    role: String,
    #[schema(example = "Standard")]
    seat: Option<String>,
}

/// Seats of a tier.
#[derive(Debug, Serialize, ToSchema)]
struct SeatsAfter {
    tier: String,
    owned: u32,
    used: u32,
}

/// Somebody who would administer.
#[derive(Debug, Serialize, ToSchema)]
struct AdministratorAfter {
    #[schema(value_type = schema::PersonId)]
    person: PersonId,
    name: String,
    role: String,
    /// A human who has signed in, whom the settings themselves keep.
    certain: bool,
}

impl Review {
    /// The review for this organization: what a change does to others is for their administrators.
    pub(super) fn of(review: settings::Review, organization: &OrganizationId) -> Self {
        let (refused, changes_nothing) = (review.is_refused(), review.changes_nothing());
        let own = review.organizations.into_iter().find(|found| &found.effects.organization == organization);
        Self {
            id: review.id,
            revision: review.base.unwrap_or(0),
            changes_nothing,
            refused,
            objections: review.objections.into_iter().map(Objected::from).collect(),
            needs: Needs { organization_name: review.needs.organization_name, lose_access: review.needs.lose_access },
            changes: review.objects,
            effects: own.map(Effects::from),
        }
    }
}

impl From<Objection> for Objected {
    fn from(Objection { code, sentence, can_be_forced, .. }: Objection) -> Self {
        Self { code, sentence, can_be_forced }
    }
}

impl From<OrganizationReview> for Effects {
    fn from(OrganizationReview { effects, warning_sentences, .. }: OrganizationReview) -> Self {
        let seats = |SeatCount { tier, owned, used }| SeatsAfter { tier: tier.to_string(), owned, used };
        let administrator =
            |Administrator { person, name, role, certain }| AdministratorAfter { person, name, role: role.to_string(), certain };
        Self {
            unchanged: effects.unchanged,
            role_changes: effects.role_changes,
            seat_changes: effects.seat_changes,
            lose_access: effects.lose_access,
            unknown: effects.unknown,
            people: effects.people.into_iter().take(NAMED).map(PersonChange::from).collect(),
            seats: effects.seats.into_iter().map(seats).collect(),
            administrators: effects.administrators.into_iter().map(administrator).collect(),
            warnings: warning_sentences,
        }
    }
}

impl From<PersonEffect> for PersonChange {
    fn from(effect: PersonEffect) -> Self {
        let (after, outcome, reason, unknown_because) = match effect.next {
            Next::ComesIn { standing, .. } => (Some(standing.into()), Outcome::ComesIn, None, None),
            Next::LosesAccess { reason, .. } => (None, Outcome::LosesAccess, Some(reason), None),
            Next::Unknown { why } => (None, Outcome::Unknown, None, Some(why.to_string())),
        };
        Self {
            person: effect.person,
            member: effect.member,
            name: effect.name,
            email: effect.email.map(|email| email.to_string()),
            before: effect.before.into(),
            after,
            outcome,
            reason,
            unknown_because,
            groups: effect.groups,
            seen_at: effect.seen_at,
        }
    }
}

impl From<Standing> for RoleAndSeat {
    fn from(Standing { role, seat }: Standing) -> Self {
        Self { role: role.to_string(), seat: seat.map(|seat| seat.to_string()) }
    }
}
