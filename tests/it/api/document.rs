//! The OpenAPI document: says all that there is, and nothing that is not.

use std::collections::BTreeSet;
use std::path::Path;

use super::{World, operations};

#[tokio::test]
async fn the_document_needs_no_token_and_is_openapi_3_1() {
    let world = World::start().await;
    let document = world.document().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let ids: Vec<String> = operations(&document).into_iter().map(|operation| operation.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id stands for one operation: {ids:?}");
}

#[tokio::test]
async fn every_operation_says_its_scope_and_every_error_answer() {
    let world = World::start().await;
    for operation in operations(&world.document().await) {
        if operation.id == "openapi" {
            continue;
        }
        assert!(operation.scope.is_some(), "{}", operation.id);
        let mut expected = vec![400, 401, 403, 404, 422, 429, 503];
        if operation.body.is_some() {
            expected.extend([413, 415]);
        }
        assert!(expected.iter().all(|status| operation.statuses.contains(status)), "{}: {:?}", operation.id, operation.statuses);
    }
}

/// Routes come from `routes!` alone, which puts them into the document as well; and what the document has is answered.
#[tokio::test]
async fn every_route_is_in_the_document_and_the_other_way_round() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/api");
    let mut handlers = 0;
    for source in sources(&folder) {
        let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        assert!(!code.contains(".route(") && !code.contains(".route_service(") && !code.contains(".nest_service("), "{code}");
        handlers += code.matches("#[utoipa::path(").count();
    }
    let world = World::start().await;
    let token = world.full_token().await;
    let operations = operations(&world.document().await);
    assert_eq!(operations.len(), handlers, "a handler is in no `routes!`");
    for operation in operations {
        let path = operation.path.replace("{organization}", "acme").replace(['{', '}'], "");
        let reply = world.send(world.ask_at(&operation.method, &path).bearer(&token)).await;
        assert_ne!(reply.status, 405, "{}", operation.id);
        assert!(!reply.body.contains("there is no such address"), "{}", operation.id);
    }
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![std::fs::read_to_string(path).unwrap()] }).collect()
}

#[tokio::test]
async fn the_command_line_prints_the_same_document() {
    let world = World::start().await;
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_usher")).arg("openapi").output().unwrap();
    assert!(printed.status.success());
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&printed.stdout).unwrap(), world.document().await);
}

/// Whoever reads the document sees what a problem looks like, whatever the trouble.
#[tokio::test]
async fn every_refusal_is_told_as_a_problem_document() {
    let world = World::start().await;
    let document = world.document().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(_, operation)| operation["responses"].is_object()) {
            for (status, response) in
                operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with(['4', '5']))
            {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
            }
        }
    }
}
