//! A small listener for our own systems: few connections, short requests, none of them slow.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at a time; more wait.
const MAX_CONNECTIONS: usize = 64;
/// How long the head of a request may take, and how long a connection may live: a scraper opens a new one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_mins(2);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Answers until `shutdown`.
pub async fn serve_small(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors does not go away by asking at once.
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
            let _ = tokio::time::timeout(LIFE, builder.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        });
    }
}
