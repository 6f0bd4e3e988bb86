//! What a node has counted, when it reads its files again.

use std::collections::BTreeMap;

use super::{Files, Node, Site, ada, org_toml};
use crate::support::ask::Ask;
use crate::support::echo::Echo;
use crate::support::port::free_port;

/// Everything that only grows, by series.
async fn counts(node: &Node) -> BTreeMap<String, f64> {
    let text = Ask::to("localhost", "GET", "/metrics").send(([127, 0, 0, 1], node.ops).into()).await.body;
    let ends = ["_total", "_count", "_sum", "_bucket"];
    let series = text.lines().filter_map(|line| line.rsplit_once(' '));
    let counted = series.filter(|(series, _)| ends.iter().any(|end| series.split('{').next().unwrap().ends_with(end)));
    counted.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
}

/// Whoever reloads every hour, for a certificate, would never see what happened between the last look and the reload.
#[tokio::test]
async fn a_reload_counts_on_what_is_still_there() {
    let (app, port) = (Echo::start().await, free_port());
    let second = format!("[[route]]\nhost = \"second.localhost\"\nupstream = \"http://{}\"\norganization = \"acme\"\n", app.address);
    let files = Files { public: port, port, ops: free_port(), app: app.address, top: "", server: "", more: &second };
    let node = Node::start(&files, &org_toml("")).await;
    ada(&Site { port }).await;
    for host in ["app.localhost", "second.localhost"] {
        assert_eq!(node.ask(Ask::to(host, "GET", "/")).await.status, 401);
    }
    assert_eq!(node.ask(Ask::to("app.localhost", "GET", "/public")).await.status, 200);
    let before = counts(&node).await;
    let grown = |start: &str| before.iter().any(|(series, value)| series.starts_with(start) && *value > 0.0);
    for start in ["usher_logins_total{", "usher_proxy_refused_total{route=\"app", "usher_proxy_request_duration_seconds_count{route=\"app"]
    {
        assert!(grown(start), "{start}: {before:?}");
    }

    std::fs::write(node.path("usher.toml"), Files { more: "", ..files }.usher_toml()).unwrap();
    node.reload().await;
    let after = counts(&node).await;
    for (series, value) in before.iter().filter(|(series, _)| !series.contains("second.localhost")) {
        assert!(after.get(series).is_some_and(|now| now >= value), "{series}: {value}, then {:?}", after.get(series));
    }
    assert!(after.keys().all(|series| !series.contains("second.localhost")), "a route that is gone is not shown");
    assert_eq!(node.ask(Ask::to("app.localhost", "GET", "/public")).await.status, 200);
    let passed = "usher_proxy_request_duration_seconds_count{route=\"app.localhost\"}";
    assert_eq!(counts(&node).await.get(passed), before.get(passed).map(|count| count + 1.0).as_ref(), "and it goes on from there");
}
