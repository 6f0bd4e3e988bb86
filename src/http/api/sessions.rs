//! Sessions: who is signed in, and how that ends.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::error::ApiError;
use super::input::{Asked, At};
use super::page::{Page, Paging};
use super::schema;
use crate::admin::SessionView;
use crate::app::App;
use crate::core::{ConnectionId, MemberId, PersonId};
use crate::session::{self, SessionKey};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, end_all)).routes(routes!(end))
}

/// A login that is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    #[schema(value_type = schema::SessionId)]
    id: SessionKey,
    #[schema(value_type = schema::PersonId)]
    person: PersonId,
    #[schema(value_type = schema::MemberId)]
    member: MemberId,
    name: Option<String>,
    email: Option<String>,
    /// Through which connection; `null`: by a recovery link.
    #[schema(value_type = Option<schema::ShortName>)]
    connection: Option<ConnectionId>,
    /// Whether it came from a recovery link.
    recovery: bool,
    /// The hosts of the apps that are open in it.
    apps: Vec<String>,
    #[schema(value_type = schema::Time)]
    started_at: Timestamp,
    /// The last request, at most five minutes behind.
    #[schema(value_type = schema::Time)]
    last_seen_at: Timestamp,
    /// When it ends whatever happens.
    #[schema(value_type = schema::Time)]
    ends_at: Timestamp,
    /// The client's address at the login.
    address: Option<String>,
    /// What the client called itself then.
    user_agent: Option<String>,
}

/// What was ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ended {
    /// Sessions, those of apps among them.
    sessions: usize,
    /// Open WebSockets and event streams.
    streams: usize,
}

/// Which sessions end.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Those of one member.
    #[param(value_type = Option<schema::MemberId>, nullable = false)]
    member: Option<MemberId>,
    /// Those that came through one connection.
    #[param(value_type = Option<schema::ShortName>, nullable = false)]
    connection: Option<ConnectionId>,
    /// `true`: all of them.
    #[param(nullable = false)]
    all: Option<bool>,
}

/// Which session an address is about.
#[derive(Deserialize)]
pub(super) struct Address {
    session: SessionKey,
}

impl From<SessionView> for Session {
    fn from(view: SessionView) -> Self {
        Self {
            id: view.id,
            person: view.person,
            member: view.member,
            name: view.name,
            email: view.email,
            connection: view.connection,
            recovery: view.recovery,
            apps: view.apps,
            started_at: view.started_at,
            last_seen_at: view.last_seen_at,
            ends_at: view.ends_at,
            address: view.address,
            user_agent: view.user_agent,
        }
    }
}

impl From<session::Ended> for Ended {
    fn from(ended: session::Ended) -> Self {
        Self { sessions: ended.sessions, streams: ended.streams }
    }
}

/// Lists the sessions of the organization, the newest first.
#[utoipa::path(
    get,
    path = "/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    params(Paging),
    responses((status = 200, description = "A page of sessions.", body = Page<Session>)),
    security(("token" = ["sessions:read"]))
)]
async fn list(caller: Caller, Asked(paging): Asked<Paging>) -> Result<Json<Page<Session>>, ApiError> {
    let after = paging.after(|text| text.parse().ok())?;
    let limit = usize::try_from(paging.limit()?).unwrap_or(usize::MAX);
    let page = caller.admin.list_sessions(&caller.actor, after, limit).await?;
    Ok(Json(Page::new(page.sessions.into_iter().map(Session::from).collect(), page.next.as_ref())))
}

/// Ends the sessions of one member, of one connection, or all. Say which; their open streams close at once.
#[utoipa::path(
    delete,
    path = "/sessions",
    operation_id = "end_sessions",
    tag = "sessions",
    params(Which),
    responses((status = 200, description = "What was ended.", body = Ended)),
    security(("token" = ["sessions:write"]))
)]
async fn end_all(caller: Caller, Asked(which): Asked<Which>) -> Result<Json<Ended>, ApiError> {
    let (admin, actor) = (&caller.admin, &caller.actor);
    let ended = match (which.member, &which.connection, which.all) {
        (Some(member), None, None) => admin.end_sessions_of(actor, member).await?,
        (None, Some(connection), None) => admin.end_sessions_through(actor, connection).await?,
        (None, None, Some(true)) => admin.end_all_sessions(actor).await?,
        _ => return Err(ApiError::invalid("query", "name one of `member`, `connection` and `all=true`")),
    };
    Ok(Json(ended.into()))
}

/// Ends a session, with those of apps that hang on it. Its open streams close at once.
#[utoipa::path(
    delete,
    path = "/sessions/{session}",
    operation_id = "end_session",
    tag = "sessions",
    params(("session" = inline(schema::SessionId), Path, description = "Which.")),
    responses((status = 200, description = "What was ended.", body = Ended)),
    security(("token" = ["sessions:write"]))
)]
async fn end(caller: Caller, At(at): At<Address>) -> Result<Json<Ended>, ApiError> {
    Ok(Json(caller.admin.end_session(&caller.actor, at.session).await?.into()))
}
