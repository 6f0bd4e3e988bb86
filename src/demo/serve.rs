//! Plain HTTP for the sample app, on a loopback port of its own.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Serves a router until the caller drops this future, and every connection with it.
pub async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        // A connection that could not be accepted is its client's trouble; too many open files pass, so wait for one to close.
        let Ok((stream, _)) = listener.accept().await else {
            connections.join_next().await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(async move {
            let connection = Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            if let Err(error) = connection {
                tracing::debug!(%error, "a connection of the sample app broke off");
            }
        });
    }
}
