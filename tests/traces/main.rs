//! OpenTelemetry, in a build with the feature `otel`: what the real binary says to a collector, and what a bad collector does to requests.
//!
//! `cargo nextest run --features otel --test traces`. A collector here is a socket: what was sent is searched as bytes, in which texts stand as they are.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

#[allow(unused, reason = "what other tests need of it is not needed here")]
#[path = "../it/support/ask.rs"]
mod ask;
#[allow(unused, reason = "what other tests need of it is not needed here")]
#[path = "../it/support/child.rs"]
mod child;
#[allow(unused, reason = "what other tests need of it is not needed here")]
#[path = "../it/support/echo.rs"]
mod echo;
#[path = "../it/support/port.rs"]
mod port;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use ask::{Ask, Reply};
use echo::Echo;

const ORG: &str = "[parent]\nname = \"Acme\"\n[[organization]]\nid = \"acme\"\nname = \"Acme\"\nplan = \"enterprise\"\nroles = [\"Owner\", \"User\"]\n\
                   seat_tiers = [{ name = \"Standard\", seats = 5 }]\nprovisioning = \"manual\"\n";

/// What a collector answers.
#[derive(Clone, Copy)]
enum Manner {
    Good,
    Nonsense,
    Refusing,
}

/// A collector that keeps what it gets, and answers as often as `answers` has room.
#[derive(Clone)]
struct Collector {
    port: u16,
    got: Arc<Mutex<Vec<u8>>>,
    answers: Arc<Semaphore>,
}

impl Collector {
    async fn start(manner: Manner, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector =
            Self { port: listener.local_addr().unwrap().port(), got: Arc::default(), answers: Arc::new(Semaphore::new(answers)) };
        let this = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().converse(stream, manner));
            }
        });
        collector
    }

    async fn converse(self, mut stream: TcpStream, manner: Manner) {
        let mut piece = [0; 16 * 1024];
        let mut message = Vec::new();
        loop {
            let count = stream.read(&mut piece).await.unwrap_or(0);
            if count == 0 {
                return;
            }
            message.extend_from_slice(&piece[..count]);
            if !is_whole(&message) {
                continue;
            }
            self.got.lock().unwrap().append(&mut message);
            self.answers.acquire().await.unwrap().forget();
            let answer: &[u8] = match manner {
                Manner::Good => b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
                Manner::Nonsense => b"\x16\x03\x01<html>no\r\n\r\n",
                Manner::Refusing => b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            };
            let _ = stream.write_all(answer).await;
        }
    }

    /// How often these bytes stand in what it got.
    fn count(&self, bytes: &[u8]) -> usize {
        self.got.lock().unwrap().windows(bytes.len()).filter(|window| *window == bytes).count()
    }
}

/// Whether a request has come to its end.
fn is_whole(message: &[u8]) -> bool {
    let Some(head) = message.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&message[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    message.len() >= head + 4 + length
}

/// The real binary in front of an app that says what it received.
struct Usher {
    folder: TempDir,
    process: Option<Child>,
    port: u16,
    _app: Echo,
}

impl Drop for Usher {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Usher {
    async fn start(collector: impl Into<Option<u16>>, more: &[(&str, &str)]) -> Self {
        let (app, folder, [port, ops]) = (Echo::start().await, tempfile::tempdir().unwrap(), [port::free_port(), port::free_port()]);
        let usher_toml = format!(
            "public_url = \"http://auth.localhost:{port}\"\ndata_dir = \"data\"\n[server]\nlisten = \"127.0.0.1:{port}\"\n\
             [ops]\nlisten = \"127.0.0.1:{ops}\"\n[[route]]\nhost = \"app.localhost\"\nupstream = \"http://{}\"\n\
             organization = \"acme\"\npublic_paths = [\"/public\"]\n[org]\nfile = \"org.toml\"\n",
            app.address
        );
        std::fs::write(folder.path().join("usher.toml"), usher_toml).unwrap();
        std::fs::write(folder.path().join("org.toml"), ORG).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.arg("serve").current_dir(folder.path()).env_clear().stdin(Stdio::null());
        command.envs(more.iter().copied());
        if let Some(collector) = collector.into() {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{collector}"));
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut usher = Self { folder, process: Some(process), port, _app: app };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(usher.process.as_mut().unwrap().try_wait().unwrap().is_none(), "{}", usher.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        usher
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    async fn ask(&self, ask: Ask) -> Reply {
        ask.send(SocketAddr::from(([127, 0, 0, 1], self.port))).await
    }

    async fn ask_public(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(self.ask(Ask::to("app.localhost", "GET", "/public")).await.status, 200, "{}", self.log());
        }
    }

    /// SIGTERM, and the end of the process: it sends what it still has.
    async fn stop(mut self) -> String {
        let mut process = self.process.take().unwrap();
        child::signal(process.id(), "TERM");
        let status = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}\n{}", self.log());
        self.log()
    }
}

#[tokio::test]
async fn a_span_goes_on_with_the_callers_trace_and_says_nothing_of_the_person() {
    let collector = Collector::start(Manner::Good, 1000).await;
    let usher = Usher::start(collector.port, &[]).await;
    let (trace, caller) = ([0x4b; 16], [0x17; 8]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let planted = ["planted-path", "planted-query", "planted-cookie", "planted-token", "planted-agent", "planted-body", "192.0.2.77"];
    let ask = Ask::to("app.localhost", "POST", "/public/planted-path?a=planted-query")
        .header("traceparent", &format!("00-{}-{}-01", hex(&trace), hex(&caller)))
        .header("tracestate", "vendor=planted-state")
        .header("baggage", "person=planted-baggage")
        .header("Cookie", "__Host-usher=planted-cookie")
        .header("Authorization", "Bearer planted-token")
        .header("User-Agent", "planted-agent")
        .header("Referer", "https://app.localhost/planted-path")
        .header("X-Forwarded-For", "192.0.2.77")
        .body("planted-body");
    let reply = usher.ask(ask).await;
    let received = reply.received();
    let [parent] = received.all("traceparent")[..] else { panic!("{received:?}") };
    assert!(parent.starts_with(&format!("00-{}-", hex(&trace))) && !parent.contains(&hex(&caller)), "{parent}");
    let request_id = reply.header("x-request-id").unwrap().to_owned();
    // Signed out, at a path that is not public.
    usher.ask(Ask::to("app.localhost", "GET", "/planted-path")).await;
    let log = usher.stop().await;

    for said in [&trace[..], &caller, b"POST", b"app.localhost", b"http.response.status_code", request_id.as_bytes(), b"usher"] {
        assert!(collector.count(said) > 0, "{:?} was not sent: {log}", String::from_utf8_lossy(said));
    }
    assert_eq!(collector.count(b"http.request.method"), 2);
    let body_of = |text: &str| text.as_bytes().to_vec();
    for secret in planted.map(body_of).iter().chain(&[body_of("planted-baggage"), body_of("/public")]) {
        assert_eq!(collector.count(secret), 0, "{} was sent", String::from_utf8_lossy(secret));
    }
}

/// If a request waited for any of these, or the end of the process did for longer than a moment, this test would never end.
#[tokio::test]
async fn no_request_waits_for_a_collector_that_is_down_silent_or_talks_nonsense() {
    let soon = [("OTEL_BSP_SCHEDULE_DELAY", "1")];
    for (manner, answers) in [(Manner::Good, 0), (Manner::Nonsense, 1000), (Manner::Refusing, 1000)] {
        let collector = Collector::start(manner, answers).await;
        let usher = Usher::start(collector.port, &soon).await;
        usher.ask_public(1).await;
        while collector.count(b"http.request.method") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        usher.ask_public(50).await;
        usher.stop().await;
    }
    let nobody = port::free_port();
    let usher = Usher::start(nobody, &soon).await;
    usher.ask_public(50).await;
    usher.stop().await;
}

#[tokio::test]
async fn spans_that_wait_for_a_collector_are_so_many_and_no_more() {
    let collector = Collector::start(Manner::Good, 0).await;
    let more = [("OTEL_BSP_SCHEDULE_DELAY", "1"), ("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")];
    let usher = Usher::start(collector.port, &more).await;
    usher.ask_public(1).await;
    while collector.count(b"http.request.method") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    usher.ask_public(100).await;
    collector.answers.add_permits(1000);
    usher.stop().await;
    let sent = collector.count(b"http.request.method");
    assert!((5..=20).contains(&sent), "{sent} of 101");
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_sent_and_the_callers_trace_passes_as_it_came() {
    let usher = Usher::start(None, &[]).await;
    let parent = "00-4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b-1717171717171717-01";
    let reply = usher.ask(Ask::to("app.localhost", "GET", "/public").header("traceparent", parent)).await;
    assert_eq!(reply.received().all("traceparent"), [parent]);
    usher.stop().await;
}
