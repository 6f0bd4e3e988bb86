//! Who is here and in which organization. Made anew for each request from the session, the settings and the member row of this moment.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tower_sessions::Session as CookieSession;

use super::theme::Theme;
use super::trouble;
use crate::admin::{Actor, Admin, Who};
use crate::app::App;
use crate::core::{MemberStatus, Organization, OrganizationId, ReturnTo};
use crate::http::headers::Nonce;
use crate::http::login::enter::signed_in;
use crate::http::origin::Origin;
use crate::http::problem::Problem;
use crate::session::SessionRecord;
use crate::store::{MemberRow, StoredSettings};

/// How old a sign-in may be for the danger zone.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// An administrator at the console of one organization. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Console(Arc<Inside>);

/// What [`Console`] knows.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) app: Arc<App>,
    /// Who acts; given to every use case of `admin`.
    pub(super) actor: Actor,
    /// The organization as it is now.
    pub(super) organization: Organization,
    /// All settings as they are now. What belongs to other organizations is shown to nobody.
    pub(super) settings: StoredSettings,
    /// The administrator as a member.
    pub(super) row: MemberRow,
    pub(super) session: SessionRecord,
    /// Path and query of this request.
    pub(super) location: String,
    /// Where a form that was refused goes back to: the page that it was on.
    pub(super) back: String,
    pub(super) theme: Option<Theme>,
    pub(super) nonce: Nonce,
    pub(super) now: Timestamp,
}

impl Deref for Console {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl Console {
    /// The use cases.
    pub(super) fn admin(&self) -> Admin {
        self.app.admin()
    }

    /// The operator's file that says what cannot be changed here, if there is one.
    pub(super) fn file(&self) -> Option<String> {
        self.app.config.org_file.as_ref().map(|file| file.display().to_string())
    }

    /// An address of this organization's console: `path("members")` is `/admin/acme/members`, `path("")` its first page.
    pub(super) fn path(&self, leaf: &str) -> String {
        console_path(&self.organization.id, leaf)
    }

    /// Where to sign in freshly and come back to this page. A link, never a form: see [`crate::http::headers`].
    pub(super) fn fresh_sign_in(&self) -> String {
        let back = format!("{}{}", self.app.auth_origin(), self.back);
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("fresh", "true").append_pair("return_to", &back).finish();
        match self.session.way.connection() {
            Some(connection) => format!("/login/{connection}?{query}"),
            None => format!("/login?{query}"),
        }
    }
}

/// The same before anybody is let in.
pub(super) fn console_path(organization: &OrganizationId, leaf: &str) -> String {
    if leaf.is_empty() { format!("/admin/{organization}") } else { format!("/admin/{organization}/{leaf}") }
}

/// Only inside of [`enter`]; anywhere else there is no console to have.
impl<S: Send + Sync> FromRequestParts<S> for Console {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::NotFound)
    }
}

/// Which organization an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    organization: String,
}

/// Lets administrators of the organization in. Anyone else learns nothing, not even whether the organization is there: a stranger is asked to
/// sign in whatever the address says, and somebody who is signed in and administers nothing here finds no page.
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    Path(Address { organization }): Path<Address>,
    OriginalUri(uri): OriginalUri,
    session: CookieSession,
    origin: Origin,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let location = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let back = if request.method() == Method::GET { location.clone() } else { page_before(&app, request.headers(), uri.path()) };
    let by_htmx = request.headers().contains_key("hx-request");
    let Some(record) = signed_in(&app, &session).await? else { return Ok(sign_in(&app, &back, false, by_htmx)) };
    let id = OrganizationId::parse(&organization).map_err(|_| Problem::NotFound)?;
    let settings = app.store.find_settings().await?.ok_or(Problem::NotFound)?;
    let organization = settings.settings.find_organization(&id).cloned().ok_or(Problem::NotFound)?;
    let row = find_administrator(&app, &organization, &record).await?.ok_or(Problem::NotFound)?;
    if !record.organizations.contains_key(&id) {
        // Row 63: each organization decides for itself, at a login of its own.
        return Ok(sign_in(&app, &back, true, by_htmx));
    }
    let now = app.clock.now();
    let who = Who::Person {
        person: record.person,
        member: row.member.id,
        role: row.member.role.clone(),
        primary_owner: row.member.primary_owner,
        fresh: is_fresh(&record, now),
    };
    let console = Console(Arc::new(Inside {
        actor: Actor { who, organization: id, origin: origin.plain() },
        organization,
        settings,
        row,
        session: record,
        location,
        back,
        theme: Theme::of(request.headers()),
        nonce: Nonce::new()?,
        now,
        app,
    }));
    request.extensions_mut().insert(console.clone());
    let response = next.run(request).await;
    Ok(trouble::show(&console, response))
}

/// The person's member row here, if it administers the organization now. The store is asked, not the cache: who was demoted a second ago is out.
pub(in crate::http) async fn find_administrator(
    app: &App,
    organization: &Organization,
    record: &SessionRecord,
) -> Result<Option<MemberRow>, Problem> {
    let row = app.store.find_member(&organization.id, record.person).await?;
    Ok(row.filter(|row| row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role)))
}

/// Whether the person has proved lately enough for the danger zone who they are. That is when the provider last asked them: one that answers from a
/// session of its own, or does not say, has asked nobody. A clock that was set back makes nothing fresh, and a recovery link is no sign-in: whoever
/// found one must not pass for somebody who has just proved who they are.
fn is_fresh(record: &SessionRecord, now: Timestamp) -> bool {
    let Some(authenticated_at) = record.way.authenticated_at() else { return false };
    let age = now.duration_since(authenticated_at.min(record.started_at));
    age >= SignedDuration::ZERO && age <= FRESH
}

impl Inside {
    /// The provider answered the login of a moment ago from a session of its own, and did not ask the person anew.
    pub(super) fn was_not_asked_anew(&self) -> bool {
        let young = self.now.duration_since(self.session.started_at) <= FRESH;
        young && self.session.way.authenticated_at().is_some_and(|at| self.now.duration_since(at) > FRESH)
    }
}

/// To sign-in and back. `again`: somebody is signed in, but not here.
pub(super) fn sign_in(app: &App, back: &str, again: bool, by_htmx: bool) -> Response {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if again {
        query.append_pair("again", "true");
    }
    let href = format!("/login?{}", query.append_pair("return_to", &format!("{}{back}", app.auth_origin())).finish());
    // A redirect would be followed inside of the page, and sign-in swapped into it.
    if by_htmx { [("hx-redirect", href)].into_response() } else { Redirect::to(&href).into_response() }
}

/// The page that a form was on, as its browser says; else the console's first page. It is only ever led to, never trusted.
fn page_before(app: &App, headers: &HeaderMap, path: &str) -> String {
    let root = path.split('/').take(3).collect::<Vec<_>>().join("/");
    let referer = headers.get(axum::http::header::REFERER).and_then(|referer| referer.to_str().ok());
    let page: Option<ReturnTo> = referer.map(|referer| app.return_to(Some(referer)));
    page.filter(|page| page.origin() == app.auth_origin() && page.path().starts_with(&root)).map_or(root, |page| page.path().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::{ConnectionId, DoorSession, PersonId};
    use crate::session::{Client, Place, SessionKey, WayIn};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    /// A session that began at minute 0.
    fn session(way: WayIn) -> SessionRecord {
        SessionRecord {
            key: SessionKey::default(),
            place: Place::AuthHost,
            person: PersonId::from_uuid(uuid::Uuid::from_u128(7)),
            way,
            organizations: BTreeMap::new(),
            client: Client::default(),
            started_at: at(0),
            ends_at: at(720),
            last_seen_at: at(0),
        }
    }

    fn through_a_provider(authenticated_at: Option<Timestamp>) -> SessionRecord {
        let door_session = DoorSession { authenticated_at, ..DoorSession::default() };
        session(WayIn::Connection { connection: ConnectionId::parse("okta").unwrap(), subject: "ada".to_owned(), door_session })
    }

    #[test]
    fn a_sign_in_is_fresh_for_ten_minutes() {
        let session = through_a_provider(Some(at(0)));
        assert!(is_fresh(&session, at(0)) && is_fresh(&session, at(10)));
        assert!(!is_fresh(&session, at(11)) && !is_fresh(&session, at(-1)));
    }

    /// Whoever has the browser of somebody who is signed in at the provider needs no password for another session here.
    #[test]
    fn an_answer_from_the_providers_own_session_is_not_fresh() {
        assert!(!is_fresh(&through_a_provider(Some(at(-11))), at(0)), "asked before this session");
        assert!(!is_fresh(&through_a_provider(None), at(0)), "nobody knows when");
        assert!(is_fresh(&through_a_provider(Some(at(1))), at(2)), "its clock is ahead");
        assert!(!is_fresh(&through_a_provider(Some(at(60))), at(60)), "and does not make us forget when it was");
    }

    #[test]
    fn a_recovery_link_is_never_fresh() {
        assert!(!is_fresh(&session(WayIn::Recovery), at(0)));
    }
}
