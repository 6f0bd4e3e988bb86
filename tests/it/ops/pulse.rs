//! What the watchdog hears: each thread that serves, or nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::time::timeout;
use usher::server::{Dispatch, Live};

use crate::support::ask::Ask;
use crate::support::gateway::Gateway;

#[tokio::test]
async fn a_thread_that_hangs_stops_the_beats_and_one_that_ended_as_told_does_not() {
    let gateway = Gateway::start().await;
    let pulse = gateway.serving.as_ref().unwrap().pulse();
    let beats = async || timeout(Duration::from_secs(10), pulse.beat()).await.is_ok();
    assert!(beats().await && beats().await, "every thread turns");

    // A page that computes until it is told to stop.
    let (begin, mut reached) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, told) = mpsc::channel::<()>();
    let told = Arc::new(Mutex::new(told));
    let page = move || {
        begin.send(()).unwrap();
        let _ = told.lock().unwrap().recv();
        async {}
    };
    let hosts = BTreeMap::from([("stuck.acme.example".to_owned(), Router::new().route("/", get(page)))]);
    let dispatch = Dispatch { proxy: Arc::clone(&gateway.proxy), hosts };
    gateway.live.store(Arc::new(Live { dispatch, tls: None, trusted_proxies: vec![] }));
    let asked = tokio::spawn(Ask::to("stuck.acme.example", "GET", "/").send(gateway.address));
    reached.recv().await.unwrap();
    for _ in 0..3 {
        assert!(timeout(Duration::from_millis(50), pulse.beat()).await.is_err(), "one of two hangs");
    }
    drop(go_on);
    assert!(beats().await, "it goes on");
    assert_eq!(asked.await.unwrap().status, 200);

    gateway.finish().await;
    assert!(beats().await, "threads that were told to end keep nobody waiting");
}
