//! Whether the threads that serve still turn. A thread answers for thousands of people, and nobody notices one that hangs but they.

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// The threads of a listener, to be asked for a sign of life.
#[derive(Debug, Clone)]
pub struct Pulse {
    pub(super) threads: Vec<Handle>,
    pub(super) shutdown: CancellationToken,
}

impl Pulse {
    /// Waits until every thread has come round to a piece of work between two requests. For one that hangs, or died, it waits for ever; one that has ended
    /// because it was told to counts as well.
    pub async fn beat(&self) {
        let answers = join_all(self.threads.iter().map(|thread| thread.spawn(async {}))).await;
        if answers.iter().any(Result::is_err) {
            self.shutdown.cancelled().await;
        }
    }
}
