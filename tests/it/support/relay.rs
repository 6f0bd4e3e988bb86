//! A network that is slow: what is said to a server behind it arrives later, and arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Passes connections on to a server on this machine. Every byte takes its time on the way there, and none on the way back; so does the end of a
/// connection.
pub(crate) struct Relay {
    port: u16,
    delay: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Relay {
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, delay) = (listener.local_addr().unwrap().port(), Arc::<AtomicU64>::default());
        let of_all = Arc::clone(&delay);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let delay = Arc::clone(&of_all);
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                    tokio::join!(pass(from_client, to_server, delay), pass(from_server, to_client, Arc::default()));
                });
            }
        });
        Self { port, delay, accepting }
    }

    /// How long everything takes from now on. What is on its way stays as late as it was.
    pub(crate) fn delay(&self, delay: Duration) {
        self.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// The address of a server, with the way through here in place of its port.
    pub(crate) fn instead_of(&self, port: u16, url: &str) -> String {
        url.replace(&format!(":{port}"), &format!(":{}", self.port))
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Arc<AtomicU64>) {
    let (late, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut piece = vec![0; 16 * 1024];
        loop {
            let read = from.read(&mut piece).await.unwrap_or(0);
            let at = Instant::now() + Duration::from_millis(delay.load(Ordering::SeqCst));
            // Nothing: that was the end, which takes its time as well.
            if late.send((at, piece[..read].to_vec())).is_err() || read == 0 {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
