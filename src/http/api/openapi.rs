//! The document: what utoipa reads from the handlers, and what is the same for all of them.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Info, OpenApi, OpenApiBuilder, OpenApiVersion, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::error::{FieldFault, Problem};
use super::schema;

/// The name of the security scheme; each operation names its scope beside it.
const TOKEN: &str = "token";
const ABOUT: &str = "Everything that the console of Usher can do, for programs. \
     Each token belongs to one organization; whatever is another's does not exist. \
     Errors are problem documents (RFC 9457); decide by `status` and `reason`. \
     What is not known in a query or a body is refused. \
     The beginner's page is `docs/api.md`.";

/// The text of the document, made once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| text().into());

/// The text of the document.
pub(crate) fn text() -> String {
    // Only a map whose keys are no text could fail, and there is none.
    document().to_pretty_json().unwrap_or_default()
}

fn document() -> OpenApi {
    let (_, mut document) = super::all(|inside| inside).split_for_parts();
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    components.schemas.insert("FieldFault".to_owned(), FieldFault::schema());
    let mut more = Vec::new();
    Problem::schemas(&mut more);
    components.schemas.extend(more);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ush_…").description(Some("An API token.")).build();
    components.security_schemes.insert(TOKEN.to_owned(), SecurityScheme::Http(bearer).into());
    for (address, item) in &mut document.paths.paths {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch, &mut item.head, &mut item.options];
        for operation in operations.into_iter().flatten() {
            complete(address, operation);
        }
    }
    document
}

/// What the document says of itself.
pub(super) fn about() -> OpenApi {
    let info = Info::builder().title("Usher Admin API").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT)).build();
    OpenApiBuilder::new().openapi(OpenApiVersion::Version31).info(info).build()
}

/// Adds what is so for every operation: the organization of its address, what can go wrong, and how it is told.
fn complete(address: &str, operation: &mut Operation) {
    let mut wrong = vec![("503", "Usher cannot do it right now; nothing was changed. `Retry-After` says when to try again.")];
    if address.contains("{organization}") {
        operation.parameters.get_or_insert_default().insert(0, organization().into());
        wrong.push(("400", "The address or the body cannot be read."));
        wrong.push((
            "401",
            "There is no token that counts: `token_missing`, `token_unknown`, `token_expired`, `token_revoked`, `token_owner_left`.",
        ));
        wrong.push(("403", "The token has not the scope, or its owner's role ranks too low."));
        wrong.push(("404", "There is no such thing in the token's organization."));
        wrong.push(("429", "Too many requests of this address, or with this token. `Retry-After` says when to go on."));
        wrong.push(("422", "The query or the body cannot be used; `faults` says why."));
    }
    if operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "If-Match")) {
        wrong.push(("412", "It was changed meanwhile: get it again."));
        wrong.push(("428", "`If-Match` is missing."));
    }
    if operation.request_body.is_some() {
        wrong.push(("413", "The body is larger than 256 KiB."));
        wrong.push(("415", "The body is not said to be JSON."));
    }
    // A handler says in words what it refuses; how that looks on the wire is the same everywhere.
    if let Some(RefOr::T(refused)) = operation.responses.responses.get_mut("409") {
        *refused = problem(&refused.description);
    }
    for (status, description) in wrong {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
    }
}

fn organization() -> Parameter {
    ParameterBuilder::new()
        .name("organization")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The token's organization, by its short name."))
        .schema(Some(schema::ShortName::schema()))
        .build()
}

/// A problem document, with what it says.
fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// This document (OpenAPI 3.1). Needs no token.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "about",
    responses((status = 200, description = "The document.", body = serde_json::Value))
)]
pub(super) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}
