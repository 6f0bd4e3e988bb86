//! What the nodes tell each other: published to all who listen now, and not kept.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use redis::RedisError;
use tokio::sync::broadcast;

use super::connect::Servers;
use crate::core::describe;
use crate::store::ephemeral::Published;

/// Messages that may wait for a slow reader; more than that, and it is told that it missed some.
pub(super) const WAITING: usize = 4096;
/// How often the server is asked whether it still hears us: a connection that is cut without a word delivers nothing, and says nothing either.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) fn channel(prefix: &str) -> String {
    format!("{prefix}news")
}

/// Listens for ever. Whenever messages may have been missed, that is said too.
pub(super) async fn listen(servers: Servers, channel: String, published: broadcast::Sender<Published>) {
    let mut is_down = false;
    loop {
        if let Err(error) = listen_once(&servers, &channel, &published, &mut is_down).await
            && !std::mem::replace(&mut is_down, true)
        {
            tracing::warn!(error = describe(&error), "what other nodes say is not heard; what is cached gets old until it is");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(
    servers: &Servers,
    channel: &str,
    published: &broadcast::Sender<Published>,
    is_down: &mut bool,
) -> Result<(), RedisError> {
    let mut connection = servers.listen().await?;
    connection.subscribe(channel).await?;
    // Whatever was said before this moment was said to others.
    published.send(Published::Gap).ok();
    if std::mem::take(is_down) {
        tracing::info!("what other nodes say is heard again");
    }
    let (mut sink, mut stream) = connection.split();
    let mut ping = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(message) => drop(published.send(Published::Message(Bytes::copy_from_slice(message.get_payload_bytes())))),
                None => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
            },
            _ = ping.tick() => {
                let answer = tokio::time::timeout(PING_TIMEOUT, sink.ping::<redis::Value>());
                answer.await.map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))??;
            }
        }
    }
}
