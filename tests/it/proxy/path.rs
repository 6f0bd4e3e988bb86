//! The path that is judged is the path that is sent, or the request is 400 (gateway.md, acceptance test 2).

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::ask::{Ask, exchange};
use crate::support::gateway::Gateway;

#[test]
fn the_path_judged_is_the_path_sent() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let gateway = runtime.block_on(Gateway::start());
    // Below a public path without a session: who gets an answer from the app was judged to be below that path.
    let piece = prop_oneof![
        "[a-z0-9._~!$&'()*+,;=:@-]{1,4}",
        "%[0-9a-fA-F]{2}",
        Just("/".to_owned()),
        Just("//".to_owned()),
        Just("..".to_owned()),
        Just("/../".to_owned()),
        Just("%2e".to_owned()),
        Just("%252e%252e%252f".to_owned()),
        Just("\\".to_owned()),
        Just("?".to_owned()),
        Just("%".to_owned()),
    ];
    let paths = (
        prop_oneof![Just("/healthz"), Just("/healthz/"), Just("/"), Just("/healthz%2f"), Just("/x/healthz")],
        prop::collection::vec(piece, 0..6),
    )
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&paths, |path| {
            let reply = runtime.block_on(gateway.ask(Ask::get(&path)));
            match reply.status {
                200 => {
                    let received = reply.received();
                    prop_assert_eq!(&received.line, &format!("GET {path} HTTP/1.1"));
                    let judged = path.split('?').next().unwrap();
                    prop_assert!(judged == "/healthz" || judged.starts_with("/healthz/"), "{}", judged);
                    let climbs = percent_encoding::percent_decode_str(judged).collect::<Vec<u8>>();
                    prop_assert!(!climbs.split(|b| *b == b'/').any(|segment| segment == b".."), "{}", judged);
                }
                400 | 401 => {}
                other => prop_assert!(false, "{} for {}", other, path),
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn what_two_parsers_read_differently_is_refused_for_members_too() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    for path in ["/a/../b", "/a%2Fb", "/a%5Cb", "/a%00b", "/a%23b", "//a", "/a/%2e%2e/b", "/%252e%252e/", "/..;/x", "/a\\b"] {
        let reply = gateway.ask(Ask::get(path).cookie(&token)).await;
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.json()["incident"].as_str().unwrap().starts_with("inc_"));
    }
    for path in ["/a%20b/%C3%A4?x=%2F..%00", "/a//b", "/?..", "/%7Eada"] {
        assert_eq!(gateway.ask(Ask::get(path).cookie(&token)).await.received().line, format!("GET {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_request_line_that_is_no_request_line_never_reaches_an_app() {
    let gateway = Gateway::start().await;
    for line in [
        "GET  /healthz HTTP/1.1",
        "GET /healthz",
        "GET /he althz HTTP/1.1",
        "GET * HTTP/1.1",
        "CONNECT app.acme.example:443 HTTP/1.1",
        "GET healthz HTTP/1.1",
    ] {
        let request = format!("{line}\r\nHost: app.acme.example\r\nConnection: close\r\n\r\n");
        let reply = exchange(gateway.address, request.as_bytes()).await;
        assert!(reply.status == 400 || reply.status == 0, "{line}: {reply:?}");
    }
    assert_eq!(gateway.app.seen.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}
